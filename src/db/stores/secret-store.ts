import type pg from 'pg'
import type { OwnerId } from '../../lib/index.ts'

/** A secret as it is stored: nothing of its value in clear. */
export interface SecretRow {
  readonly ownerId: OwnerId
  readonly name: string
  /** Which key it is encrypted under. */
  readonly keyId: string
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

export interface SecretStore {
  list(ownerId: OwnerId): Promise<readonly { readonly name: string; readonly updatedAt: Date }[]>
  find(ownerId: OwnerId, names: readonly string[]): Promise<readonly SecretRow[]>
  /** In place of the one before. */
  put(row: SecretRow, at: Date): Promise<void>
  /** False when there was none. */
  delete(ownerId: OwnerId, name: string): Promise<boolean>
  /** Of all owners, those under another key than this one; a page that follows `after`, in order. */
  findUnderOtherKeys(
    keyId: string,
    page: { after: SecretRow | null; limit: number },
  ): Promise<readonly SecretRow[]>
  /** Puts the same value under another key; false when the row is not what it was any more. */
  replace(old: SecretRow, sealed: Pick<SecretRow, 'keyId' | 'nonce' | 'ciphertext'>): Promise<boolean>
}

const COLUMNS = 'owner_id AS "ownerId", name, key_id AS "keyId", nonce, ciphertext'

export function createSecretStore(pool: pg.Pool): SecretStore {
  return {
    async list(ownerId) {
      const { rows } = await pool.query<{ name: string; updatedAt: Date }>(
        'SELECT name, updated_at AS "updatedAt" FROM secrets WHERE owner_id = $1 ORDER BY name',
        [ownerId],
      )
      return rows
    },
    async find(ownerId, names) {
      const { rows } = await pool.query<SecretRow>(
        `SELECT ${COLUMNS} FROM secrets WHERE owner_id = $1 AND name = ANY ($2::text[])`,
        [ownerId, names],
      )
      return rows
    },
    async put({ ownerId, name, keyId, nonce, ciphertext }, at) {
      await pool.query(
        `INSERT INTO secrets (owner_id, name, key_id, nonce, ciphertext, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (owner_id, name) DO UPDATE
         SET key_id = EXCLUDED.key_id, nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext,
             updated_at = EXCLUDED.updated_at`,
        [ownerId, name, keyId, nonce, ciphertext, at],
      )
    },
    async delete(ownerId, name) {
      const { rowCount } = await pool.query('DELETE FROM secrets WHERE owner_id = $1 AND name = $2', [
        ownerId,
        name,
      ])
      return rowCount === 1
    },
    async findUnderOtherKeys(keyId, { after, limit }) {
      const { rows } = await pool.query<SecretRow>(
        `SELECT ${COLUMNS} FROM secrets WHERE key_id <> $1 AND (owner_id, name) > ($2, $3)
         ORDER BY owner_id, name LIMIT $4`,
        [keyId, after?.ownerId ?? '', after?.name ?? '', limit],
      )
      return rows
    },
    async replace(old, { keyId, nonce, ciphertext }) {
      const { rowCount } = await pool.query(
        `UPDATE secrets SET key_id = $4, nonce = $5, ciphertext = $6
         WHERE owner_id = $1 AND name = $2 AND nonce = $3`,
        [old.ownerId, old.name, old.nonce, keyId, nonce, ciphertext],
      )
      return rowCount === 1
    },
  }
}
