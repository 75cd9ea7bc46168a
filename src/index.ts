export type { AuthenticationSettings, JwtSettings } from './access/index.ts'
export { createLume, type Lume, type LumeOverrides } from './app.ts'
export type { LumeConfig, LumeOptions } from './config.ts'
export {
  BlockError,
  completed,
  waiting,
  type Block,
  type BlockContext,
  type BlockOutcome,
} from './engine/block/block.ts'
export type { Simulation } from './engine/simulate/simulate.ts'
export type { BlockTest } from './engine/simulate/test-block.ts'
export { defineBlock, type BlockSpec } from './engine/block/define-block.ts'
export type { Diagnostic } from './engine/definition/diagnostics.ts'
export type {
  BlockTestOptions,
  ExecuteOptions,
  ExecutionService,
  PayloadValidation,
  RetryOptions,
  SimulateOptions,
} from './jobs/library/execution-service.ts'
export { DefinitionUnsoundError, InputInvalidError } from './jobs/library/errors.ts'
export type {
  CreateJobOptions,
  JobCallbacks,
  JobHandler,
  JobPayloads,
  JobService,
  JobStats,
} from './jobs/library/job-service.ts'
export type { SearchJobPayload, UploadJobPayload, WorkflowJobPayload } from './jobs/job-types.ts'
export type { LibraryJob, TimelineEntry, WorkflowJobProgress } from './jobs/library/library-job.ts'
export type { HandlerContext } from './jobs/library/run-handler.ts'
export { LumeError } from './lib/errors.ts'
export { startServer, type Server, type ServerOptions } from './http/server.ts'
export {
  BaseBlockExecutor,
  registerBlock,
  type BlockAbout,
  type BlockResult,
} from './blocks/custom/register-block.ts'
