import { MemoryBudget, type ExecutionMemory } from './memory-budget.ts'

/** The share of the process's heap limit that inputs and outputs of running executions may take. */
export const HELD_HEAP_SHARE = 0.25

/** The share of the process's heap limit that answers may take while blocks read them and until they are recorded. */
export const WORKING_HEAP_SHARE = 0.125

/** While an owner holds more than this part of its share for inputs and outputs, no further execution of it starts. */
export const ADMISSION_OWNER_PART = 0.5

/** While more than this part of the memory for inputs and outputs is in use, only owners that hold none of it start executions. */
export const ADMISSION_PROCESS_PART = 0.75

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

  /** Whether another execution of the owner may start here. What one owner holds keeps no other from starting. */
  hasRoomFor(ownerId: string): boolean {
    const inUse = this.#held.bytesInUseOf(ownerId)
    if (inUse === 0) return true
    return (
      inUse <= this.#held.maxBytesOfOwner * ADMISSION_OWNER_PART &&
      this.#held.bytesInUse <= this.#held.maxBytes * ADMISSION_PROCESS_PART
    )
  }

  /** The part of an execution that begins to run here. Its run closes both. */
  open(ownerId: string): RunMemory {
    return { held: this.#held.openExecution(ownerId), working: this.#working.openExecution(ownerId) }
  }
}
