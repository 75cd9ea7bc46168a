import type { KeysetOrder, KeysetPage, KeysetPosition } from '../../db/sql/index.ts'
import { parseId } from '../../lib/index.ts'
import { isStorableText } from '../../lib/json/index.ts'
import { badCursor, badInput, DEFAULT_PAGE, MAX_PAGE } from '../kit/index.ts'

/** The arguments of every connection. */
export interface PageArguments {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
}

/** The arguments of a connection that were read. */
interface ReadArguments {
  readonly size: number
  readonly direction: 'forward' | 'backward'
  readonly cursor: string | null
}

/** The arguments of a connection whose cursor was read. */
interface Page extends Omit<ReadArguments, 'cursor'> {
  readonly beyond: KeysetPosition | null
}

/** What was found of a page, one more than its size where there is more behind it. */
interface FoundPage<Item> extends Omit<ReadArguments, 'cursor'> {
  readonly found: readonly Item[]
  /** Whether the page begins at a cursor. */
  readonly isBeyond: boolean
  readonly cursorOf: (item: Item) => string
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
  const { size, direction, cursor } = readPageArguments(args)
  const beyond = cursor === null ? null : readCursor(cursor, order)
  return readConnection(list, { size, direction, beyond })
}

async function readConnection<Row extends { readonly id: string }>(
  list: KeysetList<Row>,
  { size, direction, beyond }: Page,
) {
  const { order, isDescending } = list
  const found = await list.positions({ limit: size + 1, beyond, direction, isDescending })
  const cursorOf = (position: KeysetPosition) => writeCursor(position, order)
  const { edges, pageInfo } = pageOf({ size, direction, found, isBeyond: beyond !== null, cursorOf })
  const rows = edges.length === 0 ? [] : await list.rows(edges.map(({ node }) => node.id))
  const byId = new Map(rows.map((row) => [row.id, row]))
  return {
    edges: edges.flatMap(({ cursor, node: position }) => {
      const node = byId.get(position.id)
      return node ? [{ cursor, node }] : []
    }),
    pageInfo,
    totalCount: list.count,
  }
}

/** The edges of a page, in the order of the list, and its place in the list. */
export function pageOf<Item>({ size, direction, found, isBeyond, cursorOf }: FoundPage<Item>) {
  const isForward = direction === 'forward'
  const isMore = found.length > size
  const shown = isMore ? (isForward ? found.slice(0, size) : found.slice(1)) : found
  const edges = shown.map((node) => ({ cursor: cursorOf(node), node }))
  return {
    edges,
    pageInfo: {
      hasNextPage: isForward ? isMore : isBeyond,
      hasPreviousPage: isForward ? isBeyond : isMore,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

/** Throws on arguments that do not go together. */
export function readPageArguments({ first, after, last, before }: PageArguments): ReadArguments {
  if (last != null || before != null) {
    if (first != null || after != null)
      throw badInput('Page by `first` and `after`, or by `last` and `before`.')
    if (last == null) throw badInput('`before` goes with `last`.')
    return { size: sizeOf(last, 'last'), direction: 'backward', cursor: before ?? null }
  }
  return { size: sizeOf(first ?? DEFAULT_PAGE, 'first'), direction: 'forward', cursor: after ?? null }
}

function sizeOf(wanted: number, name: string): number {
  if (wanted < 0) throw badInput(`\`${name}\` must not be negative.`)
  return Math.min(wanted, MAX_PAGE)
}

/** A value of each type, as the database writes it: what a client made up must not become a fault of the database. */
const IS_VALUE: Readonly<Record<ListOrder['type'], (value: string) => boolean>> = {
  text: isStorableText,
  int: (value) => /^\d{1,9}$/.test(value),
  uuid: (value) => parseId(value) !== null,
  timestamptz: (value) => TIME.test(value) && !Number.isNaN(Date.parse(`${value}:00`)),
}
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/

function writeCursor({ value, id }: KeysetPosition, order: ListOrder): string {
  return Buffer.from(JSON.stringify([order.name, value, id])).toString('base64url')
}

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
