import { waitOn, type Clock } from '../../lib/time/index.ts'
import { bindUserCode } from '../block/index.ts'

interface Timer {
  readonly dueAt: number
  readonly fire: () => void
}

/** Time that stands still until it is moved, and then jumps: a week passes as fast as a millisecond. */
export class VirtualClock implements Clock {
  readonly #timers = new Set<Timer>()
  #now: number
  #armed = 0

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(ms: number, callback: () => void): () => void {
    this.#armed++
    const call = bindUserCode(callback)
    const cancel = () => void this.#timers.delete(timer)
    const fire = () => {
      cancel()
      call()
    }
    const timer = { dueAt: this.#now + Math.max(0, ms), fire }
    this.#timers.add(timer)
    return cancel
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return waitOn(this, ms, signal)
  }

  /** How many timers were ever set: a number that stands still when nothing happens. */
  get armed(): number {
    return this.#armed
  }

  /** When the next timer is due; null when there is none. */
  get nextDueAt(): number | null {
    let next: number | null = null
    for (const { dueAt } of this.#timers) if (next === null || dueAt < next) next = dueAt
    return next
  }

  /** Moves time to an instant at which nothing is overdue, and calls back whatever is due then, in the order it was set. */
  jumpTo(instant: number): void {
    this.#now = Math.max(this.#now, instant)
    const due = [...this.#timers].filter(({ dueAt }) => dueAt <= this.#now)
    // One that fires may call off another.
    for (const timer of due) if (this.#timers.has(timer)) timer.fire()
  }
}
