import type { ExecutionMode } from '../../engine/block/index.ts'
import { isTerminal, type JobStatus, type JobType } from '../../engine/record/index.ts'
import type { OwnerId, ScheduleId, WorkflowId } from '../../lib/index.ts'
import { shownStatus } from '../jobs/index.ts'
import {
  containing,
  countsPer,
  keysetPage,
  keysetPages,
  StatementValues,
  type KeysetOrder,
  type KeysetPage,
  type KeysetPosition,
  type Queryable,
} from '../sql/index.ts'

/** Which jobs and executions, which are the same rows by id; all conditions must hold, null is none. */
export interface RunFilter {
  readonly workflowId: WorkflowId | null
  readonly scheduleId: ScheduleId | null
  readonly types: readonly JobType[] | null
  readonly statuses: readonly JobStatus[] | null
  readonly modes: readonly ExecutionMode[] | null
  /** All of them. */
  readonly tags: readonly string[]
  readonly created: TimeRange
  readonly finished: TimeRange
  /** In the error's code or message, capitals or not. */
  readonly errorText: string | null
}

/** From `after` on, up to but without `before`. */
export interface TimeRange {
  readonly after: Date | null
  readonly before: Date | null
}

export const ALL_RUNS: RunFilter = {
  workflowId: null,
  scheduleId: null,
  types: null,
  statuses: null,
  modes: null,
  tags: [],
  created: { after: null, before: null },
  finished: { after: null, before: null },
  errorText: null,
}

/** By FINISHED_AT there are only those that ended. */
export const RUN_ORDERS = ['CREATED_AT', 'FINISHED_AT'] as const
export type RunOrder = (typeof RUN_ORDERS)[number]

export interface RunList {
  page(
    ownerId: OwnerId,
    filter: RunFilter,
    order: RunOrder,
    page: KeysetPage,
  ): Promise<readonly KeysetPosition[]>
  count(ownerId: OwnerId, filter: RunFilter, order: RunOrder): Promise<number>
  /** The same page of the runs under each of these parents, by their creation. */
  pagesOf(
    ownerId: OwnerId,
    parents: RunParents,
    page: KeysetPage,
  ): Promise<readonly (readonly KeysetPosition[])[]>
  /** How many runs there are under each of these parents. */
  countsOf(ownerId: OwnerId, parents: RunParents): Promise<readonly number[]>
  /** The same page of the retries of each of these executions, by their ids, which are told in order of their making. */
  retriesOf(
    ownerId: OwnerId,
    executionIds: readonly string[],
    page: KeysetPage,
  ): Promise<readonly (readonly KeysetPosition[])[]>
}

/** What runs can be the runs of, and the rows that tell it. */
const RUN_PARENTS = {
  workflow: { from: 'executions e', row: 'e', column: 'workflow_id' },
  version: { from: 'executions e', row: 'e', column: 'version_id' },
  schedule: { from: 'executions e', row: 'e', column: 'schedule_id' },
  original: { from: 'executions e', row: 'e', column: 'retry_of' },
  /** The execution whose steps have started them. */
  starter: { from: 'jobs j', row: 'j', column: 'parent_id' },
} as const
export type RunParent = keyof typeof RUN_PARENTS

/** Rows of one kind that runs come under. */
export interface RunParents {
  readonly kind: RunParent
  readonly ids: readonly string[]
}

/**
 * Lists of an owner's jobs and executions. A job and its execution share id, owner and time of creation, so a list is read
 * along whichever of the two tables has the index for it.
 */
export function createRunList(pool: Queryable): RunList {
  return {
    page(ownerId, filter, order, page) {
      const values = new StatementValues()
      const rows = rowsOf(ownerId, filter, { order, values })
      return keysetPage(pool, rows, { order: orderOf(order, filter), page, values })
    },
    async count(ownerId, filter, order) {
      const values = new StatementValues()
      const { from, conditions } = rowsOf(ownerId, filter, { order, values })
      const { rows } = await pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM ${from} WHERE ${conditions.join(' AND ')}`,
        values.list,
      )
      return rows[0]?.count ?? 0
    },
    pagesOf(ownerId, parents, page) {
      return pagesBy({ column: 'created_at', type: 'timestamptz' }, { ownerId, parents, page })
    },
    async countsOf(ownerId, { kind, ids }) {
      const { from, row, column } = RUN_PARENTS[kind]
      return countsPer(pool, ids, {
        text: `SELECT ${row}.${column} AS parent, count(*)::int AS count FROM ${from}
               WHERE ${row}.owner_id = $1 AND ${row}.${column} = ANY($2::uuid[]) GROUP BY ${row}.${column}`,
        values: [ownerId, ids],
      })
    },
    retriesOf(ownerId, ids, page) {
      return pagesBy({ column: 'id', type: 'uuid' }, { ownerId, parents: { kind: 'original', ids }, page })
    },
  }

  function pagesBy(
    { column, type }: { column: 'created_at' | 'id'; type: KeysetOrder['type'] },
    { ownerId, parents, page }: { ownerId: OwnerId; parents: RunParents; page: KeysetPage },
  ) {
    const values = new StatementValues()
    const { from, row, column: leading } = RUN_PARENTS[parents.kind]
    const conditions = [`${row}.owner_id = ${values.add(ownerId)}`, `${row}.${leading} = parent.id`]
    return keysetPages(pool, parents.ids, {
      rows: { from, id: `${row}.id`, conditions },
      order: { expression: `${row}.${column}`, type },
      page,
      values,
    })
  }
}

/** Where the list is one of a workflow's, a version's or a schedule's, its index is on the executions; else on the jobs. */
function leading({ workflowId, scheduleId }: RunFilter): 'e' | 'j' {
  return workflowId !== null || scheduleId !== null ? 'e' : 'j'
}

function orderOf(order: RunOrder, filter: RunFilter): KeysetOrder {
  const expression = order === 'FINISHED_AT' ? 'j.finished_at' : `${leading(filter)}.created_at`
  return { expression, type: 'timestamptz' }
}

/** The jobs `j` and executions `e` that a filter leaves. */
export function rowsOf(
  ownerId: OwnerId,
  filter: RunFilter,
  { order, values }: { order: RunOrder; values: StatementValues },
) {
  const lead = order === 'FINISHED_AT' ? 'j' : leading(filter)
  const owner = values.add(ownerId)
  const conditions = [`e.owner_id = ${owner}`, `j.owner_id = ${owner}`]
  if (order === 'FINISHED_AT') conditions.push('j.finished_at IS NOT NULL')
  if (filter.workflowId !== null) conditions.push(`e.workflow_id = ${values.add(filter.workflowId)}`)
  if (filter.scheduleId !== null) conditions.push(`e.schedule_id = ${values.add(filter.scheduleId)}`)
  if (filter.types !== null) conditions.push(`j.type = ANY(${values.add(filter.types)})`)
  if (filter.modes !== null) conditions.push(`e.mode = ANY(${values.add(filter.modes)})`)
  if (filter.statuses !== null) conditions.push(statusCondition(filter.statuses, values))
  for (const tag of filter.tags)
    conditions.push(
      `EXISTS (SELECT FROM execution_tags t
         WHERE t.owner_id = ${owner} AND t.tag = ${values.add(tag)} AND t.execution_id = ${lead}.id)`,
    )
  conditions.push(...rangeConditions(`${leading(filter)}.created_at`, filter.created, values))
  conditions.push(...rangeConditions('j.finished_at', filter.finished, values))
  if (filter.errorText !== null) {
    const pattern = values.add(containing(filter.errorText))
    conditions.push(
      `j.status = 'FAILED' AND j.finished_at IS NOT NULL
       AND lower((j.error->>'code') || ' ' || (j.error->>'message')) LIKE lower(${pattern})`,
    )
  }
  return { from: 'jobs j JOIN executions e ON e.id = j.id', id: `${lead}.id`, conditions }
}

/** Open jobs and ended ones are found by different indexes, so the condition says which of them are meant. */
function statusCondition(statuses: readonly JobStatus[], values: StatementValues): string {
  const open = statuses.filter((status) => !isTerminal(status))
  const ended = statuses.filter(isTerminal)
  const either = [
    ...(open.length > 0 ? [`j.finished_at IS NULL AND ${shownStatus('j')} = ANY(${values.add(open)})`] : []),
    ...(ended.length > 0 ? [`j.finished_at IS NOT NULL AND j.status = ANY(${values.add(ended)})`] : []),
  ]
  return either.length === 0 ? 'false' : `(${either.map((one) => `(${one})`).join(' OR ')})`
}

function rangeConditions(column: string, { after, before }: TimeRange, values: StatementValues): string[] {
  return [
    ...(after ? [`${column} >= ${values.add(after)}`] : []),
    ...(before ? [`${column} < ${values.add(before)}`] : []),
  ]
}
