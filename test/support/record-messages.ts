import type pg from 'pg'
import { eventCode } from '../../src/db/log/codes.ts'
import { ENTRY_FORMAT } from '../../src/db/log/entry.ts'

/** Records `count` events with this message, an entry each, of a job that no worker holds. */
export async function recordMessages(
  pool: Pick<pg.Pool, 'query'>,
  jobId: string,
  { count, message }: { count: number; message: string },
): Promise<void> {
  await pool.query(MESSAGES, [jobId, count, message, eventCode('JOB_PROGRESS'), ENTRY_FORMAT])
}

const MESSAGES = `
WITH job AS (
  UPDATE jobs SET last_seq = last_seq + $2, entry_no = entry_no + $2 WHERE id = $1
  RETURNING id, last_seq - $2 AS seq, entry_no - $2 AS entry_no, date_trunc('milliseconds', now()) AS at
)
INSERT INTO job_log (job_id, seq, entry_no, format, at, events)
SELECT id, seq + n, entry_no + n, $5::smallint, at,
  json_build_array(json_build_array($4::text, 0, 5, NULL, json_build_object('message', $3::text)))
FROM job, generate_series(1, $2::int) AS n`
