/** Follows the timeline of one job, or the changes of all jobs of an owner, without gaps. */
export { createFollowJobs, type FollowJobs } from './follow-jobs.ts'
export { createFollowTimeline, type FollowTimeline, type TimelineBatch } from './follow-timeline.ts'
