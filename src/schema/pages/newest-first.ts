import type { KeysetPage } from '../../db/sql/index.ts'
import { parseId } from '../../lib/index.ts'
import { badCursor } from '../kit/index.ts'

/** What Pothos makes of `first`, `after`, `last` and `before`; a negative `take` counts from the end. */
interface PageQuery {
  readonly cursor?: { readonly id?: unknown } | undefined
  readonly take: number
  readonly skip: number
}

/**
 * A page of rows, newest first, by the key itself: the row that a cursor stands for need not be there any more, and a
 * cursor of somebody else's row tells nothing of it (P8).
 */
export function newestFirst<Query extends PageQuery, Where extends object>(query: Query, where: Where) {
  const { cursor, skip: _skip, ...rest } = query
  return { ...rest, where: { ...where, ...beyond(cursor, query.take) }, orderBy: { id: 'desc' as const } }
}

/** The same page of a list that the stores read. */
export function newestFirstPage({ cursor, take }: Pick<PageQuery, 'cursor' | 'take'>): KeysetPage {
  const id = placeOf(cursor)
  return {
    limit: Math.abs(take),
    beyond: id === null ? null : { value: id, id },
    direction: take < 0 ? 'backward' : 'forward',
    isDescending: true,
  }
}

function beyond(cursor: PageQuery['cursor'], take: number): { id?: { gt: string } | { lt: string } } {
  const id = placeOf(cursor)
  if (id === null) return {}
  return { id: take < 0 ? { gt: id } : { lt: id } }
}

/** The id that a cursor stands for; null: the page begins at an end of the list. */
function placeOf(cursor: PageQuery['cursor']): string | null {
  if (cursor === undefined) return null
  const id = typeof cursor.id === 'string' ? parseId(cursor.id) : null
  if (id === null) throw badCursor()
  return id
}
