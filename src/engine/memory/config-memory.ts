import type { Clock } from '../../lib/time/index.ts'
import type { StepFailure } from '../record/index.ts'
import { MEMORY_BUDGET_EXCEEDED } from './held-outputs.ts'
import { MEMORY_WAIT_MS, type ExecutionMemory } from './memory-budget.ts'

/** A config that takes less memory, in estimated bytes, is not counted. */
export const CONFIG_FREE_HEAP_BYTES = 64 * 1024

/** The memory for one step's resolved config. */
export class ConfigMemory {
  readonly #memory: ExecutionMemory
  readonly #clock: Pick<Clock, 'after'>
  #bytes = 0

  constructor(memory: ExecutionMemory, clock: Pick<Clock, 'after'>) {
    this.#memory = memory
    this.#clock = clock
  }

  /** Whether the step now has memory for a config of this size. Does not wait. */
  tryTake(bytes: number): boolean {
    const more = bytes <= CONFIG_FREE_HEAP_BYTES ? 0 : bytes - this.#bytes
    if (more <= 0) return true
    if (!this.#memory.tryTake(more)) return false
    this.#bytes += more
    return true
  }

  /** Waits for the memory, for a bounded time. Returns why the step does not get it; null on success. */
  async take(bytes: number, signal: AbortSignal): Promise<StepFailure | null> {
    this.release()
    const grant = await this.#memory.take(bytes, { signal, clock: this.#clock })
    switch (grant) {
      case 'granted':
        this.#bytes = bytes
        return null
      case 'tooLarge':
        return {
          code: MEMORY_BUDGET_EXCEEDED,
          message:
            `The config, with its templates filled in, takes about ${bytes} bytes of memory; an execution may use ${this.#memory.maxBytes} for it here. ` +
            'Let the templates yield less: store the rest elsewhere and pass where it is, or divide the work among several steps.',
          retryable: false,
        }
      case 'timedOut':
        return {
          code: MEMORY_BUDGET_EXCEEDED,
          message:
            `The step waited ${MEMORY_WAIT_MS} ms for about ${bytes} bytes of memory for its config, which other steps and executions use. ` +
            'Try again later, run fewer executions at the same time, or let the templates yield less.',
          retryable: true,
        }
    }
  }

  /** Gives the memory back. */
  release(): void {
    if (this.#bytes === 0) return
    this.#memory.release(this.#bytes)
    this.#bytes = 0
  }
}
