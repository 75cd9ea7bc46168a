import { systemClock, type Clock } from './clock.ts'

/** One reading of the leading clock. `askedAt` and `answeredAt` are monotonic times in milliseconds, from any origin. */
export interface ClockReading {
  readonly askedAt: number
  readonly answeredAt: number
  /** What the leading clock showed at some moment between the two, in milliseconds since the epoch. */
  readonly instant: number
}

export interface CorrectedClockOptions {
  /** The clock of this machine. Default: the system's. */
  readonly machine?: Clock
  /** Milliseconds from any origin; never decreases. Default: `performance.now`. */
  readonly monotonic?: () => number
}

/** The part of its speed by which the clock is slowed down while it is ahead of the leading clock. */
export const SLEW = 0.1
/** `Date.now()` cuts off fractions: a machine that agrees with the leading clock is up to this many milliseconds behind. */
const MACHINE_GRAIN_MS = 1

/**
 * A clock that follows another one, the leading clock, by readings of it. Between two readings it is monotonic: a machine whose time is
 * set meanwhile does not change it. A reading moves it only if the reading proves it wrong: forward at once, backward by slowing it down
 * to 90 % until the two agree. It never goes back. Timers run on the monotonic clock of the machine.
 */
export class CorrectedClock implements Clock {
  readonly #machine: Clock
  readonly #monotonic: () => number
  /** The leading clock's time at the monotonic time 0. */
  #origin: number
  /** How far this clock was ahead at the monotonic time `#aheadSince`; it decreases from then on. */
  #aheadMs = 0
  #aheadSince = 0
  #machineOffsetMs: number

  constructor(
    first: ClockReading,
    { machine = systemClock, monotonic = () => performance.now() }: CorrectedClockOptions = {},
  ) {
    this.#machine = machine
    this.#monotonic = monotonic
    this.#origin = nearestOrigin(machine.now() - monotonic(), first, MACHINE_GRAIN_MS)
    this.#machineOffsetMs = this.#offsetOfMachine()
  }

  now(): number {
    return Math.floor(this.#at(this.#monotonic()))
  }

  after(ms: number, callback: () => void): () => void {
    return this.#machine.after(ms, callback)
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#machine.wait(ms, signal)
  }

  /** How far the machine's clock was ahead of the leading clock at the last reading, in milliseconds; negative: behind. */
  get machineOffsetMs(): number {
    return this.#machineOffsetMs
  }

  /** Takes a reading. Returns by how many milliseconds the leading clock was ahead of what this clock expected; negative: behind. */
  correct(reading: ClockReading): number {
    const movedMs = nearestOrigin(this.#origin, reading, 0) - this.#origin
    const time = this.#monotonic()
    const aheadMs = this.#aheadAt(time) - movedMs
    this.#origin += movedMs
    this.#aheadMs = Math.max(0, aheadMs)
    this.#aheadSince = time
    this.#machineOffsetMs = this.#offsetOfMachine()
    return movedMs
  }

  #at(time: number): number {
    return time + this.#origin + this.#aheadAt(time)
  }

  #aheadAt(time: number): number {
    return Math.max(0, this.#aheadMs - (time - this.#aheadSince) * SLEW)
  }

  #offsetOfMachine(): number {
    return this.#machine.now() - this.#monotonic() - this.#origin
  }
}

/**
 * The origin itself where the reading does not contradict it by more than `graceMs`, else the middle of what the reading allows: the
 * leading clock was read at some moment between question and answer.
 */
function nearestOrigin(
  origin: number,
  { askedAt, answeredAt, instant }: ClockReading,
  graceMs: number,
): number {
  const isPossible = origin >= instant - answeredAt - graceMs && origin <= instant - askedAt + graceMs
  return isPossible ? origin : instant - (askedAt + answeredAt) / 2
}
