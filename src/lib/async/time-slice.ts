import type { Clock } from '../time/index.ts'
import { yieldToEventLoop } from './yield-to-event-loop.ts'

/** How long one piece of work keeps the event loop, in milliseconds: leases are renewed and clients answered in between. */
const SLICE_MS = 20

/** Lets work that waits for nothing outside yield to the event loop from time to time. */
export class TimeSlice {
  readonly #clock: Pick<Clock, 'now'>
  #startedAt: number

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  /** Null within the slice, else resolves in a turn of the event loop that no other caller shares. */
  yieldIfOver(): null | Promise<void> {
    if (this.#clock.now() - this.#startedAt < SLICE_MS) return null
    return yieldToEventLoop().then(() => {
      this.#startedAt = this.#clock.now()
    })
  }
}
