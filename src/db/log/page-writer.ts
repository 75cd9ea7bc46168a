import { withPauses, type Pieces } from '../../lib/turns/index.ts'
import type { LogRow } from './decode-entry.ts'
import { Fold } from './fold.ts'
import type { LogKey, LogStore } from './log-store.ts'
import { mergePage, pagesOf, type PageRow } from './page.ts'

/** Entries with at most this many changes of steps, items and checkpoints stay behind the pages: a reader folds no more of them. */
export const TAIL_MAX_CHANGES = 1_024
/** The entries behind the pages have at most this many bytes of changes before they are merged into pages. */
export const TAIL_MAX_LENGTH = 256 * 1024

/** The statements that pages take. */
export type PageStore = Pick<LogStore, 'tails' | 'pageSummaries' | 'pages' | 'storePages'>

/**
 * Reads the entries behind the pages, and merges them into pages if they are more than a reader is to fold. What it stores depends on
 * the log alone, so any process may do it at any time: of two that do it at once, one stores nothing. Returns whether it stored pages.
 */
export async function writePages(store: PageStore, job: LogKey): Promise<boolean> {
  const tail = (await store.tails([job])).get(job.id)
  if (!tail) return false
  const changes = tail.rows.reduce((sum, row) => sum + changeCount(row), 0)
  const length = tail.rows.reduce((sum, row) => sum + row.length, 0)
  return isLongTail({ changes, length }) && mergeIntoPages(store, job, tail)
}

/** Whether entries with this number of changes, and this number of bytes of changes, are to be merged into pages. */
export function isLongTail({ changes, length }: { changes: number; length: number }): boolean {
  return changes > TAIL_MAX_CHANGES || length > TAIL_MAX_LENGTH
}

/** The number of steps, items and checkpoints that an entry changes. */
export function changeCount({ changes }: Pick<LogRow, 'changes'>): number {
  return (changes?.s?.length ?? 0) + (changes?.i?.length ?? 0) + (changes?.k?.length ?? 0)
}

/**
 * Merges all entries behind the pages into pages. `pagedNo`: the newest entry that pages hold. Returns false, and stores nothing, if
 * other pages were stored meanwhile.
 */
export async function mergeIntoPages(
  store: PageStore,
  job: LogKey,
  { pagedNo, rows }: { readonly pagedNo: number; readonly rows: readonly LogRow[] },
): Promise<boolean> {
  const lows = pagedNo === 0 ? [] : (await store.pageSummaries(job)).map(({ low }) => low)
  const parts = await withPauses(partsOf(rows, lows))
  const bodies = lows.length === 0 ? new Map() : await store.pages(job, [...parts.keys()])
  const pages: PageRow[] = []
  for (const [low, newer] of parts) {
    pages.push(...(await withPauses(mergePage(low, bodies.get(low) ?? null, newer))))
  }
  return store.storePages(job, { from: pagedNo, to: rows.at(-1)?.entryNo ?? pagedNo, pages })
}

function* partsOf(rows: readonly LogRow[], lows: readonly string[]): Pieces<ReadonlyMap<string, Fold>> {
  const fold = new Fold()
  for (const row of rows) {
    fold.apply(row)
    yield
  }
  return yield* pagesOf(fold, lows)
}
