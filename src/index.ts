export type { AuthenticationSettings, JwtSettings } from './access/index.ts'
export type { BlockTest, Simulation } from './engine/simulate/index.ts'
export type { Diagnostic } from './engine/definition/index.ts'
export type { LumeConfig, LumeOptions } from './config.ts'
export type { SearchJobPayload, UploadJobPayload, WorkflowJobPayload } from './jobs/index.ts'
export { BaseBlockExecutor, registerBlock, type BlockAbout, type BlockResult } from './blocks/custom/index.ts'
export {
  BlockError,
  completed,
  defineBlock,
  waiting,
  type Block,
  type BlockContext,
  type BlockOutcome,
  type BlockSpec,
} from './engine/block/index.ts'
export {
  DefinitionUnsoundError,
  InputInvalidError,
  type BlockTestOptions,
  type CreateJobOptions,
  type ExecuteOptions,
  type ExecutionService,
  type HandlerContext,
  type JobCallbacks,
  type JobHandler,
  type JobPayloads,
  type JobService,
  type JobStats,
  type LibraryJob,
  type PayloadValidation,
  type RetryOptions,
  type SimulateOptions,
  type TimelineEntry,
  type WorkflowJobProgress,
} from './jobs/library/index.ts'
export { LumeError } from './lib/index.ts'
export { createLume, type Lume, type LumeOverrides } from './app.ts'
export { startServer, type Server, type ServerOptions } from './http/index.ts'
