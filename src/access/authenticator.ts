import type { OwnerId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import type { ApiKeys } from './api-keys.ts'
import { UnauthenticatedError } from './errors.ts'
import { createJwtVerifier, type JwtSettings } from './jwt.ts'
import { isKeyText } from './key-text.ts'
import { createSettingsKeys, type SettingsKey } from './settings-keys.ts'
import { expiryOf, localViewer, type Viewer } from './viewer.ts'

/** How a server knows its users. */
export interface AuthenticationSettings {
  readonly keys: readonly SettingsKey[]
  readonly jwt: JwtSettings | null
  /** True to ask for a credential also when no key and no token is set up here: stored keys are then the only way in. */
  readonly isRequired: boolean
}

export const NO_AUTHENTICATION: AuthenticationSettings = { keys: [], jwt: null, isRequired: false }

/** Whether a request needs a credential. */
export function isAuthenticated({ keys, jwt, isRequired }: AuthenticationSettings): boolean {
  return isRequired || jwt !== null || keys.length > 0
}

export interface Authenticator {
  /**
   * Who comes with this key or token; null: with none. One that is sent is always checked, also where none is needed.
   * Throws `UnauthenticatedError` and `AuthenticationUnavailableError`.
   */
  authenticate(credential: string | null): Promise<Viewer>
  /** Whether the database is asked for this one. */
  isLookedUp(credential: string | null): boolean
  /** Calls back once, when the credential expires or is revoked; returns what ends the watch. */
  watch(viewer: Viewer, onEnd: () => void): () => void
}

export interface AuthenticatorOptions {
  readonly settings: AuthenticationSettings
  readonly apiKeys: Pick<ApiKeys, 'find' | 'onRevoked'>
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Who comes without a credential where none is needed. */
  readonly localUser: OwnerId
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { settings, apiKeys, clock, localUser } = options
  const findSettingsKey = createSettingsKeys(settings.keys)
  const findToken = settings.jwt ? createJwtVerifier(settings.jwt, clock) : async () => null
  return {
    async authenticate(credential) {
      if (credential === null) {
        if (isAuthenticated(settings)) throw new UnauthenticatedError({ isRejected: false })
        return localViewer(localUser)
      }
      const viewer =
        findSettingsKey(credential) ?? (await apiKeys.find(credential)) ?? (await findToken(credential))
      if (!viewer) throw new UnauthenticatedError({ isRejected: true })
      return viewer
    },
    isLookedUp: (credential) =>
      credential !== null && isKeyText(credential) && findSettingsKey(credential) === null,
    watch(viewer, onEnd) {
      const expiresAt = expiryOf(viewer)
      const ends = [
        ...(expiresAt === null ? [] : [clock.after(Math.max(0, expiresAt - clock.now()), end)]),
        ...(viewer.authentication === 'API_KEY' ? [apiKeys.onRevoked(viewer.keyId, end)] : []),
      ]
      function unwatch() {
        for (const stop of ends.splice(0)) stop()
      }
      function end() {
        unwatch()
        onEnd()
      }
      return unwatch
    },
  }
}
