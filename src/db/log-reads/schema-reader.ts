import { valueKey, type EntryAt, type LogKey } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/** Names the schema that a wait demands of a signal. */
export interface SchemaRef extends LogKey {
  /** The entry that recorded the wait. */
  readonly entry: EntryAt
  readonly path: string
}

export interface FoundSchema {
  /** JSON text. */
  readonly text: string
  /** The indexes of the references to it, of those that were passed. */
  readonly places: readonly number[]
}

export interface FoundSchemas {
  /** Those that differ, in the order of the references. */
  readonly schemas: readonly FoundSchema[]
  /** False where there are more. */
  readonly areAll: boolean
}

/** Reads schemas of signals, each text once, up to `maxBytes`. A reference without a schema is left out. */
export async function readSchemas(
  pool: Queryable,
  refs: readonly SchemaRef[],
  maxBytes: number,
): Promise<FoundSchemas> {
  if (refs.length === 0) return { schemas: [], areAll: true }
  const { rows } = await pool.query<{ text: string | null; places: readonly number[] }>({
    name: 'log-schemas',
    text: SCHEMAS,
    values: [
      refs.map(({ ownerId }) => ownerId),
      refs.map(({ id }) => id),
      refs.map(({ entry }) => entry.seq),
      refs.map(({ entry }) => entry.entryNo),
      refs.map(({ path }) => path),
      refs.map(({ path }) => valueKey('w', path)),
      maxBytes,
    ],
  })
  const schemas = rows.flatMap(({ text, places }) => (text === null ? [] : [{ text, places }]))
  return { schemas, areAll: schemas.length === rows.length }
}

/** Each entry is unpacked once, however many of its schemas are wanted. Of those that do not fit one row without a text is sent. */
const SCHEMAS = `
WITH wanted AS MATERIALIZED (
  SELECT sent.*, (sent.place - 1)::int AS index
  FROM unnest($1::text[], $2::uuid[], $3::int[], $4::int[], $5::text[], $6::text[]) WITH ORDINALITY
    AS sent(owner_id, id, seq, entry_no, path, key, place)
), found AS (
  SELECT w.index, v.value::text AS text
  FROM wanted w JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
  JOIN job_values v ON v.job_id = j.id AND v.entry_no = w.entry_no AND v.key = w.key
  UNION ALL
  SELECT w.index, schema.value::text
  FROM (SELECT DISTINCT owner_id, id, seq, entry_no FROM wanted) AS e
  JOIN jobs j ON j.id = e.id AND j.owner_id = e.owner_id
  JOIN job_log l ON l.job_id = j.id AND l.seq = e.seq AND l.entry_no = e.entry_no
  CROSS JOIN LATERAL json_each(l.small->'w') AS schema
  JOIN wanted w ON w.owner_id = e.owner_id AND w.id = e.id AND w.entry_no = e.entry_no AND w.path = schema.key
), summed AS (
  SELECT text, places, first, sum(octet_length(text)) OVER (ORDER BY first) AS total FROM (
    SELECT text, array_agg(index ORDER BY index) AS places, min(index) AS first FROM found GROUP BY text
  ) AS differing
)
SELECT text, places FROM (
  SELECT text, places, first FROM summed WHERE total <= $7
  UNION ALL
  (SELECT NULL, ARRAY[]::int[], first FROM summed WHERE total > $7 LIMIT 1)
) AS sent ORDER BY first`
