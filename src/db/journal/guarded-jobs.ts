import { expectsNoNews } from '../executions/index.ts'
import { bigint, bool, float, instant, int, json, text, uuid, type Columns } from '../sql/index.ts'
import { jobPart } from './flush-part.ts'
import type { JobWrite } from './journal-write.ts'

/** What both guards are sent: by what the job is found, and what each write changes. */
const COMMON: Columns<JobWrite> = {
  job_id: uuid((w) => w.jobId),
  fence: bigint((w) => w.fence),
  expected_entry_no: int((w) => w.expectedEntryNo),
  new_entry_no: int((w) => w.newEntryNo),
  new_seq: int((w) => w.newSeq),
  commands_seen: int((w) => w.commandsSeen),
  status: text((w) => w.status),
  bytes: bigint((w) => w.bytes),
  finished_at: instant((w) => w.end?.at ?? null),
}

/**
 * The guard of a flush (D3): updates the jobs `r` whose fence and number of the newest entry are as their writers know them. A job that
 * was given up, by a park or an end, has no lease and takes no more writes. A park requires that no command is unread (D8).
 *
 * Jobs are locked in the order of `r`, because the planner can reach them only by their key, one by one. `ANY (ARRAY[…])` rules out
 * a hash or merge join. `leased_until`, which is set and cleared together with `holder`, is in no partial index.
 *
 * A job whose parent waits for no news ends with `is_parent_told`, so that `TELL_PARENTS` does not write its row once more.
 */
export const GUARDED_JOBS = jobPart({
  name: 'guard',
  columns: {
    ...COMMON,
    progress: float((w) => w.progress),
    current_step: text((w) => w.currentStep),
    completed_nodes: int((w) => w.completedNodes),
    started_at: instant((w) => w.startedAt),
    cost_usd: float((w) => w.costUsd),
    clears_losses: bool((w) => w.clearsLosses),
    error: json((w) => (w.end?.status === 'FAILED' ? w.end.error : null)),
    parks: bool((w) => w.park !== null),
    wake_at: instant((w) => w.park?.wakeAt ?? null),
  },
  statement: (from) => `UPDATE jobs j SET
    last_seq = r.new_seq,
    entry_no = r.new_entry_no,
    status = COALESCE(r.status, j.status),
    progress = GREATEST(j.progress, r.progress),
    current_step = r.current_step,
    completed_nodes = COALESCE(r.completed_nodes, j.completed_nodes),
    started_at = COALESCE(j.started_at, r.started_at),
    cost_usd = GREATEST(j.cost_usd, r.cost_usd),
    stored_bytes = j.stored_bytes + r.bytes,
    recoveries = CASE WHEN r.clears_losses THEN 0 ELSE j.recoveries END,
    finished_at = r.finished_at,
    is_parent_told = r.finished_at IS NOT NULL AND ${expectsNoNews('j.parent_id')},
    error = r.error,
    commands_applied = GREATEST(j.commands_applied, r.commands_seen),
    holder = CASE WHEN r.parks OR r.finished_at IS NOT NULL THEN NULL ELSE j.holder END,
    leased_until = CASE WHEN r.parks OR r.finished_at IS NOT NULL THEN NULL ELSE j.leased_until END,
    wake_at = CASE WHEN r.parks THEN r.wake_at END
  FROM ${from}
  WHERE j.id = ANY (ARRAY[r.job_id]) AND j.leased_until IS NOT NULL AND j.fence = r.fence
    AND j.entry_no = r.expected_entry_no
    AND (NOT r.parks OR j.commands_sent = r.commands_seen)
  RETURNING r.n, j.id, j.owner_id, j.commands_sent`,
})

/**
 * The guard of the ends of canceled jobs that no worker holds: updates the jobs `r` that have no holder, and of which nothing was
 * recorded or claimed since their fences and entry numbers were read. Jobs that another session has locked are passed over. The fence does
 * not grow: without a lease the job takes no write of an earlier holder, and once it has ended no worker claims it.
 *
 * Each job is locked by a separate subquery, which the planner does not merge into the join: it looks the job up by its key, whatever
 * the statistics say of the other conditions.
 */
export const UNHELD_JOBS = jobPart({
  name: 'guard',
  columns: COMMON,
  statement: (from) => `WITH locked AS MATERIALIZED (
    SELECT r.* FROM ${from} CROSS JOIN LATERAL (
      SELECT j.id FROM jobs j
      WHERE j.id = r.job_id AND j.fence = r.fence AND j.entry_no = r.expected_entry_no
        AND num_nonnulls(j.holder, j.finished_at) = 0 AND num_nonnulls(j.cancel_requested_at) = 1
      FOR UPDATE SKIP LOCKED
    ) AS own
  )
  UPDATE jobs j SET
    last_seq = r.new_seq,
    entry_no = r.new_entry_no,
    status = r.status,
    current_step = NULL,
    stored_bytes = j.stored_bytes + r.bytes,
    finished_at = r.finished_at,
    is_parent_told = ${expectsNoNews('j.parent_id')},
    commands_applied = GREATEST(j.commands_applied, r.commands_seen),
    wake_at = NULL
  FROM locked AS r WHERE j.id = ANY (ARRAY[r.job_id])
  RETURNING r.n, j.id, j.owner_id, j.commands_sent`,
})
