import type { Clock } from '../../lib/time/index.ts'
import { OwnerQueues, yieldToEventLoop } from '../../lib/turns/index.ts'
import { overloaded } from './body-budget.ts'

/** Bodies of at least this size are parsed one at a time. A smaller one takes a millisecond or two. */
export const LARGE_BODY_BYTES = 64 * 1024
/** How long a large body waits for its turn to be parsed; then it is refused with 503 `SERVER_OVERLOADED`. */
export const PARSE_WAIT_MS = 10_000

/**
 * Parses large bodies one at a time, with a turn of the event loop after each, so that other requests are answered. Owners take
 * turns, however many bodies each of them sends.
 */
export class ParseTurns {
  readonly #clock: Pick<Clock, 'after'>
  readonly #waiting = new OwnerQueues<() => void>()
  #isTaken = false

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock
  }

  /** Whether a body of this size is parsed at once. */
  isImmediate(size: number): boolean {
    return size < LARGE_BODY_BYTES
  }

  /** Runs `parse` when it is the body's turn. Throws 503 `SERVER_OVERLOADED`, and the signal's reason when it aborts. */
  async run<T>(
    body: { readonly owner: string; readonly size: number; readonly signal: AbortSignal | null },
    parse: () => T,
  ): Promise<T> {
    if (this.isImmediate(body.size)) return parse()
    await this.#take(body)
    try {
      return parse()
    } finally {
      void yieldToEventLoop().then(() => this.#pass())
    }
  }

  async #take({ owner, signal }: { owner: string; signal: AbortSignal | null }): Promise<void> {
    signal?.throwIfAborted()
    if (!this.#isTaken) {
      this.#isTaken = true
      return
    }
    await new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => {
        this.#waiting.remove(owner, begin)
        forget()
        signal?.removeEventListener('abort', leave)
        end()
      }
      const begin = () => settle(resolve)
      const leave = () => settle(() => reject(signal?.reason as Error))
      const forget = this.#clock.after(PARSE_WAIT_MS, () => settle(() => reject(overloaded())))
      signal?.addEventListener('abort', leave)
      this.#waiting.push(owner, begin)
    })
  }

  /** Hands the turn to the body that has waited longest, of the owner whose turn is next. */
  #pass(): void {
    const next = this.#waiting.takeFirst()
    if (next) next()
    else this.#isTaken = false
  }
}
