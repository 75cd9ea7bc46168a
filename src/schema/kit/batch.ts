import type DataLoader from 'dataloader'
import { PacedLoader, type FieldPieces } from '../answers/index.ts'

/**
 * Gathers what the rows of a page ask for one by one. There is one loader for each `name` and `variant`: whatever the
 * answer depends on beside the key, such as arguments and selected columns, belongs to the variant.
 */
export type Batch = <Value>(
  name: string,
  variant: unknown,
  load: (keys: readonly string[]) => Promise<readonly Value[]>,
) => DataLoader<string, Value>

/** The loaders of one operation, whose fields resolve in these pieces. */
export function createBatch(pieces: FieldPieces): Batch {
  const loaders = new Map<string, unknown>()
  return <Value>(
    name: string,
    variant: unknown,
    load: (keys: readonly string[]) => Promise<readonly Value[]>,
  ) => {
    const key = `${name} ${JSON.stringify(variant)}`
    const loader =
      (loaders.get(key) as DataLoader<string, Value> | undefined) ?? new PacedLoader(pieces, load)
    loaders.set(key, loader)
    return loader
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
