/** Stores the values of executions, reads what is recorded of them, and cancels trees of them. */
export {
  createExecutionStore,
  SIGNAL_SCHEMAS_MAX_BYTES,
  SMALL_VALUES_MAX_BYTES,
  type ExecutionDetails,
  type ExecutionStore,
  type ExecutionValues,
  type StoredExecution,
} from './execution-store.ts'
export { expectsNoNews } from './expects-no-news.ts'
export { createOriginalStore, type OriginalStore } from './original-store.ts'
export type { StepState } from './step-state.ts'
export {
  createTreeCancelStore,
  type CanceledJobs,
  type ClaimedUnheldJob,
  type OwnedDefinition,
  type TreeCancelStore,
  type UnbegunGraph,
  type UnheldJob,
} from './tree-cancel-store.ts'
