/** What a job that runs shows at once; its steps share the span that follows (E11). */
export const FIRST_PERCENT = 5
export const SPAN_PERCENT = 90

/** E11: the mean over the top-level nodes of a fraction each, as a job's percentage that never falls. */
export class ProgressMeter {
  readonly #fractions: number[]
  #sum = 0
  #ended = 0
  #highWater: number

  /** `highWater` is the percentage recorded so far. */
  constructor(nodeCount: number, highWater: number) {
    this.#fractions = new Array<number>(nodeCount).fill(0)
    this.#highWater = highWater
  }

  /** Sets a top-level node's fraction, in 0 to 1; a fraction that falls is ignored. */
  report(node: number, fraction: number): void {
    const before = this.#fractions[node] ?? 0
    const after = Math.min(1, fraction)
    if (!(after > before)) return
    this.#fractions[node] = after
    this.#sum += after - before
    if (after === 1) this.#ended++
    const mean = Math.min(1, this.#sum / this.#fractions.length)
    this.#highWater = Math.max(this.#highWater, Math.round((FIRST_PERCENT + SPAN_PERCENT * mean) * 100) / 100)
  }

  /** How many top-level nodes have ended. */
  get endedNodes(): number {
    return this.#ended
  }

  /** The job's progress in percent. 100 is never reached here: it belongs to COMPLETED alone. */
  get percent(): number {
    return this.#highWater
  }
}
