/** Defines what a block is: its contract, its config, input and output, and the registry of known blocks. */
export { blockPage } from './block-page.ts'
export {
  BlockError,
  completed,
  DEFAULT_HANDLE,
  ERROR_HANDLE,
  EXECUTION_MODES,
  LOG_LEVELS,
  waiting,
  type ArrivingAnswer,
  type Block,
  type BlockAnswers,
  type BlockCategory,
  type BlockChildren,
  type BlockContext,
  type BlockEstimate,
  type BlockHttp,
  type BlockHttpRequest,
  type BlockHttpResponse,
  type BlockLog,
  type BlockOutcome,
  type BlockSecrets,
  type BlockUsage,
  type BlockWait,
  type ChildRequest,
  type ExecutionMode,
  type ExpressionField,
  type LogLevel,
  type SampleCall,
} from './block.ts'
export {
  checkConfigHeap,
  CONFIG_LIMITS,
  CONFIG_MAX_BYTES,
  CONFIG_MAX_HEAP_BYTES,
  CONFIG_MAX_VALUES,
  CONFIG_TOO_LARGE,
  configTextOf,
  configTooLargeMessage,
} from './config-limits.ts'
export { defineBlock, type BlockSpec } from './define-block.ts'
export { issuesText, type Issue } from './issues-text.ts'
export { nodeHandles } from './node-handles.ts'
export {
  complexityProblem,
  OUTPUT_MAX_BYTES,
  OUTPUT_MAX_HEAP_BYTES,
  OUTPUT_MAX_VALUES,
  OUTPUT_OBJECT_MAX_MEMBERS,
  readLargeOutput,
  readOutput,
  readOutputText,
  RENDERED_OUTPUT_LIMITS,
  type ReadOutput,
  type RefusedOutput,
} from './output.ts'
export { readBySchema, readConfig, type ConfigReading } from './read-config.ts'
export { readOutcome } from './read-outcome.ts'
export { BlockRegistry } from './registry.ts'
export { isScalar, RenderedTooLargeError, RenderTotal, type RenderLimits } from './render-total.ts'
export { NO_RETRY, nodeRetrySchema, retryPolicySchema, type RetryPolicy } from './retry-policy.ts'
export { bindUserCode, callUserCode, currentUserCode, leaveUserCode, type UserCode } from './user-code.ts'
