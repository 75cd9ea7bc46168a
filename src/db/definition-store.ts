import { newId, type DefinitionId, type OwnerId } from '../lib/ids.ts'
import type { Json } from '../lib/json.ts'
import type { Queryable } from './rows.ts'

/** A definition that is about to be executed or published. */
export interface DefinitionDocument {
  readonly hash: string
  readonly body: Json
}

export interface DefinitionStore {
  /** The id of this content under this owner, stored now if it was not yet. */
  ensure(ownerId: OwnerId, document: DefinitionDocument): Promise<DefinitionId>
}

const MAX_KNOWN = 10_000

/** Definitions are immutable and content-addressed, so what was seen once is known for good. */
export function createDefinitionStore(pool: Queryable): DefinitionStore {
  const known = new Map<string, DefinitionId>()
  return {
    async ensure(ownerId, { hash, body }) {
      const key = `${hash} ${ownerId}`
      const seen = known.get(key)
      if (seen) return seen
      // DO UPDATE rather than DO NOTHING: only so does a row that another session has just inserted come back.
      const { rows } = await pool.query<{ id: DefinitionId }>(
        `INSERT INTO definitions (id, owner_id, hash, body) VALUES ($1, $2, $3, $4)
         ON CONFLICT (owner_id, hash) DO UPDATE SET hash = excluded.hash RETURNING id`,
        [newId(), ownerId, hash, JSON.stringify(body)],
      )
      const id = rows[0]?.id as DefinitionId
      if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value ?? '')
      known.set(key, id)
      return id
    },
  }
}
