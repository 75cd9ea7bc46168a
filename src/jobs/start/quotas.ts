import {
  QUOTAS,
  type Quota,
  type QuotaGuard,
  type QuotaRefusal,
  type QuotaStore,
} from '../../db/stores/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { ApproximateCounts, type Taken } from './approximate-counts.ts'

/** Each quota's limit, the same for every owner. */
export type QuotaLimits = { readonly [Q in Quota]: number }

/** How much of a quota an owner uses. */
export interface QuotaUse {
  readonly quota: Quota
  /** At most the limit, where the quota counts rows. */
  readonly used: number
  readonly limit: number
  readonly countedAt: Date
}

/** Room for one start, taken before it is stored. */
export interface TakenStart {
  readonly kind: 'taken'
  settle(isStored: boolean): void
}

/** What each owner may hold. Counts are approximate: they are not worth a row that all writers of an owner would lock. */
export interface Quotas extends QuotaGuard {
  /** Room for an execution whose input has that many bytes. Looks into memory, unless that says that the owner has no room. */
  takeStart(ownerId: OwnerId, bytes: number): Awaitable<TakenStart | QuotaRefusal>
  /**
   * Counts bytes that a running execution of the owner has stored. A refusal once the owner stores more than
   * `RUNNING_STORED_BYTES_PART` of the quota: then its executions must not continue. Null otherwise.
   */
  refusalOfRun(ownerId: OwnerId, bytes: number): Promise<QuotaRefusal | null>
  /** All quotas of an owner, as counted at most five seconds ago. */
  list(ownerId: OwnerId): Promise<readonly QuotaUse[]>
}

/** How old the number of open executions in memory may be: what other processes start within it may exceed the quota. */
export const OPEN_EXECUTIONS_AGE_MS = 5_000
/** How old the number of stored bytes in memory may be. */
export const STORED_BYTES_AGE_MS = 30_000
/**
 * The multiple of the quota `STORED_BYTES` up to which executions that run may store. An owner at the quota starts nothing more, and what
 * runs may end; beyond this, what runs fails with `QUOTA_EXCEEDED`.
 */
export const RUNNING_STORED_BYTES_PART = 1.25
const LIST_AGE_MS = 5_000
const MAX_LISTS = 1_000

export function createQuotas({
  store,
  limits,
  clock,
}: {
  readonly store: Omit<QuotaStore, 'descendants'>
  readonly limits: QuotaLimits
  readonly clock: Pick<Clock, 'now'>
}): Quotas {
  const open = new ApproximateCounts<OwnerId>({
    read: (owners) => store.openExecutions(owners, limits.OPEN_EXECUTIONS),
    limit: limits.OPEN_EXECUTIONS,
    maxAgeMs: OPEN_EXECUTIONS_AGE_MS,
    clock,
  })
  const bytes = new ApproximateCounts<OwnerId>({
    read: (owners) => store.storedBytes(owners),
    limit: limits.STORED_BYTES,
    maxAgeMs: STORED_BYTES_AGE_MS,
    clock,
  })
  const runningBytes = new ApproximateCounts<OwnerId>({
    read: (owners) => store.storedBytes(owners),
    limit: limits.STORED_BYTES * RUNNING_STORED_BYTES_PART,
    maxAgeMs: STORED_BYTES_AGE_MS,
    clock,
  })
  const lists = new Map<OwnerId, { readonly at: number; readonly uses: Promise<readonly QuotaUse[]> }>()
  const refused = (quota: Quota, used: number): QuotaRefusal => {
    return { kind: 'quotaExceeded', quota, limit: limits[quota], used }
  }
  return {
    takeStart(ownerId, size) {
      const room = bytes.take(ownerId, size)
      return room instanceof Promise
        ? room.then((taken) => takeBoth(ownerId, taken))
        : takeBoth(ownerId, room)
    },
    async refusalOf(ownerId, quota) {
      const used = await store.rows(ownerId, quota, limits[quota])
      return used < limits[quota] ? null : refused(quota, used)
    },
    async refusalOfBytes(ownerId, size) {
      const room = await bytes.take(ownerId, size)
      if (room.kind === 'full') return refused('STORED_BYTES', room.used)
      room.settle(true)
      return null
    },
    async refusalOfRun(ownerId, size) {
      const room = await runningBytes.take(ownerId, size)
      if (room.kind === 'full') return refused('STORED_BYTES', room.used)
      room.settle(true)
      return null
    },
    list(ownerId) {
      const now = clock.now()
      const known = lists.get(ownerId)
      if (known && now - known.at < LIST_AGE_MS) return known.uses
      const uses = count(ownerId, new Date(now))
      lists.delete(ownerId)
      lists.set(ownerId, { at: now, uses })
      uses.catch(() => lists.delete(ownerId))
      for (const oldest of lists.keys()) {
        if (lists.size <= MAX_LISTS) break
        lists.delete(oldest)
      }
      return uses
    },
  }

  function count(ownerId: OwnerId, countedAt: Date): Promise<readonly QuotaUse[]> {
    return Promise.all(
      QUOTAS.map(async (quota) => {
        return { quota, used: await usedOf(ownerId, quota), limit: limits[quota], countedAt }
      }),
    )
  }

  /** Takes the room for an open execution beside that for its bytes. */
  function takeBoth(ownerId: OwnerId, room: Taken): Awaitable<TakenStart | QuotaRefusal> {
    if (room.kind === 'full') return refused('STORED_BYTES', room.used)
    const both = (place: Taken): TakenStart | QuotaRefusal => {
      if (place.kind === 'full') {
        room.settle(false)
        return refused('OPEN_EXECUTIONS', place.used)
      }
      const settle = (isStored: boolean) => {
        room.settle(isStored)
        place.settle(isStored)
      }
      return { kind: 'taken', settle }
    }
    const place = open.take(ownerId)
    return place instanceof Promise ? place.then(both) : both(place)
  }

  async function usedOf(ownerId: OwnerId, quota: Quota): Promise<number> {
    switch (quota) {
      case 'OPEN_EXECUTIONS':
        return (await store.openExecutions([ownerId], limits[quota])).get(ownerId) ?? 0
      case 'STORED_BYTES':
        return (await store.storedBytes([ownerId])).get(ownerId) ?? 0
      default:
        return store.rows(ownerId, quota, limits[quota])
    }
  }
}

const REMEDIES: { readonly [Q in Quota]: string } = {
  OPEN_EXECUTIONS:
    'Wait until executions end, cancel some, or ask the operator to raise LUME_MAX_OPEN_EXECUTIONS.',
  STORED_BYTES:
    'Delete workflows, store large values elsewhere, or ask the operator to raise LUME_MAX_STORED_BYTES or to delete old executions.',
  WORKFLOWS: 'Delete workflows, or ask the operator to raise LUME_MAX_WORKFLOWS.',
  SCHEDULES: 'Delete schedules, or ask the operator to raise LUME_MAX_SCHEDULES.',
  SECRETS: 'Delete secrets, or ask the operator to raise LUME_MAX_SECRETS.',
  API_KEYS: 'Revoke API keys, or ask the operator to raise LUME_MAX_API_KEYS.',
}

/** What is used up, and how to mend it. */
export function quotaMessage({ quota, limit, used }: QuotaRefusal): string {
  return `The quota ${quota} is used up: ${used} of ${limit}. ${REMEDIES[quota]}`
}
