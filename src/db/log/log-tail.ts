import { withPauses, type Pieces } from '../../lib/turns/index.ts'
import type { Changes, EncodedEntry } from './entry.ts'
import type { LogRow } from './decode-entry.ts'
import type { LogKey } from './log-store.ts'
import { changeCount, isLongTail, mergeIntoPages, type PageStore } from './page-writer.ts'

/** Beyond this many changes behind the pages, a job records nothing more until pages are written. */
export const TAIL_LIMIT_CHANGES = 4_096
/** Beyond this many characters of changes behind the pages, a job records nothing more until pages are written. */
export const TAIL_LIMIT_LENGTH = 1024 * 1024

interface TailEntry {
  readonly row: Omit<LogRow, 'changes' | 'events'>
  /** As JSON text where this process has written them. */
  readonly changes: Changes | string
  readonly count: number
  readonly length: number
}

/** The changes behind the pages of a job's log, as the job's holder knows them. */
export class LogTail {
  readonly #job: LogKey
  #entries: TailEntry[] = []
  /** The newest entry that pages hold; null: unknown, and so are the entries of earlier holders. */
  #pagedNo: number | null
  /** The newest entry that was read or added. */
  #newestNo = 0
  #changes = 0
  #length = 0

  /** `entryNo`: the number of the newest entry; 0: the log has none. */
  constructor(job: LogKey, entryNo: number) {
    this.#job = job
    this.#pagedNo = entryNo === 0 ? 0 : null
  }

  /** Whether it holds all changes behind the pages. */
  get isKnown(): boolean {
    return this.#pagedNo !== null
  }

  /** Whether it is to be merged into pages, as far as it is known. */
  get isLong(): boolean {
    return isLongTail({ changes: this.#changes, length: this.#length })
  }

  /** Whether pages must be written before more is recorded. */
  get isFull(): boolean {
    return this.#changes > TAIL_LIMIT_CHANGES || this.#length > TAIL_LIMIT_LENGTH
  }

  /** Adds an entry that is on record. */
  add(entry: EncodedEntry, row: TailEntry['row']): void {
    const { changes, changeCount: count } = entry
    if (changes === null || row.entryNo <= this.#newestNo) return
    this.#newestNo = row.entryNo
    this.#hold({ row, changes, count, length: changes.length })
  }

  /**
   * Merges the tail into pages if it is long. Reads it where it is unknown. Another process may have written pages meanwhile: then the
   * tail is unknown again.
   */
  async writePages(store: PageStore): Promise<void> {
    this.#pagedNo ??= await this.#load(store)
    if (!this.isLong) return
    const rows = await withPauses(rowsOf(this.#entries))
    const isStored = await mergeIntoPages(store, this.#job, { pagedNo: this.#pagedNo, rows })
    const last = rows.at(-1)?.entryNo ?? 0
    this.#pagedNo = isStored ? last : null
    if (isStored) this.#replace(this.#entries.filter(({ row }) => row.entryNo > last))
  }

  /** Reads the tail, and returns the newest entry that pages hold. A job that was deleted has none. */
  async #load(store: PageStore): Promise<number> {
    const tail = (await store.tails([this.#job])).get(this.#job.id)
    const read = (tail?.rows ?? []).map(({ changes, length, ...row }): TailEntry => {
      return { row, changes: changes ?? {}, count: changeCount({ changes }), length }
    })
    const newer = this.#entries.filter(({ row }) => tail !== undefined && row.entryNo > tail.entryNo)
    this.#replace([...read, ...newer])
    this.#newestNo = Math.max(this.#newestNo, tail?.entryNo ?? 0)
    return tail?.pagedNo ?? 0
  }

  #replace(entries: readonly TailEntry[]): void {
    this.#entries = []
    this.#changes = 0
    this.#length = 0
    for (const entry of entries) this.#hold(entry)
  }

  #hold(entry: TailEntry): void {
    this.#entries.push(entry)
    this.#changes += entry.count
    this.#length += entry.length
  }
}

function* rowsOf(entries: readonly TailEntry[]): Pieces<readonly LogRow[]> {
  const rows: LogRow[] = []
  for (const entry of entries) {
    rows.push(toRow(entry))
    yield
  }
  return rows
}

function toRow({ row, changes }: TailEntry): LogRow {
  return {
    ...row,
    changes: typeof changes === 'string' ? (JSON.parse(changes) as Changes) : changes,
    events: null,
  }
}
