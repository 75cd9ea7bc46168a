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
 * as one execution may hold. So one execution reads large values one after the other, however many steps wait for their turn. The
 * value is in the tables until then, so the wait has no bound of its own: values that are read all the same would end the process.
 */
export class ReadMemory {
  readonly #memory: ExecutionMemory
  readonly #signal: AbortSignal
  #bytes = 0

  constructor(memory: ExecutionMemory, signal: AbortSignal) {
    this.#memory = memory
    this.#signal = signal
  }

  /** Waits for memory for a value of that many bytes of JSON text. Rejects with the signal's reason. */
  async take(textBytes: number): Promise<void> {
    this.release()
    if (textBytes > FREELY_READ_MAX_BYTES) await this.takeHeap(textBytes * JSON_HEAP_MAX_PER_BYTE)
  }

  /** The same for a value that takes at most that many bytes of heap. */
  async takeHeap(heapBytes: number): Promise<void> {
    this.release()
    const bytes = Math.min(heapBytes, this.#memory.maxBytes)
    await this.#memory.take(bytes, { signal: this.#signal, clock: NO_TIMERS })
    this.#bytes = bytes
  }

  /** Gives the memory back. */
  release(): void {
    this.#memory.release(this.#bytes)
    this.#bytes = 0
  }
}

/** The wait ends with the memory or with the signal. */
export const NO_TIMERS = { after: () => () => {} }
