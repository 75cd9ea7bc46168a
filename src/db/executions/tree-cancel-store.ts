import { endedUnbegun, type JobStatus } from '../../engine/record/index.ts'
import type { DefinitionId, JobId, OwnerId } from '../../lib/index.ts'
import { CLAIMED, queryClaimed, TAKE, type ClaimedJob, type Lease } from '../jobs/index.ts'
import { encodeEntry, ENTRY_FORMAT, eventCode, NO_CONTENTS } from '../log/index.ts'
import { openPagesBytesSql, tailBytesSql } from '../log-reads/index.ts'
import type { Queryable } from '../sql/index.ts'
import type { StoredDefinition } from '../stores/index.ts'
import { expectsNoNews } from './expects-no-news.ts'
import { loadOpenSteps } from './recorded-state.ts'
import type { JobKey, StepState } from './step-state.ts'

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

/** A canceled job that no worker holds: what its end follows from, beside its steps. */
export interface UnheldJob extends Pick<
  ClaimedJob,
  'id' | 'ownerId' | 'fence' | 'lastSeq' | 'entryNo' | 'commandsSent' | 'progress'
> {
  readonly status: JobStatus
  readonly isBegun: boolean
  /** Its body is read separately, and only where its plan is not kept. Null where the job has no execution. */
  readonly definition: StoredDefinition | null
  /** At least what `openSteps` loads of it, as bytes of JSON text. */
  readonly stepBytes: number
}

/** Such a job once it is claimed. */
export interface ClaimedUnheldJob extends ClaimedJob, Pick<UnheldJob, 'status' | 'isBegun'> {}

/** The definition of canceled jobs that have not begun, and the top-level nodes that their ends record. */
export interface UnbegunGraph {
  readonly definitionId: DefinitionId
  readonly nodes: readonly { readonly id: string; readonly order: readonly number[] }[]
}

/** A stored definition and its owner. */
export interface OwnedDefinition {
  readonly ownerId: OwnerId
  readonly definition: StoredDefinition
}

/** Cancels of whole trees: a job, its children, their children and so on. */
export interface TreeCancelStore {
  /**
   * Puts a cancel into the inboxes of open jobs that have none yet, and returns them. After a call that returns no job, none
   * is left: a child that started meanwhile was found or refused (see `createJobInsert`).
   */
  cancel(jobs: CanceledJobs): Promise<readonly CanceledJob[]>
  /** The definitions of the first `limit` canceled descendants that no worker holds and that have not begun. */
  unbegunDefinitions(limit: number): Promise<readonly OwnedDefinition[]>
  /**
   * Ends up to `limit` canceled descendants of these definitions that no worker holds and that have not begun: each job with its
   * terminal event and its steps, in one statement. A job that has not begun has no steps on record and no children. Jobs
   * that another session has locked are passed over. Returns the jobs that have ended. `at`: in milliseconds.
   */
  endUnbegun(graphs: readonly UnbegunGraph[], at: number, limit: number): Promise<readonly JobId[]>
  /** Reads up to `limit` canceled descendants that no worker holds, in the order of their ids, behind the first `skip` of them. */
  unheld(limit: number, skip: number): Promise<readonly UnheldJob[]>
  /** Takes those of these jobs that are canceled descendants and that no worker holds. */
  claimUnheld(lease: Lease, ids: readonly JobId[]): Promise<readonly ClaimedUnheldJob[]>
  /** Puts a cancel into the inboxes of the children of these jobs; they may be of several owners. */
  cancelChildren(parentIds: readonly JobId[]): Promise<readonly CanceledJob[]>
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
    async unbegunDefinitions(limit) {
      const { rows } = await pool.query<{ ownerId: OwnerId; id: DefinitionId; hash: string }>(
        UNBEGUN_DEFINITIONS,
        [limit],
      )
      return rows.map(({ ownerId, id, hash }) => ({ ownerId, definition: { id, hash } }))
    },
    async endUnbegun(graphs, at, limit) {
      const { rows } = await pool.query<{ id: JobId }>(END_UNBEGUN, [
        graphs.map(({ definitionId }) => definitionId),
        graphs.map((graph) => (graph.nodes.length + 1) * ROW_BYTES),
        graphs.map((graph) => changesOf(graph, at)),
        at,
        limit,
      ])
      return rows.map(({ id }) => id)
    },
    async unheld(limit, skip) {
      const { rows } = await pool.query<UnheldRow>(UNHELD, [limit, skip])
      return rows.map(({ fence, definitionId, hash, ...job }) => ({
        ...job,
        fence: BigInt(fence),
        definition: definitionId === null || hash === null ? null : { id: definitionId, hash },
        stepBytes: job.stepBytes ?? 0,
      }))
    },
    claimUnheld: ({ workerId, leaseMs }, ids) =>
      queryClaimed<ClaimedUnheldJob>(pool, CLAIM_UNHELD, [workerId, leaseMs, ids]),
    async openSteps(jobs) {
      const steps = await loadOpenSteps(pool, jobs)
      return new Map(jobs.map(({ id }, n) => [id, steps[n] ?? []]))
    },
  }
}

/**
 * The same as `IS_CANCELABLE` for a job that is looked up by its key or its parent. No partial index has this condition: where one has,
 * the planner may read all of that index for each job.
 */
const isFoundCancelable = (job: string) => `num_nonnulls(${job}.finished_at, ${job}.cancel_requested_at) = 0`

/**
 * Locks are taken in the order of ids, as a flush takes them, so that neither waits for the other in a circle. Why FOR UPDATE:
 * see the insert of jobs. A job that no worker holds wants no worker's place; one without a root is one of an older build.
 */
const cancelWanted = `
locked AS MATERIALIZED (
  SELECT j.id FROM jobs j
  WHERE j.id = ANY(ARRAY(SELECT id FROM wanted)) AND ${isFoundCancelable('j')}
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
 * The children of one job, by a look-up in the index of parents. Where most children have one parent, the statistics make the
 * planner expect as many of every job, and it would read the whole table for each. Of a range it expects a small part.
 */
const isChildOf = (child: string, parent: string) =>
  `${child}.parent_id BETWEEN ${parent}.id AND ${parent}.id`

/**
 * What is below a root is found by its index; what is below any other job by walking down. OFFSET 0 keeps the planner to
 * look-ups, which it leaves where statistics are old or missing. Held jobs come first: there are few, and their calls are to be aborted soon.
 */
const CANCEL_TREES = `
WITH RECURSIVE top AS MATERIALIZED (
  SELECT id, root_id FROM jobs WHERE owner_id = $1 AND id = ANY($2::uuid[])
), walked AS (
  SELECT own.id FROM top CROSS JOIN LATERAL (SELECT c.id FROM jobs c WHERE ${isChildOf('c', 'top')} OFFSET 0) AS own
  WHERE top.root_id IS NOT NULL
  UNION ALL
  SELECT own.id FROM walked CROSS JOIN LATERAL (SELECT c.id FROM jobs c WHERE ${isChildOf('c', 'walked')} OFFSET 0) AS own
), reached AS (
  SELECT own.* FROM top CROSS JOIN LATERAL (
    SELECT d.id, d.holder FROM jobs d WHERE d.root_id = top.id AND ${IS_CANCELABLE} OFFSET 0
  ) AS own WHERE top.root_id IS NULL
  UNION ALL
  SELECT own.* FROM (SELECT id FROM walked UNION ALL SELECT id FROM top WHERE $3) AS named
  CROSS JOIN LATERAL (SELECT d.id, d.holder FROM jobs d WHERE d.id = named.id AND ${isFoundCancelable('d')} OFFSET 0) AS own
), wanted AS MATERIALIZED (
  SELECT id FROM reached ORDER BY holder IS NULL, id LIMIT $4
), ${cancelWanted}`

const CANCEL_CHILDREN = `
WITH wanted AS MATERIALIZED (
  SELECT own.id FROM unnest($1::uuid[]) AS parent(id) CROSS JOIN LATERAL (
    SELECT d.id FROM jobs d WHERE ${isChildOf('d', 'parent')} AND ${isFoundCancelable('d')} OFFSET 0
  ) AS own
), ${cancelWanted}`

/** About the number of bytes that a row of an event or a step adds to the tables, as the journal counts it. */
const ROW_BYTES = 300

const IS_UNHELD =
  'j.root_id IS NOT NULL AND j.cancel_requested_at IS NOT NULL AND j.finished_at IS NULL AND j.holder IS NULL'

const IS_UNBEGUN = `${IS_UNHELD} AND j.started_at IS NULL`

const UNBEGUN_DEFINITIONS = `
SELECT DISTINCT e.owner_id AS "ownerId", d.id, d.hash FROM (
  SELECT j.id FROM jobs j WHERE ${IS_UNBEGUN} ORDER BY j.id LIMIT $1
) AS unbegun JOIN executions e ON e.id = unbegun.id JOIN definitions d ON d.id = e.definition_id`

/**
 * What the journal writes for the end of a job that has not begun, for many jobs. The fence grows, so that a worker that held a job
 * before can write no more (D3).
 */
const END_UNBEGUN = `
WITH graph AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[]) AS g(definition_id, bytes, changes)
), unheld AS MATERIALIZED (
  SELECT j.id, e.definition_id FROM jobs j JOIN executions e ON e.id = j.id
  WHERE ${IS_UNBEGUN} AND e.definition_id = ANY($1::uuid[])
  ORDER BY j.id LIMIT $5 FOR UPDATE OF j SKIP LOCKED
), ended AS (
  UPDATE jobs j SET fence = j.fence + 1, last_seq = j.last_seq + 1, entry_no = j.entry_no + 1, status = 'CANCELED',
    finished_at = to_timestamp($4::float8 / 1000), wake_at = NULL, current_step = NULL,
    commands_applied = j.commands_sent, stored_bytes = j.stored_bytes + graph.bytes,
    is_parent_told = ${expectsNoNews('j.parent_id')}
  FROM unheld JOIN graph ON graph.definition_id = unheld.definition_id WHERE j.id = unheld.id
  RETURNING j.owner_id, j.id, j.last_seq, j.entry_no, j.progress, unheld.definition_id, graph.changes
), entry AS (
  INSERT INTO job_log (job_id, seq, entry_no, format, at, changes, events)
  SELECT id, last_seq, entry_no, ${ENTRY_FORMAT}, to_timestamp($4::float8 / 1000), changes::json,
    json_build_array(json_build_array('${eventCode('JOB_CANCELED')}', 0, progress))
  FROM ended
), uncounted AS (
  INSERT INTO uncounted_jobs (owner_id, job_id) SELECT owner_id, id FROM ended
)
SELECT id FROM ended`

/** The log's record of the steps that a job of this definition has when it ends unbegun, as JSON text. */
function changesOf({ nodes }: UnbegunGraph, at: number): string | null {
  const steps = nodes.map((node) => endedUnbegun(node, 'CANCELED', at))
  return encodeEntry({ ...NO_CONTENTS, steps }, at).changes
}

const CLAIM_UNHELD = `
WITH unheld AS MATERIALIZED (
  SELECT j.id FROM jobs j WHERE j.id = ANY($3::uuid[]) AND ${IS_UNHELD} ORDER BY j.id FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET ${TAKE} FROM unheld WHERE jobs.id = unheld.id
RETURNING ${CLAIMED}, status, started_at IS NOT NULL AS "isBegun"`

interface UnheldRow extends Omit<UnheldJob, 'fence' | 'definition' | 'stepBytes'> {
  readonly fence: string
  readonly definitionId: DefinitionId | null
  readonly hash: string | null
  readonly stepBytes: number | null
}

/** One look-up per job: with old statistics, the planner would read all executions for each batch. */
const UNHELD = `
SELECT job.id, "ownerId", fence, "lastSeq", "entryNo", progress, "commandsSent", status, "isBegun", own.* FROM (
  SELECT j.id, j.owner_id AS "ownerId", j.fence, j.last_seq AS "lastSeq", j.entry_no AS "entryNo", j.progress,
    j.commands_sent AS "commandsSent", j.status, j.started_at IS NOT NULL AS "isBegun", j.paged_no
  FROM jobs j WHERE ${IS_UNHELD} ORDER BY j.id LIMIT $1 OFFSET $2
) AS job LEFT JOIN LATERAL (
  SELECT e.definition_id AS "definitionId", d.hash,
    ${tailBytesSql('job')} + ${openPagesBytesSql('job')} AS "stepBytes"
  FROM executions e JOIN definitions d ON d.id = e.definition_id WHERE e.id = job.id OFFSET 0
) AS own ON true ORDER BY job.id`
