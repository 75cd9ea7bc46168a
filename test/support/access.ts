import type { AuthenticationSettings } from '../../src/access/authenticator.ts'
import { hashOf } from '../../src/access/key-text.ts'
import type { Role } from '../../src/access/viewer.ts'
import type { ManualClock } from './manual-clock.ts'
import { signWithSecret } from './token-issuer.ts'

export const JWT_SECRET = 'the secret that issuer and server share'

/** The key of an owner and role in the settings below; long enough, and easy to tell apart. */
export function settingsKey(owner: string, role: Role): string {
  return `key of ${owner} as ${role}`.replaceAll(' ', '-').padEnd(40, '.')
}

/** Keys of all roles for two owners, and tokens under a secret. */
export const AUTHENTICATION: AuthenticationSettings = {
  keys: ['acme', 'globex'].flatMap((owner) =>
    (['VIEWER', 'EDITOR', 'ADMIN'] as const).map((role) => ({
      owner,
      role,
      hash: hashOf(settingsKey(owner, role)),
    })),
  ),
  jwt: {
    key: { kind: 'secret', secret: JWT_SECRET },
    issuer: null,
    audience: null,
    ownerClaim: 'sub',
    roleClaim: 'lume_role',
    defaultRole: 'VIEWER',
  },
  isRequired: false,
}

/** A token that is good for so long. */
export function tokenFor(
  clock: Pick<ManualClock, 'now'>,
  { owner, role, forS }: { owner: string; role: Role; forS: number },
): Promise<string> {
  return signWithSecret(JWT_SECRET, {
    sub: owner,
    lume_role: role,
    exp: Math.floor(clock.now() / 1000) + forS,
  })
}

export function bearer(credential: string): { readonly authorization: string } {
  return { authorization: `Bearer ${credential}` }
}
