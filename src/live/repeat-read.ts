import type { Clock } from '../lib/time/index.ts'

/** How long a read that has failed waits before it is repeated, in milliseconds. After the last of them its failure is final. */
export const READ_DELAYS_MS: readonly number[] = [50, 100, 200, 400, 800]

export interface RepeatOptions {
  readonly clock: Pick<Clock, 'wait'>
  /** Ends the wait and the repeats when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** Repeats a read that fails, after each of `READ_DELAYS_MS`. Rejects with the last failure. */
export async function repeatRead<T>(read: () => Promise<T>, { clock, signal }: RepeatOptions): Promise<T> {
  for (const delayMs of READ_DELAYS_MS) {
    try {
      return await read()
    } catch (fault) {
      if (signal?.aborted) throw fault
      await clock.wait(delayMs, signal).catch(() => {}) // aborted: one last try
    }
  }
  return read()
}
