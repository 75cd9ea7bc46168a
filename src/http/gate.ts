import {
  AuthenticationUnavailableError,
  UnauthenticatedError,
  type Authenticator,
  type Viewer,
} from '../access/index.ts'
import type { Logger } from '../lib/logger.ts'
import type { RateLimit } from './rate-limit.ts'
import { RefusedRequestError } from './refused-request.ts'

/** How long to wait before a token is sent again that could not be checked. */
const UNAVAILABLE_RETRY_S = 5

/** Who is let in: the same for HTTP, server-sent events and WebSockets. Refuses with a `RefusedRequestError`. */
export interface Gate {
  /** Who comes with this credential. Attempts with bad ones are counted by `sender`. */
  admit(credential: string | null, sender: string): Promise<Viewer>
  /** Counts an operation of somebody who was let in; the local user is counted by `sender`. */
  count(viewer: Viewer, sender: string): Promise<void>
  /** Calls back once, when the credential expires or is revoked; returns what ends the watch. */
  watch: Authenticator['watch']
}

export interface GateOptions {
  readonly authenticator: Authenticator
  readonly rateLimit: RateLimit
  readonly logger: Pick<Logger, 'warn'>
}

export function createGate({ authenticator, rateLimit, logger }: GateOptions): Gate {
  const pass = async (sender: string) => {
    const waitMs = await rateLimit(sender)
    if (waitMs > 0) throw tooMany(waitMs)
  }
  return {
    async admit(credential, sender) {
      try {
        return await authenticator.authenticate(credential)
      } catch (fault) {
        if (fault instanceof UnauthenticatedError) {
          await pass(sender)
          throw unauthenticated(fault)
        }
        if (fault instanceof AuthenticationUnavailableError) {
          logger.warn({ err: fault.cause }, 'the keys of the token issuer could not be read')
          throw unavailable(fault)
        }
        throw fault
      }
    },
    count: ({ authentication, credentialId }, sender) =>
      pass(authentication === 'LOCAL' ? sender : credentialId),
    watch: authenticator.watch,
  }
}

function unauthenticated({ code, message, isRejected }: UnauthenticatedError): RefusedRequestError {
  const challenge = isRejected ? 'Bearer realm="lume", error="invalid_token"' : 'Bearer realm="lume"'
  return new RefusedRequestError({ status: 401, code, message, headers: { 'www-authenticate': challenge } })
}

function unavailable({ code, message }: AuthenticationUnavailableError): RefusedRequestError {
  const headers = { 'retry-after': String(UNAVAILABLE_RETRY_S) }
  return new RefusedRequestError({ status: 503, code, message, headers })
}

function tooMany(waitMs: number): RefusedRequestError {
  const waitS = Math.ceil(waitMs / 1000)
  return new RefusedRequestError({
    status: 429,
    code: 'RATE_LIMITED',
    message: `Too many requests: go on in ${waitS} s.`,
    headers: { 'retry-after': String(waitS) },
  })
}
