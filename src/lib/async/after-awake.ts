import type { Clock } from '../time/index.ts'

/** The parts into which the time is cut: only a part during which the event loop was blocked counts as shorter than it was. */
const PARTS = 10

/**
 * Calls back once the event loop has been free for `ms` milliseconds, unless the returned function is called before. While the loop is
 * blocked no answer is read, so that time says nothing of those who are to answer. The returned function gives the time for which the
 * loop was blocked, in milliseconds.
 */
export function afterAwake(
  clock: Pick<Clock, 'now' | 'after'>,
  ms: number,
  callback: () => void,
): () => number {
  let left = PARTS
  let stop = () => {}
  let blockedMs = 0
  let dueAt = 0
  const next = () => {
    dueAt = clock.now() + ms / PARTS
    stop = clock.after(ms / PARTS, () => {
      blockedMs += Math.max(0, clock.now() - dueAt)
      left--
      if (left > 0) next()
      else callback()
    })
  }
  next()
  return () => {
    stop()
    // What ended the wait may have been read before the overdue timer.
    return left > 0 ? blockedMs + Math.max(0, clock.now() - dueAt) : blockedMs
  }
}
