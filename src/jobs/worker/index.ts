/** Claims jobs, runs them under a lease, and recovers those whose worker was lost. */
export { createEndCanceled } from './end-canceled.ts'
export { readOriginal, type Retry } from './original.ts'
export { Processor, type Reservation } from './processor.ts'
export { SUSPECT_ALONE_MS, SUSPECT_WAIT_MS } from './quarantine.ts'
export type { RunningJob } from './running-job.ts'
export { StoredPlans } from './stored-plans.ts'
export { createTreeCancel, type TreeCancel } from './tree-cancel.ts'
export { Worker } from './worker.ts'
