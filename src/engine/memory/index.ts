/** Bounds the memory that the values of running executions take together. */
export {
  ANSWER_WAIT_MS,
  ANSWERS_HEAP_SHARE,
  OWNER_ANSWERS_SHARE,
  UNCOUNTED_ANSWER_BYTES,
  type OwnerAnswers,
} from './answer-budget.ts'
export { AttemptMemory } from './attempt-memory.ts'
export { ConfigMemory } from './config-memory.ts'
export { HeldOutputs, MEMORY_BUDGET_EXCEEDED, type StepOutput } from './held-outputs.ts'
export {
  EXECUTION_MEMORY_MAX_BYTES,
  ExecutionMemory,
  MEMORY_WAIT_MS,
  OWNER_MEMORY_SHARE,
} from './memory-budget.ts'
export {
  ADMISSION_MAX_PART,
  ADMISSION_OWNER_PART,
  ADMISSION_PROCESS_PART,
  closeMemory,
  CONFIG_HEAP_SHARE,
  HELD_HEAP_SHARE,
  LOADING_HEAP_SHARE,
  ProcessMemory,
  WORKING_HEAP_SHARE,
  type InTurn,
  type RunMemory,
} from './process-memory.ts'
export { JSON_HEAP_MAX_PER_BYTE, ReadMemory } from './read-memory.ts'
