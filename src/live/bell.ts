import type { Clock } from '../lib/time/index.ts'

/** Remembers one ring until somebody waits for it. */
export class Bell {
  #hasRung = false
  #answer: (() => void) | null = null

  ring(): void {
    this.#hasRung = true
    this.#answer?.()
  }

  reset(): void {
    this.#hasRung = false
  }

  /** Resolves at the next ring, after `ms`, or when the signal aborts. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#hasRung || signal.aborted) return
    const timer = new AbortController()
    const stop = () => timer.abort(new Error('no longer waiting'))
    signal.addEventListener('abort', stop, { once: true })
    this.#answer = stop
    try {
      await clock.wait(ms, timer.signal)
    } catch {
      // Rung, or nobody follows any more: either way the caller looks.
    } finally {
      this.#answer = null
      signal.removeEventListener('abort', stop)
    }
  }
}
