import type { StepWait } from '../engine/step.ts'
import type { OwnerId } from '../lib/ids.ts'
import type { Queryable } from './rows.ts'

/** A step that waits, and for what. */
export interface OpenWait {
  readonly path: string
  readonly wait: StepWait
  /** When a timer ends, or the time for a signal is over; null: there is no such time. */
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

export function createOpenWaitStore(pool: Queryable): OpenWaitStore {
  return {
    async of(ownerId, executionIds, limit) {
      const { rows } = await pool.query<OpenWait & { executionId: string }>(
        `SELECT execution.id AS "executionId", step.path, step.wait, step.due_at AS "dueAt"
         FROM unnest($2::uuid[]) AS execution(id) CROSS JOIN LATERAL (
           SELECT path, position, wait, due_at FROM steps
           WHERE owner_id = $1 AND execution_id = execution.id AND status = 'WAITING' AND wait IS NOT NULL
           ORDER BY position, path LIMIT $3
         ) AS step
         ORDER BY step.position, step.path`,
        [ownerId, executionIds, limit],
      )
      const waits = new Map<string, OpenWait[]>(executionIds.map((id) => [id, []]))
      for (const { executionId, ...wait } of rows) waits.get(executionId)?.push(wait)
      return executionIds.map((id) => waits.get(id) ?? [])
    },
  }
}
