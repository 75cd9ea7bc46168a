import { yieldToEventLoop } from '../lib/yield-to-event-loop.ts'

/**
 * Lets operations begin in different turns of the event loop. Many may arrive in one packet; without this they would all
 * be parsed, validated and begun before anything else is served.
 */
export class OperationTurns {
  #isTaken = false

  /** Resolves at once if no operation has begun in this turn, else in a turn in which none has. */
  async take(): Promise<void> {
    while (this.#isTaken) await yieldToEventLoop()
    this.#isTaken = true
    setImmediate(() => (this.#isTaken = false))
  }
}
