import type { QuotaGuard } from '../../src/db/stores/quota-store.ts'
import type { Descendants } from '../../src/jobs/start/child-executions.ts'
import type { Quotas } from '../../src/jobs/start/quotas.ts'

const taken = { kind: 'taken', settle: () => undefined } as const

/** Nothing is bounded. */
export const UNBOUNDED: QuotaGuard & Pick<Quotas, 'takeStart'> = {
  takeStart: async () => taken,
  refusalOf: async () => null,
  refusalOfBytes: async () => null,
}

/** Roots may have any number of descendants. */
export const ANY_DESCENDANTS: Descendants = { take: async () => taken, limit: Number.POSITIVE_INFINITY }
