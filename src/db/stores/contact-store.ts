import { listsPer, type OwnerId } from '../../lib/index.ts'
import { JOIN_EXECUTION_OUTPUT } from '../log-reads/index.ts'
import { countsPer, type Queryable } from '../sql/index.ts'
import type { BoundedRead } from './value-store.ts'

/** A contact of a result, and its place there, from 0. */
export interface PlacedContact {
  readonly index: number
  /** The contact, an object, as JSON text. */
  readonly text: string
}

export interface ContactStore {
  /**
   * The contacts of each of these jobs’ results after a place, in order, if all of them together have at most `maxBytes`;
   * none where a result has no list of them.
   */
  pagesOf(
    ownerId: OwnerId,
    jobIds: readonly string[],
    page: { readonly after: number; readonly limit: number },
    maxBytes: number,
  ): Promise<BoundedRead<readonly PlacedContact[]>>
  countsOf(ownerId: OwnerId, jobIds: readonly string[]): Promise<readonly number[]>
}

/** The list `contacts` of an output; an empty one where there is none. A result never changes, so places are stable. */
const CONTACTS = `CASE WHEN json_typeof(output.value) = 'object' AND json_typeof(output.value->'contacts') = 'array'
  THEN output.value->'contacts' ELSE '[]'::json END`

/** Reads results in the database, so that a page never carries the whole of them. */
export function createContactStore(pool: Queryable): ContactStore {
  return {
    async pagesOf(ownerId, jobIds, { after, limit }, maxBytes) {
      const { rows } = await pool.query<PlacedContact & { jobId: string; total: string }>(
        `SELECT "jobId", index, total, CASE WHEN total <= $5 THEN text END AS text FROM (
           SELECT j.id AS "jobId", (c.place - 1)::int AS index, c.contact::text AS text,
             sum(octet_length(c.contact::text)) OVER () AS total
           FROM jobs j ${JOIN_EXECUTION_OUTPUT} CROSS JOIN LATERAL json_array_elements(${CONTACTS}) WITH ORDINALITY AS c(contact, place)
           WHERE j.owner_id = $1 AND j.id = ANY($2::uuid[]) AND c.place > $3 + 1 AND c.place <= $3 + 1 + $4
             AND json_typeof(c.contact) = 'object'
         ) AS found ORDER BY index`,
        [ownerId, jobIds, after, limit, maxBytes],
      )
      const bytes = Number(rows[0]?.total ?? 0)
      if (bytes > maxBytes) return { bytes, values: null }
      return { bytes, values: listsPer(jobIds, rows, ({ jobId, index, text }) => [jobId, { index, text }]) }
    },
    countsOf(ownerId, jobIds) {
      return countsPer(pool, jobIds, {
        text: `SELECT j.id AS parent, json_array_length(${CONTACTS}) AS count FROM jobs j ${JOIN_EXECUTION_OUTPUT}
               WHERE j.owner_id = $1 AND j.id = ANY($2::uuid[])`,
        values: [ownerId, jobIds],
      })
    },
  }
}
