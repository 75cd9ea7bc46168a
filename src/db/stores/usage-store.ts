import type { AttemptRecord, AttemptUsage } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import { newestOf, newestSteps, type NewestStep } from '../log/index.ts'
import { readPages, readTails } from '../log-reads/index.ts'
import type { Queryable } from '../sql/index.ts'

export interface UsageStore {
  /** Returns what the ended attempts of each execution's own steps have cost together. A reused step costs nothing. */
  of(ownerId: OwnerId, executionIds: readonly string[]): Promise<readonly AttemptUsage[]>
}

/** A page without this text has no step with usage. */
const USAGE = '"usage"'

/** Usage is in the attempts of steps. The tails and pages of executions are read in pieces, and memory holds the sums alone. */
export function createUsageStore(pool: Queryable): UsageStore {
  return {
    async of(ownerId, executionIds) {
      const jobs = executionIds.map((id) => ({ id: id as JobId, ownerId }))
      const sums = jobs.map(() => new UsageSum())
      for await (const tails of readTails(pool, jobs, { of: 'all' })) {
        const paged: Paged[] = []
        for (const { job, pagedNo, rows } of tails) {
          const [key, sum] = [jobs[job], sums[job]]
          if (!key || !sum) continue
          // A step's newest record has all of its attempts.
          const steps = newestSteps(rows)
          for (const { change } of steps.values()) sum.add(change.a)
          if (pagedNo > 0) paged.push({ ...key, sum, known: new Set(steps.keys()) })
        }
        for await (const pages of readPages(pool, paged, { with: 'steps', limit: null, text: USAGE }))
          for (const { job, steps } of pages) addPage(paged[job], newestOf(steps))
      }
      return sums.map((sum) => sum.total)
    },
  }
}

interface Paged {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly sum: UsageSum
  /** The paths of steps that are added. */
  readonly known: Set<string>
}

function addPage(job: Paged | undefined, steps: readonly NewestStep[]): void {
  for (const { change } of steps) {
    if (!job || job.known.has(change.p)) continue
    job.known.add(change.p)
    job.sum.add(change.a)
  }
}

class UsageSum {
  #costUsd: number | null = null
  readonly #quantities = new Map<string, number>()

  /** Attempts that a record leaves out have used nothing. */
  add(attempts: readonly AttemptRecord[] = []): void {
    for (const { usage } of attempts) {
      if (!usage) continue
      if (usage.costUsd !== undefined) this.#costUsd = (this.#costUsd ?? 0) + usage.costUsd
      for (const [name, amount] of Object.entries(usage.quantities ?? {}))
        this.#quantities.set(name, (this.#quantities.get(name) ?? 0) + amount)
    }
  }

  get total(): AttemptUsage {
    const quantities = [...this.#quantities].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return {
      ...(this.#costUsd === null ? {} : { costUsd: this.#costUsd }),
      // `Object.fromEntries` makes an own member of any name, also of `__proto__`.
      quantities: Object.fromEntries(quantities),
    }
  }
}
