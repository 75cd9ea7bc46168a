import { listsPer, type ExecutionId, type OwnerId, type WorkflowId } from '../../lib/index.ts'
import {
  countsPer,
  keysetPage,
  keysetPages,
  StatementValues,
  type KeysetOrder,
  type KeysetPage,
  type KeysetPosition,
  type Queryable,
} from '../sql/index.ts'
import type { Outcome } from '../stores/index.ts'

/** Which schedules; all conditions must hold, null is none. */
export interface ScheduleFilter {
  readonly workflowId: WorkflowId | null
  readonly isPaused: boolean | null
}

/** What became of an occurrence. */
export interface ShownOccurrence {
  readonly at: Date
  readonly outcome: Outcome
  readonly reason: string | null
  readonly message: string | null
  readonly recordedAt: Date
  readonly executionId: ExecutionId | null
}

export interface ScheduleList {
  page(ownerId: OwnerId, filter: ScheduleFilter, page: KeysetPage): Promise<readonly KeysetPosition[]>
  count(ownerId: OwnerId, filter: ScheduleFilter): Promise<number>
  /** The same page of the schedules of each of these workflows. */
  pagesOf(
    ownerId: OwnerId,
    workflowIds: readonly string[],
    page: KeysetPage,
  ): Promise<readonly (readonly KeysetPosition[])[]>
  /** How many schedules each of these workflows has. */
  countsOf(ownerId: OwnerId, workflowIds: readonly string[]): Promise<readonly number[]>
  /** The last occurrences of each of these schedules, newest first. */
  lastOccurrences(
    ownerId: OwnerId,
    scheduleIds: readonly string[],
    limit: number,
  ): Promise<readonly (readonly ShownOccurrence[])[]>
}

const CREATED_AT: KeysetOrder = { expression: 's.created_at', type: 'timestamptz' }

/** Lists of an owner's schedules, by their creation. */
export function createScheduleList(pool: Queryable): ScheduleList {
  return {
    page(ownerId, filter, page) {
      const values = new StatementValues()
      const rows = { from: 'schedules s', id: 's.id', conditions: conditionsOf(ownerId, filter, values) }
      return keysetPage(pool, rows, { order: CREATED_AT, page, values })
    },
    async count(ownerId, filter) {
      const values = new StatementValues()
      const where = conditionsOf(ownerId, filter, values).join(' AND ')
      const { rows } = await pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM schedules s WHERE ${where}`,
        values.list,
      )
      return rows[0]?.count ?? 0
    },
    pagesOf(ownerId, workflowIds, page) {
      const values = new StatementValues()
      const conditions = [
        `s.owner_id = ${values.add(ownerId)}`,
        's.workflow_id = parent.id',
        's.deleted_at IS NULL',
      ]
      const rows = { from: 'schedules s', id: 's.id', conditions }
      return keysetPages(pool, workflowIds, { rows, order: CREATED_AT, page, values })
    },
    countsOf(ownerId, workflowIds) {
      return countsPer(pool, workflowIds, {
        text: `SELECT workflow_id AS parent, count(*)::int AS count FROM schedules
               WHERE owner_id = $1 AND workflow_id = ANY($2::uuid[]) AND deleted_at IS NULL GROUP BY workflow_id`,
        values: [ownerId, workflowIds],
      })
    },
    async lastOccurrences(ownerId, scheduleIds, limit) {
      const { rows } = await pool.query<ShownOccurrence & { scheduleId: string }>(
        `SELECT parent.id AS "scheduleId", o.at, o.outcome, o.reason, o.message, o.recorded_at AS "recordedAt",
           e.id AS "executionId"
         FROM unnest($2::uuid[]) AS parent(id)
         CROSS JOIN LATERAL (
           SELECT * FROM schedule_occurrences o WHERE o.owner_id = $1 AND o.schedule_id = parent.id
           ORDER BY o.at DESC LIMIT $3
         ) AS o
         LEFT JOIN executions e ON e.owner_id = $1 AND e.schedule_id = parent.id AND e.scheduled_for = o.at
         ORDER BY o.at DESC`,
        [ownerId, scheduleIds, limit],
      )
      return listsPer(scheduleIds, rows, ({ scheduleId, ...occurrence }) => [scheduleId, occurrence])
    },
  }
}

function conditionsOf(
  ownerId: OwnerId,
  { workflowId, isPaused }: ScheduleFilter,
  values: StatementValues,
): string[] {
  const conditions = [`s.owner_id = ${values.add(ownerId)}`, 's.deleted_at IS NULL']
  if (workflowId !== null) conditions.push(`s.workflow_id = ${values.add(workflowId)}`)
  if (isPaused !== null) conditions.push(isPaused ? 's.is_paused' : 'NOT s.is_paused')
  return conditions
}
