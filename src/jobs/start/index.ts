/** Accepts starts, retries and children of executions, durably, or refuses them with a reason. */
export { ApproximateCounts } from './approximate-counts.ts'
export { createChildExecutions, DESCENDANTS_AGE_MS, MAX_DEPTH } from './child-executions.ts'
export { PublishedVersions } from './published-versions.ts'
export {
  createQuotas,
  quotaMessage,
  RUNNING_STORED_BYTES_PART,
  type QuotaLimits,
  type Quotas,
  type QuotaUse,
} from './quotas.ts'
export {
  createRetryExecution,
  type RetryExecution,
  type RetryResult,
  type RetryVersion,
} from './retry-execution.ts'
export {
  createStartExecution,
  readValues,
  TAGS_MAX,
  type StartArgument,
  type StartExecution,
  type StartRequest,
  type StartResult,
} from './start-execution.ts'
export { startStored } from './start-stored.ts'
export { LARGE_LOADS_MAX_WAITING, SMALL_LOAD_MAX_BYTES, StoredLoads } from './stored-loads.ts'
export { useChosen, type ChoicePorts } from './use-chosen.ts'
