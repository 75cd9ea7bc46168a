import type { Clock } from '../../lib/time/index.ts'
import { BlockError, type BlockAnswers } from '../block/index.ts'
import type { OwnerAnswers } from './answer-budget.ts'
import { MEMORY_BUDGET_EXCEEDED } from './held-outputs.ts'
import { MEMORY_WAIT_MS, type ExecutionMemory } from './memory-budget.ts'
import { FREELY_READ_MAX_BYTES, NO_TIMERS } from './read-memory.ts'

/** The memory for the value that one attempt makes: from the block's call until its outcome is recorded. */
export class AttemptMemory {
  readonly #memory: ExecutionMemory
  readonly #clock: Pick<Clock, 'after'>
  readonly #signal: AbortSignal
  #bytes = 0
  #isOver = false

  constructor(
    memory: ExecutionMemory,
    { clock, signal }: { clock: Pick<Clock, 'after'>; signal: AbortSignal },
  ) {
    this.#memory = memory
    this.#clock = clock
    this.#signal = signal
  }

  /** Takes room for a value, once: an attempt that holds some already does not wait for more, which others might hold for it. */
  async reserve(bytes: number): Promise<void> {
    const more = Math.ceil(bytes) - this.#bytes
    if (more <= 0) return
    if (this.#bytes > 0) return this.count(more)
    const grant = await this.#memory.take(more, { signal: this.#signal, clock: this.#clock })
    switch (grant) {
      case 'granted':
        if (this.#isOver) this.#memory.release(more)
        else this.#bytes += more
        return
      case 'tooLarge':
        throw new BlockError(
          MEMORY_BUDGET_EXCEEDED,
          `The value takes about ${bytes} bytes of memory; this process allows ${this.#memory.maxBytes}. Ask for less at a time.`,
        )
      case 'timedOut':
        throw new BlockError(
          MEMORY_BUDGET_EXCEEDED,
          `The attempt waited ${MEMORY_WAIT_MS} ms for about ${bytes} bytes of memory, which other calls use.`,
          { retryable: true },
        )
    }
  }

  /** Takes room for a value that is there already: waits as long as `reserve` does, then takes it all the same. */
  async claim(bytes: number): Promise<void> {
    const more = Math.ceil(bytes) - this.#bytes
    if (more <= 0 || this.#isOver) return
    if (this.#bytes > 0) return this.count(more)
    const grant = await this.#memory.take(more, { signal: this.#signal, clock: this.#clock })
    if (grant !== 'granted') this.#memory.count(more)
    if (this.#isOver) this.#memory.release(more)
    else this.#bytes += more
  }

  /**
   * Takes room for stored values that take at most that many bytes of heap, before the attempt takes any other. As `ReadMemory` does, it
   * takes at most what one execution may hold, and waits for it without a bound. Rejects with the signal's reason.
   */
  async takeToRead(heapBytes: number): Promise<void> {
    if (heapBytes <= FREELY_READ_MAX_BYTES) return
    const bytes = Math.min(heapBytes, this.#memory.maxBytes)
    await this.#memory.take(bytes, { signal: this.#signal, clock: NO_TIMERS })
    if (this.#isOver) this.#memory.release(bytes)
    else this.#bytes += bytes
  }

  /**
   * Counts answers for this attempt. One that holds memory already does not wait for that of answers: those that hold it may wait for
   * what this attempt holds.
   */
  answersOf(answers: OwnerAnswers): BlockAnswers {
    return {
      open: ({ mayWait = true, ...rest }) => answers.open({ ...rest, mayWait: mayWait && this.#bytes === 0 }),
      claimMemory: (bytes) => this.claim(bytes),
    }
  }

  /** Counts what the attempt holds already: others wait for it, the attempt does not. */
  count(bytes: number): void {
    if (this.#isOver) return
    this.#memory.count(bytes)
    this.#bytes += bytes
  }

  /** Gives the room back. */
  close(): void {
    this.#isOver = true
    if (this.#bytes === 0) return
    this.#memory.release(this.#bytes)
    this.#bytes = 0
  }
}
