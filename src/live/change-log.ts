import type { ChangedJob } from '../db/lists/index.ts'
import type { JobId } from '../lib/index.ts'

/** Maximum number of jobs whose newest change a log holds. The job that changed the longest ago makes room. */
export const CHANGES_MAX_JOBS = 5_000

interface Entry {
  readonly number: number
  /** Null once the job has changed again, or has made room. */
  job: ChangedJob | null
}

/** A change in the order in which changes were noticed. */
export type Change =
  | { readonly kind: 'changed'; readonly job: ChangedJob; readonly cursor: number }
  /** There is none yet. */
  | { readonly kind: 'none' }
  /** Changes behind the cursor have made room: only the database knows them all. */
  | { readonly kind: 'lost' }

/**
 * The newest change of each job, for any number of readers. A reader holds nothing but the number of the change that it took
 * last, however slow it is. A job that changes many times before a reader comes to it is one change for that reader.
 */
export class ChangeLog {
  /** In the order of their numbers. */
  #entries: Entry[] = []
  readonly #latest = new Map<JobId, Entry>()
  #count = 0
  /** The highest number that has made room. */
  #lost = 0

  /** The number of the newest change. */
  get cursor(): number {
    return this.#count
  }

  /** Takes a change; returns false when the log shows this state of the job already. */
  add(job: ChangedJob): boolean {
    const before = this.#latest.get(job.id)
    if (before?.job?.lastSeq === job.lastSeq && before.job.status === job.status) return false
    if (before) this.#remove(job.id, before)
    const entry = { number: ++this.#count, job }
    this.#entries.push(entry)
    this.#latest.set(job.id, entry)
    if (this.#latest.size > CHANGES_MAX_JOBS) this.#dropOldest()
    if (this.#entries.length > 2 * CHANGES_MAX_JOBS)
      this.#entries = this.#entries.filter(({ job: shown }) => shown !== null)
    return true
  }

  /** The first change behind a cursor. */
  after(cursor: number): Change {
    if (cursor < this.#lost) return { kind: 'lost' }
    for (let at = this.#firstAfter(cursor); at < this.#entries.length; at++) {
      const { job = null, number = cursor } = this.#entries[at] ?? {}
      if (job) return { kind: 'changed', job, cursor: number }
    }
    return { kind: 'none' }
  }

  #firstAfter(cursor: number): number {
    let [from, to] = [0, this.#entries.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#entries[middle]?.number ?? 0) > cursor) to = middle
      else from = middle + 1
    }
    return from
  }

  #remove(id: JobId, entry: Entry): void {
    entry.job = null
    this.#latest.delete(id)
  }

  #dropOldest(): void {
    for (const [id, oldest] of this.#latest) {
      this.#lost = oldest.number
      return this.#remove(id, oldest)
    }
  }
}
