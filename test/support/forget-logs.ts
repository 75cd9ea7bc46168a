const FORGET = `
WITH job AS (
  UPDATE jobs SET entry_no = 0, paged_no = 0 WHERE holder IS NULL AND ($1::uuid IS NULL OR id = $1) RETURNING id
), value AS (
  DELETE FROM job_values USING job WHERE job_id = job.id
), page AS (
  DELETE FROM job_pages USING job WHERE job_id = job.id
)
DELETE FROM job_log USING job WHERE job_id = job.id`

/**
 * Deletes the logs of jobs that no worker holds, so that only the tables have their records, as an earlier build has stored them. For
 * tests that change the tables by hand. `jobId` null: of all such jobs.
 */
export async function forgetLogs(
  database: { query(sql: string, values: readonly (string | null)[]): Promise<unknown> },
  jobId: string | null = null,
): Promise<void> {
  await database.query(FORGET, [jobId])
}
