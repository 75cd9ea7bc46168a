import { isTurnOver } from './loop-turn.ts'
import { yieldToEventLoop } from './yield-to-event-loop.ts'

/**
 * Lets the strands of one piece of work, such as the steps of a run, share turns of the event loop with each other and with all other
 * work. Once a turn is used up, strands wait in the order in which they came. They continue one after the other, as many as fit into a
 * turn, so that hundreds of short strands take few turns. For other work they are one waiter, however many they are.
 */
export class TimeSlice {
  readonly #waiting = new Set<() => void>()
  #isResuming = false

  /** Null if the strand may continue at once; otherwise resolves when it is the strand's turn. */
  yieldIfOver(): null | Promise<void> {
    if (this.#waiting.size === 0 && !isTurnOver()) return null
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
      if (!this.#isResuming) void this.#resumeAll()
    })
  }

  async #resumeAll(): Promise<void> {
    this.#isResuming = true
    while (this.#waiting.size > 0) {
      await yieldToEventLoop()
      do await this.#resumeNext()
      while (this.#waiting.size > 0 && !isTurnOver())
    }
    this.#isResuming = false
  }

  /** Resolves once the strand waits for something else: a tick comes after all microtasks. */
  #resumeNext(): Promise<void> {
    for (const resume of this.#waiting) {
      this.#waiting.delete(resume)
      resume()
      break
    }
    return new Promise((resolve) => process.nextTick(resolve))
  }
}
