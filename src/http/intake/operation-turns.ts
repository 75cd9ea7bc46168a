import { OwnerQueues } from '../../lib/async/index.ts'
import type { Clock } from '../../lib/time/index.ts'

/**
 * How long operations begin in one turn of the event loop, in milliseconds. One that takes longer begins alone. What several of them
 * send leaves in one write, and what they store in one statement.
 */
const TURN_MS = 4

/**
 * Lets operations begin for a bounded time in each turn of the event loop. Many may arrive in one packet; without this they would all
 * be parsed, validated and begun before anything else is served. Owners take turns, however many operations each of them sends, and
 * the operations of one owner begin in their order.
 */
export class OperationTurns {
  readonly #clock: Pick<Clock, 'now'>
  readonly #waiting = new OwnerQueues<() => void>()
  /** When the first operation of this turn began; null while none has. */
  #startedAt: number | null = null
  /** An operation has begun and does not wait for anything yet. */
  #isAtWork = false

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Resolves when the operation may begin. Null: at once. */
  take(owner: string): null | Promise<void> {
    if (this.#waiting.size > 0 || !this.#mayBegin) {
      return new Promise((resolve) => this.#waiting.push(owner, resolve))
    }
    this.#begin()
    return null
  }

  get #mayBegin(): boolean {
    return !this.#isAtWork && (this.#startedAt === null || this.#clock.now() - this.#startedAt < TURN_MS)
  }

  #begin(): void {
    if (this.#startedAt === null) {
      this.#startedAt = this.#clock.now()
      // Sockets are read between the one and the other: the next turn may be that of an operation that arrives meanwhile.
      setImmediate(() => setImmediate(() => this.#beginTurn()))
    }
    this.#isAtWork = true
    // A tick comes after all microtasks: by then the operation waits, or is over.
    queueMicrotask(() => process.nextTick(() => this.#hasBegun()))
  }

  #hasBegun(): void {
    this.#isAtWork = false
    if (this.#mayBegin) this.#beginNext()
  }

  #beginTurn(): void {
    this.#startedAt = null
    this.#beginNext()
  }

  #beginNext(): void {
    const next = this.#waiting.takeFirst()
    if (!next) return
    this.#begin()
    next()
  }
}
