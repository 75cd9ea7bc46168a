import type { JobId } from '../../lib/index.ts'
import { first, type Queryable } from '../sql/index.ts'

/** Jobs that wait for a worker that has the blocks of their definitions. */
export interface BlockWaits {
  /**
   * Records that the job of a worker that lacks these block types waits for another one. `now`: in milliseconds. Returns since when it
   * waits for want of such a worker: a worker that has the types and is busy ends the want, for all jobs that wait for them.
   */
  waitForBlocks(id: JobId, types: readonly string[], now: number): Promise<number>
  /** Forgets the wait. */
  endBlockWait(id: JobId): Promise<void>
  /**
   * Says that a worker with these block types is there, and wakes up to `limit` jobs that wait for some of them and for no others, the
   * oldest waits of each list of types first. Returns their number.
   */
  wakeBlockWaits(
    types: readonly string[],
    options: { readonly limit: number; readonly now: number },
  ): Promise<number>
}

/** The record of a worker that is there is renewed after this many milliseconds. */
const RENEWED_AFTER_MS = 1_000

const WAIT = `
WITH kind AS (
  INSERT INTO missing_block_types (types, available_at) VALUES ($2, to_timestamp($3::float8 / 1000)) ON CONFLICT DO NOTHING
), wait AS (
  INSERT INTO block_waits (job_id, types, since) VALUES ($1, $2, to_timestamp($3::float8 / 1000))
  ON CONFLICT (job_id) DO UPDATE SET types = excluded.types RETURNING since
)
SELECT extract(epoch FROM GREATEST(wait.since, (SELECT available_at FROM missing_block_types WHERE types = $2)))::float8 * 1000 AS since
FROM wait`

/** A job that ended without being taken up is forgotten here. */
const WAKE = `
WITH kind AS MATERIALIZED (
  SELECT types, available_at FROM missing_block_types m
  WHERE string_to_array(types, ' ') <@ $1::text[] AND EXISTS (SELECT FROM block_waits b WHERE b.types = m.types)
), seen AS (
  UPDATE missing_block_types m SET available_at = to_timestamp($3::float8 / 1000) FROM kind
  WHERE m.types = kind.types AND kind.available_at < to_timestamp(($3::float8 - ${RENEWED_AFTER_MS}) / 1000)
), waiting AS MATERIALIZED (
  SELECT one.job_id, one.is_ended FROM kind CROSS JOIN LATERAL (
    SELECT b.job_id, j.finished_at IS NOT NULL AS is_ended FROM block_waits b JOIN jobs j ON j.id = b.job_id
    WHERE b.types = kind.types
      AND (j.finished_at IS NOT NULL OR (j.holder IS NULL AND j.wake_at > now() AND j.status <> 'PAUSED'))
    ORDER BY b.since, b.job_id LIMIT $2
  ) one LIMIT $2
), ended AS (
  DELETE FROM block_waits b USING waiting WHERE b.job_id = waiting.job_id AND waiting.is_ended
)
UPDATE jobs SET wake_at = now() FROM waiting
WHERE jobs.id = waiting.job_id AND NOT waiting.is_ended AND holder IS NULL AND wake_at > now()`

export function createBlockWaits(pool: Queryable): BlockWaits {
  return {
    async waitForBlocks(id, types, now) {
      const { rows } = await pool.query<{ since: number }>(WAIT, [id, types.join(' '), now])
      return first(rows)?.since ?? now
    },
    async endBlockWait(id) {
      await pool.query('DELETE FROM block_waits WHERE job_id = $1', [id])
    },
    async wakeBlockWaits(types, { limit, now }) {
      const { rowCount } = await pool.query(WAKE, [types, limit, now])
      return rowCount ?? 0
    },
  }
}
