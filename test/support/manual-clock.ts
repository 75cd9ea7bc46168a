import { waitOn, type Clock } from '../../src/lib/time/clock.ts'
import { isYielding } from '../../src/lib/turns/yield-to-event-loop.ts'

interface Timer {
  readonly dueAt: number
  readonly fire: () => void
}

/** Time that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>()
  readonly #settle: () => Promise<void>
  #now: number
  #isReversed = false

  /** `settle` resolves when nothing more happens without time moving. */
  constructor(now = Date.parse('2027-01-01T00:00:00Z'), settle = settled) {
    this.#now = now
    this.#settle = settle
  }

  now(): number {
    return this.#now
  }

  /** From now on the newest of the timers for one instant fires first. */
  reverse(): void {
    this.#isReversed = true
  }

  after(ms: number, callback: () => void): () => void {
    const cancel = () => void this.#timers.delete(timer)
    const fire = () => {
      cancel()
      callback()
    }
    const timer = { dueAt: this.#now + ms, fire }
    this.#timers.add(timer)
    return cancel
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return waitOn(this, ms, signal)
  }

  /** When the next wait ends; null when nobody waits. */
  get nextDueAt(): number | null {
    let next: number | null = null
    for (const { dueAt } of this.#timers) if (next === null || dueAt < next) next = dueAt
    return next
  }

  /** The thread is blocked: time passes and nothing happens, so that timers that come due meanwhile fire late. */
  block(ms: number): void {
    this.#now += ms
  }

  /** Moves time on, step by step: what comes due happens, with all that follows from it, before what comes due later. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#now + ms)
  }

  async advanceTo(instant: number): Promise<void> {
    await this.#settle()
    for (let next = this.nextDueAt; next !== null && next <= instant; next = this.nextDueAt) {
      this.#now = Math.max(this.#now, next)
      // One that fires may call off another.
      for (const timer of this.#isReversed ? [...this.#timers].toReversed() : this.#timers) {
        if (timer.dueAt <= this.#now && this.#timers.has(timer)) timer.fire()
      }
      await this.#settle()
    }
    this.#now = Math.max(this.#now, instant)
  }
}

// The longest chain in the engine: the check for idleness, the park's commit, and what the park sets off.
const TURNS = 4

/** Resolves once everything that can happen without time moving has happened. */
export async function settled(): Promise<void> {
  do for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
  // A machine that is slow uses up turns, and what waits for another one has not happened yet.
  while (isYielding())
}

/** A door that stays shut until a test opens it. */
export class Gate {
  #open: () => void = () => {}
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve
  })

  open(): void {
    this.#open()
  }

  pass(): Promise<void> {
    return this.#opened
  }
}
