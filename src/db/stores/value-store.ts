import type { OwnerId } from '../../lib/index.ts'
import { JOIN_EXECUTION_OUTPUT, readValues, type LoggedValueKey } from '../log-reads/index.ts'
import { onOneLine, type BoundedRead, type Queryable } from '../sql/index.ts'

export type { BoundedRead } from '../sql/index.ts'

/** Where a value that may be large is stored: how its row is found by `wanted.id`, and its column. */
const SOURCES = {
  executionInput: {
    from: 'JOIN execution_inputs v ON v.owner_id = $1 AND v.execution_id = wanted.id',
    value: 'v.input',
  },
  executionVariables: {
    from: 'JOIN execution_inputs v ON v.owner_id = $1 AND v.execution_id = wanted.id',
    value: 'v.variables',
  },
  executionOutput: {
    from: `JOIN jobs j ON j.owner_id = $1 AND j.id = wanted.id ${JOIN_EXECUTION_OUTPUT}`,
    value: 'output.value',
  },
  executionMetadata: {
    from: 'JOIN executions e ON e.owner_id = $1 AND e.id = wanted.id',
    value: 'e.metadata',
  },
  definition: { from: 'JOIN definitions d ON d.owner_id = $1 AND d.id = wanted.id', value: 'd.body' },
  draft: { from: 'JOIN workflows w ON w.owner_id = $1 AND w.id = wanted.id', value: 'w.draft' },
  scheduleInput: { from: 'JOIN schedules s ON s.owner_id = $1 AND s.id = wanted.id', value: 's.input' },
  scheduleVariables: {
    from: 'JOIN schedules s ON s.owner_id = $1 AND s.id = wanted.id',
    value: 's.variables',
  },
  jobError: { from: 'JOIN jobs j ON j.owner_id = $1 AND j.id = wanted.id', value: 'j.error' },
} as const satisfies Record<string, { readonly from: string; readonly value: string }>

export type StoredValueKind = keyof typeof SOURCES

export interface ValueStore {
  /**
   * The JSON texts of the values of the rows with these ids, if all of them together have at most `maxBytes`; null where there is no
   * value.
   */
  read(
    ownerId: OwnerId,
    kind: StoredValueKind,
    ids: readonly string[],
    maxBytes: number,
  ): Promise<BoundedRead<string | null>>
  /** The same of values of jobs' logs. */
  readLogged(keys: readonly (LoggedValueKey | null)[], maxBytes: number): Promise<BoundedRead<string | null>>
}

/** How many values are measured before their sum is compared with the limit. */
const MEASURED_AT_ONCE = 8

/**
 * Reads values that may be large. The database adds their sizes up first, and stops where they exceed the limit: it never
 * unpacks or sends much more than that.
 */
export function createValueStore(pool: Queryable): ValueStore {
  return {
    async read(ownerId, kind, ids, maxBytes) {
      const { from, value } = SOURCES[kind]
      const { rows } = await pool.query<{ place: string | null; text: string | null; total: string }>(
        `WITH RECURSIVE measured(place, total) AS (
           SELECT 0, 0::bigint
           UNION ALL
           SELECT m.place + ${MEASURED_AT_ONCE}, m.total + COALESCE((
             SELECT sum(octet_length(${value}::text))
             FROM unnest(($2::uuid[])[m.place + 1 : m.place + ${MEASURED_AT_ONCE}]) AS wanted(id) ${from}
           ), 0)
           FROM measured m WHERE m.place < cardinality($2::uuid[]) AND m.total <= $3
         )
         SELECT sum.total, found.place, found.text
         FROM (SELECT max(total) AS total FROM measured) AS sum
         LEFT JOIN LATERAL (
           SELECT wanted.place, ${value}::text AS text
           FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted(id, place) ${from}
           WHERE ${value} IS NOT NULL AND sum.total <= $3
         ) AS found ON true`,
        [ownerId, ids, maxBytes],
      )
      const bytes = Number(rows[0]?.total ?? 0)
      if (bytes > maxBytes) return { bytes, values: null }
      const values = new Array<string | null>(ids.length).fill(null)
      for (const { place, text } of rows) if (text !== null) values[Number(place) - 1] = onOneLine(text)
      return { bytes, values }
    },
    readLogged: (keys, maxBytes) => readValues(pool, keys, maxBytes),
  }
}
