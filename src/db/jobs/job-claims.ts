import type { JobId, OwnerId, WorkerId } from '../../lib/index.ts'
import { COUNTS_AS_LOSS } from './counted-losses.ts'
import { first, type Queryable } from '../sql/index.ts'

/** The right of one worker to run a job, until it has not renewed it for `leaseMs`. */
export interface Lease {
  readonly workerId: WorkerId
  readonly leaseMs: number
}

/** A job as a worker gets it. */
export interface ClaimedJob {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly fence: bigint
  readonly lastSeq: number
  /** The number of the newest entry in its log. */
  readonly entryNo: number
  readonly handler: 'engine' | 'process'
  readonly progress: number
  /** Counted losses of its workers since the job last committed a step or parked, that of this claim included. */
  readonly recoveries: number
  readonly commandsSent: number
  /** The number of the newest command that a holder has read. */
  readonly commandsApplied: number
  readonly depth: number
  /** Null on a job without a parent. */
  readonly rootId: JobId | null
  /** Another job's step waits for this one's end. */
  readonly isChild: boolean
}

/** Jobs of one owner that a worker may claim now, in the order in which that owner's jobs are claimed. */
export interface DueJobs {
  readonly ownerId: OwnerId
  /** The priority of jobs that wait; null for jobs whose worker was lost, which go before those. */
  readonly priority: number | null
  /** At most the limit that the survey was asked for. */
  readonly count: number
}

/** A job that lost its worker so often in a row that it may be what ends the workers. */
export interface Suspect {
  readonly id: JobId
  readonly ownerId: OwnerId
}

/** The jobs that want a worker at one moment. Nothing is locked: a claim may find less. */
export interface Survey {
  /** Per owner and priority; an owner's entries are next to each other, in the order in which its jobs are claimed. */
  readonly due: readonly DueJobs[]
  /** Per owner, the suspect with the fewest losses. */
  readonly suspects: readonly Suspect[]
}

export interface SurveyOptions {
  readonly limit: number
  readonly after: OwnerId | null
  /** Owners whose waiting jobs cannot be claimed now. */
  readonly except: readonly OwnerId[]
}

export interface JobClaims {
  /**
   * Reads whose jobs want a worker now, each entry counted up to `limit` only. Owners are in a fixed circular order, beginning
   * behind `after`, which comes last; null: at the order's beginning. At most 256 entries are returned: an owner that is left
   * out is among the first when the survey begins behind an owner near it. Owners in `except` need not be among them.
   */
  survey(options: SurveyOptions): Promise<Survey>
  /** Takes up to `count` jobs of each entry; jobs that another session has locked are passed over. */
  claim(lease: Lease, shares: readonly DueJobs[]): Promise<readonly ClaimedJob[]>
  /** Takes a job that a survey returned as a suspect; null if it is not one any more, or is locked. */
  claimSuspect(lease: Lease, id: JobId): Promise<ClaimedJob | null>
  /**
   * Takes one job whose inbox holds an unread cancel or pause and that has no holder, whatever it waits for (D8). Both are
   * done at once; any other command makes the job wait for a place.
   */
  claimCommanded(lease: Lease, id: JobId): Promise<ClaimedJob | null>
}

/** A job that lost its worker this many times in a row is claimed alone. The partial indexes and the functions repeat the number. */
export const SUSPECT_RECOVERIES = 2

export const CLAIMED = `jobs.id, owner_id AS "ownerId", fence, last_seq AS "lastSeq", entry_no AS "entryNo", handler, progress, recoveries,
  commands_sent AS "commandsSent", commands_applied AS "commandsApplied", depth, root_id AS "rootId", parent_id IS NOT NULL AS "isChild"`

/** A lease is measured by the database's clock, the only one that all workers share. */
export const TAKE = `holder = $1, leased_until = now() + $2 * interval '1 ms', fence = fence + 1, wake_at = NULL,
  recoveries = recoveries + CASE WHEN ${COUNTS_AS_LOSS} THEN 1 ELSE 0 END,
  loss_fence = CASE WHEN ${COUNTS_AS_LOSS} THEN fence + 1 ELSE loss_fence END`

/** Its worker is lost. Taking it may count as a loss, so that it is a suspect one loss earlier than a job that waits. */
const IS_LOST = 'holder IS NOT NULL AND leased_until < now()'
const IS_LOST_SUSPECT = `handler = 'engine' AND recoveries >= ${SUSPECT_RECOVERIES - 1}`
const IS_WAITING_SUSPECT = `holder IS NULL AND wake_at IS NOT NULL AND recoveries >= ${SUSPECT_RECOVERIES}`

/**
 * The statement is a function, because it has to be planned in one way whatever the statistics say (see the migration
 * `claims_without_statistics`, which also repeats the conditions below).
 */
const SURVEY = `
SELECT owner_id AS "ownerId", priority, count, suspect_id AS "suspectId" FROM lume_survey($1, $2, $3)
ORDER BY owner_id >= $2, owner_id DESC, priority DESC NULLS FIRST`

/** The ids are an array, so that the planner looks the rows up by it whatever it expects of their number. */
const CLAIM = `
UPDATE jobs SET ${TAKE} WHERE id = ANY(ARRAY(SELECT lume_lock_claimable($3, $4, $5))) RETURNING ${CLAIMED}`

const CLAIM_SUSPECT = `
WITH suspect AS MATERIALIZED (
  SELECT id FROM jobs
  WHERE id = $3 AND ((${IS_LOST} AND ${IS_LOST_SUSPECT}) OR (${IS_WAITING_SUSPECT} AND wake_at <= now()))
  FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET ${TAKE} FROM suspect WHERE jobs.id = suspect.id RETURNING ${CLAIMED}`

const CLAIM_COMMANDED = `
UPDATE jobs SET ${TAKE}
WHERE id = $3 AND holder IS NULL AND finished_at IS NULL AND commands_sent > commands_applied
  AND EXISTS (
    SELECT 1 FROM commands c WHERE c.owner_id = jobs.owner_id AND c.job_id = jobs.id
      AND c.number > jobs.commands_applied AND c.kind IN ('CANCEL', 'PAUSE')
  )
RETURNING ${CLAIMED}`

/** The statements by which workers get their jobs (D5, D7). */
export function createJobClaims(pool: Queryable): JobClaims {
  return {
    async survey({ limit, after, except }) {
      const values = [limit, after ?? '', except]
      const { rows } = await pool.query<SurveyRow>({ name: 'job-survey', text: SURVEY, values })
      const due = rows.filter(({ suspectId }) => suspectId === null)
      return {
        due: due.map(({ ownerId, priority, count }) => ({ ownerId, priority, count })),
        suspects: rows.flatMap(({ ownerId, suspectId }) => (suspectId ? [{ id: suspectId, ownerId }] : [])),
      }
    },
    claim: ({ workerId, leaseMs }, shares) =>
      queryClaimed(pool, CLAIM, [
        workerId,
        leaseMs,
        shares.map(({ ownerId }) => ownerId),
        shares.map(({ priority }) => priority),
        shares.map(({ count }) => count),
      ]),
    claimSuspect: async ({ workerId, leaseMs }, id) =>
      first(await queryClaimed(pool, CLAIM_SUSPECT, [workerId, leaseMs, id])),
    claimCommanded: async ({ workerId, leaseMs }, id) =>
      first(await queryClaimed(pool, CLAIM_COMMANDED, [workerId, leaseMs, id])),
  }
}

/** Runs a statement that returns `CLAIMED`, and what else `Claimed` has. */
export async function queryClaimed<Claimed extends ClaimedJob = ClaimedJob>(
  pool: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<Claimed[]> {
  const { rows } = await pool.query<Claimed & { fence: string }>(text, [...values])
  return rows.map((row) => ({ ...row, fence: BigInt(row.fence) }))
}

interface SurveyRow {
  readonly ownerId: OwnerId
  readonly priority: number | null
  readonly count: number
  readonly suspectId: JobId | null
}
