/**
 * Lets operations begin in different turns of the event loop, in their order. Many may arrive in one packet; without this
 * they would all be parsed, validated and begun before anything else is served.
 */
export class OperationTurns {
  readonly #waiting: (() => void)[] = []
  #isTaken = false

  /** Resolves at once if no operation has begun in this turn, else in a turn in which none has. */
  async take(): Promise<void> {
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#begin()
  }

  #begin(): void {
    this.#isTaken = true
    // Sockets are read between the one and the other: the first may follow in the turn in which the operation began.
    setImmediate(() => setImmediate(() => this.#pass()))
  }

  #pass(): void {
    this.#isTaken = false
    const next = this.#waiting.shift()
    if (!next) return
    this.#begin()
    next()
  }
}
