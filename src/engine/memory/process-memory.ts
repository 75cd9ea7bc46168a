import { OwnerTurns } from '../../lib/turns/index.ts'
import { ANSWERS_HEAP_SHARE, AnswerBudget, type OwnerAnswers } from './answer-budget.ts'
import { MemoryBudget, type ExecutionMemory } from './memory-budget.ts'

/** The share of the process's heap limit that inputs and outputs of running executions may take. */
export const HELD_HEAP_SHARE = 0.25

/** The share of the process's heap limit that answers may take while blocks read them and until they are recorded. */
export const WORKING_HEAP_SHARE = 0.125

/** The share of the process's heap limit that the resolved configs of running attempts may take. */
export const CONFIG_HEAP_SHARE = 0.125

/** While an owner holds more than this part of its share for inputs and outputs, no further execution of it starts. */
export const ADMISSION_OWNER_PART = 0.5

/** While more than this part of the memory for inputs and outputs is in use, only owners that hold none of it start executions. */
export const ADMISSION_PROCESS_PART = 0.75

/**
 * While more than this multiple of the memory for inputs and outputs is in use, nothing starts here. Executions of many owners may
 * exceed that memory together, because an owner that holds none of it may always start one.
 */
export const ADMISSION_MAX_PART = 1.5

/** The share of the process's heap limit that the values of one owner may take while workers or requests load them; two owners may load at the same time. */
export const LOADING_HEAP_SHARE = 0.0625

/** What one run may take of the process's memory. */
export interface RunMemory {
  /** Inputs and outputs. */
  readonly held: ExecutionMemory
  /**
   * The resolved configs of attempts. Nothing that holds some of it waits for `held`, and no attempt takes it twice. A loop's
   * config, which is held while the loop's body runs, is counted in `held`.
   */
  readonly configs: ExecutionMemory
  /** Values that blocks are making. Nothing that holds some of it waits for `held` or `configs`, and no attempt takes it twice. */
  readonly working: ExecutionMemory
  /** The bytes of answers that blocks receive, outside of the heap. */
  readonly answers: OwnerAnswers
  readonly inTurn: InTurn
}

/** Gives everything back that a run took. */
export function closeMemory({ held, configs, working }: RunMemory): void {
  held.close()
  configs.close()
  working.close()
}

/**
 * Does one piece of large work at a time in the process; owners take turns. The work must wait for nothing but turns of the
 * event loop. Rejects with the signal's reason if it aborts before the work begins.
 */
export type InTurn = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>

/** The memory of this process that executions share. */
export class ProcessMemory {
  readonly #held: MemoryBudget
  readonly #configs: MemoryBudget
  readonly #working: MemoryBudget
  readonly #answers: AnswerBudget
  readonly #turns = new OwnerTurns({
    what: 'large values',
    maxWaiting: Number.POSITIVE_INFINITY,
    allowance: null,
  })
  /** The bytes that the values of one owner may take while they are loaded. */
  readonly loadingBytes: number

  /** `heapBytes`: the limit of the process's heap. */
  constructor(heapBytes: number) {
    this.#held = new MemoryBudget(Math.floor(heapBytes * HELD_HEAP_SHARE))
    this.#configs = new MemoryBudget(Math.floor(heapBytes * CONFIG_HEAP_SHARE))
    this.#working = new MemoryBudget(Math.floor(heapBytes * WORKING_HEAP_SHARE))
    this.#answers = new AnswerBudget(Math.floor(heapBytes * ANSWERS_HEAP_SHARE))
    this.loadingBytes = Math.floor(heapBytes * LOADING_HEAP_SHARE)
  }

  /** Whether so much memory is in use that nothing may start here. */
  get isFull(): boolean {
    return this.#held.bytesInUse > this.#held.maxBytes * ADMISSION_MAX_PART
  }

  /**
   * Whether another execution of the owner may start here. What one owner holds keeps no other from starting. `ownBytes`: what the
   * execution itself holds already.
   */
  hasRoomFor(ownerId: string, ownBytes = 0): boolean {
    if (this.isFull) return false
    const inUse = this.#held.bytesInUseOf(ownerId) - ownBytes
    if (inUse <= 0) return true
    return (
      inUse <= this.#held.maxBytesOfOwner * ADMISSION_OWNER_PART &&
      this.#held.bytesInUse <= this.#held.maxBytes * ADMISSION_PROCESS_PART
    )
  }

  /** The part of an execution that begins to run here. Its run closes all three. */
  open(ownerId: string): RunMemory {
    return {
      held: this.#held.openExecution(ownerId),
      configs: this.#configs.openExecution(ownerId),
      working: this.#working.openExecution(ownerId),
      answers: this.#answers.of(ownerId),
      inTurn: (signal, work) => this.#inTurn(ownerId, signal, work),
    }
  }

  #inTurn<T>(ownerId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason as Error)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      const begin = () => {
        signal.removeEventListener('abort', onAbort)
        signal.throwIfAborted()
        return work()
      }
      this.#turns.run(ownerId, begin, { isRefusable: false }).then(resolve, reject)
    })
  }
}
