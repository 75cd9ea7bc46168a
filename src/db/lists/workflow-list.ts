import type { OwnerId } from '../../lib/index.ts'
import {
  containing,
  keysetPage,
  StatementValues,
  type KeysetOrder,
  type KeysetPage,
  type KeysetPosition,
  type Queryable,
} from '../sql/index.ts'

/** Which workflows; all conditions must hold, null is none. */
export interface WorkflowFilter {
  /** In the name or the description, capitals or not: of A to Z at least, of other letters as the database's locale has it. */
  readonly text: string | null
  /** All of them. */
  readonly tags: readonly string[]
  readonly archived: boolean | null
  readonly published: boolean | null
}

export const WORKFLOW_ORDERS = {
  CREATED_AT: { expression: 'created_at', type: 'timestamptz' },
  UPDATED_AT: { expression: 'updated_at', type: 'timestamptz' },
  NAME: { expression: 'lower(name)', type: 'text' },
} as const satisfies Record<string, KeysetOrder>
export type WorkflowOrder = keyof typeof WORKFLOW_ORDERS

export interface WorkflowList {
  page(
    ownerId: OwnerId,
    filter: WorkflowFilter,
    order: WorkflowOrder,
    page: KeysetPage,
  ): Promise<readonly KeysetPosition[]>
  count(ownerId: OwnerId, filter: WorkflowFilter): Promise<number>
}

/** Lists of an owner's workflows. Every order has an index that begins with the owner; text and tags filter its rows. */
export function createWorkflowList(pool: Queryable): WorkflowList {
  return {
    page(ownerId, filter, order, page) {
      const values = new StatementValues()
      const rows = { from: 'workflows', id: 'id', conditions: conditionsOf(ownerId, filter, values) }
      return keysetPage(pool, rows, { order: WORKFLOW_ORDERS[order], page, values })
    },
    async count(ownerId, filter) {
      const values = new StatementValues()
      const where = conditionsOf(ownerId, filter, values).join(' AND ')
      const { rows } = await pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM workflows WHERE ${where}`,
        values.list,
      )
      return rows[0]?.count ?? 0
    },
  }
}

function conditionsOf(
  ownerId: OwnerId,
  { text, tags, archived, published }: WorkflowFilter,
  values: StatementValues,
): string[] {
  const conditions = [`owner_id = ${values.add(ownerId)}`, 'deleted_at IS NULL']
  if (archived !== null) conditions.push(`archived_at IS ${archived ? 'NOT NULL' : 'NULL'}`)
  if (published !== null) conditions.push(`published_number IS ${published ? 'NOT NULL' : 'NULL'}`)
  if (tags.length > 0) conditions.push(`tags @> ${values.add(tags)}::text[]`)
  if (text !== null) {
    const pattern = values.add(containing(text))
    conditions.push(`(lower(name) LIKE lower(${pattern}) OR lower(description) LIKE lower(${pattern}))`)
  }
  return conditions
}
