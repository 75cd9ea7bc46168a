import { BlockError } from '../../../engine/block/index.ts'
import type { JsonObject } from '../../../lib/json/index.ts'
import { shorten } from '../../../lib/text/index.ts'

/**
 * What a provider's refusal comes to, for whoever has to act on it; the code that a step fails with follows from it.
 * `unavailable` is the one that does not say whether the call took effect.
 */
const FAILURES = {
  unauthorized: { code: 'PROVIDER_UNAUTHORIZED', isTransient: false },
  forbidden: { code: 'PROVIDER_FORBIDDEN', isTransient: false },
  outOfCredits: { code: 'PROVIDER_OUT_OF_CREDITS', isTransient: false },
  invalidRequest: { code: 'PROVIDER_REQUEST_INVALID', isTransient: false },
  notFound: { code: 'PROVIDER_NOT_FOUND', isTransient: false },
  refused: { code: 'PROVIDER_REFUSED', isTransient: false },
  rateLimited: { code: 'PROVIDER_RATE_LIMITED', isTransient: true },
  unavailable: { code: 'PROVIDER_UNAVAILABLE', isTransient: true },
} as const
export type FailureKind = keyof typeof FAILURES
export const FAILURE_KINDS = Object.keys(FAILURES) as FailureKind[]

/** A provider's refusal in its own words. */
export interface ProviderFailure {
  readonly kind: FailureKind
  readonly message: string
  /** The provider's name for it, such as `invalid-token`. */
  readonly reason?: string
  /** How long it asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number
  /** Further facts, such as a trace id; never secrets. */
  readonly details?: JsonObject
}

/** Whoever asks for more than that is not waited for: the step fails and says so. */
export const MAX_RETRY_AFTER_MS = 15 * 60_000
const MAX_MESSAGE_LENGTH = 500

export interface FailureFacts {
  /** As people write it: `Apify`. */
  readonly provider: string
  readonly failure: ProviderFailure
  readonly status: number | null
  /** Whether the call may be made again when it may have taken effect. */
  readonly isRepeatable: boolean
  /** Providers repeat it in their messages; nothing that is recorded does. */
  readonly credential: string
}

/**
 * The error of a step whose call a provider refused. A call that may have taken effect and must not be repeated is
 * `CALL_OUTCOME_UNKNOWN`: whether it is made again is then for the node to say (E13).
 */
export function providerError(facts: FailureFacts): BlockError {
  const { provider, failure, status, isRepeatable, credential } = facts
  const { kind, reason, retryAfterMs } = failure
  const { code, isTransient } = FAILURES[kind]
  const words = wordsOf(failure.message, credential)
  const isUnknown = kind === 'unavailable' && !isRepeatable
  const isTooLong = retryAfterMs !== undefined && retryAfterMs > MAX_RETRY_AFTER_MS
  const details = {
    provider,
    ...(status !== null && { status }),
    ...(reason !== undefined && { reason: wordsOf(reason, credential) }),
    ...(isTooLong && { retryAfterMs }),
    ...failure.details,
  }
  return new BlockError(
    isUnknown ? 'CALL_OUTCOME_UNKNOWN' : code,
    `${provider} ${isUnknown ? 'may or may not have done it' : SAYS[kind]}: ${words}`,
    {
      retryable: isTransient && !isTooLong,
      details,
      ...(retryAfterMs !== undefined && !isTooLong && { retryAfterMs }),
    },
  )
}

const SAYS: { readonly [Kind in FailureKind]: string } = {
  unauthorized: 'does not take the key',
  forbidden: 'does not allow this with the key',
  outOfCredits: 'has no credits left for the key',
  invalidRequest: 'does not understand the request',
  notFound: 'does not have it',
  refused: 'refused',
  rateLimited: 'asks for fewer calls',
  unavailable: 'is not available',
}

/** A provider's words, fit to be recorded: short, without the credential and without what could not be stored. */
export function wordsOf(text: string, credential: string): string {
  const safe = credential === '' ? text : text.replaceAll(credential, '[secret]')
  return shorten(safe.trim(), MAX_MESSAGE_LENGTH)
}
