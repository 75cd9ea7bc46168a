import type { Clock } from '../../lib/time/index.ts'

/**
 * How long a suspect waits for the other executions of its process to end or park. Those that have not by then are given
 * back, without counting as lost, and continue elsewhere or afterwards.
 */
export const SUSPECT_WAIT_MS = 30_000
/** How long a suspect runs alone without committing a step. After that the process takes other jobs beside it. */
export const SUSPECT_ALONE_MS = 30_000
/** How long suspects may follow each other directly; then other jobs have the process for as long as they had it. */
const STREAK_MAX_MS = 10_000

/**
 * Decides when a process may try a suspect: an execution that lost its worker twice in a row and therefore runs alone. Suspects
 * are tried one at a time, and get at most about half of the time of a process that has other work.
 */
export class Quarantine {
  readonly #clock: Pick<Clock, 'now'>
  #isOn = false
  #streakSince: number | null = null
  #notBefore = -Infinity

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Whether a suspect waits to run alone, or does. The process starts nothing else meanwhile. */
  get isOn(): boolean {
    return this.#isOn
  }

  get mayBegin(): boolean {
    return !this.#isOn && this.#clock.now() >= this.#notBefore
  }

  begin(): void {
    this.#isOn = true
    this.#streakSince ??= this.#clock.now()
  }

  end(): void {
    this.#isOn = false
    const now = this.#clock.now()
    const lengthMs = now - (this.#streakSince ?? now)
    if (lengthMs < STREAK_MAX_MS) return
    this.#notBefore = now + lengthMs
    this.#streakSince = null
  }

  /** There is no suspect at the moment. */
  endStreak(): void {
    if (!this.#isOn) this.#streakSince = null
  }
}
