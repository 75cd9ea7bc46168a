import { messageOf, type JobId, type OwnerId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import { ENTRY_FORMAT, LogTail, type PageStore } from '../log/index.ts'
import type { JobWrite } from './journal-write.ts'

interface HeldJob {
  readonly jobId: JobId
  readonly ownerId: OwnerId
  /** The number of the newest entry in the job's log. */
  readonly entryNo: number
}

interface PagedLogOptions {
  readonly pages: PageStore
  readonly logger: Pick<Logger, 'warn'>
  /** Makes a call to the database, through outages and deadlocks. */
  readonly through: (call: () => Promise<void>) => Promise<void>
  /** Whether another worker holds the job: then that worker writes the pages. */
  readonly isLost: () => boolean
}

/** Keeps the pages of one held job's log close behind its entries. They are merged beside the flushes. */
export class PagedLog {
  readonly #jobId: JobId
  readonly #options: PagedLogOptions
  /** Null: its pages could not be written. */
  #tail: LogTail | null
  #isWriting = false

  constructor(job: HeldJob, options: PagedLogOptions) {
    const { jobId, ownerId, entryNo } = job
    this.#jobId = jobId
    this.#options = options
    this.#tail = new LogTail({ id: jobId, ownerId }, entryNo)
  }

  /** Whether nothing more may be recorded of the job until the pages that are being written are on record. */
  get isHeldBack(): boolean {
    return this.#tail !== null && this.#tail.isFull && this.#isWriting
  }

  /** Adds an entry that is on record. Returns a promise, which never rejects, if pages are written now; null: none are. */
  add({ newSeq: seq, newEntryNo: entryNo, entry, end, park }: JobWrite): Promise<void> | null {
    const tail = this.#tail
    if (!tail) return null
    tail.add(entry, { seq, entryNo, format: ENTRY_FORMAT, at: entry.at })
    // Of a job that was given up, what is unknown is left to the next holder.
    const isDue = end || park ? tail.isLong : tail.isLong || !tail.isKnown
    return isDue && !this.#isWriting ? this.#writePages(tail) : null
  }

  /** Merges the tail into pages. If that fails, the job continues without them, and its next holder writes them. */
  async #writePages(tail: LogTail): Promise<void> {
    const { pages, logger, through, isLost } = this.#options
    this.#isWriting = true
    try {
      while (!isLost() && (tail.isLong || !tail.isKnown)) await through(() => tail.writePages(pages))
    } catch (fault) {
      this.#tail = null
      logger.warn({ jobId: this.#jobId, err: messageOf(fault) }, 'the pages of a log could not be written')
    } finally {
      this.#isWriting = false
    }
  }
}
