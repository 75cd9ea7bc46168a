import type { CheckpointsSize } from '../../engine/record/index.ts'
import { checkpointPath, valueKey, type LogKey } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/**
 * The newest value of each checkpoint of the step $3, found in the entries that recorded the newest one of some key: pages keep only
 * those, and an older value of a key in one of them has the smaller number. `$4`: how a page writes the first field of a checkpoint of
 * the step. `$5`: how the names of the checkpoints begin. All is read by one statement, so that no merge into pages comes in between.
 */
const CHECKPOINTS = `
WITH entry AS MATERIALIZED (
  SELECT j.id, l.seq, l.entry_no FROM jobs j
  JOIN job_log l ON l.job_id = j.id AND l.entry_no > j.paged_no AND strpos(l.changes::text, $4) > 0
  WHERE j.id = $2 AND j.owner_id = $1
    AND EXISTS (SELECT FROM json_array_elements(l.changes->'k') AS k(value) WHERE k.value->>0 = $3)
  UNION
  SELECT j.id, (k.value->4->>0)::int, (k.value->4->>1)::int FROM jobs j
  JOIN job_pages p ON p.job_id = j.id AND strpos(p.body::text, $4) > 0
  CROSS JOIN LATERAL json_array_elements(p.body->'k') AS k(value)
  WHERE j.id = $2 AND j.owner_id = $1 AND j.paged_no > 0 AND k.value->>0 = $3
), found AS (
  SELECT e.entry_no, substr(s.key, length($5) + 1) AS key, s.value FROM entry e
  JOIN job_log l ON l.job_id = e.id AND l.seq = e.seq AND l.entry_no = e.entry_no
  CROSS JOIN LATERAL json_each(l.small->'k') AS s(key, value)
  WHERE starts_with(s.key, $5)
  UNION ALL
  SELECT e.entry_no, substr(v.key, length($6) + 1), v.value FROM entry e
  JOIN job_values v ON v.job_id = e.id AND v.entry_no = e.entry_no AND starts_with(v.key, $6)
), newest AS (
  SELECT DISTINCT ON (key) key, value FROM found ORDER BY key, entry_no DESC
)`

/** The number and the size of a step's checkpoints. */
export async function sizeCheckpoints(pool: Queryable, job: LogKey, path: string): Promise<CheckpointsSize> {
  const { rows } = await pool.query<{ count: number; bytes: number }>({
    name: 'log-checkpoints-size',
    text: `${CHECKPOINTS}
      SELECT count(*)::int AS count, COALESCE(sum(octet_length(key) + octet_length(value::text)), 0)::float8 AS bytes FROM newest`,
    values: valuesOf(job, path),
  })
  return rows[0] ?? { count: 0, bytes: 0 }
}

/** A step's checkpoints as JSON text, by key. */
export async function readCheckpoints(
  pool: Queryable,
  job: LogKey,
  path: string,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await pool.query<{ key: string; value: string }>({
    name: 'log-checkpoints',
    text: `${CHECKPOINTS} SELECT key, value::text AS value FROM newest`,
    values: valuesOf(job, path),
  })
  return new Map(rows.map(({ key, value }) => [key, value]))
}

function valuesOf({ id, ownerId }: LogKey, path: string): unknown[] {
  const name = checkpointPath(path, '')
  return [ownerId, id, path, `[${JSON.stringify(path)},`, name, valueKey('k', name)]
}
