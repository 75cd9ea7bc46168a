/** Stores jobs and their inboxes, with leases and fences. */
export type { BlockWaits } from './block-waits.ts'
export {
  createCommandStore,
  MAX_UNUSED_SIGNAL_BYTES,
  MAX_UNUSED_SIGNALS,
  type CommandStore,
  type Refusal,
  type SendResult,
} from './command-store.ts'
export { storedJob, type Job } from './job.ts'
export { percentileMs } from './duration-buckets.ts'
export { countHeldJobs } from './held-jobs.ts'
export { GIVE_BACK_NEIGHBOURS, RENEW_HELD } from './held-leases.ts'
export {
  CLAIMED,
  queryClaimed,
  SUSPECT_RECOVERIES,
  TAKE,
  type ClaimedJob,
  type DueJobs,
  type Lease,
  type Suspect,
} from './job-claims.ts'
export {
  createJobCountStore,
  EVERY_TYPE,
  sumOf,
  type JobCounts,
  type JobCountStore,
} from './job-count-store.ts'
export {
  createJobStore,
  NotPublishedError,
  OccurrenceTakenError,
  ParentEndedError,
  type HeldClaim,
  type HeldJob,
  type InsertResult,
  type JobStore,
} from './job-store.ts'
export type { NewJob, Occurrence } from './new-job.ts'
export { shownStatus } from './shown-status.ts'
