import type { Clock } from '../time/index.ts'

/** A timer that fires this late, in milliseconds, shows that the event loop was blocked. */
const LATE_MS = 1_000
/** How long a deadline is then put off, in milliseconds: what arrived while the loop was blocked is read first. */
const GRACE_MS = 1_000

/**
 * Calls back after `ms` milliseconds like `clock.after`, for a deadline of work that waits for others. Timers run before
 * anything is read from sockets, so after a blocked event loop an answer that came in time would be too late.
 */
export function afterInTime(
  clock: Pick<Clock, 'now' | 'after'>,
  ms: number,
  callback: () => void,
): () => void {
  const dueAt = clock.now() + ms
  let stop = clock.after(ms, () => {
    if (clock.now() - dueAt < LATE_MS) callback()
    else stop = clock.after(GRACE_MS, callback)
  })
  return () => stop()
}
