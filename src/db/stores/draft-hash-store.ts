import type { Json } from '../../lib/json/index.ts'
import { first, type Queryable } from '../sql/index.ts'

/** A draft whose hash is not stored. */
export interface UnhashedDraft {
  readonly id: string
  readonly revision: number
  readonly draft: Json
}

export interface DraftHashStore {
  /** The first draft after an id, of any owner, whose hash is not stored; null when there is none. */
  unhashedAfter(id: string | null): Promise<UnhashedDraft | null>
  /** Stores the hash of a draft, unless the draft has changed since. */
  store(draft: Pick<UnhashedDraft, 'id' | 'revision'>, hash: string): Promise<void>
}

/** The hashes of drafts that were written without one. */
export function createDraftHashStore(pool: Queryable): DraftHashStore {
  return {
    async unhashedAfter(id) {
      const { rows } = await pool.query<UnhashedDraft>(
        `SELECT id, revision, draft FROM workflows
         WHERE draft_hash IS NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT 1`,
        [id],
      )
      return first(rows)
    },
    async store({ id, revision }, hash) {
      await pool.query(
        'UPDATE workflows SET draft_hash = $3 WHERE id = $1 AND revision = $2 AND draft_hash IS NULL',
        [id, revision, hash],
      )
    },
  }
}
