import { storedJob, type NewJob } from '../../db/jobs/index.ts'
import { KnownRow } from '../kit/index.ts'
import { KnownJob } from './job.ts'

/** A job as its start has stored it. */
class StoredJob extends KnownJob {
  readonly costUsd = 0
  readonly parentId: string | null
  readonly parentPath: string | null
  readonly execution: KnownExecution

  constructor(job: NewJob, execution: KnownExecution) {
    // A job that is created without being queued has no event yet.
    super(storedJob(job, job.status === 'QUEUED' ? 1 : 0), null)
    this.parentId = job.parent?.id ?? null
    this.parentPath = job.parent?.path ?? null
    this.execution = execution
  }
}

/** An execution as its start has stored it. */
export class KnownExecution extends KnownRow {
  readonly id: string
  readonly ownerId: string
  readonly definitionId: string
  readonly workflowId: string | null
  readonly versionId: string | null
  readonly mode: string
  /** Undefined where there are several: the database decides their order. */
  readonly tags: readonly { readonly tag: string }[] | undefined
  readonly runAt: Date | null
  readonly createdAt: Date
  readonly retryOfId: string | null
  readonly retryFrom: string | null
  readonly scheduleId: string | null
  readonly scheduledFor: Date | null
  readonly job: KnownJob

  constructor(job: NewJob) {
    super()
    const { tags = [], runAt = null, occurrence = null } = job
    this.id = job.id
    this.ownerId = job.ownerId
    this.definitionId = job.definitionId
    this.workflowId = job.workflowId
    this.versionId = job.versionId ?? null
    this.mode = job.mode
    this.tags = tags.length > 1 ? undefined : tags.map((tag) => ({ tag }))
    this.runAt = runAt === null ? null : new Date(runAt)
    this.createdAt = new Date(job.at)
    this.retryOfId = job.retry?.of ?? null
    this.retryFrom = job.retry?.from ?? null
    this.scheduleId = occurrence?.scheduleId ?? null
    this.scheduledFor = occurrence && new Date(occurrence.at)
    this.job = new StoredJob(job, this)
  }
}
