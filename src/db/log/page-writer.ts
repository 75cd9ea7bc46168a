import { Fold } from './fold.ts'
import type { LogKey, LogStore } from './log-store.ts'
import { mergePage, pagesOf } from './page.ts'

/** Entries with at most this many changes of steps, items and checkpoints stay behind the pages: a reader folds no more of them. */
export const TAIL_MAX_CHANGES = 1_024

/**
 * Merges the entries behind the pages into pages, if they hold more than `TAIL_MAX_CHANGES`. What it stores depends on the log alone,
 * so any process may do it at any time: of two that do it at once, one stores nothing. Returns whether it stored pages.
 */
export async function writePages(store: LogStore, job: LogKey): Promise<boolean> {
  const tail = (await store.tails([job])).get(job.id)
  if (!tail) return false
  const changes = tail.rows.reduce((sum, { changes: own }) => {
    return sum + (own?.s?.length ?? 0) + (own?.i?.length ?? 0) + (own?.k?.length ?? 0)
  }, 0)
  if (changes <= TAIL_MAX_CHANGES) return false
  const lows = (await store.pageSummaries(job)).map(({ low }) => low)
  const parts = pagesOf(Fold.of(tail.rows), lows)
  const bodies = await store.pages(job, [...parts.keys()])
  const pages = [...parts].flatMap(([low, newer]) => mergePage(low, bodies.get(low) ?? null, newer))
  return store.storePages(job, { from: tail.pagedNo, to: tail.rows.at(-1)?.entryNo ?? tail.pagedNo, pages })
}
