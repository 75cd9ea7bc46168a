import type { Clock } from '../time/index.ts'

/** The parts into which the time is cut: only a part during which the event loop was blocked counts as shorter than it was. */
const PARTS = 10

/**
 * Calls back once the event loop has been free for `ms` milliseconds, unless the returned function is called before. While the loop is
 * blocked no answer is read, so that time says nothing of those who are to answer.
 */
export function afterAwake(clock: Pick<Clock, 'after'>, ms: number, callback: () => void): () => void {
  let left = PARTS
  let stop = () => {}
  const next = () => {
    stop = clock.after(ms / PARTS, () => {
      left--
      if (left > 0) next()
      else callback()
    })
  }
  next()
  return () => stop()
}
