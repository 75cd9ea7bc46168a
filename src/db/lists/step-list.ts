import { listsPer, type OwnerId } from '../../lib/index.ts'
import { countsPer, type Queryable } from '../sql/index.ts'

export interface StepList {
  /**
   * The paths of the first steps of each of these executions, in the definition's order; of the last ones, in the same
   * order, where `take` is negative.
   */
  pathsOf(
    ownerId: OwnerId,
    executionIds: readonly string[],
    take: number,
  ): Promise<readonly (readonly string[])[]>
  /** How many steps each of these executions has on record. */
  countsOf(ownerId: OwnerId, executionIds: readonly string[]): Promise<readonly number[]>
}

/** Lists of an owner's steps. */
export function createStepList(pool: Queryable): StepList {
  return {
    async pathsOf(ownerId, executionIds, take) {
      const sort = take < 0 ? 'DESC' : 'ASC'
      const { rows } = await pool.query<{ executionId: string; path: string }>(
        `SELECT execution.id AS "executionId", step.path
         FROM unnest($2::uuid[]) AS execution(id) CROSS JOIN LATERAL (
           SELECT path, position FROM steps WHERE owner_id = $1 AND execution_id = execution.id
           ORDER BY position ${sort}, path ${sort} LIMIT $3
         ) AS step
         ORDER BY step.position, step.path`,
        [ownerId, executionIds, Math.abs(take)],
      )
      return listsPer(executionIds, rows, ({ executionId, path }) => [executionId, path])
    },
    countsOf(ownerId, executionIds) {
      return countsPer(pool, executionIds, {
        text: `SELECT execution_id AS parent, count(*)::int AS count FROM steps
               WHERE owner_id = $1 AND execution_id = ANY($2::uuid[]) GROUP BY execution_id`,
        values: [ownerId, executionIds],
      })
    },
  }
}
