import type { Clock } from './clock.ts'

/** How long one piece of work may keep the thread: leases are renewed and clients answered in between. */
const SLICE_MS = 20

/** Lets work that never waits for anything outside give the thread to others from time to time. */
export class Breath {
  readonly #clock: Pick<Clock, 'now'>
  #drawnAt: number
  #last: Promise<void> = Promise.resolve()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.#drawnAt = clock.now()
  }

  /** Resolves at once within the slice, else in a turn of the event loop of the caller's own. */
  async draw(): Promise<void> {
    if (this.#clock.now() - this.#drawnAt < SLICE_MS) return
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)))
    await this.#last
    this.#drawnAt = this.#clock.now()
  }
}
