import type pg from 'pg'
import type { OwnerId } from '../../lib/index.ts'

export interface NewApiKeyRow {
  readonly id: string
  readonly ownerId: OwnerId
  readonly name: string
  readonly prefix: string
  readonly hash: string
  readonly role: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

export type ApiKeyRow = Pick<NewApiKeyRow, 'id' | 'ownerId' | 'name' | 'role' | 'expiresAt'> & {
  readonly lastUsedAt: Date | null
}

export interface ApiKeyStore {
  insert(key: NewApiKeyRow): Promise<void>
  /** The key of this hash; null when there is none, or it was revoked or has expired. */
  findLive(hash: string, now: Date): Promise<ApiKeyRow | null>
  /** Once revoked, a key stays so since its first revocation. False when the owner has no such key. */
  revoke(ownerId: OwnerId, id: string, at: Date): Promise<boolean>
  /** Notes a use, unless one after `since` is on record. */
  noteUse(id: string, use: { readonly at: Date; readonly since: Date }): Promise<void>
  /** Those of these keys that were revoked or are not there. */
  revokedAmong(ids: readonly string[]): Promise<readonly string[]>
}

export function createApiKeyStore(pool: pg.Pool): ApiKeyStore {
  return {
    async insert({ id, ownerId, name, prefix, hash, role, createdAt, expiresAt }) {
      await pool.query(
        `INSERT INTO api_keys (id, owner_id, name, prefix, hash, role, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [id, ownerId, name, prefix, hash, role, createdAt, expiresAt],
      )
    },
    async findLive(hash, now) {
      const { rows } = await pool.query<ApiKeyRow>({
        name: 'find live api key',
        text: `SELECT id, owner_id AS "ownerId", name, role, expires_at AS "expiresAt", last_used_at AS "lastUsedAt"
               FROM api_keys
               WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
        values: [hash, now],
      })
      return rows[0] ?? null
    },
    async revoke(ownerId, id, at) {
      const { rowCount } = await pool.query(
        'UPDATE api_keys SET revoked_at = coalesce(revoked_at, $3) WHERE owner_id = $1 AND id = $2',
        [ownerId, id, at],
      )
      return rowCount === 1
    },
    async noteUse(id, { at, since }) {
      await pool.query(
        'UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)',
        [id, at, since],
      )
    },
    async revokedAmong(ids) {
      const { rows } = await pool.query<{ id: string }>(
        `SELECT asked.id FROM unnest($1::uuid[]) AS asked(id)
         WHERE NOT EXISTS (SELECT FROM api_keys WHERE api_keys.id = asked.id AND revoked_at IS NULL)`,
        [ids],
      )
      return rows.map(({ id }) => id)
    },
  }
}
