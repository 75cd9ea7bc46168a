import { FIRST_PERCENT, SPAN_PERCENT, type EventDraft, type JobStatus } from '../../engine/record/index.ts'
import type { JobId, OwnerId, WorkerId } from '../../lib/index.ts'
import { encodeEntry, ENTRY_FORMAT, NO_CONTENTS } from '../log/index.ts'
import { first, type Queryable } from '../sql/index.ts'
import { createBlockWaits, type BlockWaits } from './block-waits.ts'
import {
  CLAIMED,
  createJobClaims,
  queryClaimed,
  type ClaimedJob,
  type JobClaims,
  type Lease,
} from './job-claims.ts'
import { createJobCountStore, EVERY_TYPE, sumOf } from './job-count-store.ts'
import type { Job } from './job.ts'
import { createJobInsert } from './job-insert.ts'
import type { NewJob } from './new-job.ts'
import { shownStatus } from './shown-status.ts'

/** A child must not start: its parent has ended, or an ancestor is being canceled. Nothing was stored. */
export class ParentEndedError extends Error {}

/** An occurrence is not to be started: it was already, or its schedule is paused or deleted. Nothing was stored. */
export class OccurrenceTakenError extends Error {}

/**
 * A job with `onlyIfPublished` was refused: its version is not the published one, or its workflow is archived or deleted; or
 * it is a child that its parent refuses. Nothing was stored.
 */
export class NotPublishedError extends Error {}

export type JobPosition = Pick<Job, 'id' | 'lastSeq' | 'progress' | 'status'>

export type InsertResult =
  | { readonly kind: 'inserted' }
  /** The key stands for this job already; whether for the same request is told by its hash. */
  | { readonly kind: 'taken'; readonly jobId: JobId; readonly requestHash: string }

/** A job that a worker holds, and the fence under which. */
export interface HeldClaim {
  readonly id: JobId
  readonly fence: bigint
}

export interface HeldJob {
  readonly id: JobId
  readonly fence: bigint
  readonly commandsSent: number
}

/** A job, and the number of the newest command that its holder has read. */
export interface ReadInbox {
  readonly id: JobId
  readonly commandsSeen: number
}

export interface JobStore extends JobClaims, BlockWaits {
  /**
   * Stores a job, once, however often it is called with the same job. Throws `OccurrenceTakenError`, `ParentEndedError` or
   * `NotPublishedError` for what must not start.
   */
  insert(job: NewJob): Promise<InsertResult>
  /**
   * CREATED becomes QUEUED; null when it was anything else. Without a lease the job wants any worker; with one it is taken
   * in the same statement, for a handler function that lives in that worker's process.
   */
  queue(
    job: { id: JobId; ownerId: OwnerId },
    queued: EventDraft,
    lease: Lease | null,
  ): Promise<ClaimedJob | null>
  find(ownerId: OwnerId, id: JobId): Promise<Job | null>
  /** The newest event number, progress and status of these jobs, of any owner. Jobs that do not exist are left out. */
  positions(ids: readonly JobId[]): Promise<readonly JobPosition[]>
  /** True when a start with this key would store no job, because the key belongs to one already. */
  hasKey(ownerId: OwnerId, key: string): Promise<boolean>
  /** Whose job it is: only for a program that owns the whole database, never for a client. */
  ownerOf(id: JobId): Promise<OwnerId | null>
  countByStatus(ownerId: OwnerId): Promise<ReadonlyMap<JobStatus, number>>

  /** In how many milliseconds jobs that nobody holds come due within `ms`: each instant up to `grain` late, and once. */
  dueWithin(ms: number, grain: number): Promise<readonly number[]>
  /** Lengthens the leases of those of these jobs that the worker still holds, and tells which they are. */
  renew(lease: Lease, ids: readonly JobId[]): Promise<readonly HeldJob[]>
  /** Those of these jobs that the worker holds and whose inbox has a command beyond the number that it has read. */
  withUnreadCommands(workerId: WorkerId, jobs: readonly ReadInbox[]): Promise<readonly JobId[]>
  /**
   * Shows on a waiting parent how far its children have come, each as its step's part of the whole (E11). Gives the parent
   * if it shows more than before; one that a worker holds tells its progress itself.
   */
  shareProgress(childId: JobId): Promise<JobId | null>
  /** Gives back all jobs of a worker that stops in good order: others may claim them at once, and no loss is counted. */
  release(workerId: WorkerId): Promise<void>
  /** All jobs that the worker holds. */
  heldClaims(workerId: WorkerId): Promise<readonly HeldClaim[]>
  /** Gives back those of these jobs that the worker still holds under that fence; no loss is counted. */
  releaseClaims(workerId: WorkerId, claims: readonly HeldClaim[]): Promise<void>
  /**
   * Gives back one job in the same way, if the worker still holds it under that fence. If the next claim counted a loss, that loss is
   * taken back, once: the worker is alive.
   */
  releaseJob(
    worker: Pick<Lease, 'workerId'>,
    job: { readonly id: JobId; readonly fence: bigint },
  ): Promise<void>
  /** The loss of these claims counts, although the worker is alive: their jobs have blocked it, or their runs broke off. */
  countLosses(workerId: WorkerId, claims: readonly HeldClaim[]): Promise<void>
  /**
   * Ends every lease, for the only process of the embedded database: all other holders are dead, and each loss counts. The jobs of a
   * process that stopped in good order are given back instead. `blockedBy` is the job whose block made the process before this one
   * end itself: all other jobs are given back.
   */
  expireLeases(blockedBy?: JobId | null): Promise<void>
}

/** The ended nodes of the parent, and the children at its top level, each with what it has done of its own. */
const SHARE_PROGRESS = `
UPDATE jobs p SET progress = reached.percent
FROM (
  SELECT parent.id, LEAST(95, ${FIRST_PERCENT} + ${SPAN_PERCENT}::float8 / GREATEST(parent.total_nodes, 1) *
    (parent.completed_nodes + sum(child.progress) / 100)) AS percent
  FROM jobs me JOIN jobs parent ON parent.id = me.parent_id
  JOIN jobs child ON child.parent_id = parent.id AND child.finished_at IS NULL AND child.parent_path NOT LIKE '%[%'
  WHERE me.id = $1 GROUP BY parent.id
) reached
WHERE p.id = reached.id AND p.holder IS NULL AND p.status = 'WAITING' AND p.progress < reached.percent
RETURNING p.id`

const RELEASE_JOB = `
WITH given AS (
  UPDATE jobs SET holder = NULL, leased_until = NULL, wake_at = now() WHERE id = $1 AND holder = $2 AND fence = $3
)
UPDATE jobs SET recoveries = GREATEST(recoveries - 1, 0), loss_fence = NULL
WHERE id = $1 AND fence = $3::bigint + 1 AND loss_fence = fence`

export function createJobStore(pool: Queryable): JobStore {
  const insert = createJobInsert(pool)
  const counts = createJobCountStore(pool)
  return {
    ...createJobClaims(pool),
    ...createBlockWaits(pool),
    async insert(job) {
      const insertion = await insert(job)
      if (insertion === 'stored') return { kind: 'inserted' }
      if (insertion === 'refused' && job.onlyIfPublished)
        throw new NotPublishedError('the version is not the published one')
      if (job.occurrence) throw new OccurrenceTakenError('the occurrence is not to be started')
      const taken = await pool.query<{ jobId: JobId; requestHash: string }>(
        'SELECT job_id AS "jobId", request_hash AS "requestHash" FROM idempotency_keys WHERE owner_id = $1 AND key = $2',
        [job.ownerId, job.idempotency?.key],
      )
      const row = first(taken.rows)
      if (row?.jobId === job.id) return { kind: 'inserted' }
      if (!row && job.parent) throw new ParentEndedError('the parent has ended')
      if (!row) throw new Error('a job was neither stored nor refused by its key')
      return { kind: 'taken', ...row }
    },
    async queue({ id, ownerId }, queued, lease) {
      const text = `
        WITH queued AS (
          UPDATE jobs SET status = 'QUEUED', last_seq = 1, entry_no = 1,
            handler = CASE WHEN $3::uuid IS NULL THEN 'engine' ELSE 'process' END,
            wake_at = CASE WHEN $3::uuid IS NULL THEN now() END,
            holder = $3::uuid,
            leased_until = CASE WHEN $3::uuid IS NOT NULL THEN now() + $4::int * interval '1 ms' END,
            fence = fence + CASE WHEN $3::uuid IS NULL THEN 0 ELSE 1 END
          WHERE owner_id = $1 AND id = $2 AND status = 'CREATED' AND cancel_requested_at IS NULL
          RETURNING *
        ), entry AS (
          INSERT INTO job_log (job_id, seq, entry_no, format, at, events)
          SELECT id, 1, 1, ${ENTRY_FORMAT}, to_timestamp($5::float8 / 1000), $6 FROM queued
        )
        SELECT ${CLAIMED} FROM queued AS jobs`
      const taker = [lease?.workerId ?? null, lease?.leaseMs ?? null]
      return first(await queryClaimed(pool, text, [ownerId, id, ...taker, queued.at, queuedEntry(queued)]))
    },
    async hasKey(ownerId, key) {
      const { rows } = await pool.query(
        'SELECT FROM idempotency_keys WHERE owner_id = $1 AND key = $2 AND expires_at > now()',
        [ownerId, key],
      )
      return rows.length > 0
    },
    async find(ownerId, id) {
      const { rows } = await pool.query<Job>(
        `SELECT id, owner_id AS "ownerId", type, progress, priority, current_step AS "currentStep",
           completed_nodes AS "completedNodes", total_nodes AS "totalNodes", error, last_seq AS "lastSeq",
           created_at AS "createdAt", started_at AS "startedAt", finished_at AS "finishedAt",
           ${shownStatus('jobs')} AS status
         FROM jobs WHERE owner_id = $1 AND id = $2`,
        [ownerId, id],
      )
      return first(rows)
    },
    async positions(ids) {
      const { rows } = await pool.query<JobPosition>(
        `SELECT id, last_seq AS "lastSeq", progress, ${shownStatus('jobs')} AS status
         FROM jobs WHERE id = ANY($1::uuid[])`,
        [ids],
      )
      return rows
    },
    async ownerOf(id) {
      const { rows } = await pool.query<{ ownerId: OwnerId }>(
        'SELECT owner_id AS "ownerId" FROM jobs WHERE id = $1',
        [id],
      )
      return first(rows)?.ownerId ?? null
    },
    async countByStatus(ownerId) {
      return sumOf((await counts.counts(ownerId, EVERY_TYPE)).values()).byStatus
    },
    async dueWithin(ms, grain) {
      const { rows } = await pool.query<{ inMs: number }>(
        `SELECT DISTINCT $2::int * ceil(extract(epoch FROM wake_at - now()) * 1000 / $2::int)::int AS "inMs"
         FROM jobs WHERE holder IS NULL AND wake_at > now() AND wake_at <= now() + $1::int * interval '1 ms'`,
        [ms, grain],
      )
      return rows.map(({ inMs }) => inMs)
    },
    async renew({ workerId, leaseMs }, ids) {
      // Locks in the order of ids, as a flush takes them: neither waits for the other in a circle.
      const { rows } = await pool.query<{ id: JobId; fence: string; commandsSent: number }>(
        `WITH held AS (
           SELECT id FROM jobs WHERE id = ANY($3::uuid[]) AND holder = $1 ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE jobs SET leased_until = now() + $2 * interval '1 ms' FROM held WHERE jobs.id = held.id
         RETURNING jobs.id, fence, commands_sent AS "commandsSent"`,
        [workerId, leaseMs, ids],
      )
      return rows.map((row) => ({ ...row, fence: BigInt(row.fence) }))
    },
    async withUnreadCommands(workerId, read) {
      const { rows } = await pool.query<{ id: JobId }>(
        `SELECT jobs.id FROM unnest($2::uuid[], $3::int[]) AS inbox(id, seen)
         JOIN jobs ON jobs.id = inbox.id AND jobs.holder = $1 AND jobs.commands_sent > inbox.seen`,
        [workerId, read.map(({ id }) => id), read.map(({ commandsSeen }) => commandsSeen)],
      )
      return rows.map(({ id }) => id)
    },
    async shareProgress(childId) {
      const { rows } = await pool.query<{ id: JobId }>(SHARE_PROGRESS, [childId])
      return first(rows)?.id ?? null
    },
    async release(workerId) {
      // Locks in the order of ids, as a flush takes them.
      await pool.query(
        `WITH held AS (SELECT id FROM jobs WHERE holder = $1 ORDER BY id FOR NO KEY UPDATE)
         UPDATE jobs SET holder = NULL, leased_until = NULL, wake_at = now() FROM held WHERE jobs.id = held.id`,
        [workerId],
      )
    },
    async heldClaims(workerId) {
      const { rows } = await pool.query<{ id: JobId; fence: string }>(
        'SELECT id, fence FROM jobs WHERE holder = $1',
        [workerId],
      )
      return rows.map(({ id, fence }) => ({ id, fence: BigInt(fence) }))
    },
    async releaseClaims(workerId, claims) {
      // Locks in the order of ids, as a flush takes them.
      await pool.query(
        `WITH held AS (
           SELECT jobs.id FROM unnest($2::uuid[], $3::bigint[]) AS claim(id, fence)
           JOIN jobs ON jobs.id = claim.id AND jobs.fence = claim.fence AND jobs.holder = $1
           ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
         )
         UPDATE jobs SET holder = NULL, leased_until = NULL, wake_at = now() FROM held WHERE jobs.id = held.id`,
        [workerId, claims.map(({ id }) => id), claims.map(({ fence }) => fence)],
      )
    },
    async releaseJob({ workerId }, { id, fence }) {
      await pool.query(RELEASE_JOB, [id, workerId, fence])
    },
    async countLosses(workerId, claims) {
      await pool.query(
        `INSERT INTO counted_losses (job_id, fence, process_id)
         SELECT claim.id, claim.fence, processes.id
         FROM unnest($2::uuid[], $3::bigint[]) AS claim(id, fence) JOIN processes ON processes.id = $1
         ON CONFLICT DO NOTHING`,
        [workerId, claims.map(({ id }) => id), claims.map(({ fence }) => fence)],
      )
    },
    async expireLeases(blockedBy = null) {
      await pool.query(
        `UPDATE jobs SET holder = NULL, leased_until = NULL, wake_at = now() WHERE holder IS NOT NULL AND (
           id <> $1::uuid OR EXISTS (SELECT FROM processes WHERE id = jobs.holder AND stopped_at IS NOT NULL)
         )`,
        [blockedBy],
      )
      await pool.query(
        `INSERT INTO counted_losses (job_id, fence, process_id)
         SELECT jobs.id, fence, processes.id FROM jobs JOIN processes ON processes.id = jobs.holder
         ON CONFLICT DO NOTHING`,
      )
      await pool.query(`UPDATE jobs SET leased_until = now() - interval '1 s' WHERE holder IS NOT NULL`)
    },
  }
}

/** The events of the first entry in a job's log, as JSON text. The entry has the time of the event. */
function queuedEntry(queued: EventDraft): string | null {
  return encodeEntry({ ...NO_CONTENTS, events: [{ draft: queued, progress: 0 }] }, queued.at).events
}
