import { BlockError } from '../../../engine/block/index.ts'
import { backoffDelay, type Backoff, type Clock } from '../../../lib/time/index.ts'

const BACKOFF: Backoff = { initialDelayMs: 500, factor: 2, maxDelayMs: 8_000 }
const MAX_TRIES = 5
/** Whoever asks for more is left to the step's own retries, which hold nothing meanwhile. */
const MAX_WAIT_MS = 60_000

export interface ReadPorts {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly signal: AbortSignal
}

/**
 * Reads again what could not be read for a passing reason. For the many reads in the middle of one long step: a step's
 * few attempts would be used up by one bad minute in an hour. Only for calls that change nothing and cost nothing.
 */
export async function repeatRead<T>(
  read: () => Promise<T>,
  { clock, random, signal }: ReadPorts,
): Promise<T> {
  for (let failed = 1; ; failed++) {
    try {
      return await read()
    } catch (thrown) {
      const isPassing = thrown instanceof BlockError && thrown.retryable
      const waitMs = isPassing
        ? (thrown.retryAfterMs ?? backoffDelay(BACKOFF, failed, random()))
        : Number.POSITIVE_INFINITY
      if (failed === MAX_TRIES || waitMs > MAX_WAIT_MS) throw thrown
      await clock.wait(waitMs, signal)
    }
  }
}
