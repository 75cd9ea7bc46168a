export { createApiKeys, type ApiKeys } from './api-keys.ts'
export {
  createAuthenticator,
  isAuthenticated,
  NO_AUTHENTICATION,
  type AuthenticationSettings,
  type Authenticator,
} from './authenticator.ts'
export { AuthenticationUnavailableError, UnauthenticatedError } from './errors.ts'
export type { JwtSettings } from './jwt.ts'
export { readSettingsKeys } from './settings-keys.ts'
export { expiryOf, isAtLeast, ROLES, type ApiKeyId, type Role, type Viewer } from './viewer.ts'
