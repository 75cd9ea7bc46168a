/**
 * Rows by what they belong to: a list for each of these keys, in their order; empty where no row has the key. `entryOf`
 * tells of a row its key and what of it is listed; each list has the order of the rows.
 */
export function listsPer<Row, Value>(
  keys: readonly string[],
  rows: readonly Row[],
  entryOf: (row: Row) => readonly [key: string, value: Value],
): readonly (readonly Value[])[] {
  const lists = new Map<string, Value[]>(keys.map((key) => [key, []]))
  for (const row of rows) {
    const [key, value] = entryOf(row)
    lists.get(key)?.push(value)
  }
  return keys.map((key) => lists.get(key) ?? [])
}
