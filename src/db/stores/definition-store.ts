import { newId, type DefinitionId, type OwnerId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { batched, first, type Queryable } from '../sql/index.ts'

/** A definition that is about to be executed or published. */
export interface DefinitionDocument {
  readonly hash: string
  readonly body: Json
  /** The JSON text of the body, where it is known. */
  readonly text?: string
}

/** A definition in the tables, without its body. */
export interface StoredDefinition {
  readonly id: DefinitionId
  readonly hash: string
}

/** The body of a definition is read together with others if its JSON text has at most this many bytes. */
export const SMALL_BODY_MAX_BYTES = 64 * 1024

export interface DefinitionStore {
  /** The id of this content under this owner, stored now if it was not yet. */
  ensure(ownerId: OwnerId, document: DefinitionDocument): Promise<DefinitionId>
  body(id: DefinitionId): Promise<Json>
  /** Undefined where the body is larger than `SMALL_BODY_MAX_BYTES`. */
  smallBody(id: DefinitionId): Promise<Json | undefined>
}

const MAX_KNOWN = 10_000

/** Definitions are immutable and content-addressed, so the id of a stored definition is kept in memory and never becomes wrong. */
export function createDefinitionStore(pool: Queryable): DefinitionStore {
  const known = new Map<string, DefinitionId>()
  return {
    async ensure(ownerId, { hash, body, text }) {
      const key = `${hash} ${ownerId}`
      const seen = known.get(key)
      if (seen) return seen
      // DO UPDATE rather than DO NOTHING: only so does a row that another session has just inserted come back.
      const { rows } = await pool.query<{ id: DefinitionId }>(
        `INSERT INTO definitions (id, owner_id, hash, body) VALUES ($1, $2, $3, $4)
         ON CONFLICT (owner_id, hash) DO UPDATE SET hash = excluded.hash RETURNING id`,
        [newId(), ownerId, hash, text ?? JSON.stringify(body)],
      )
      const id = rows[0]?.id as DefinitionId
      if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value ?? '')
      known.set(key, id)
      return id
    },
    async body(id) {
      const { rows } = await pool.query<{ body: Json }>('SELECT body FROM definitions WHERE id = $1', [id])
      const row = first(rows)
      if (!row) throw new Error(`the definition ${id} is missing`)
      return row.body
    },
    smallBody: batched((ids) => loadSmallBodies(pool, ids)),
  }
}

async function loadSmallBodies(
  pool: Queryable,
  ids: readonly DefinitionId[],
): Promise<readonly (Json | undefined)[]> {
  const { rows } = await pool.query<{ id: DefinitionId; body: Json }>(
    `SELECT id, body FROM definitions
     WHERE id = ANY($1::uuid[]) AND pg_column_size(body) <= $2 AND octet_length(body::text) <= $2`,
    [[...new Set(ids)], SMALL_BODY_MAX_BYTES],
  )
  const bodies = new Map(rows.map(({ id, body }) => [id, body]))
  return ids.map((id) => bodies.get(id))
}
