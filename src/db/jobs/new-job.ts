import type { ExecutionMode } from '../../engine/block/index.ts'
import type { Mocks } from '../../engine/mocks/index.ts'
import type { JobType } from '../../engine/record/index.ts'
import type {
  DefinitionId,
  JobId,
  OwnerId,
  ScheduleId,
  WorkflowId,
  WorkflowVersionId,
} from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { Lease } from './job-claims.ts'

/** A job and its execution, about to be stored. */
export interface NewJob {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly type: JobType
  /** CREATED waits to be started; QUEUED wants a worker at `wakeAt`. */
  readonly status: 'CREATED' | 'QUEUED'
  readonly handler: 'engine' | 'process'
  readonly definitionId: DefinitionId
  readonly workflowId: WorkflowId | null
  /** The version of the workflow that it runs; null for a draft and for a definition in place. */
  readonly versionId?: WorkflowVersionId | null
  readonly label: string | null
  readonly tags?: readonly string[]
  /** When its starter wants it to begin; null: at once. */
  readonly runAt?: number | null
  readonly mode: ExecutionMode
  readonly metadata: Json
  readonly input: Json
  readonly variables: JsonObject
  /** Test mode only: what comes of its calls. */
  readonly mocks: Mocks | null
  readonly totalNodes: number
  readonly priority: number
  /** The time of its creation, in milliseconds since the epoch; of a QUEUED job also that of its first event. */
  readonly at: number
  readonly wakeAt: number | null
  readonly idempotency: {
    readonly key: string
    readonly requestHash: string
    readonly expiresAt: number
  } | null
  /** The worker that takes the job in the same transaction, if one has room. */
  readonly lease: Lease | null
  /** The job whose step starts this one; null for a root. */
  readonly parent: ParentOfJob | null
  /** The execution that this one retries, from where on, and the outputs that it is given, by path. */
  readonly retry: { readonly of: JobId; readonly from: string; readonly patched: JsonObject } | null
  /** The occurrence of a schedule that it is the run of; a job has this or an idempotency key, not both. */
  readonly occurrence?: Occurrence | null
  /**
   * True: the job is stored only if `versionId` is the published version of its workflow, holds the definition, and the workflow
   * is neither archived nor deleted. Default false.
   */
  readonly onlyIfPublished?: boolean
}

export interface ParentOfJob {
  readonly id: JobId
  /** The step that starts the child. */
  readonly path: string
  /** The child's number of ancestors, from 1. */
  readonly depth: number
  /** The topmost ancestor; the parent itself where that has no parent. */
  readonly rootId: JobId
}

/** What identifies an occurrence of a schedule: it starts at most once (P6). */
export interface Occurrence {
  readonly scheduleId: ScheduleId
  /** The instant that it is for, in milliseconds since the epoch. */
  /** The time of its creation, in milliseconds since the epoch; of a QUEUED job also that of its first event. */
  readonly at: number
}
