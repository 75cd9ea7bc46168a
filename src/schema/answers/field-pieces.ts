import { isTurnOver, yieldToEventLoop } from '../../lib/turns/index.ts'

/**
 * Lets the fields of one operation resolve in pieces. While the current turn of the event loop is not used up, everything resolves at
 * once. What comes later waits in a queue that continues in further turns, in order. Loaders gather keys until the queue is empty
 * (see `schedule`), so that a list takes as many statements in pieces as in one go.
 */
export class FieldPieces {
  /** What waits, and what has been resumed since the queue was empty. */
  #queue: (() => void)[] = []
  #isRunning = false
  /** Batches of loaders that are sent once the queue is empty. */
  #held: (() => void)[] = []

  /** The same list, as an array whose iterator returns a promise for each item that is to resolve in a later turn. */
  list<T>(items: readonly T[]): readonly (T | Promise<T>)[] {
    if (items.length < 2) return items
    const list = [...items]
    Object.defineProperty(list, Symbol.iterator, { value: () => this.#items(items) })
    return list
  }

  *#items<T>(items: readonly T[]): Generator<T | Promise<T>, void, unknown> {
    for (const item of items) yield isTurnOver() ? this.later(item) : item
  }

  /** Resolves with the value in a later turn, behind everything that waits already. */
  later<T>(value: T): Promise<Awaited<T>> {
    // Its reader gets the rejection, in that turn.
    if (value instanceof Promise) value.catch(() => undefined)
    return new Promise((resolve) => {
      this.#queue.push(() => resolve(value as Awaited<T>))
      if (!this.#isRunning) void this.#run()
    })
  }

  /** The schedule of a DataLoader: sends a batch once all fields have resolved that need no other turn, and nothing waits here. */
  readonly schedule = (send: () => void): void => {
    // As DataLoader does without a schedule: behind all promises that are settled now.
    void Promise.resolve().then(() =>
      process.nextTick(() => {
        if (this.#isRunning) this.#held.push(send)
        else send()
      }),
    )
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    for (let next = 0; next < this.#queue.length;) {
      await yieldToEventLoop()
      do {
        this.#queue[next++]?.()
        // The fields of what has been resumed resolve meanwhile.
        await Promise.resolve()
      } while (next < this.#queue.length && !isTurnOver())
    }
    this.#queue = []
    this.#isRunning = false
    const held = this.#held
    this.#held = []
    for (const send of held) this.schedule(send)
  }
}
