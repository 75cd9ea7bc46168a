import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'

/** What an owner may hold a bounded amount of. */
export const QUOTAS = [
  'OPEN_EXECUTIONS',
  'STORED_BYTES',
  'WORKFLOWS',
  'SCHEDULES',
  'SECRETS',
  'API_KEYS',
] as const
export type Quota = (typeof QUOTAS)[number]

/** The quotas of things that are stored one by one. */
export type RowQuota = Exclude<Quota, 'OPEN_EXECUTIONS' | 'STORED_BYTES'>

/** An owner holds as much as its quota allows: nothing was stored. */
export interface QuotaRefusal {
  readonly kind: 'quotaExceeded'
  readonly quota: Quota
  readonly limit: number
  readonly used: number
}

/** Says whether an owner may store more. */
export interface QuotaGuard {
  /** Null where the owner may store one more. Requests at the same instant may exceed the limit by their number. */
  refusalOf(ownerId: OwnerId, quota: RowQuota): Promise<QuotaRefusal | null>
  /** Null where the owner may store that many bytes more. */
  refusalOfBytes(ownerId: OwnerId, bytes: number): Promise<QuotaRefusal | null>
}

/** Counts what owners hold. Each count stops at its limit, so that no question reads more rows than that. */
export interface QuotaStore {
  /** Descendants of roots, ended ones included. */
  descendants(rootIds: readonly JobId[], limit: number): Promise<ReadonlyMap<JobId, number>>
  openExecutions(ownerIds: readonly OwnerId[], limit: number): Promise<ReadonlyMap<OwnerId, number>>
  storedBytes(ownerIds: readonly OwnerId[]): Promise<ReadonlyMap<OwnerId, number>>
  rows(ownerId: OwnerId, quota: RowQuota, limit: number): Promise<number>
}

export function createQuotaStore(pool: Queryable): QuotaStore {
  const counts = async <Key extends string>(text: string, values: readonly unknown[]) => {
    const { rows } = await pool.query<{ key: Key; used: number }>(text, [...values])
    return new Map(rows.map(({ key, used }) => [key, used]))
  }
  return {
    descendants: (rootIds, limit) =>
      counts<JobId>(countEach('uuid', 'SELECT FROM jobs WHERE root_id = wanted.key'), [rootIds, limit]),
    openExecutions: (ownerIds, limit) =>
      counts<OwnerId>(
        countEach('text', 'SELECT FROM jobs WHERE owner_id = wanted.key AND finished_at IS NULL'),
        [ownerIds, limit],
      ),
    storedBytes: (ownerIds) => counts<OwnerId>(STORED_BYTES, [ownerIds]),
    async rows(ownerId, quota, limit) {
      const { rows } = await pool.query<{ used: number }>(
        `SELECT count(*)::int AS used FROM (SELECT FROM ${ROWS[quota]} LIMIT $2) AS counted`,
        [ownerId, limit],
      )
      return rows[0]?.used ?? 0
    },
  }
}

const countEach = (type: 'uuid' | 'text', rows: string) => `
SELECT wanted.key, own.used FROM unnest($1::${type}[]) AS wanted(key) CROSS JOIN LATERAL (
  SELECT count(*)::int AS used FROM (${rows} LIMIT $2) AS counted OFFSET 0
) AS own`

/** What has ended is rolled up (see `createJobCountStore`); what has not, and the drafts, are summed here. */
const STORED_BYTES = `
SELECT wanted.key, (
    COALESCE((SELECT u.stored_bytes FROM owner_usage u WHERE u.owner_id = wanted.key), 0)
    + COALESCE((SELECT sum(j.stored_bytes) FROM jobs j WHERE j.owner_id = wanted.key AND j.finished_at IS NULL), 0)
    + COALESCE((SELECT sum(pg_column_size(w.draft)) FROM workflows w
      WHERE w.owner_id = wanted.key AND w.deleted_at IS NULL), 0)
  )::float8 AS used
FROM unnest($1::text[]) AS wanted(key)`

const ROWS: { readonly [Q in RowQuota]: string } = {
  WORKFLOWS: 'workflows WHERE owner_id = $1 AND deleted_at IS NULL',
  SCHEDULES: 'schedules WHERE owner_id = $1 AND deleted_at IS NULL',
  SECRETS: 'secrets WHERE owner_id = $1',
  API_KEYS:
    'api_keys WHERE owner_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())',
}
