import type { Json } from '../lib/json.ts'

/** The outputs that one execution holds at a time, as JSON text in UTF-8. */
export const HELD_OUTPUTS_MAX_BYTES = 64 * 1024 * 1024

/**
 * Counts the outputs that an execution holds: those of the definition's own steps to its end, those inside of a loop as long
 * as their item is open. Whoever takes the execution up again counts the same.
 */
export class OutputBudget {
  readonly #whole: OutputBudget | null
  #bytes = 0

  constructor(whole: OutputBudget | null = null) {
    this.#whole = whole
  }

  /** Counts an output; false, and nothing is counted, when the execution would hold too much with it. */
  take(bytes: number): boolean {
    if (!this.#fits(bytes)) return false
    this.count(bytes)
    return true
  }

  /** Counts what is on record: it is held, however much it is. */
  count(bytes: number): void {
    this.#bytes += bytes
    this.#whole?.count(bytes)
  }

  /** A budget for one item of a loop, which counts here as well until it is closed. */
  part(): OutputBudget {
    return new OutputBudget(this)
  }

  /** What was counted here is not held any more. */
  close(): void {
    this.#whole?.count(-this.#bytes)
    this.#bytes = 0
  }

  #fits(bytes: number): boolean {
    return this.#whole ? this.#whole.#fits(bytes) : this.#bytes + bytes <= HELD_OUTPUTS_MAX_BYTES
  }
}

/** The length of a value as it is recorded. */
export function recordedBytes(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value))
}
