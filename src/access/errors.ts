import { LumeError } from '../lib/index.ts'

/** There is no credential, or it is not good: unknown, revoked, expired, or not for this server. The four are not told apart. */
export class UnauthenticatedError extends LumeError {
  /** Whether a credential came at all. */
  readonly isRejected: boolean

  constructor({ isRejected }: { isRejected: boolean }) {
    super(
      'UNAUTHENTICATED',
      isRejected
        ? 'This credential is not valid, or not any more.'
        : 'Send a credential: `Authorization: Bearer …` with an API key or a token.',
    )
    this.isRejected = isRejected
  }
}

/** Whether the credential is good cannot be told now: the issuer's keys cannot be read. */
export class AuthenticationUnavailableError extends LumeError {
  constructor(options: ErrorOptions) {
    super('AUTHENTICATION_UNAVAILABLE', 'Tokens cannot be checked now; try again in a while.', options)
  }
}
