import type { KeysetOrder, KeysetPage, KeysetPosition } from '../../db/sql/index.ts'
import { parseId } from '../../lib/index.ts'
import { isStorableText } from '../../lib/json/index.ts'
import { badCursor, badInput } from './bad-input.ts'
import { DEFAULT_PAGE, MAX_PAGE } from './builder.ts'

/** The arguments of every connection. */
export interface PageArguments {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/** The arguments of a connection that were read. */
interface Page {
  readonly size: number
  readonly direction: 'forward' | 'backward'
  readonly beyond: KeysetPosition | null
}

interface ListOrder {
  readonly name: string
  readonly type: KeysetOrder['type']
}

export interface KeysetList<Row> {
  readonly args: PageArguments
  /** What the list is ordered by: cursors of another order are refused. */
  readonly order: ListOrder
  readonly isDescending: boolean
  readonly positions: (page: KeysetPage) => Promise<readonly KeysetPosition[]>
  /** The rows of these ids, in any order; those that are gone since are left out. */
  readonly rows: (ids: readonly string[]) => Promise<readonly Row[]>
  readonly count: () => Promise<number>
}

/** Answers a connection from an ordered list; a cursor holds the place in the order itself, not the row that stood there. */
export function keysetConnection<Row extends { readonly id: string }>(list: KeysetList<Row>) {
  const { args, order } = list
  // Thrown, and not rejected: the errors of a list stop the operation before its other items begin.
  const { size, direction, cursor } = readArguments(args)
  const beyond = cursor == null ? null : readCursor(cursor, order)
  return readConnection(list, { size, direction, beyond })
}

async function readConnection<Row extends { readonly id: string }>(
  list: KeysetList<Row>,
  { size, direction, beyond }: Page,
) {
  const { order, isDescending } = list
  const found = await list.positions({ limit: size + 1, beyond, direction, isDescending })
  const isForward = direction === 'forward'
  const isMore = found.length > size
  const shown = isMore ? (isForward ? found.slice(0, size) : found.slice(1)) : found
  const rows = shown.length === 0 ? [] : await list.rows(shown.map(({ id }) => id))
  const byId = new Map(rows.map((row) => [row.id, row]))
  return {
    edges: shown.flatMap((position) => {
      const node = byId.get(position.id)
      return node ? [{ cursor: writeCursor(position, order), node }] : []
    }),
    pageInfo: {
      hasNextPage: isForward ? isMore : beyond !== null,
      hasPreviousPage: isForward ? beyond !== null : isMore,
      startCursor: cursorOf(shown.at(0), order),
      endCursor: cursorOf(shown.at(-1), order),
    },
    totalCount: list.count,
  }
}

function readArguments({ first, after, last, before }: PageArguments) {
  if (last != null || before != null) {
    if (first != null || after != null)
      throw badInput('Page by `first` and `after`, or by `last` and `before`.')
    if (last == null) throw badInput('`before` goes with `last`.')
    return { size: sizeOf(last, 'last'), direction: 'backward', cursor: before } as const
  }
  return { size: sizeOf(first ?? DEFAULT_PAGE, 'first'), direction: 'forward', cursor: after } as const
}

function sizeOf(wanted: number, name: string): number {
  if (wanted < 0) throw badInput(`\`${name}\` must not be negative.`)
  return Math.min(wanted, MAX_PAGE)
}

function cursorOf(position: KeysetPosition | undefined, order: ListOrder): string | null {
  return position ? writeCursor(position, order) : null
}

function writeCursor({ value, id }: KeysetPosition, order: ListOrder): string {
  return Buffer.from(JSON.stringify([order.name, value, id])).toString('base64url')
}

/** A value of each type, as the database writes it: what a client made up must not become a fault of the database. */
const IS_VALUE: Readonly<Record<ListOrder['type'], (value: string) => boolean>> = {
  text: isStorableText,
  int: (value) => /^\d{1,9}$/.test(value),
  uuid: (value) => parseId(value) !== null,
  timestamptz: (value) => TIME.test(value) && !Number.isNaN(Date.parse(`${value}:00`)),
}
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/

function readCursor(cursor: string, order: ListOrder): KeysetPosition {
  const [of, value, id] = parse(cursor)
  const known = typeof id === 'string' ? parseId(id) : null
  const isValue = typeof value === 'string' && IS_VALUE[order.type](value)
  if (of !== order.name || !isValue || known === null) throw badCursor()
  return { value, id: known }
}

function parse(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(parsed) ? parsed : []
  } catch {
    return [] // not a cursor at all
  }
}
