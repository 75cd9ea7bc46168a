import { MemoryBudget, type ExecutionMemory } from './memory-budget.ts'

/** The share of the process's heap limit that inputs and outputs of running executions may take. */
export const HELD_HEAP_SHARE = 0.25

/** The share of the process's heap limit that answers may take while blocks read them and until they are recorded. */
export const WORKING_HEAP_SHARE = 0.125

/** While more than this share of the memory for inputs and outputs is in use, the process starts no further execution. */
export const ADMISSION_HELD_SHARE = 0.5

/** What one run may take of the process's memory. */
export interface RunMemory {
  /** Inputs and outputs. */
  readonly held: ExecutionMemory
  /** Values that blocks are making. Nothing that holds some of it waits for `held`, and no attempt takes it twice. */
  readonly working: ExecutionMemory
}

/** The memory of this process that executions share. */
export class ProcessMemory {
  readonly #held: MemoryBudget
  readonly #working: MemoryBudget

  /** `heapBytes`: the limit of the process's heap. */
  constructor(heapBytes: number) {
    this.#held = new MemoryBudget(Math.floor(heapBytes * HELD_HEAP_SHARE))
    this.#working = new MemoryBudget(Math.floor(heapBytes * WORKING_HEAP_SHARE))
  }

  /** Whether another execution may start here. */
  get hasRoom(): boolean {
    return this.#held.bytesInUse <= this.#held.maxBytes * ADMISSION_HELD_SHARE
  }

  /** The part of an execution that begins to run here. Its run closes both. */
  open(ownerId: string): RunMemory {
    return { held: this.#held.openExecution(ownerId), working: this.#working.openExecution(ownerId) }
  }
}
