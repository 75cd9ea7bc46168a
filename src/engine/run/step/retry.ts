import { backoffDelay } from '../../../lib/time/index.ts'
import type { RetryPolicy } from '../../block/index.ts'
import type { StepFailure } from '../../record/index.ts'

export type RetryDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'giveUp' }

/** What E6 needs to know of a failed attempt. */
export interface FailedAttempt {
  readonly policy: RetryPolicy
  readonly failure: StepFailure
  /** The attempt that failed, from 1. */
  readonly attempt: number
  /** What the node's `retryIf` says of this failure; true when it has none. */
  readonly isWanted: boolean
  /** In [0, 1). */
  readonly random: number
}

const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000

/**
 * E6: a failure that cannot be mended by trying again is never retried; the rest are, up to `maxAttempts`, after the
 * provider's own wish where it names one and a jittered backoff otherwise.
 */
export function decideRetry({ policy, failure, attempt, isWanted, random }: FailedAttempt): RetryDecision {
  if (!failure.retryable || !isWanted || attempt >= policy.maxAttempts) return { kind: 'giveUp' }
  if (failure.retryAfterMs !== undefined) {
    return { kind: 'retry', delayMs: Math.min(failure.retryAfterMs, MAX_RETRY_AFTER_MS) }
  }
  return { kind: 'retry', delayMs: backoffDelay(policy, attempt, random) }
}
