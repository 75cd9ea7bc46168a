import type { Clock } from '../../../src/lib/time/clock.ts'

export interface SwiftClock extends Clock {
  /** The waits so far that were of any length, in milliseconds. */
  readonly waits: readonly number[]
}

/**
 * A clock for real servers: a wait moves time on and is over at once, and no deadline ever comes. So nothing depends on
 * how long an answer takes.
 */
export function createSwiftClock(startAt = Date.parse('2027-01-01T00:00:00Z')): SwiftClock {
  let now = startAt
  const waits: number[] = []
  return {
    waits,
    now: () => now,
    after: () => () => undefined,
    async wait(ms, signal) {
      signal?.throwIfAborted()
      if (!(ms > 0)) return
      waits.push(ms)
      now += ms
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
    },
  }
}
