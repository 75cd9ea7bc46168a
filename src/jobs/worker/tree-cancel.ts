import type { CanceledJobs, TreeCancelStore } from '../../db/executions/index.ts'
import type { Wakeups } from '../../db/index.ts'

export type TreeCancel = (jobs: Omit<CanceledJobs, 'limit'>) => Promise<void>

export interface TreeCancelOptions {
  readonly store: Pick<TreeCancelStore, 'cancel'>
  readonly wakeups: Pick<Wakeups, 'news' | 'canceled'>
}

/** Number of jobs that one statement of a cancel locks: the flushes of other jobs in the same groups wait for it. */
export const CANCEL_BATCH_JOBS = 2_000

/**
 * Cancels a tree of executions: one statement per 2,000 open jobs, and one that finds none left. Each job's own terminal
 * event follows: its holder writes it, or, where no worker holds the job, `createEndCanceled` does.
 */
export function createTreeCancel({ store, wakeups }: TreeCancelOptions): TreeCancel {
  return async (jobs) => {
    for (;;) {
      const canceled = await store.cancel({ ...jobs, limit: CANCEL_BATCH_JOBS })
      if (canceled.length === 0) return
      const held = canceled.filter(({ isHeld }) => isHeld).map(({ id }) => id)
      // Lists show them as CANCELING.
      wakeups.news(held)
      wakeups.canceled(held)
    }
  }
}
