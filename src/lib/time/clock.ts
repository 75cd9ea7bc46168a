/** The only source of time. Everything that lives takes one; pure functions take `now`. */
export interface Clock {
  /** The present instant, in milliseconds since the epoch. */
  now(): number
  /** Calls back once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it aborts. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

// setTimeout holds its delay in a signed 32-bit integer and fires at once beyond it.
const MAX_TIMER_MS = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    if (ms <= MAX_TIMER_MS) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    }
    let timer: NodeJS.Timeout
    const arm = (left: number) => {
      const next = () => (left > MAX_TIMER_MS ? arm(left - MAX_TIMER_MS) : callback())
      timer = setTimeout(next, Math.min(left, MAX_TIMER_MS))
    }
    arm(ms)
    return () => clearTimeout(timer)
  },
  wait: (ms, signal) => waitOn(systemClock, ms, signal),
}

/** `wait` in terms of `after`, for every clock. */
export function waitOn(clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    if (!(ms > 0)) return resolve()
    const abort = () => {
      cancel()
      reject(signal?.reason as Error)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}
