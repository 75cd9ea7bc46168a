import type { ExecutionStore } from '../../db/executions/index.ts'
import type { Wakeups } from '../../db/index.ts'
import type { TransientRetry } from '../../db/outage/index.ts'
import type { ClaimedJob, Job, JobStore } from '../../db/jobs/index.ts'
import type { VersionStore } from '../../db/stores/index.ts'
import { issuesText, type ExecutionMode } from '../../engine/block/index.ts'
import {
  event,
  isTerminal,
  JOB_STATUSES,
  JOB_TYPES,
  type JobEvent,
  type JobStatus,
  type JobType,
  type OnUnhandledError,
  type RecordedError,
} from '../../engine/record/index.ts'
import { LumeError, ownerId, parseId, type JobId, type OwnerId, type WorkflowId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import {
  readBlockJob,
  sourceState,
  workflowPayloadSchema,
  type BlockJobType,
  type Commands,
  type JobSignal,
  type SearchJobPayload,
  type SignalResult,
  type SourceState,
  type UploadJobPayload,
  type WorkflowJobPayload,
} from '../index.ts'
import type { StartExecution, StartRequest } from '../start/index.ts'
import type { Processor, StoredPlans } from '../worker/index.ts'
import { InputInvalidError, requireSound, startedOrThrow } from './errors.ts'
import { CallbackCalls } from './job-callbacks.ts'
import { JobCode } from './job-code.ts'
import {
  toLibraryJob,
  toTimelineEntry,
  type LibraryJob,
  type TimelineEntry,
  type WorkflowJobProgress,
} from './library-job.ts'
import { runHandler, type HandlerContext } from './run-handler.ts'

/**
 * A job's work as a function of this process: durable only as long as the process lives. An error that it leaves unhandled
 * while it runs fails the job with `HANDLER_UNHANDLED_ERROR`.
 */
export type JobHandler = (job: LibraryJob, context: HandlerContext) => Promise<unknown>

/**
 * Called in order while a job runs. An error that a callback throws is logged and changes nothing else. The next call, and
 * the result of `startJob`, waits for a callback's promise for at most two seconds; once a callback has taken longer, its
 * later calls are not waited for.
 */
export interface JobCallbacks {
  /** `timeline` holds all events so far. */
  readonly onProgress?: (jobId: string, progress: number, timeline: readonly TimelineEntry[]) => unknown
  readonly onComplete?: (jobId: string, result: Json) => unknown
  /** Also for a canceled job, with the code `JOB_CANCELED`. */
  readonly onError?: (jobId: string, error: RecordedError) => unknown
}

export type JobStats = { readonly total: number } & Readonly<Record<Lowercase<JobStatus>, number>>

/** What each type of job is created with. */
export interface JobPayloads {
  readonly WORKFLOW: WorkflowJobPayload
  readonly SEARCH: SearchJobPayload
  readonly UPLOAD_TO_META: UploadJobPayload
}

export interface CreateJobOptions {
  /** The same key with the same type and payload gives the same job for 30 days. */
  readonly idempotencyKey?: string
  /** Of jobs whose payload does not say it; default `production`. */
  readonly mode?: ExecutionMode
  /** With that mode `test`: what comes of its one node’s calls, by the node’s id, `search` or `upload`. */
  readonly mocks?: unknown
}

/** The job processor, for Node programs. */
export interface JobService {
  /**
   * Stores a job that waits to be started. Throws `JOB_INVALID`, `INPUT_INVALID`, `WORKFLOW_NOT_FOUND`, `WORKFLOW_ARCHIVED`,
   * `VERSION_NOT_FOUND`, `DEFINITION_UNSOUND`, `IDEMPOTENCY_CONFLICT`; where the result of another job is wanted
   * `JOB_NOT_FOUND`, `NOT_ENDED`, `RESULT_MISSING`.
   */
  createJob<Type extends JobType>(
    userId: string,
    type: Type,
    payload: JobPayloads[Type],
    options?: CreateJobOptions,
  ): Promise<LibraryJob>
  createWorkflowJob(userId: string, payload: WorkflowJobPayload): Promise<LibraryJob>
  /**
   * Starts a job and resolves with it when it has ended, in whatever way. Without a handler, or with
   * `processWorkflowJob`, the job is durable: it survives this process. Any other handler lives here; if the process
   * dies its job ends FAILED with `HANDLER_LOST`. Throws `JOB_NOT_FOUND`, `JOB_STARTED_ALREADY`, `CLOSED` as `watchJob` does.
   */
  startJob(jobId: string, handler?: JobHandler | null, callbacks?: JobCallbacks): Promise<LibraryJob>
  /**
   * Resolves with a started job when it has ended, in whatever way; in another process or before a restart, too. Throws
   * `JOB_NOT_FOUND`, and `CLOSED` when Lume is closed before.
   */
  watchJob(jobId: string, callbacks?: JobCallbacks): Promise<LibraryJob>
  /** The durable handler: runs the job's definition, and survives the process. */
  processWorkflowJob(job: { readonly id: string }): Promise<LibraryJob>
  /** Null when there is no such job. */
  getJob(jobId: string): Promise<LibraryJob | null>
  getWorkflowJobProgress(job: { readonly id: string }): Promise<WorkflowJobProgress>
  /** False when the job has ended, or is being canceled already. */
  cancelJob(jobId: string): Promise<boolean>
  /** What runs is finished, nothing starts. False when the job has ended, is being canceled, or was never started. */
  pauseJob(jobId: string): Promise<boolean>
  resumeJob(jobId: string): Promise<boolean>
  /** Sends a signal to the step that waits for it, or will. */
  signalJob(jobId: string, signal: JobSignal): Promise<SignalResult>
  jobStats(userId: string): Promise<JobStats>
}

/** Follows timelines, as far as waiting for a job's end goes. */
export interface FollowedTimelines {
  follow(request: {
    job: Job
    after: number
    kinds: null
    signal: AbortSignal
  }): AsyncIterable<{ readonly events: readonly JobEvent[]; readonly cursor: number; readonly job: Job }>
}

export interface JobServiceOptions {
  readonly jobs: JobStore
  readonly executions: ExecutionStore
  readonly commands: Commands
  readonly versions: Pick<VersionStore, 'choose'>
  readonly storedPlans: Pick<StoredPlans, 'validate'>
  readonly start: StartExecution
  readonly timelines: FollowedTimelines
  /** Carries what waits for a job's end through outages of the database. */
  readonly retry: Pick<TransientRetry, 'run'>
  readonly processor: Processor | null
  readonly wakeups: Wakeups
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
  /** Aborts when the library is closed: nobody waits beyond that. */
  readonly closed: AbortSignal
  /** Receives what handler functions and callbacks leave unhandled. */
  readonly onUnhandledError: OnUnhandledError
}

export function createJobService(options: JobServiceOptions): JobService {
  const { jobs, executions, commands, start, processor, wakeups, clock, onUnhandledError } = options

  const find = async (jobId: string): Promise<{ job: Job; shown: LibraryJob } | null> => {
    const id = parseId<JobId>(jobId)
    const owner = id && (await jobs.ownerOf(id))
    if (!id || !owner) return null
    const [job, details] = await Promise.all([jobs.find(owner, id), executions.details(id)])
    return job && details ? { job, shown: toLibraryJob(job, details, clock.now()) } : null
  }
  const get = async (jobId: string) => {
    const found = await find(jobId)
    if (!found) throw new LumeError('JOB_NOT_FOUND', `there is no job "${jobId}"`)
    return found
  }

  const send = async (jobId: string, kind: 'CANCEL' | 'PAUSE' | 'RESUME'): Promise<boolean> => {
    const { job } = await get(jobId)
    return (await commands.send(job, kind)).kind === 'sent'
  }

  const service: JobService = {
    async createJob(userId, type, payload, { idempotencyKey, mode, mocks } = {}) {
      if (!JOB_TYPES.includes(type))
        throw new LumeError('JOB_INVALID', `a job's type is one of ${JOB_TYPES.join(', ')}`)
      const job = { ownerId: ownerId(userId), payload }
      const request =
        type === 'WORKFLOW'
          ? await startRequest(options, { ...job, type })
          : { ...(await blockJobRequest(options, { ...job, type })), mode: mode ?? 'production', mocks }
      const created = await start({ ...request, idempotencyKey: idempotencyKey ?? null, intent: 'create' })
      return (await get(startedOrThrow(created))).shown
    },
    createWorkflowJob: (userId, payload) => service.createJob(userId, 'WORKFLOW', payload),
    async startJob(jobId, handler, callbacks = {}) {
      const { job, shown } = await get(jobId)
      const queued = event('JOB_QUEUED', clock.now(), {})
      if (!handler || handler === service.processWorkflowJob) {
        await requireRunnable(options, job)
        begun(await jobs.queue(job, queued, null), job)
        wakeups.queued(job.ownerId)
      } else {
        if (!processor)
          throw new LumeError(
            'NO_WORKER',
            'this process runs no jobs: a handler function needs one that does',
          )
        const close = processor.claims.open()
        try {
          const claimed = begun(await jobs.queue(job, queued, processor.lease), job)
          processor.runHere(claimed, (journal, signals) =>
            runHandler({
              handler: (context) => handler(shown, context),
              code: new JobCode({ kind: 'handler', name: job.type, executionId: job.id }, onUnhandledError),
              journal,
              signals,
              clock,
            }),
          )
        } finally {
          close()
        }
      }
      wakeups.news([job.id])
      return service.watchJob(jobId, callbacks)
    },
    async watchJob(jobId, callbacks = {}) {
      const patientlyGet = () => options.retry.run(() => get(jobId), { signal: options.closed })
      try {
        const { job } = await patientlyGet()
        await watch(options, job, callbacks)
        return (await patientlyGet()).shown
      } catch (fault) {
        // What was being read when the database was closed fails in its own way.
        if (options.closed.aborted && !(fault instanceof LumeError)) throw closedBefore(jobId)
        throw fault
      }
    },
    async processWorkflowJob(job) {
      return service.startJob(job.id)
    },
    async getJob(jobId) {
      return (await find(jobId))?.shown ?? null
    },
    async getWorkflowJobProgress({ id }) {
      const { status, progress, currentStep, completedNodes, totalNodes, executionTime, error } = (
        await get(id)
      ).shown
      return { status, progress, currentStep, completedNodes, totalNodes, executionTime, error }
    },
    cancelJob: (jobId) => send(jobId, 'CANCEL'),
    pauseJob: (jobId) => send(jobId, 'PAUSE'),
    resumeJob: (jobId) => send(jobId, 'RESUME'),
    async signalJob(jobId, signal) {
      return commands.signal((await get(jobId)).job, signal)
    },
    async jobStats(userId) {
      const counts = await jobs.countByStatus(ownerId(userId))
      const byStatus = JOB_STATUSES.map((status) => [status.toLowerCase(), counts.get(status) ?? 0] as const)
      return {
        total: byStatus.reduce((sum, [, count]) => sum + count, 0),
        ...Object.fromEntries(byStatus),
      } as JobStats
    },
  }
  return service
}

function begun(queued: ClaimedJob | null, { id }: Job): ClaimedJob {
  if (queued) return queued
  throw new LumeError('JOB_STARTED_ALREADY', `job ${id} was started or canceled before`)
}

/** Reads the payload of a job of one block into what the start of an execution takes. */
async function blockJobRequest(
  { jobs }: Pick<JobServiceOptions, 'jobs'>,
  { ownerId: owner, type, payload }: { ownerId: OwnerId; type: BlockJobType; payload: unknown },
): Promise<Omit<StartRequest, 'intent' | 'mode'>> {
  const read = readBlockJob(type, payload)
  if (read.kind === 'invalid') throw new InputInvalidError(read.problems)
  const { definition, input, fromJobId } = read
  if (fromJobId !== null) requireReady(await sourceState(jobs, owner, fromJobId), fromJobId)
  return { ownerId: owner, type, definition, workflowId: null, input }
}

function requireReady(state: SourceState, jobId: string): void {
  switch (state) {
    case 'ready':
      return
    case 'notFound':
      throw new LumeError('JOB_NOT_FOUND', `there is no job "${jobId}" of this user`)
    case 'notEnded':
      throw new LumeError('NOT_ENDED', `the job ${jobId} has not ended yet: wait for its end`)
    case 'withoutResult':
      throw new LumeError('RESULT_MISSING', `the job ${jobId} has no result: it did not complete`)
  }
}

/** Reads the payload of a workflow job into what the start of an execution takes. */
export async function startRequest(
  { versions }: Pick<JobServiceOptions, 'versions'>,
  job: { ownerId: OwnerId; type: 'WORKFLOW'; payload: unknown },
): Promise<Omit<StartRequest, 'intent'>> {
  const { ownerId: owner, type, payload } = job
  const parsed = workflowPayloadSchema.safeParse(payload)
  if (!parsed.success) {
    const problems = issuesText(parsed.error.issues, 'payload')
    throw new LumeError('JOB_INVALID', `the payload of a workflow job is not valid: ${problems}`)
  }
  const { workflowId, workflowDefinition, version = null, draft, input = null, ...rest } = parsed.data
  const common = { ownerId: owner, type, input, ...rest }
  if (workflowDefinition !== undefined) {
    return { ...common, definition: workflowDefinition, workflowId: null, label: workflowId }
  }
  const id = parseId<WorkflowId>(workflowId)
  const choice = { version, draft }
  const chosen = id && (await versions.choose({ ownerId: owner, id }, choice))
  if (!chosen || chosen.kind === 'notFound')
    throw new LumeError('WORKFLOW_NOT_FOUND', `there is no workflow "${workflowId}" of this user`)
  if (chosen.kind === 'archived')
    throw new LumeError(
      'WORKFLOW_ARCHIVED',
      `the workflow ${id} is archived: take it out of the archive first`,
    )
  if (chosen.kind === 'noSuchVersion')
    throw new LumeError('VERSION_NOT_FOUND', `the workflow ${id} has no version ${version}`)
  const { definition, versionId } = chosen
  return { ...common, definition, workflowId: id, versionId, choice }
}

async function requireRunnable(
  { executions, storedPlans }: JobServiceOptions,
  { id, ownerId }: Job,
): Promise<void> {
  const stored = await executions.load(id)
  if (stored) requireSound(await storedPlans.validate(stored.definition, { ownerId, isRefusable: true }))
}

/** Follows a job to its end and calls the callbacks. */
async function watch(options: JobServiceOptions, job: Job, callbacks: JobCallbacks): Promise<void> {
  const { timelines, closed, executions, retry } = options
  const { onProgress, onComplete, onError } = callbacks
  const calls = new CallbackCalls({ ...options, jobId: job.id })
  const timeline: TimelineEntry[] = []
  let last: Job = job
  let cursor = 0
  const follow = async () => {
    for await (const batch of timelines.follow({ job, after: cursor, kinds: null, signal: closed })) {
      last = batch.job
      cursor = batch.cursor
      timeline.push(...batch.events.map(toTimelineEntry))
      if (onProgress) await calls.call('onProgress', () => onProgress(job.id, last.progress, [...timeline]))
    }
  }
  await retry.run(follow, { signal: closed })
  if (!isTerminal(last.status)) throw closedBefore(job.id)
  if (last.status === 'COMPLETED') {
    const details = await retry.run(() => executions.details(job.id), { signal: closed })
    const output = details?.output ?? null
    if (onComplete) await calls.call('onComplete', () => onComplete(job.id, output))
  } else if (onError) {
    const error = last.error ?? { code: 'JOB_CANCELED', message: 'The job was canceled.' }
    await calls.call('onError', () => onError(job.id, error))
  }
}

function closedBefore(jobId: string): LumeError {
  return new LumeError('CLOSED', `Lume was closed before job ${jobId} ended`)
}
