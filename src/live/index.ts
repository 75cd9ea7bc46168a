/** Follows the timeline of one job, or the changes of all jobs of an owner, without gaps. */
export { createFollowJobs, type FollowJobs } from './follow-jobs.ts'
export type { TimelineBatch } from './follow-timeline.ts'
export { READ_DELAYS_MS } from './repeat-read.ts'
export { Timelines } from './timelines.ts'
