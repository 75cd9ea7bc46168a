import pg from 'pg'
import type { Database } from './postgres.ts'

/** How many rows one statement inserts. */
const CHUNK = 100_000
const LOCAL_USER = 'local'
/** Stands for all days in the roll-up. */
const ALL_DAYS = '-infinity'
/** The duration bucket of 1 s; see src/db/jobs/duration-buckets.ts. */
const BUCKET = 40

/**
 * Inserts completed executions of one second each by SQL, evenly over the workflows and over the past 30 days, as the
 * tables hold them once their statistics are rolled up; each has the newest version of its workflow as its definition.
 */
export async function storeRuns(database: Database, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    for (let first = 0; first < count; first += CHUNK) {
      const last = Math.min(count, first + CHUNK) - 1
      await client.query(
        `WITH workflow AS (
           SELECT id, published_definition_id, (row_number() OVER (ORDER BY id) - 1) AS n, count(*) OVER () AS total
           FROM workflows WHERE published_definition_id IS NOT NULL
         ), run AS (
           SELECT gen_random_uuid() AS id, w.id AS workflow_id, w.published_definition_id AS definition_id,
             now() - interval '30 days' * (i::float8 / $3) AS created_at
           FROM generate_series($1::int, $2::int) i JOIN workflow w ON w.n = i % w.total
         ), job AS (
           INSERT INTO jobs (id, owner_id, type, status, progress, last_seq, completed_nodes, total_nodes, created_at, started_at,
             finished_at, stored_bytes)
           SELECT id, $4, 'WORKFLOW', 'COMPLETED', 100, 4, 1, 1, created_at, created_at, created_at + interval '1 second', 1000
           FROM run
         )
         INSERT INTO executions (id, owner_id, definition_id, workflow_id, created_at)
         SELECT id, $4, definition_id, workflow_id, created_at FROM run`,
        [first, last, count, LOCAL_USER],
      )
    }
    await client.query(
      `INSERT INTO job_counts (owner_id, subject, day, status, bucket, count)
       SELECT $1, subject, $2::date, 'COMPLETED', $3, count(*)
       FROM executions, unnest(ARRAY[workflow_id::text, 'WORKFLOW']) AS subject WHERE workflow_id IS NOT NULL GROUP BY subject
       ON CONFLICT (owner_id, subject, day, status, bucket) DO UPDATE SET count = job_counts.count + excluded.count`,
      [LOCAL_USER, ALL_DAYS, BUCKET],
    )
    await client.query('VACUUM ANALYZE jobs, executions, workflows, job_counts')
  } finally {
    await client.end()
  }
}
