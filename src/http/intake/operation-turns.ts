import { OwnerQueues } from '../../lib/async/index.ts'

/**
 * Lets operations begin in different turns of the event loop. Many may arrive in one packet; without this they would all be
 * parsed, validated and begun before anything else is served. Owners take turns, however many operations each of them sends, and
 * the operations of one owner begin in their order.
 */
export class OperationTurns {
  readonly #waiting = new OwnerQueues<() => void>()
  #isTaken = false

  /** Resolves at once if no operation has begun in this turn, else in a turn in which none has. */
  async take(owner: string): Promise<void> {
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(owner, resolve))
    this.#begin()
  }

  #begin(): void {
    this.#isTaken = true
    // Sockets are read between the one and the other: the first may follow in the turn in which the operation began.
    setImmediate(() => setImmediate(() => this.#pass()))
  }

  #pass(): void {
    this.#isTaken = false
    const next = this.#waiting.takeFirst()
    if (!next) return
    this.#begin()
    next()
  }
}
