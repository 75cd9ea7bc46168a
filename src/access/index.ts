/** Identifies the caller and what it may do, and keeps the secrets of each owner. */
export { createApiKeys, type ApiKeys } from './api-keys.ts'
export {
  createAuthenticator,
  isAuthenticated,
  NO_AUTHENTICATION,
  type AuthenticationSettings,
  type Authenticator,
} from './authenticator.ts'
export { createDefinitionReader } from './definition-reader.ts'
export { readEnvironmentSecrets, SECRET_VARIABLES } from './environment-secrets.ts'
export { AuthenticationUnavailableError, UnauthenticatedError } from './errors.ts'
export { isLoopback, requireSafeHost } from './host-policy.ts'
export type { JwtSettings } from './jwt.ts'
export { parseSecretKey } from './secret-cipher.ts'
export { openSecretCipher } from './secret-keys.ts'
export {
  createSecretVault,
  SECRET_MAX_LENGTH,
  SECRET_MIN_LENGTH,
  SECRET_NAME,
  type SecretEntry,
  type SecretVault,
} from './secrets.ts'
export { readSettingsKeys } from './settings-keys.ts'
export { expiryOf, isAtLeast, rightsOf, ROLES, type ApiKeyId, type Role, type Viewer } from './viewer.ts'
