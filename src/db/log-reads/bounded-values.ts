import { VALUE, type EntryAt, type LogKey, type ValueKind, type ValuesAt } from '../log/index.ts'
import { onOneLine, type BoundedRead, type Queryable } from '../sql/index.ts'

/** Names a value of a job's log. */
export interface LoggedValueKey extends LogKey {
  readonly entry: EntryAt
  /** `s`: the change of the step with this path, as the entry writes it. */
  readonly kind: ValueKind | 's'
  readonly path: string
  /** Whether the entry itself holds it; left out: unknown. */
  readonly isSmall?: boolean
}

/** The number of values that may be large, and of entries, that are measured before their sum is compared with the limit. */
const MEASURED_AT_ONCE = 8
/** The same for values that are in entries. */
const SMALL_MEASURED_AT_ONCE = 256

/** Names the output of a step or an item by where it is; null: there is none. */
export function outputKey(job: LogKey, path: string, values: ValuesAt | null): LoggedValueKey | null {
  if (values === null || (values.held & VALUE.OUTPUT) === 0) return null
  const isSmall = (values.held & VALUE.LARGE_OUTPUT) === 0
  return { id: job.id, ownerId: job.ownerId, entry: values.entry, kind: 'o', path, isSmall }
}

/** Names the config of a step by where it is; null: none is stored. Where there are `values`, its config is then empty. */
export function configKey(job: LogKey, path: string, values: ValuesAt | null): LoggedValueKey | null {
  if (values === null || (values.held & VALUE.CONFIG) === 0) return null
  const isSmall = (values.held & VALUE.LARGE_CONFIG) === 0
  return { id: job.id, ownerId: job.ownerId, entry: values.entry, kind: 'c', path, isSmall }
}

/**
 * Reads values of any jobs, if all of them together have at most `maxBytes`: JSON texts in the order of the keys, null where there is
 * none. Postgres adds their sizes up first, and stops where they exceed the limit: it unpacks a few more values than that at most, and
 * sends none. An entry is unpacked once, however many of its values are wanted.
 */
export async function readValues(
  pool: Queryable,
  keys: readonly (LoggedValueKey | null)[],
  maxBytes: number,
): Promise<BoundedRead<string | null>> {
  const wanted = keys.flatMap((key, place) => (key === null ? [] : [{ key, place }]))
  const values = new Array<string | null>(keys.length).fill(null)
  if (wanted.length === 0) return { bytes: 0, values }
  wanted.sort((a, b) => compareEntries(a.key, b.key))
  const { rows } = await pool.query<{ total: number; place: number | null; text: string | null }>({
    name: 'log-bounded-values',
    text: BOUNDED_VALUES,
    values: [
      wanted.map(({ key }) => key.ownerId),
      wanted.map(({ key }) => key.id),
      wanted.map(({ key }) => key.entry.seq),
      wanted.map(({ key }) => key.entry.entryNo),
      wanted.map(({ key }) => key.kind),
      wanted.map(({ key }) => key.path),
      wanted.map(({ place }) => place),
      endsOf(wanted.map(({ key }) => key)),
      maxBytes,
    ],
  })
  const bytes = rows[0]?.total ?? 0
  if (bytes > maxBytes) return { bytes, values: null }
  for (const { place, text } of rows) if (place !== null && text !== null) values[place] = onOneLine(text)
  return { bytes, values }
}

function compareEntries(one: LoggedValueKey, other: LoggedValueKey): number {
  if (one.id === other.id) return one.entry.entryNo - other.entry.entryNo
  return one.id < other.id ? -1 : 1
}

/** Where each part ends of those that are measured together: values of the same entry stay together where they are small. */
function endsOf(keys: readonly LoggedValueKey[]): readonly number[] {
  const ends: number[] = []
  let large = 0
  let entries = 0
  let begin = 0
  for (const [place, key] of keys.entries()) {
    const before = keys[place - 1]
    const isNext = before === undefined || compareEntries(before, key) !== 0
    const isFull =
      large === MEASURED_AT_ONCE ||
      place - begin === SMALL_MEASURED_AT_ONCE ||
      (isNext && entries === MEASURED_AT_ONCE)
    if (isFull) {
      ends.push(place)
      begin = place
      large = 0
      entries = 0
    }
    if (isNext || place === begin) entries++
    if (key.isSmall !== true) large++
  }
  return [...ends, keys.length]
}

/** The values of the part behind `m.part`. */
const part = (array: string) => `(${array})[COALESCE(($8::int[])[m.part], 0) + 1 : ($8::int[])[m.part + 1]]`

/** `places`, `texts`: small values, which are unpacked once. Large ones are unpacked again where they are sent. */
const BOUNDED_VALUES = `
WITH RECURSIVE measured(part, total, places, texts) AS (
  SELECT 0, 0::bigint, NULL::int[], NULL::text[]
  UNION ALL
  SELECT m.part + 1, m.total + COALESCE(found.bytes, 0), found.places, found.texts
  FROM measured m CROSS JOIN LATERAL (
    WITH wanted AS (
      SELECT j.id, w.seq, w.entry_no, w.kind, w.path, w.place
      FROM unnest(${part('$1::text[]')}, ${part('$2::uuid[]')}, ${part('$3::int[]')}, ${part('$4::int[]')},
        ${part('$5::text[]')}, ${part('$6::text[]')}, ${part('$7::int[]')})
        AS w(owner_id, id, seq, entry_no, kind, path, place)
      JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
    ), small AS (
      SELECT w.place, s.value::text AS text
      FROM (
        SELECT id, seq, entry_no, kind, array_agg(path) AS paths, array_agg(place) AS places
        FROM wanted WHERE kind <> 's' GROUP BY id, seq, entry_no, kind
      ) AS entry
      JOIN job_log l ON l.job_id = entry.id AND l.seq = entry.seq AND l.entry_no = entry.entry_no
      CROSS JOIN LATERAL json_each(l.small->entry.kind) AS s(path, value)
      JOIN LATERAL unnest(entry.paths, entry.places) AS w(path, place) ON w.path = s.path
      UNION ALL
      SELECT w.place, s.step::text
      FROM (
        SELECT id, seq, entry_no, array_agg(path) AS paths, array_agg(place) AS places
        FROM wanted WHERE kind = 's' GROUP BY id, seq, entry_no
      ) AS entry
      JOIN job_log l ON l.job_id = entry.id AND l.seq = entry.seq AND l.entry_no = entry.entry_no
      CROSS JOIN LATERAL json_array_elements(l.changes->'s') AS s(step)
      JOIN LATERAL unnest(entry.paths, entry.places) AS w(path, place) ON w.path = s.step->>'p'
    )
    SELECT sum(bytes) AS bytes, array_agg(place) FILTER (WHERE text IS NOT NULL) AS places,
      array_agg(text) FILTER (WHERE text IS NOT NULL) AS texts
    FROM (
      SELECT octet_length(text) AS bytes, place, text FROM small
      UNION ALL
      SELECT octet_length(v.value::text), NULL, NULL
      FROM wanted w JOIN job_values v ON v.job_id = w.id AND v.entry_no = w.entry_no AND v.key = w.kind || ':' || w.path
    ) AS each
  ) AS found
  WHERE m.part < cardinality($8::int[]) AND m.total <= $9
)
SELECT sum.total::float8 AS total, found.place, found.text
FROM (SELECT max(total) AS total FROM measured) AS sum
LEFT JOIN LATERAL (
  SELECT s.place, s.text FROM measured m CROSS JOIN LATERAL unnest(m.places, m.texts) AS s(place, text)
  WHERE sum.total <= $9
  UNION ALL
  SELECT w.place, v.value::text
  FROM unnest($1::text[], $2::uuid[], $4::int[], $5::text[], $6::text[], $7::int[])
    AS w(owner_id, id, entry_no, kind, path, place)
  JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
  JOIN job_values v ON v.job_id = j.id AND v.entry_no = w.entry_no AND v.key = w.kind || ':' || w.path
  WHERE sum.total <= $9
) AS found ON true`
