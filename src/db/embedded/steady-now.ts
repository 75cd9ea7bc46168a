import { CorrectedClock, systemClock } from '../../lib/time/index.ts'

/** `Date.now` cuts off fractions of a millisecond. */
const GRAIN_MS = 1

/**
 * Returns a `Date.now` that follows the machine's clock and never goes back: while the machine's clock is behind, because it was set back,
 * time runs slower. PGlite takes the time from `Date.now`; with this one `now()` in a statement is monotonic, and the clock of the process,
 * which follows it, agrees with it.
 */
export function steadyNow(
  machineNow: () => number = Date.now,
  monotonic: () => number = () => performance.now(),
): () => number {
  const read = () => {
    const time = monotonic()
    return { askedAt: time - GRAIN_MS, answeredAt: time, instant: machineNow() }
  }
  const clock = new CorrectedClock(read(), { machine: { ...systemClock, now: machineNow }, monotonic })
  return () => {
    clock.correct(read())
    return clock.now()
  }
}
