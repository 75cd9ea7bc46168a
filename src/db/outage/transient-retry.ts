import { setMaxListeners } from 'node:events'
import { backoffDelay, type Backoff, type Clock } from '../../lib/time/index.ts'
import { faultKindOf, isTransient } from '../sql/index.ts'
import type { Outage } from './outage.ts'

/** The delays between two attempts of one call while the database fails. */
export const OUTAGE_BACKOFF: Backoff = { initialDelayMs: 50, factor: 2, maxDelayMs: 1_000 }
/** The delays after a deadlock or a serialization failure, which another transaction caused that is over by then. */
const CONFLICT_BACKOFF: Backoff = { initialDelayMs: 4, factor: 2, maxDelayMs: 1_000 }
/** The number of conflicts in a row that are normal. More of them count as an outage. */
const NORMAL_CONFLICTS = 5
/** A request repeats a statement at most this many times: then its client learns that the database fails. */
export const REQUEST_MAX_REPEATS = 3

export interface TransientRetryOptions {
  readonly clock: Pick<Clock, 'wait'>
  /** Returns a number from 0 to below 1. */
  readonly random: () => number
  /** Receives the errors that pass. Default: they are not counted. */
  readonly outage?: Pick<Outage, 'takes' | 'repeats'>
}

interface RetryLimits {
  /** Ends the repeats: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Default: without a limit. */
  readonly maxRepeats?: number
}

/**
 * Makes calls to the database, and makes them again while they fail for a reason that passes (see `faultKindOf`), with backoff and jitter, as
 * long as the process lives. Everything that a run awaits of the database goes through here, so that an outage is never reported to an
 * execution as its error.
 */
export class TransientRetry {
  readonly #options: TransientRetryOptions
  readonly #stopped = new AbortController()

  constructor(options: TransientRetryOptions) {
    this.#options = options
    setMaxListeners(0, this.#stopped.signal)
  }

  /**
   * Resolves with what the call resolves with. The call has to bear repetition: an attempt of which the answer was lost may have taken effect.
   * Rejects with any error that does not pass, with the signal's reason, and, beyond `maxRepeats` or after `stop`, with the last error.
   */
  async run<T>(call: () => Promise<T>, limits: RetryLimits = {}): Promise<T> {
    const { outage } = this.#options
    const { signal, maxRepeats = Number.POSITIVE_INFINITY } = limits
    let hasEnded = () => {}
    try {
      for (let failures = 1; ; failures++) {
        try {
          return await call()
        } catch (fault) {
          const kind = faultKindOf(fault)
          if (!isTransient(kind)) throw fault
          const isConflict = kind === 'conflict' && failures <= NORMAL_CONFLICTS
          if (!isConflict) outage?.takes(fault)
          signal?.throwIfAborted()
          if (failures > maxRepeats || this.#stopped.signal.aborted) throw fault
          if (!isConflict && maxRepeats === Number.POSITIVE_INFINITY) {
            hasEnded()
            hasEnded = outage?.repeats() ?? hasEnded
          }
          await this.#pause(kind === 'conflict' ? CONFLICT_BACKOFF : OUTAGE_BACKOFF, failures, signal)
        }
      }
    } finally {
      hasEnded()
    }
  }

  /** From now on each call that fails is made one last time, so that the process can stop. */
  stop(): void {
    this.#stopped.abort(new Error('the process stops'))
  }

  async #pause(backoff: Backoff, failures: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, random } = this.#options
    const stopped = this.#stopped.signal
    const cutShort = signal ? AbortSignal.any([stopped, signal]) : stopped
    await clock.wait(backoffDelay(backoff, failures, random()), cutShort).catch(() => {})
    signal?.throwIfAborted()
  }
}
