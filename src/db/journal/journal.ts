import {
  EntryRefusedError,
  FenceLostError,
  ParkRefusedError,
  type EndedLoopItem,
  type JournalEntry,
  type OnDecided,
  type RunJournal,
} from '../../engine/record/index.ts'
import { messageOf, type ExecutionId, type JobId, type OwnerId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { ENTRY_MAX_LENGTH, type PageStore } from '../log/index.ts'
import { TransientRetry } from '../outage/index.ts'
import { isDataFault, isOutcomeUnknown } from '../sql/index.ts'
import type { JobMarks, JournalStore } from './journal-store.ts'
import { byteSize, mergeEntries, recordCount, type JobWrite } from './journal-write.ts'
import { PagedLog } from './paged-log.ts'

/** One holder's claim on a job: what every write of it is guarded by (D3). */
export interface Claim {
  readonly jobId: JobId
  readonly ownerId: OwnerId
  readonly fence: bigint
  /** The number of the job's newest event. */
  readonly lastSeq: number
  /** The number of the newest entry in the job's log. */
  readonly entryNo: number
  /** The highest command that the holder has read. */
  readonly commandsSeen: number
}

/** The journal of one claimed job. */
export interface ClaimedJournal extends RunJournal {
  readonly executionId: ExecutionId
  /** To be called by whoever has read the inbox: only then may the job park again (D8). */
  commandsRead(upTo: number): void
}

/** What a job's holder learns of the commits of its entries. */
export interface HolderListener {
  /** Receives what a flush has committed of the job, before the callers that await its entries continue. */
  readonly onCommitted?: (write: JobWrite) => void
  /** The job's end or a park is committed, and not published yet. */
  readonly onGivenUp?: () => void
  /** Aborts when the run is not to continue here: what it reads is not read again. */
  readonly yielded?: AbortSignal
}

export interface JournalListener {
  /** Receives what a flush has committed, each job's part in the order of its numbers. */
  onCommitted?: (writes: readonly JobWrite[]) => void
  /** The inbox of a job that is written here holds a command beyond those read. */
  onUnreadCommands?: (jobId: JobId) => void
}

export interface JournalOptions {
  readonly store: JournalStore
  /** The statements of the logs' pages. They run beside the flushes, so they are to have another connection. */
  readonly pages: PageStore
  readonly clock: Pick<Clock, 'after' | 'now' | 'wait'>
  readonly logger: Pick<Logger, 'warn'>
  /** Carries the statements through outages of the database. Default: one that no other part of the process shares. */
  readonly retry?: TransientRetry
  readonly listener?: JournalListener
}

/** One statement carries at most this much, so that a flush stays quick; the rest goes next. */
const FLUSH_MAX_BYTES = 8 * 1024 * 1024
/** A flush takes at most this many events, steps, items and checkpoints of one job, unless one entry has more: it holds the thread briefly. */
export const FLUSH_MAX_RECORDS_OF_JOB = 2_000
/** The time after which an entry is flushed whose commit no caller waits for, in milliseconds. */
export const NOTE_FLUSH_DELAY_MS = 2

/**
 * The group commit (D2): one flush is in flight at a time. Entries that are recorded meanwhile, of all executions, are flushed
 * together by the next statement. The journal waits neither for a number of entries nor for a number of bytes: under load the groups
 * grow by themselves.
 *
 * A group holds the entries of the executions of which a caller awaits a commit. An entry that no caller awaits is flushed with the
 * next awaited one of its execution, so that both are one row, or after `NOTE_FLUSH_DELAY_MS`. The entries of an execution are
 * committed in the order in which they were recorded. Once one has failed, those behind it fail, too: they follow from something
 * that is not on record.
 */
export class Journal {
  readonly #store: JournalStore
  readonly #pages: PageStore
  readonly #clock: Pick<Clock, 'after' | 'now' | 'wait'>
  readonly #logger: Pick<Logger, 'warn'>
  readonly #retry: TransientRetry
  readonly #listener: JournalListener
  /** The ledgers whose queues are flushed with the next groups. */
  readonly #due = new Set<Ledger>()
  /** The ledgers whose queues wait for a caller that awaits a commit, or for their time, which comes in the order of this set. */
  readonly #delayed = new Set<Ledger>()
  /** Calls off the timer for the first of them; null: there is none. */
  #stopTimer: (() => void) | null = null
  /** The pages that are being written. */
  readonly #paging = new Set<Promise<void>>()
  #flushing: Promise<void> | null = null

  constructor({ store, pages, clock, logger, retry, listener = {} }: JournalOptions) {
    this.#store = store
    this.#pages = pages
    this.#clock = clock
    this.#logger = logger
    this.#retry = retry ?? new TransientRetry({ clock, random: Math.random })
    this.#listener = listener
  }

  /** Opens the journal of a claimed job. */
  open(claim: Claim, listener: HolderListener = {}): ClaimedJournal {
    const { lastSeq: seq, entryNo, commandsSeen } = claim
    const reading = <T>(read: () => Promise<T>) => this.reading(read, listener.yielded)
    const ledger: Ledger = {
      claim,
      seq,
      entryNo,
      log: new PagedLog(claim, {
        pages: this.#pages,
        logger: this.#logger,
        through: (call) => this.reading(call),
        isLost: () => ledger.isLost,
      }),
      commandsSeen,
      isLost: false,
      refusal: null,
      listener,
      queue: [],
      flushAt: null,
    }
    return {
      executionId: claim.jobId as string as ExecutionId,
      append: (entry) =>
        new Promise((resolve, reject) => {
          this.#enqueue(ledger, entry, (refusal) => (refusal === null ? resolve() : reject(refusal)))
          this.#hasten(ledger)
        }),
      note: (entry, onDecided) => {
        this.#enqueue(ledger, entry, onDecided)
        this.#delay(ledger)
      },
      hasten: () => this.#hasten(ledger),
      loopItems: (path, wanted): Promise<readonly EndedLoopItem[]> =>
        reading(() => this.#store.loopItems(claim, path, wanted)),
      loopItemsBytes: (path, wanted) => reading(() => this.#store.loopItemsBytes(claim, path, wanted)),
      outputs: (paths) => reading(() => this.#store.outputs(claim, paths)),
      checkpointsSize: (path) => reading(() => this.#store.checkpointsSize(claim, path)),
      checkpoints: (path) => reading(() => this.#store.checkpoints(claim, path)),
      signal: (number, path) => reading(() => this.#store.signal(claim, number, path)),
      commandsRead: (upTo) => (ledger.commandsSeen = Math.max(ledger.commandsSeen, upTo)),
    }
  }

  /** Flushes everything that has been recorded. Resolves once all of it is committed or refused, and no pages are being written. */
  async idle(): Promise<void> {
    for (;;) {
      for (const ledger of this.#delayed) this.#hasten(ledger)
      if (!this.#flushing && this.#paging.size === 0) return
      await Promise.all([this.#flushing, ...this.#paging])
    }
  }

  /**
   * From now on a flush that meets an absent server fails for its writers instead of being sent again and again, so that
   * a process can stop: the next holder of each job continues from what is recorded. The same holds for everything else that
   * shares `retry`.
   */
  stopRetrying(): void {
    this.#retry.stop()
  }

  #enqueue(ledger: Ledger, entry: JournalEntry, onDecided: OnDecided): void {
    const { refusal, commandsSeen } = ledger
    if (refusal && !entry.job.end) queueMicrotask(() => onDecided(refusal))
    else ledger.queue.push({ entry, bytes: byteSize(entry), commandsSeen, onDecided })
  }

  #delay(ledger: Ledger): void {
    if (ledger.flushAt !== null || this.#due.has(ledger)) return
    ledger.flushAt = this.#clock.now() + NOTE_FLUSH_DELAY_MS
    this.#delayed.add(ledger)
    this.#stopTimer ??= this.#clock.after(NOTE_FLUSH_DELAY_MS, () => this.#hastenOverdue())
  }

  /** One timer serves all delayed queues: most of them are flushed before it comes due. */
  #hastenOverdue(): void {
    this.#stopTimer = null
    const now = this.#clock.now()
    for (const ledger of this.#delayed) {
      const leftMs = (ledger.flushAt ?? now) - now
      // More would be left only after the clock was set back.
      if (leftMs > 0 && leftMs <= NOTE_FLUSH_DELAY_MS) {
        this.#stopTimer = this.#clock.after(leftMs, () => this.#hastenOverdue())
        return
      }
      this.#hasten(ledger)
    }
  }

  #hasten(ledger: Ledger): void {
    if (ledger.queue.length === 0) return
    this.#endDelay(ledger)
    // Once its pages are written, the ledger is due.
    if (ledger.log.isHeldBack) return
    this.#due.add(ledger)
    this.#flushing ??= this.#flushAll()
  }

  #endDelay(ledger: Ledger): void {
    if (ledger.flushAt === null) return
    ledger.flushAt = null
    this.#delayed.delete(ledger)
  }

  async #flushAll(): Promise<void> {
    // Everything that is recorded in this turn of the event loop belongs to the first group.
    await Promise.resolve()
    while (this.#due.size > 0) {
      await this.#flush(this.#takeGroup())
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    this.#flushing = null
    if (this.#delayed.size > 0) return
    this.#stopTimer?.()
    this.#stopTimer = null
  }

  #takeGroup(): Batch[] {
    const group: Batch[] = []
    let bytes = 0
    for (const ledger of this.#due) {
      if (ledger.log.isHeldBack) {
        this.#due.delete(ledger)
        continue
      }
      const { queue } = ledger
      let count = 0
      let records = 0
      for (; count < queue.length; count++) {
        const pending = queue[count]
        if (pending === undefined) break
        if (bytes + pending.bytes > FLUSH_MAX_BYTES && (group.length > 0 || count > 0)) break
        records += recordCount(pending.entry)
        if (records > FLUSH_MAX_RECORDS_OF_JOB && count > 0) break
        bytes += pending.bytes
      }
      if (count > 0) group.push({ ledger, taken: queue.splice(0, count) })
      if (queue.length === 0) this.#due.delete(ledger)
      if (bytes >= FLUSH_MAX_BYTES) break
    }
    return group
  }

  async #flush(group: readonly Batch[]): Promise<void> {
    const writes: BatchWrite[] = []
    const unfit: { readonly batch: Batch; readonly fault: unknown }[] = []
    for (const batch of group) {
      if (batch.ledger.isLost) {
        this.#fail(batch, new FenceLostError('another worker holds the job'))
        continue
      }
      try {
        writes.push(this.#toWrite(batch))
      } catch (fault) {
        unfit.push({ batch, fault })
      }
    }
    if (writes.length > 0) await this.#flushWrites(writes)
    for (const { batch, fault } of unfit) await this.#bisect(batch, fault)
  }

  async #flushWrites(writes: readonly BatchWrite[]): Promise<void> {
    try {
      await this.#write(writes)
    } catch (fault) {
      const batches = writes.map(({ batch }) => batch)
      if (!isDataFault(fault)) return batches.forEach((batch) => this.#fail(batch, fault))
      for (const batch of batches)
        await (batches.length > 1 ? this.#flush([batch]) : this.#bisect(batch, fault))
    }
  }

  /** What to write of a batch. Where its log entry would be too long, the second half of the batch goes in the next flush. */
  #toWrite(batch: Batch): BatchWrite {
    const { claim, seq: lastSeq, entryNo, commandsSeen: seenByNow } = batch.ledger
    const entries = batch.taken.map(({ entry }) => entry)
    const last = batch.taken.at(-1)
    // A park was decided by what was read until then: a command read since stands against it as an unread one does (D8).
    const commandsSeen = last?.entry.job.park ? last.commandsSeen : seenByNow
    const now = this.#clock.now()
    const write = mergeEntries(entries, { ...claim, lastSeq, entryNo, commandsSeen, now })
    if (entries.length === 1 || !isTooLong(write)) return { batch, write }
    return this.#toWrite(this.#firstHalf(batch))
  }

  /** Puts the second half of a batch back to the head of its queue, and returns the first one. */
  #firstHalf({ ledger, taken }: Batch): Batch {
    const half = taken.length >> 1
    ledger.queue.unshift(...taken.slice(half))
    this.#endDelay(ledger)
    this.#due.add(ledger)
    return { ledger, taken: taken.slice(0, half) }
  }

  /** The values of an entry in a batch are refused: those before it are committed, it and those behind it are refused. */
  async #bisect(batch: Batch, fault: unknown): Promise<void> {
    const { ledger, taken } = batch
    if (taken.length === 1) {
      const refuser = isDataFault(fault) ? 'the database' : 'the log'
      ledger.refusal = new EntryRefusedError(`${refuser} refuses the record: ${messageOf(fault)}`, {
        cause: fault,
      })
      return this.#fail(batch, ledger.refusal)
    }
    // The second half fails with the first one, or is flushed next.
    await this.#flush([this.#firstHalf(batch)])
  }

  /** Rejects the entries of a batch, and with them all that were recorded behind them. */
  #fail({ ledger, taken }: Batch, reason: unknown): void {
    this.#endDelay(ledger)
    this.#due.delete(ledger)
    for (const pending of [...taken, ...ledger.queue.splice(0)]) pending.onDecided(reason)
  }

  /** Writes a group, through outages of the database and deadlocks, and settles the entries of each part. */
  #write(writes: readonly BatchWrite[]): Promise<void> {
    let left = writes
    let mayHaveLanded = false
    return this.#retry.run(async () => {
      try {
        if (mayHaveLanded) left = await this.#settleLanded(left)
        if (left.length === 0) return
        left = await this.#send(left)
        // A part that was refused may be one that the server still worked on when its connection broke.
        if (mayHaveLanded && left.length > 0) left = await this.#settleLanded(left)
        if (left.length > 0) await this.#refuse(left)
      } catch (fault) {
        mayHaveLanded ||= isOutcomeUnknown(fault)
        throw fault
      }
    })
  }

  /** Settles the parts whose guard held, and gives back the others. */
  async #send(writes: readonly BatchWrite[]): Promise<readonly BatchWrite[]> {
    const flushed = await this.#store.flush(writes.map(({ write }) => write))
    const commandsSent: (number | undefined)[] = []
    for (const job of flushed) commandsSent[job.index] = job.commandsSent
    return this.#settle(writes, commandsSent)
  }

  /** Reads through outages of the database; rejects with the signal's reason once that aborts. */
  reading<T>(read: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#retry.run(read, { signal })
  }

  /** After a connection was lost: settles the parts that have landed, and returns the others. */
  async #settleLanded(writes: readonly BatchWrite[]): Promise<readonly BatchWrite[]> {
    const marks = await this.#store.marks(writes.map(({ write }) => write.jobId))
    const commandsSent = writes.map(({ write }) => {
      const at = marks.get(write.jobId)
      return hasLanded(write, at) ? at?.commandsSent : undefined
    })
    return this.#settle(writes, commandsSent)
  }

  /**
   * Resolves the entries of those parts that are on record, and returns the others. `commandsSent`: the number of the newest command to
   * the job of each part; undefined: the part is not on record.
   */
  #settle(
    writes: readonly BatchWrite[],
    commandsSent: readonly (number | undefined)[],
  ): readonly BatchWrite[] {
    const landed: JobWrite[] = []
    const left: BatchWrite[] = []
    const unread: JobWrite[] = []
    for (const [index, part] of writes.entries()) {
      const sent = commandsSent[index]
      if (sent === undefined) {
        left.push(part)
        continue
      }
      const { batch, write } = part
      landed.push(write)
      this.#noteLanded(batch, write)
      if (sent > batch.ledger.commandsSeen && !write.end) unread.push(write)
    }
    if (landed.length > 0) this.#listener.onCommitted?.(landed)
    for (const { jobId } of unread) this.#listener.onUnreadCommands?.(jobId)
    return left
  }

  #noteLanded({ ledger, taken }: Batch, write: JobWrite): void {
    ledger.seq = write.newSeq
    ledger.entryNo = write.newEntryNo
    const pages = ledger.log.add(write)
    ledger.listener.onCommitted?.(write)
    for (const { onDecided } of taken) onDecided(null)
    if (write.end || write.park) ledger.listener.onGivenUp?.()
    if (!pages) return
    const written = pages.then(() => {
      this.#paging.delete(written)
      this.#hasten(ledger)
    })
    this.#paging.add(written)
  }

  /** The guard did not hold: there is an unread command, which refuses a park, or another worker holds the job. */
  async #refuse(writes: readonly BatchWrite[]): Promise<void> {
    const marks = await this.#store.marks(writes.map(({ write }) => write.jobId))
    for (const { batch, write } of writes) {
      const at = marks.get(write.jobId)
      if (write.park && at?.isHeld && at.fence === write.fence && at.entryNo === write.expectedEntryNo) {
        this.#refusePark(batch)
        this.#listener.onUnreadCommands?.(write.jobId)
      } else {
        batch.ledger.isLost = true
        this.#fail(batch, new FenceLostError('another worker holds the job'))
      }
    }
  }

  /** What was recorded before the park is flushed again without it. */
  #refusePark({ ledger, taken }: Batch): void {
    taken.at(-1)?.onDecided(new ParkRefusedError('a command has not been read yet'))
    ledger.queue.unshift(...taken.slice(0, -1))
    this.#hasten(ledger)
  }
}

/** What the journal knows of a claimed job. */
interface Ledger {
  readonly claim: Claim
  seq: number
  entryNo: number
  readonly log: PagedLog
  commandsSeen: number
  isLost: boolean
  /** Why the database refused an entry. From then on only the job's end is recorded. */
  refusal: EntryRefusedError | null
  readonly listener: HolderListener
  /** Entries that are not in a flush yet, in order. */
  readonly queue: Pending[]
  /** When a queue is flushed whose commit no caller awaits; null unless the queue waits for its time. */
  flushAt: number | null
}

interface Pending {
  readonly entry: JournalEntry
  /** See `byteSize`. */
  readonly bytes: number
  /** The highest command that was read when this was recorded. */
  readonly commandsSeen: number
  readonly onDecided: OnDecided
}

interface Batch {
  readonly ledger: Ledger
  readonly taken: readonly Pending[]
}

interface BatchWrite {
  readonly batch: Batch
  readonly write: JobWrite
}

/** Whether the log entry of a write is to be divided. */
function isTooLong({ entry }: JobWrite): boolean {
  return (entry.changes?.length ?? 0) > ENTRY_MAX_LENGTH || (entry.events?.length ?? 0) > ENTRY_MAX_LENGTH
}

/** Each flush changes the number of the newest entry, and no other writer has its fence. */
function hasLanded({ fence, newEntryNo }: JobWrite, marks: JobMarks | undefined): boolean {
  return marks?.fence === fence && marks.entryNo === newEntryNo
}
