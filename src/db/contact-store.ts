import type { JobId, OwnerId } from '../lib/ids.ts'
import type { JsonObject } from '../lib/json.ts'
import { first, type Queryable } from './rows.ts'

/** A contact of a result, and its place there, from 0. */
export interface PlacedContact {
  readonly index: number
  readonly contact: JsonObject
}

export interface ContactStore {
  /** The contacts of a job's result that stand after a place, in order; none where the result has no list of them. */
  page(
    job: { readonly ownerId: OwnerId; readonly id: JobId },
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly PlacedContact[]>
  count(job: { readonly ownerId: OwnerId; readonly id: JobId }): Promise<number>
}

/** The list `contacts` of an output; an empty one where there is none. A result never changes, so places are stable. */
const CONTACTS = `CASE WHEN json_typeof(output) = 'object' AND json_typeof(output->'contacts') = 'array'
  THEN output->'contacts' ELSE '[]'::json END`

/** Reads results in the database, so that a page never carries the whole of them. */
export function createContactStore(pool: Queryable): ContactStore {
  return {
    async page({ ownerId, id }, { after, limit }) {
      const { rows } = await pool.query<PlacedContact>(
        `SELECT (c.place - 1)::int AS index, c.contact
         FROM execution_values v CROSS JOIN LATERAL json_array_elements(${CONTACTS}) WITH ORDINALITY AS c(contact, place)
         WHERE v.owner_id = $1 AND v.execution_id = $2 AND c.place > $3 + 1 AND c.place <= $3 + 1 + $4
           AND json_typeof(c.contact) = 'object'
         ORDER BY c.place`,
        [ownerId, id, after, limit],
      )
      return rows
    },
    async count({ ownerId, id }) {
      const { rows } = await pool.query<{ count: number }>(
        `SELECT json_array_length(${CONTACTS}) AS count FROM execution_values WHERE owner_id = $1 AND execution_id = $2`,
        [ownerId, id],
      )
      return first(rows)?.count ?? 0
    },
  }
}
