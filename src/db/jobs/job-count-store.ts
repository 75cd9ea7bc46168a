import { JOB_TYPES, type JobStatus } from '../../engine/record/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'
import { bucketBetween, NO_DURATION } from './duration-buckets.ts'
import { shownStatus } from './shown-status.ts'

/** How many jobs of a subject stand where, and how long those that completed took. */
export interface JobCounts {
  readonly byStatus: ReadonlyMap<JobStatus, number>
  /** Completed jobs by duration bucket. */
  readonly durations: ReadonlyMap<number, number>
}

export interface CountRequest {
  /** Ids of workflows, or job types. */
  readonly subjects: readonly string[]
  /** Only jobs that ended in these last days (UTC), today included, and those that are open; null: all. */
  readonly days: number | null
}

/**
 * Statistics of jobs that stay cheap however many there are. The statement that ends a job adds it to `uncounted_jobs`; some time later
 * `countEnded` counts it and takes it out. Jobs that are in that table, and jobs that have not ended, are few: a question counts them.
 * It does so in one statement, so every answer is exact.
 */
export interface JobCountStore {
  counts(ownerId: OwnerId, request: CountRequest): Promise<ReadonlyMap<string, JobCounts>>
  /**
   * Counts up to `limit` jobs that have ended since, with their bytes, and returns their number. Any number of processes may
   * call it.
   */
  countEnded(limit: number): Promise<number>
  /** Adds the bytes of up to `limit` new definitions to what their owners store, and returns their number. */
  countDefinitions(limit: number): Promise<number>
}

export function createJobCountStore(pool: Queryable): JobCountStore {
  return {
    async counts(ownerId, { subjects, days }) {
      const { rows } = await pool.query<CountRow>(COUNTS, [ownerId, subjects, days])
      return gather(rows)
    },
    async countEnded(limit) {
      const { rows } = await pool.query<{ count: number }>(COUNT_ENDED, [limit])
      return rows[0]?.count ?? 0
    },
    async countDefinitions(limit) {
      const { rows } = await pool.query<{ count: number }>(COUNT_DEFINITIONS, [limit])
      return rows[0]?.count ?? 0
    },
  }
}

interface CountRow {
  readonly subject: string
  readonly status: JobStatus
  readonly bucket: number
  readonly count: number
}

function gather(rows: readonly CountRow[]): ReadonlyMap<string, JobCounts> {
  const subjects = new Map<string, { byStatus: Map<JobStatus, number>; durations: Map<number, number> }>()
  for (const { subject, status, bucket, count } of rows) {
    const counts = subjects.get(subject) ?? { byStatus: new Map(), durations: new Map() }
    subjects.set(subject, counts)
    counts.byStatus.set(status, (counts.byStatus.get(status) ?? 0) + count)
    if (status === 'COMPLETED' && bucket !== NO_DURATION) counts.durations.set(bucket, count)
  }
  return subjects
}

/**
 * A job counts for its type, and for its workflow if it has one. The workflow is looked up row by row: a join might read
 * all executions.
 */
const WORKFLOW = `(SELECT e.workflow_id FROM executions e WHERE e.id = j.id)`
/** The job of a row of `uncounted_jobs`. OFFSET 0: one look-up per row, where Postgres may otherwise read all jobs. */
const JOB_OF = (row: string) => `LATERAL (SELECT * FROM jobs WHERE id = ${row}.job_id OFFSET 0) AS j`
const SUBJECTS = `LATERAL (VALUES (${WORKFLOW}::text), (j.type)) AS s(subject)`
const DAY_OF_END = `(j.finished_at AT TIME ZONE 'UTC')::date`
const FIRST_DAY = `(now() AT TIME ZONE 'UTC')::date - ($3::int - 1)`

const COUNTS = `
SELECT subject, status, bucket, sum(count)::int AS count FROM (
  SELECT subject, status, bucket, count FROM job_counts
  WHERE owner_id = $1 AND subject = ANY($2)
    AND day BETWEEN COALESCE(${FIRST_DAY}, '-infinity') AND CASE WHEN $3::int IS NULL THEN '-infinity'::date ELSE 'infinity' END
  UNION ALL
  SELECT s.subject, j.status, ${bucketBetween('j.started_at', 'j.finished_at')}, 1
  FROM uncounted_jobs u, ${JOB_OF('u')}, ${SUBJECTS}
  WHERE u.owner_id = $1 AND s.subject = ANY($2)
    AND ($3::int IS NULL OR ${DAY_OF_END} >= ${FIRST_DAY})
  UNION ALL
  SELECT s.subject, ${shownStatus('j')}, ${NO_DURATION}, 1
  FROM jobs j, ${SUBJECTS}
  WHERE j.owner_id = $1 AND j.finished_at IS NULL AND s.subject = ANY($2)
) AS counted GROUP BY subject, status, bucket`

/** Rows are locked in one order by all who count, so that none waits for another in a circle. */
const COUNT_ENDED = `
WITH ended AS MATERIALIZED (
  SELECT owner_id, job_id FROM uncounted_jobs ORDER BY owner_id, job_id LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM uncounted_jobs u USING ended WHERE u.owner_id = ended.owner_id AND u.job_id = ended.job_id RETURNING u.job_id
), counted AS MATERIALIZED (
  SELECT j.owner_id, j.stored_bytes, ${WORKFLOW} AS workflow_id, j.type, j.status, ${DAY_OF_END} AS day,
    ${bucketBetween('j.started_at', 'j.finished_at')} AS bucket
  FROM taken, ${JOB_OF('taken')}
), usage AS (
  INSERT INTO owner_usage AS u (owner_id, stored_bytes)
  SELECT owner_id, sum(stored_bytes) FROM counted GROUP BY 1 ORDER BY 1
  ON CONFLICT (owner_id) DO UPDATE SET stored_bytes = u.stored_bytes + excluded.stored_bytes
), added AS (
  INSERT INTO job_counts AS c (owner_id, subject, day, status, bucket, count)
  SELECT owner_id, s.subject, d.day, status, bucket, count(*)
  FROM counted, LATERAL (VALUES (workflow_id::text), (type)) AS s(subject),
    LATERAL (VALUES ('-infinity'::date), (counted.day)) AS d(day)
  WHERE s.subject IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT (owner_id, subject, day, status, bucket) DO UPDATE SET count = c.count + excluded.count
)
SELECT count(*)::int AS count FROM taken`

const COUNT_DEFINITIONS = `
WITH found AS MATERIALIZED (
  SELECT id FROM definitions WHERE NOT is_counted ORDER BY owner_id, id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), marked AS (
  UPDATE definitions d SET is_counted = true FROM found WHERE d.id = found.id
  RETURNING d.owner_id, pg_column_size(d.body) AS bytes
), usage AS (
  INSERT INTO owner_usage AS u (owner_id, stored_bytes) SELECT owner_id, sum(bytes) FROM marked GROUP BY 1 ORDER BY 1
  ON CONFLICT (owner_id) DO UPDATE SET stored_bytes = u.stored_bytes + excluded.stored_bytes
)
SELECT count(*)::int AS count FROM marked`

/** Every job has one of these as a subject. */
export const EVERY_TYPE: CountRequest = { subjects: JOB_TYPES, days: null }

/** The counts of several subjects in one. */
export function sumOf(counts: Iterable<JobCounts>): JobCounts {
  const byStatus = new Map<JobStatus, number>()
  const durations = new Map<number, number>()
  for (const one of counts) {
    for (const [status, count] of one.byStatus) byStatus.set(status, (byStatus.get(status) ?? 0) + count)
    for (const [bucket, count] of one.durations) durations.set(bucket, (durations.get(bucket) ?? 0) + count)
  }
  return { byStatus, durations }
}
