import type { JobId, OwnerId } from '../../lib/index.ts'
import { first, type Queryable } from '../sql/index.ts'

/** What an event of an execution takes in memory once a retry has loaded the record that it belongs to, as bytes of JSON text. */
const EVENT_BYTES = 100

/** Measures ended executions for requests that retry them. */
export interface SourceSizeStore {
  /**
   * The size of what a retry of an execution loads, as bytes of JSON text: its values, its definition, its steps and loop items by the
   * number of its events, and, with `latest`, the newest definition of its workflow. Null where the owner has no such execution.
   */
  bytes(source: { readonly ownerId: OwnerId; readonly id: JobId }, latest: boolean): Promise<number | null>
}

export function createSourceSizeStore(pool: Queryable): SourceSizeStore {
  return {
    async bytes({ ownerId, id }, latest) {
      const { rows } = await pool.query<{ bytes: number }>(
        `SELECT (${VALUES_BYTES} + octet_length(d.body::text) + j.last_seq::float8 * ${EVENT_BYTES}
           + CASE WHEN $3::boolean THEN COALESCE(octet_length(COALESCE(published.body, w.draft)::text), 0) ELSE 0 END)::float8 AS bytes
         FROM executions e
         JOIN jobs j ON j.id = e.id
         JOIN definitions d ON d.id = e.definition_id
         JOIN execution_inputs v ON v.execution_id = e.id
         LEFT JOIN workflows w ON $3 AND w.id = e.workflow_id
         LEFT JOIN definitions published ON published.id = w.published_definition_id
         WHERE e.owner_id = $1 AND e.id = $2`,
        [ownerId, id, latest],
      )
      return first(rows)?.bytes ?? null
    },
  }
}

const VALUES_BYTES = ['v.input', 'v.variables', 'v.mocks', 'v.patched']
  .map((column) => `COALESCE(octet_length(${column}::text), 0)`)
  .join(' + ')
