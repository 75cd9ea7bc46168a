import type { Queryable } from '../sql/index.ts'
import type { LoggedValueKey } from './bounded-values.ts'

/** Each entry is unpacked once, however many of its values are wanted. */
const SMALL_VALUES = `
SELECT place, text FROM (
  SELECT w.place, s.value::text AS text, sum(octet_length(s.value::text)) OVER (ORDER BY w.place) AS total
  FROM (
    SELECT owner_id, id, seq, entry_no, kind, array_agg(path) AS paths, array_agg(place) AS places
    FROM unnest($1::text[], $2::uuid[], $3::int[], $4::int[], $5::text[], $6::text[], $7::int[])
      AS sent(owner_id, id, seq, entry_no, kind, path, place)
    GROUP BY owner_id, id, seq, entry_no, kind
  ) AS entry
  JOIN jobs j ON j.id = entry.id AND j.owner_id = entry.owner_id
  JOIN job_log l ON l.job_id = j.id AND l.seq = entry.seq AND l.entry_no = entry.entry_no
  CROSS JOIN LATERAL json_each(l.small->entry.kind) AS s(path, value)
  JOIN LATERAL unnest(entry.paths, entry.places) AS w(path, place) ON w.path = s.path
) AS found WHERE total <= $8`

/**
 * Reads values that are in entries: JSON texts in the order of the keys. Beyond `maxBytes` of the first ones together, and for a value
 * that is not in its entry, the text is null.
 */
export async function readSmallValues(
  pool: Queryable,
  keys: readonly LoggedValueKey[],
  maxBytes: number,
): Promise<readonly (string | null)[]> {
  const texts = new Array<string | null>(keys.length).fill(null)
  if (keys.length === 0) return texts
  const { rows } = await pool.query<{ place: number; text: string }>({
    name: 'log-small-values',
    text: SMALL_VALUES,
    values: [
      keys.map(({ ownerId }) => ownerId),
      keys.map(({ id }) => id),
      keys.map(({ entry }) => entry.seq),
      keys.map(({ entry }) => entry.entryNo),
      keys.map(({ kind }) => kind),
      keys.map(({ path }) => path),
      keys.map((_, place) => place),
      maxBytes,
    ],
  })
  for (const { place, text } of rows) texts[place] = text
  return texts
}
