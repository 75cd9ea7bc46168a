import type pg from 'pg'

/** The part of a connection pool that the stores use. */
export type Queryable = Pick<pg.Pool, 'query'>

/** The first row, or null. */
export function first<Row>(rows: readonly Row[]): Row | null {
  return rows[0] ?? null
}
