import type { Queryable } from './rows.ts'

/** Counts for each of these parents, by a statement that tells `parent` and `count`; 0 for those that it leaves out. */
export async function countsPer(
  pool: Queryable,
  parents: readonly string[],
  statement: { readonly text: string; readonly values: readonly unknown[] },
): Promise<readonly number[]> {
  const { rows } = await pool.query<{ parent: string; count: number }>(statement.text, [...statement.values])
  const counts = new Map(rows.map(({ parent, count }) => [parent, count]))
  return parents.map((parent) => counts.get(parent) ?? 0)
}
