import type { StepHistory } from '../../engine/mocks/index.ts'
import type { OwnerId, WorkflowId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'

export interface StepHistoryStore {
  /** How long the calls of a workflow's nodes took in its newest production runs, by node id. */
  of(ownerId: OwnerId, workflowId: WorkflowId): Promise<ReadonlyMap<string, StepHistory>>
}

/** More runs would be older ones: how long a call takes now is told best by the newest. */
const MAX_EXECUTIONS = 20
/** Of one run; a loop has a step per item. */
const MAX_STEPS = 1_000

/** What is on record of a workflow's steps, summed up. */
export function createStepHistoryStore(pool: Queryable): StepHistoryStore {
  return {
    async of(ownerId, workflowId) {
      const { rows } = await pool.query<{ nodeId: string; p50DurationMs: number; count: number }>(
        `SELECT s.node_id AS "nodeId", count(*)::int AS count,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM
             (s.last->>'finishedAt')::timestamptz - (s.last->>'startedAt')::timestamptz)) * 1000)::float8
             AS "p50DurationMs"
         FROM (
           SELECT id FROM executions
           WHERE owner_id = $1 AND workflow_id = $2 AND mode = 'production' ORDER BY id DESC LIMIT $3
         ) e
         CROSS JOIN LATERAL (
           SELECT node_id, attempts->-1 AS last FROM steps
           WHERE owner_id = $1 AND execution_id = e.id AND status = 'COMPLETED' LIMIT $4
         ) s
         WHERE s.last IS NOT NULL
         GROUP BY s.node_id`,
        [ownerId, workflowId, MAX_EXECUTIONS, MAX_STEPS],
      )
      return new Map(rows.map(({ nodeId, ...history }) => [nodeId, history]))
    },
  }
}
