import type { StepWait } from '../engine/step.ts'
import type { OwnerId } from '../lib/ids.ts'
import { listsPer } from '../lib/lists-per.ts'
import type { Queryable } from './rows.ts'

/** What a step waits for; one whose attempt failed waits for its next attempt. */
export type WaitShown = StepWait | { readonly kind: 'retry' }

/** A step that waits, and for what. */
export interface OpenWait {
  readonly path: string
  readonly wait: WaitShown
  /** When a timer ends, the next attempt is due, or the time for a signal is over; null: there is no such time. */
  readonly dueAt: Date | null
}

export interface OpenWaitStore {
  /** Of each of these executions, the first `limit` steps that wait, in the definition's order. */
  of(
    ownerId: OwnerId,
    executionIds: readonly string[],
    limit: number,
  ): Promise<readonly (readonly OpenWait[])[]>
}

interface OpenWaitRow extends Omit<OpenWait, 'wait'> {
  readonly executionId: string
  /** Null when it waits for its next attempt. */
  readonly wait: StepWait | null
}

export function createOpenWaitStore(pool: Queryable): OpenWaitStore {
  return {
    async of(ownerId, executionIds, limit) {
      const { rows } = await pool.query<OpenWaitRow>(
        `SELECT execution.id AS "executionId", step.path, step.wait, step.due_at AS "dueAt"
         FROM unnest($2::uuid[]) AS execution(id) CROSS JOIN LATERAL (
           SELECT path, position, wait, due_at FROM steps
           WHERE owner_id = $1 AND execution_id = execution.id
             AND (status = 'RETRYING' OR (status = 'WAITING' AND wait IS NOT NULL))
           ORDER BY position, path LIMIT $3
         ) AS step
         ORDER BY step.position, step.path`,
        [ownerId, executionIds, limit],
      )
      return listsPer(executionIds, rows, ({ executionId, wait, ...step }) => [
        executionId,
        { ...step, wait: wait ?? { kind: 'retry' } },
      ])
    },
  }
}
