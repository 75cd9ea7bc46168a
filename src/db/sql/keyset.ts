import { listsPer } from '../../lib/index.ts'
import type { Queryable } from './rows.ts'

/** A row's place in an ordered list: its value of the order as the database writes it, and its id to break ties. */
export interface KeysetPosition {
  readonly value: string
  readonly id: string
}

/** Part of an ordered list: up to `limit` rows beyond a position, in either direction. */
export interface KeysetPage {
  readonly limit: number
  readonly beyond: KeysetPosition | null
  /** `backward`: the rows before the position, nearest first. */
  readonly direction: 'forward' | 'backward'
  readonly isDescending: boolean
}

/** How a list can be ordered: an expression of its rows that an index holds, and the type of its values. */
export interface KeysetOrder {
  readonly expression: string
  readonly type: 'timestamptz' | 'text' | 'int' | 'uuid'
}

/** The rows that a list is made of. */
export interface KeysetRows {
  /** What follows FROM. */
  readonly from: string
  readonly id: string
  readonly conditions: readonly string[]
}

/** Gathers the values of a statement and names them in its text. */
export class StatementValues {
  readonly list: unknown[] = []

  /** Adds a value and gives what stands for it: `$3`. */
  add(value: unknown): string {
    return `$${this.list.push(value)}`
  }
}

/**
 * The positions of a page, in the order of the list, read by the key itself: a row that a position stands for need not be
 * there any more, or stand where it stood.
 */
export async function keysetPage(
  pool: Queryable,
  rows: KeysetRows,
  { order, page, values }: { order: KeysetOrder; page: KeysetPage; values: StatementValues },
): Promise<readonly KeysetPosition[]> {
  const { rows: found } = await pool.query<KeysetPosition>(
    keysetStatement(rows, { order, page, values }),
    values.list,
  )
  return page.direction === 'forward' ? found : found.toReversed()
}

/** The same page of many lists, one for each parent, in one statement; the rows' conditions name the parent `parent.id`. */
export async function keysetPages(
  pool: Queryable,
  parents: readonly string[],
  {
    rows,
    order,
    page,
    values,
  }: { rows: KeysetRows; order: KeysetOrder; page: KeysetPage; values: StatementValues },
): Promise<readonly (readonly KeysetPosition[])[]> {
  const statement = keysetStatement(rows, { order, page, values })
  const { rows: found } = await pool.query<KeysetPosition & { parent: string }>(
    `SELECT parent.id AS parent, item.id, item.value
     FROM unnest(${values.add(parents)}::uuid[]) AS parent(id) CROSS JOIN LATERAL (${statement}) AS item`,
    values.list,
  )
  const lists = listsPer(parents, found, ({ parent, ...position }) => [parent, position])
  return page.direction === 'forward' ? lists : lists.map((list) => list.toReversed())
}

function keysetStatement(
  { from, id, conditions }: KeysetRows,
  { order, page, values }: { order: KeysetOrder; page: KeysetPage; values: StatementValues },
): string {
  const { beyond, direction, isDescending, limit } = page
  const goesDown = isDescending === (direction === 'forward')
  const sort = goesDown ? 'DESC' : 'ASC'
  const after = beyond && [
    `(${order.expression}, ${id})`,
    goesDown ? '<' : '>',
    `(${values.add(beyond.value)}::${order.type}, ${values.add(beyond.id)}::uuid)`,
  ]
  const where = [...conditions, ...(after ? [after.join(' ')] : [])].join(' AND ')
  return `SELECT ${id} AS id, (${order.expression})::text AS value FROM ${from} WHERE ${where}
    ORDER BY ${order.expression} ${sort}, ${id} ${sort} LIMIT ${values.add(limit)}`
}

/** A pattern for LIKE that finds a text anywhere, whatever it holds. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
}
