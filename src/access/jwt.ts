import { createSecretKey } from 'node:crypto'
import { jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose'
import { codeOf, ownerId } from '../lib/index.ts'
import { isStorableText } from '../lib/json/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { AuthenticationUnavailableError } from './errors.ts'
import { createIssuerKeys } from './issuer-keys.ts'
import { parseRole, type Role, type Viewer } from './viewer.ts'

/** How tokens are checked, and which of their claims say who somebody is. */
export interface JwtSettings {
  /** Either a secret that issuer and server share, or where the issuer publishes its public keys. */
  readonly key:
    | { readonly kind: 'secret'; readonly secret: string }
    | { readonly kind: 'jwks'; readonly url: string }
  readonly issuer: string | null
  readonly audience: string | null
  /** The claim that names the owner. A claim of exactly this name comes first; else dots lead into objects. */
  readonly ownerClaim: string
  readonly roleClaim: string
  /** Of tokens without that claim. */
  readonly defaultRole: Role
}

/** Never both kinds, never `none`: a public key must not be taken for a shared secret. */
const ALGORITHMS = {
  secret: ['HS256', 'HS384', 'HS512'],
  jwks: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
} as const

/** How far the issuer's clock may be off. */
const TOLERANCE_S = 5
const OWNER_MAX_LENGTH = 200

/** What `jose` says of a token that is not good; any other fault is one of reading the issuer's keys. */
const TOKEN_FAULTS = new Set([
  'ERR_JWT_CLAIM_VALIDATION_FAILED',
  'ERR_JWT_EXPIRED',
  'ERR_JWT_INVALID',
  'ERR_JWS_INVALID',
  'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  'ERR_JOSE_ALG_NOT_ALLOWED',
  'ERR_JOSE_NOT_SUPPORTED',
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
])

/** Tells who comes with a token; null when it is not good. Throws `AuthenticationUnavailableError`. */
export function createJwtVerifier(
  settings: JwtSettings,
  clock: Pick<Clock, 'now'>,
): (token: string) => Promise<Viewer | null> {
  const key = keyOf(settings, clock)
  return async (token) => {
    const payload = await verify(token, key, {
      algorithms: [...ALGORITHMS[settings.key.kind]],
      ...(settings.issuer === null ? {} : { issuer: settings.issuer }),
      ...(settings.audience === null ? {} : { audience: settings.audience }),
      requiredClaims: ['exp'],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(clock.now()),
    })
    return payload && viewerOf(payload, settings)
  }
}

function keyOf({ key }: JwtSettings, clock: Pick<Clock, 'now'>): JWTVerifyGetKey {
  if (key.kind === 'jwks') return createIssuerKeys(key.url, clock)
  const secret = createSecretKey(key.secret, 'utf8')
  return async () => secret
}

async function verify(
  token: string,
  key: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload | null> {
  try {
    return (await jwtVerify(token, key, options)).payload
  } catch (fault) {
    if (TOKEN_FAULTS.has(codeOf(fault) ?? '')) return null
    throw new AuthenticationUnavailableError({ cause: fault })
  }
}

function viewerOf(payload: JWTPayload, settings: JwtSettings): Viewer | null {
  const { exp, sub } = payload
  const owner = claimOf(payload, settings.ownerClaim)
  const named = claimOf(payload, settings.roleClaim)
  const role = named === undefined ? settings.defaultRole : parseRole(named)
  if (!isOwner(owner) || !role || exp === undefined) return null
  return {
    ownerId: ownerId(owner),
    role,
    name: sub ?? owner,
    credentialId: `jwt ${JSON.stringify([owner, sub])}`,
    authentication: 'JWT',
    expiresAt: (exp + TOLERANCE_S) * 1000,
  }
}

function isOwner(claim: unknown): claim is string {
  return (
    typeof claim === 'string' && claim.length > 0 && claim.length <= OWNER_MAX_LENGTH && isStorableText(claim)
  )
}

function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name]
  return name.split('.').reduce<unknown>((value, part) => {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, part)
    return isObject ? (value as Record<string, unknown>)[part] : undefined
  }, payload)
}
