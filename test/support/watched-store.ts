import type { JournalStore } from '../../src/db/journal/journal-store.ts'
import type { JobWrite } from '../../src/db/journal/journal-write.ts'

/** A journal store that counts, and lets a test step in before a flush goes out and after it has come back. */
export interface WatchedStore extends JournalStore {
  /** What each flush held, in order; also of those that failed. */
  readonly flushes: readonly (readonly JobWrite[])[]
  /** The most flushes that were under way at the same time. */
  readonly mostAtOnce: number
  /** Called with the number of the flush, from 1; what it throws is the flush's fault. */
  before: (flush: number) => Promise<void> | void
  /** The same, once the database has done its work. */
  after: (flush: number) => Promise<void> | void
}

export function watchStore(store: JournalStore): WatchedStore {
  const flushes: (readonly JobWrite[])[] = []
  let underWay = 0
  const watched = {
    ...store,
    flushes,
    mostAtOnce: 0,
    before: () => undefined,
    after: () => undefined,
    async flush(writes: readonly JobWrite[]) {
      const number = flushes.push(writes)
      watched.mostAtOnce = Math.max(watched.mostAtOnce, ++underWay)
      try {
        await (watched as WatchedStore).before(number)
        const flushed = await store.flush(writes)
        await (watched as WatchedStore).after(number)
        return flushed
      } finally {
        underWay--
      }
    },
  }
  return watched
}
