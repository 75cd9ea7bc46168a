import type { JobStatus } from '../../engine/record/index.ts'
import type { DefinitionId, JobId, OwnerId } from '../../lib/index.ts'
import { CLAIMED, queryClaimed, TAKE, type ClaimedJob, type Lease } from '../jobs/index.ts'
import type { Queryable } from '../sql/index.ts'
import type { StoredDefinition } from '../stores/index.ts'
import { loadOpenSteps, STEPS_MAX_COUNT, type JobKey, type StepState } from './recorded-state.ts'

/** Which jobs a cancel reaches. */
export interface CanceledJobs {
  readonly ownerId: OwnerId
  readonly ids: readonly JobId[]
  /** `trees`: these jobs and everything below them. `below`: only what is below them. */
  readonly reach: 'trees' | 'below'
  /** Maximum number of jobs to cancel. */
  readonly limit: number
}

/** A job that a cancel reached. */
export interface CanceledJob {
  readonly id: JobId
  /** A worker holds it and has to read its inbox. A job that no worker holds waits for `claimUnheld`. */
  readonly isHeld: boolean
}

/** What the end of a canceled job that no run continues has to know. */
export interface EndingJob {
  readonly status: JobStatus
  readonly isBegun: boolean
  /** Its body is read apart, and only where no plan of it is at hand. */
  readonly definition: StoredDefinition
  /** The number of its steps on record, counted up to `STEPS_MAX_COUNT`. */
  readonly stepCount: number
}

/** Cancels of whole trees: a job, its children, their children and so on. */
export interface TreeCancelStore {
  /**
   * Puts a cancel into the inboxes of open jobs that have none yet, and returns them. After a call that returns no job, none
   * is left: a child that started meanwhile was found or refused (see `createJobInsert`).
   */
  cancel(jobs: CanceledJobs): Promise<readonly CanceledJob[]>
  /** Takes up to `limit` canceled descendants that no worker holds. */
  claimUnheld(lease: Lease, limit: number): Promise<readonly ClaimedJob[]>
  /** Puts a cancel into the inboxes of the children of these jobs; they may be of several owners. */
  cancelChildren(parentIds: readonly JobId[]): Promise<readonly CanceledJob[]>
  endings(jobs: readonly JobKey[]): Promise<ReadonlyMap<JobId, EndingJob>>
  /** Of each job: open steps, and ended steps of top-level nodes. */
  openSteps(jobs: readonly JobKey[]): Promise<ReadonlyMap<JobId, readonly StepState[]>>
}

export function createTreeCancelStore(pool: Queryable): TreeCancelStore {
  return {
    async cancel({ ownerId, ids, reach, limit }) {
      const { rows } = await pool.query<CanceledJob>(CANCEL_TREES, [ownerId, ids, reach === 'trees', limit])
      return rows
    },
    async cancelChildren(parentIds) {
      const { rows } = await pool.query<CanceledJob>(CANCEL_CHILDREN, [parentIds])
      return rows
    },
    claimUnheld: ({ workerId, leaseMs }, limit) =>
      queryClaimed(pool, CLAIM_UNHELD, [workerId, leaseMs, limit]),
    async endings(jobs) {
      const { rows } = await pool.query<StateRow>(STATES, [jobs.map(({ id }) => id), STEPS_MAX_COUNT])
      return new Map(
        rows.map(({ id, status, isBegun, definitionId, hash, stepCount }) => {
          return [id, { status, isBegun, definition: { id: definitionId, hash }, stepCount }]
        }),
      )
    },
    async openSteps(jobs) {
      const steps = await loadOpenSteps(pool, jobs)
      return new Map(jobs.map(({ id }, n) => [id, steps[n] ?? []]))
    },
  }
}

/**
 * Locks are taken in the order of ids, as a flush takes them, so that neither waits for the other in a circle. Why FOR UPDATE:
 * see the insert of jobs. A job that no worker holds wants no worker's place; one without a root is one of an older build.
 */
const cancelWanted = `
locked AS MATERIALIZED (
  SELECT j.id FROM jobs j
  WHERE j.id = ANY(ARRAY(SELECT id FROM wanted)) AND j.finished_at IS NULL AND j.cancel_requested_at IS NULL
  ORDER BY j.id FOR UPDATE
), canceled AS (
  UPDATE jobs j SET commands_sent = j.commands_sent + 1, cancel_requested_at = now(),
    wake_at = CASE WHEN j.holder IS NULL AND j.root_id IS NULL THEN now() END
  FROM locked WHERE j.id = locked.id
  RETURNING j.owner_id, j.id, j.commands_sent, j.holder
), command AS (
  INSERT INTO commands (owner_id, job_id, number, kind) SELECT owner_id, id, commands_sent, 'CANCEL' FROM canceled
)
SELECT id, holder IS NOT NULL AS "isHeld" FROM canceled`

const IS_CANCELABLE = 'd.finished_at IS NULL AND d.cancel_requested_at IS NULL'

/**
 * What is below a root is found by its index; what is below any other job by walking down. OFFSET 0 keeps the planner to
 * look-ups, which it leaves where statistics are old or missing. Held jobs come first: there are few, and their calls are to be aborted soon.
 */
const CANCEL_TREES = `
WITH RECURSIVE top AS MATERIALIZED (
  SELECT id, root_id FROM jobs WHERE owner_id = $1 AND id = ANY($2::uuid[])
), walked AS (
  SELECT own.id FROM top CROSS JOIN LATERAL (SELECT c.id FROM jobs c WHERE c.parent_id = top.id OFFSET 0) AS own
  WHERE top.root_id IS NOT NULL
  UNION ALL
  SELECT own.id FROM walked CROSS JOIN LATERAL (SELECT c.id FROM jobs c WHERE c.parent_id = walked.id OFFSET 0) AS own
), reached AS (
  SELECT own.* FROM top CROSS JOIN LATERAL (
    SELECT d.id, d.holder FROM jobs d WHERE d.root_id = top.id AND ${IS_CANCELABLE} OFFSET 0
  ) AS own WHERE top.root_id IS NULL
  UNION ALL
  SELECT own.* FROM (SELECT id FROM walked UNION ALL SELECT id FROM top WHERE $3) AS named
  CROSS JOIN LATERAL (SELECT d.id, d.holder FROM jobs d WHERE d.id = named.id AND ${IS_CANCELABLE} OFFSET 0) AS own
), wanted AS MATERIALIZED (
  SELECT id FROM reached ORDER BY holder IS NULL, id LIMIT $4
), ${cancelWanted}`

const CANCEL_CHILDREN = `
WITH wanted AS MATERIALIZED (
  SELECT own.id FROM unnest($1::uuid[]) AS parent(id) CROSS JOIN LATERAL (
    SELECT d.id FROM jobs d WHERE d.parent_id = parent.id AND ${IS_CANCELABLE} OFFSET 0
  ) AS own
), ${cancelWanted}`

const CLAIM_UNHELD = `
WITH unheld AS MATERIALIZED (
  SELECT id FROM jobs
  WHERE root_id IS NOT NULL AND cancel_requested_at IS NOT NULL AND finished_at IS NULL AND holder IS NULL
  ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET ${TAKE} FROM unheld WHERE jobs.id = unheld.id RETURNING ${CLAIMED}`

interface StateRow {
  readonly id: JobId
  readonly definitionId: DefinitionId
  readonly hash: string
  readonly status: JobStatus
  readonly isBegun: boolean
  readonly stepCount: number
}

const STATES = `
SELECT e.id, e.definition_id AS "definitionId", d.hash, j.status, j.started_at IS NOT NULL AS "isBegun",
  (SELECT count(*)::int FROM (
    SELECT FROM steps s WHERE s.owner_id = e.owner_id AND s.execution_id = e.id LIMIT $2
  ) AS counted) AS "stepCount"
FROM executions e JOIN jobs j ON j.id = e.id JOIN definitions d ON d.id = e.definition_id WHERE e.id = ANY($1::uuid[])`
