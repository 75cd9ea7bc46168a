/** Sends commands to jobs, runs simulations and block tests, and defines what jobs of each type take and return. */
export {
  BLOCK_TESTS_MAX_PER_OWNER,
  createTestBlock,
  type BlockTestMode,
  type TestBlock,
  type TestBlockRequest,
  type TestBlockResult,
} from './block-tests.ts'
export {
  createCommands,
  type CommandedJob,
  type Commands,
  type JobSignal,
  type SignalResult,
} from './commands.ts'
export { HeavySimulations, SIMULATIONS_HEAVY_MAX_AT_ONCE } from './heavy-simulations.ts'
export { JobCounting } from './job-counting.ts'
export { createJobResults, sourceState, type SourceState } from './job-results.ts'
export {
  readBlockJob,
  workflowPayloadSchema,
  type BlockJobType,
  type SearchJobPayload,
  type UploadJobPayload,
  type WorkflowJobPayload,
} from './job-types.ts'
export {
  createSimulations,
  SIMULATIONS_MAX_PER_OWNER,
  type SimulateResult,
  type Simulations,
} from './simulations.ts'
export { UnhandledErrors } from './unhandled-errors.ts'
