import type { StepWait } from '../../engine/record/index.ts'
import { listsPer, type OwnerId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'
import type { BoundedRead } from './value-store.ts'

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
  /**
   * Of each of these executions, the first `limit` steps that wait, in the definition’s order, if what all of them wait for
   * has together at most `maxBytes` as JSON text.
   */
  of(
    ownerId: OwnerId,
    executionIds: readonly string[],
    limit: number,
    maxBytes: number,
  ): Promise<BoundedRead<readonly OpenWait[]>>
}

interface OpenWaitRow extends Omit<OpenWait, 'wait'> {
  readonly executionId: string
  readonly total: string
  /** Null when it waits for its next attempt. */
  readonly wait: StepWait | null
}

export function createOpenWaitStore(pool: Queryable): OpenWaitStore {
  return {
    async of(ownerId, executionIds, limit, maxBytes) {
      const { rows } = await pool.query<OpenWaitRow>(
        `SELECT "executionId", path, "dueAt", total, CASE WHEN total <= $4 THEN wait END AS wait FROM (
           SELECT execution.id AS "executionId", step.path, step.position, step.wait, step.due_at AS "dueAt",
             COALESCE(sum(octet_length(step.wait::text)) OVER (), 0) AS total
           FROM unnest($2::uuid[]) AS execution(id) CROSS JOIN LATERAL (
             SELECT path, position, wait, due_at FROM steps
             WHERE owner_id = $1 AND execution_id = execution.id
               AND (status = 'RETRYING' OR (status = 'WAITING' AND wait IS NOT NULL))
             ORDER BY position, path LIMIT $3
           ) AS step
         ) AS found ORDER BY position, path`,
        [ownerId, executionIds, limit, maxBytes],
      )
      const bytes = Number(rows[0]?.total ?? 0)
      if (bytes > maxBytes) return { bytes, values: null }
      return {
        bytes,
        values: listsPer(executionIds, rows, ({ executionId, path, wait, dueAt }) => [
          executionId,
          { path, dueAt, wait: wait ?? { kind: 'retry' } },
        ]),
      }
    },
  }
}
