import { LumeError } from '../lib/index.ts'
import { isAuthenticated, type AuthenticationSettings } from './authenticator.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

/** Whether only this machine can reach a server that listens there. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/** Throws `HOST_NOT_LOOPBACK` if other machines can reach the host and authentication is off. */
export function requireSafeHost(host: string, authentication: AuthenticationSettings): void {
  if (isLoopback(host) || isAuthenticated(authentication)) return
  throw new LumeError(
    'HOST_NOT_LOOPBACK',
    `HOST=${host} is refused: without authentication, every client that reaches the port may do everything; set LUME_API_KEYS, ` +
      'LUME_JWT_SECRET or LUME_JWT_JWKS_URL, or LUME_REQUIRE_AUTHENTICATION=yes if keys are stored already (docs/security.md)',
  )
}
