import {
  AuthenticationUnavailableError,
  UnauthenticatedError,
  type Authenticator,
  type Viewer,
} from '../../access/index.ts'
import type { Outage } from '../../db/outage/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import { RefusedRequestError, SERVICE_UNAVAILABLE } from '../intake/index.ts'
import type { RateLimit } from '../limits/index.ts'
import { KnownCredentials } from './known-credentials.ts'

/** How long to wait before a token is sent again that could not be checked. */
const UNAVAILABLE_RETRY_S = 5

/** Who is let in: the same for HTTP, server-sent events and WebSockets. Refuses with a `RefusedRequestError`. */
export interface Gate {
  /** Who comes with this credential. Attempts with bad ones are counted by `sender`. */
  admit(credential: string | null, sender: string): Promise<Viewer>
  /** Counts a page for a client without a credential. */
  countPage(sender: string): Promise<void>
  /** Counts an operation of an admitted viewer; the local user is counted by `sender`. */
  count(viewer: Viewer, sender: string): Awaitable<void>
  /** Calls back once, when the credential expires or is revoked; returns what ends the watch. */
  watch: Authenticator['watch']
}

export interface GateOptions {
  readonly authenticator: Authenticator
  readonly rateLimit: RateLimit
  /** Counts pages, which are served also where requests have no limit. */
  readonly pageLimit: RateLimit
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Pick<Logger, 'warn'>
  /** Receives the errors of the database that look-ups of credentials meet. */
  readonly outage: Pick<Outage, 'takes'>
}

export function createGate(options: GateOptions): Gate {
  const { authenticator, rateLimit, pageLimit, clock, logger, outage } = options
  const known = new KnownCredentials(clock)
  let lastFailure: unknown = null
  const pass = (waitMs: number) => {
    if (waitMs > 0) throw tooMany(waitMs)
  }
  return {
    async admit(credential, sender) {
      const failures = `failures of ${sender}`
      const isLookedUp = authenticator.isLookedUp(credential)
      // Whoever guesses costs no more statements once the limit is reached; those that were good here are asked for still.
      if (isLookedUp && credential !== null && !known.has(credential)) pass(await rateLimit.look(failures))
      try {
        const viewer = await authenticator.authenticate(credential)
        if (isLookedUp && credential !== null) known.add(credential)
        return viewer
      } catch (fault) {
        if (fault instanceof UnauthenticatedError) {
          if (credential !== null) known.delete(credential)
          pass(await rateLimit.count(failures))
          throw unauthenticated(fault)
        }
        if (fault instanceof AuthenticationUnavailableError) {
          // Many tokens share one failure of the issuer.
          if (fault.cause !== lastFailure)
            logger.warn({ err: fault.cause }, 'the keys of the token issuer could not be read')
          lastFailure = fault.cause
          pass(await rateLimit.count(failures))
          throw unavailable(fault)
        }
        // Nothing is known of the credential.
        if (outage.takes(fault)) throw new RefusedRequestError(SERVICE_UNAVAILABLE, { cause: fault })
        throw fault
      }
    },
    countPage: async (sender) => pass(await pageLimit.count(sender)),
    count({ authentication, credentialId }, sender) {
      const wait = rateLimit.count(authentication === 'LOCAL' ? sender : credentialId)
      return wait instanceof Promise ? wait.then(pass) : pass(wait)
    },
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
