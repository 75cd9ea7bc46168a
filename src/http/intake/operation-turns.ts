import type { Clock } from '../../lib/time/index.ts'
import { ArrivalTurns, OwnerQueues } from '../../lib/turns/index.ts'

/**
 * How long operations begin in one turn of the event loop, in milliseconds. One that takes longer begins alone. What several of them
 * send leaves in one write, and what they store in one statement.
 */
const TURN_MS = 4

/**
 * Lets operations begin for a bounded time in each turn of the event loop. Many may arrive in one packet; without this they would all
 * be parsed, validated and begun before anything else is served. None begins in a turn that is left to connections: they are accepted
 * one in each turn, so behind a burst of them a client would wait for the operations of all before it. Owners take turns, however many
 * operations each of them sends, and the operations of one owner begin in their order.
 */
export class OperationTurns {
  readonly #clock: Pick<Clock, 'now'>
  readonly #waiting = new OwnerQueues<() => void>()
  readonly #arrivals = new ArrivalTurns()
  #isTurnDue = false
  /** When the first operation of this turn began; null while none has. */
  #startedAt: number | null = null
  /** An operation has begun and does not wait for anything yet. */
  #isAtWork = false

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Resolves when the operation may begin. Null: at once. */
  take(owner: string): null | Promise<void> {
    if (this.#waiting.size > 0 || !this.#mayBegin || this.#arrivals.leavesTurn()) {
      this.#awaitTurn()
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
      this.#awaitTurn()
    }
    this.#isAtWork = true
    // A tick comes after all microtasks: by then the operation waits, or is over.
    queueMicrotask(() => process.nextTick(() => this.#hasBegun()))
  }

  #hasBegun(): void {
    this.#isAtWork = false
    if (this.#mayBegin) this.#beginNext()
  }

  /** Sockets are read between the one turn and the other: the next one may be that of an operation that arrives meanwhile. */
  #awaitTurn(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    setImmediate(() => setImmediate(() => this.#beginTurn()))
  }

  #beginTurn(): void {
    this.#isTurnDue = false
    this.#startedAt = null
    if (this.#waiting.size > 0 && this.#arrivals.leavesTurn()) this.#awaitTurn()
    else this.#beginNext()
  }

  #beginNext(): void {
    const next = this.#waiting.takeFirst()
    if (!next) return
    this.#begin()
    next()
  }
}
