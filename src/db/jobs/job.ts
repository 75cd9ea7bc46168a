import type { JobStatus, JobType, RecordedError } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { NewJob } from './new-job.ts'

export interface Job {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly type: JobType
  /** As users see it: CANCELING from the moment a cancel is accepted. */
  readonly status: JobStatus
  readonly progress: number
  readonly priority: number
  readonly currentStep: string | null
  readonly completedNodes: number
  readonly totalNodes: number
  readonly error: RecordedError | null
  readonly lastSeq: number
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

/** The row of a job that has just been stored, with so many events. */
export function storedJob(job: NewJob, events: number): Job {
  const { id, ownerId, type, status, priority, totalNodes, at } = job
  return {
    id,
    ownerId,
    type,
    status,
    progress: 0,
    priority,
    currentStep: null,
    completedNodes: 0,
    totalNodes,
    error: null,
    lastSeq: events,
    createdAt: new Date(at),
    startedAt: null,
    finishedAt: null,
  }
}
