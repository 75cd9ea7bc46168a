/** Offers jobs and executions to a Node program that embeds Lume. */
export { DefinitionUnsoundError, InputInvalidError } from './errors.ts'
export {
  createExecutionService,
  LOCAL_USER,
  type BlockTestOptions,
  type ExecuteOptions,
  type ExecutionService,
  type PayloadValidation,
  type RetryOptions,
  type SimulateOptions,
} from './execution-service.ts'
export { CALLBACK_MAX_WAIT_MS } from './job-callbacks.ts'
export { JobCode } from './job-code.ts'
export {
  createJobService,
  type CreateJobOptions,
  type JobCallbacks,
  type JobHandler,
  type JobPayloads,
  type JobService,
  type JobStats,
} from './job-service.ts'
export type { LibraryJob, TimelineEntry, WorkflowJobProgress } from './library-job.ts'
export type { HandlerContext } from './run-handler.ts'
