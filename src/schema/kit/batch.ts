import DataLoader from 'dataloader'
import { isTurnOver, yieldToEventLoop } from '../../lib/async/index.ts'

/**
 * Gathers what the rows of a page ask for one by one. There is one loader for each `name` and `variant`: whatever the
 * answer depends on beside the key, such as arguments and selected columns, belongs to the variant.
 */
export type Batch = <Value>(
  name: string,
  variant: unknown,
  load: (keys: readonly string[]) => Promise<readonly Value[]>,
) => DataLoader<string, Value>

/** The loaders of one operation. */
export function createBatch(): Batch {
  const loaders = new Map<string, unknown>()
  return <Value>(
    name: string,
    variant: unknown,
    load: (keys: readonly string[]) => Promise<readonly Value[]>,
  ) => {
    const key = `${name} ${JSON.stringify(variant)}`
    const loader =
      (loaders.get(key) as DataLoader<string, Value> | undefined) ?? new DataLoader(inOwnTurn(load))
    loaders.set(key, loader)
    return loader
  }
}

/**
 * Answers in another turn of the event loop where the current one is used up: the fields of a batch are resolved as a whole, and the
 * database may answer many operations in one turn.
 */
function inOwnTurn<Value>(
  load: (keys: readonly string[]) => Promise<readonly Value[]>,
): (keys: readonly string[]) => Promise<readonly Value[]> {
  return async (keys) => {
    const values = await load(keys)
    if (isTurnOver()) await yieldToEventLoop()
    return values
  }
}

/** Rows in the order of their ids; null for each that is not there. */
export function inOrder<Row extends { readonly id: string }>(
  ids: readonly string[],
  rows: readonly Row[],
): readonly (Row | null)[] {
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => byId.get(id) ?? null)
}

/** What was found of the rows that were asked for. */
export function present<Row>(rows: readonly (Row | Error | null)[]): readonly Row[] {
  return rows.flatMap((row) => {
    if (row instanceof Error) throw row
    return row === null ? [] : [row]
  })
}
