import { AttemptMemory } from './attempt-memory.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ExecutionMemory } from './memory-budget.ts'

/**
 * The most heap that a byte of JSON text takes, in bytes, once the text is parsed: nested lists, each of which holds only the
 * next one, take the most (see `jsonHeapSize`).
 */
export const JSON_HEAP_MAX_PER_BYTE = 28

/** Values with less text are read without asking for memory: the read takes no more than any statement. */
export const FREELY_READ_MAX_BYTES = 16 * 1024

/**
 * Takes memory for a stored value that a step is about to read, and holds it until the step has recorded what it does with the
 * value. The stored length is all that is known before: the memory is taken for the worst value of that length, at most for as much
 * as one execution may hold. So one execution reads large values one after the other.
 */
export class ReadMemory {
  readonly #memory: ExecutionMemory
  readonly #options: { readonly clock: Pick<Clock, 'after'>; readonly signal: AbortSignal }
  #taken: AttemptMemory | null = null

  constructor(
    memory: ExecutionMemory,
    options: { readonly clock: Pick<Clock, 'after'>; readonly signal: AbortSignal },
  ) {
    this.#memory = memory
    this.#options = options
  }

  /** Waits for memory for a value of that many bytes of JSON text. Rejects with the signal's reason. */
  async take(textBytes: number): Promise<void> {
    this.release()
    if (textBytes <= FREELY_READ_MAX_BYTES) return
    const taken = new AttemptMemory(this.#memory, this.#options)
    this.#taken = taken
    await taken.claim(Math.min(textBytes * JSON_HEAP_MAX_PER_BYTE, this.#memory.maxBytes))
  }

  /** Gives the memory back. */
  release(): void {
    this.#taken?.close()
    this.#taken = null
  }
}
