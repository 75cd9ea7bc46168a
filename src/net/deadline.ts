import { BlockError } from '../engine/block/index.ts'
import type { Clock } from '../lib/time/index.ts'

/**
 * Gives the work a signal that aborts with the caller's, after `timeoutMs` without a call of `isAlive`, or when `end` is called, and ends
 * with it: the work is not relied on to notice. Throws `HTTP_TIMEOUT`, the signal's reason, or that of `end`.
 */
export async function withDeadline<T>(
  limit: { signal: AbortSignal; clock: Clock; timeoutMs: number; isRetryable: boolean },
  work: (signal: AbortSignal, isAlive: () => void, end: (reason: BlockError) => void) => Promise<T>,
): Promise<T> {
  const { signal, clock, timeoutMs } = limit
  signal.throwIfAborted()
  const stop = new AbortController()
  const settled = new AbortController()
  // undici sees an abort only once it has a connection.
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error), { once: true })
  })
  signal.addEventListener('abort', () => stop.abort(signal.reason), { once: true, signal: settled.signal })
  const arm = () => clock.after(timeoutMs, () => stop.abort(timedOut(timeoutMs, limit.isRetryable)))
  let disarm = arm()
  const isAlive = () => {
    disarm()
    if (!settled.signal.aborted) disarm = arm()
  }
  try {
    return await Promise.race([work(stop.signal, isAlive, (reason) => stop.abort(reason)), stopped])
  } finally {
    settled.abort()
    disarm()
  }
}

function timedOut(timeoutMs: number, isRetryable: boolean): BlockError {
  const message = `the request was not answered completely within ${timeoutMs} ms`
  return new BlockError('HTTP_TIMEOUT', message, { retryable: isRetryable, details: { timeoutMs } })
}
