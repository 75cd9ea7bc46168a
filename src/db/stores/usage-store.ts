import type { AttemptUsage } from '../../engine/record/index.ts'
import { listsPer, type OwnerId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'

export interface UsageStore {
  /** Of each of these executions, what the ended attempts of its own steps have cost together; reused steps cost nothing. */
  of(ownerId: OwnerId, executionIds: readonly string[]): Promise<readonly AttemptUsage[]>
}

export function createUsageStore(pool: Queryable): UsageStore {
  return {
    async of(ownerId, executionIds) {
      const { rows } = await pool.query<UsageRow>(
        `SELECT execution.id AS "executionId", counted.name, counted.amount
         FROM unnest($2::uuid[]) AS execution(id) CROSS JOIN LATERAL (
           SELECT told.name, sum(told.amount) AS amount
           FROM steps s
           CROSS JOIN LATERAL json_array_elements(s.attempts) AS a(record)
           CROSS JOIN LATERAL (
             SELECT NULL AS name, (a.record->'usage'->>'costUsd')::float8 AS amount
             UNION ALL
             SELECT q.key, q.value::float8 FROM json_each_text(a.record->'usage'->'quantities') AS q
           ) AS told
           WHERE s.owner_id = $1 AND s.execution_id = execution.id AND told.amount IS NOT NULL
           GROUP BY told.name
         ) AS counted
         ORDER BY counted.name`,
        [ownerId, executionIds],
      )
      return listsPer(executionIds, rows, (row) => [row.executionId, row]).map(toUsage)
    },
  }
}

interface UsageRow {
  readonly executionId: string
  /** Of a quantity; null: the cost in US dollars. */
  readonly name: string | null
  readonly amount: number
}

function toUsage(rows: readonly UsageRow[]): AttemptUsage {
  const cost = rows.find(({ name }) => name === null)
  const quantities = rows.flatMap(({ name, amount }) => (name === null ? [] : [[name, amount] as const]))
  return {
    ...(cost ? { costUsd: cost.amount } : {}),
    // Whatever it is called, `__proto__` too, it is a name.
    quantities: Object.fromEntries(quantities),
  }
}
