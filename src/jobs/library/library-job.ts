import type { ExecutionDetails } from '../../db/executions/index.ts'
import type { Job } from '../../db/jobs/index.ts'
import type { ExecutionMode } from '../../engine/block/index.ts'
import type { JobEvent, JobStatus, JobType, RecordedError } from '../../engine/record/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'

/** A job as Node programs see it. Statuses and modes are lower-case here; times are dates, lengths milliseconds. */
export interface LibraryJob {
  readonly id: string
  readonly userId: string
  readonly type: JobType
  readonly status: Lowercase<JobStatus>
  /** In percent; 100 only when completed. */
  readonly progress: number
  readonly payload: LibraryPayload
  /** The output of a completed job, else null. */
  readonly result: Json
  readonly error: RecordedError | null
  readonly currentStep: string | null
  readonly completedNodes: number
  readonly totalNodes: number
  /** From the start to the end, or to now while it runs; 0 before the start. */
  readonly executionTime: number
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

export interface LibraryPayload {
  readonly workflowId: string | null
  readonly input: Json
  readonly mode: ExecutionMode
  readonly variables: JsonObject
  readonly metadata: JsonObject
}

/** One fact of a job's past; fields beside these belong to its kind. */
export type TimelineEntry = {
  readonly seq: number
  readonly at: Date
  readonly kind: JobEvent['kind']
  readonly progress: number
  readonly [field: string]: unknown
}

/** How far a workflow job is. */
export type WorkflowJobProgress = Pick<
  LibraryJob,
  'status' | 'progress' | 'currentStep' | 'completedNodes' | 'totalNodes' | 'executionTime' | 'error'
>

export function toLibraryJob(job: Job, details: ExecutionDetails, now: number): LibraryJob {
  const { id, ownerId, type, status, progress, error, currentStep, completedNodes, totalNodes } = job
  const { createdAt, startedAt, finishedAt } = job
  const { workflowId, label, input, mode, variables, metadata, output } = details
  return {
    id,
    userId: ownerId,
    type,
    status: status.toLowerCase() as Lowercase<JobStatus>,
    progress,
    payload: { workflowId: workflowId ?? label, input, mode, variables, metadata },
    result: output,
    error,
    currentStep,
    completedNodes,
    totalNodes,
    executionTime: startedAt ? (finishedAt?.getTime() ?? now) - startedAt.getTime() : 0,
    createdAt,
    startedAt,
    finishedAt,
  }
}

export function toTimelineEntry({ seq, at, kind, progress, body }: JobEvent): TimelineEntry {
  return { ...body, seq, at, kind, progress }
}
