import type { Clock } from '../../lib/time/index.ts'

/** Whether a promise settles before a time has passed and before a signal aborts, if one is given. */
export async function settlesWithin(
  settled: Promise<unknown>,
  { ms, clock, signal }: { ms: number; clock: Pick<Clock, 'wait'>; signal?: AbortSignal },
): Promise<boolean> {
  const over = new AbortController()
  const late = clock.wait(ms, signal ? AbortSignal.any([signal, over.signal]) : over.signal).then(
    () => false,
    () => false,
  )
  const isSettled = await Promise.race([settled.then(() => true), late])
  over.abort(new Error('it has settled'))
  return isSettled
}
