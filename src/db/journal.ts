import type { Clock } from '../lib/clock.ts'
import { codeOf, messageOf } from '../lib/errors.ts'
import type { ExecutionId, JobId, OwnerId } from '../lib/ids.ts'
import type { Logger } from '../lib/logger.ts'
import {
  EntryRefusedError,
  FenceLostError,
  ParkRefusedError,
  type EndedLoopItem,
  type JournalEntry,
  type RunJournal,
} from '../engine/journal.ts'
import { isConnectionFault, isDataFault, isPassingFault } from './faults.ts'
import type { FlushedJob, JobMarks, JobWrite, JournalStore } from './journal-store.ts'
import { byteSize, mergeEntries } from './journal-write.ts'

/** One holder's claim on a job: what every write of it is guarded by (D3). */
export interface Claim {
  readonly jobId: JobId
  readonly ownerId: OwnerId
  readonly fence: bigint
  /** The number of the job's newest event. */
  readonly lastSeq: number
  /** The highest command that the holder has read. */
  readonly commandsSeen: number
}

/** The journal of one claimed job. */
export interface ClaimedJournal extends RunJournal {
  readonly executionId: ExecutionId
  /** To be called by whoever has read the inbox: only then may the job park again (D8). */
  commandsRead(upTo: number): void
}

export interface JournalListener {
  /** After a commit: these jobs have news. */
  onCommitted?: (jobIds: readonly JobId[]) => void
  /** The inbox of a job that is written here holds a command beyond those read. */
  onUnreadCommands?: (jobId: JobId) => void
}

export interface JournalOptions {
  readonly store: JournalStore
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
  readonly listener?: JournalListener
}

/** One statement carries at most this much, so that a flush stays quick; the rest goes next. */
const FLUSH_MAX_BYTES = 8 * 1024 * 1024
const RECONNECT_DELAYS_MS = [50, 100, 200, 500, 1_000] as const

/**
 * The group commit (D2): one flush is in flight at a time, and whatever all executions append meanwhile goes in the
 * next, as one statement. No timer, no batch size to tune: under load the groups grow by themselves.
 */
export class Journal {
  readonly #store: JournalStore
  readonly #clock: Clock
  readonly #logger: Pick<Logger, 'warn'>
  readonly #listener: JournalListener
  #pending = new Map<Ledger, Pending[]>()
  #flushing: Promise<void> | null = null

  constructor({ store, clock, logger, listener = {} }: JournalOptions) {
    this.#store = store
    this.#clock = clock
    this.#logger = logger
    this.#listener = listener
  }

  /** Opens the journal of a job for the one who claimed it. */
  open(claim: Claim): ClaimedJournal {
    const ledger: Ledger = { claim, seq: claim.lastSeq, commandsSeen: claim.commandsSeen, isLost: false }
    return {
      executionId: claim.jobId as string as ExecutionId,
      append: (entry) => this.#append(ledger, entry),
      loopItems: (path): Promise<readonly EndedLoopItem[]> => this.#store.loopItems(claim, path),
      commandsRead: (upTo) => (ledger.commandsSeen = Math.max(ledger.commandsSeen, upTo)),
    }
  }

  /** Resolves once everything appended so far is committed or refused. */
  async idle(): Promise<void> {
    while (this.#flushing) await this.#flushing
  }

  #append(ledger: Ledger, entry: JournalEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      const pending = { entry, resolve, reject }
      const waiting = this.#pending.get(ledger)
      if (waiting) waiting.push(pending)
      else this.#pending.set(ledger, [pending])
      this.#flushing ??= this.#flushAll()
    })
  }

  async #flushAll(): Promise<void> {
    // Everything that is appended in this turn of the event loop belongs to the first group.
    await Promise.resolve()
    while (this.#pending.size > 0) await this.#flush(this.#takeGroup())
    this.#flushing = null
  }

  #takeGroup(): Batch[] {
    const group: Batch[] = []
    let bytes = 0
    for (const [ledger, waiting] of this.#pending) {
      const taken: Pending[] = []
      while (waiting.length > 0) {
        const size = byteSize(waiting[0]?.entry)
        if (bytes + size > FLUSH_MAX_BYTES && (group.length > 0 || taken.length > 0)) break
        bytes += size
        taken.push(...waiting.splice(0, 1))
      }
      if (waiting.length === 0) this.#pending.delete(ledger)
      if (taken.length > 0) group.push({ ledger, taken })
      if (bytes >= FLUSH_MAX_BYTES) break
    }
    return group
  }

  async #flush(group: readonly Batch[]): Promise<void> {
    const live = group.filter(({ ledger, taken }) => {
      if (ledger.isLost) reject(taken, new FenceLostError('another worker holds the job'))
      return !ledger.isLost
    })
    if (live.length === 0) return
    try {
      await this.#write(live.map(toWrite))
    } catch (fault) {
      if (!isDataFault(fault)) return live.forEach(({ taken }) => reject(taken, fault))
      if (live.length > 1) {
        for (const batch of live) await this.#flush([batch])
        return
      }
      const refusal = new EntryRefusedError(`the database refuses the record: ${messageOf(fault)}`, {
        cause: fault,
      })
      live.forEach(({ taken }) => reject(taken, refusal))
    }
  }

  /** Writes a group, through lost connections and deadlocks, and tells everybody what became of their part. */
  async #write(writes: readonly BatchWrite[]): Promise<void> {
    let left = writes
    let mayHaveLanded = false
    for (let failures = 0; left.length > 0;) {
      try {
        if (mayHaveLanded) left = await this.#settleLanded(left)
        if (left.length === 0) return
        const flushed = await this.#store.flush(left.map(({ write }) => write))
        await this.#settleFlushed(left, flushed)
        return
      } catch (fault) {
        if (!isPassingFault(fault)) throw fault
        mayHaveLanded ||= isConnectionFault(fault)
        const delayMs = RECONNECT_DELAYS_MS[Math.min(failures++, RECONNECT_DELAYS_MS.length - 1)] ?? 1_000
        this.#logger.warn({ code: codeOf(fault), err: messageOf(fault) }, 'a flush failed and is sent again')
        await this.#clock.wait(codeOf(fault) === '40P01' ? 0 : delayMs)
      }
    }
  }

  /** After a lost connection: parts whose row stands where this flush would have left it have landed (D3). */
  async #settleLanded(writes: readonly BatchWrite[]): Promise<readonly BatchWrite[]> {
    const marks = await this.#store.marks(writes.map(({ write }) => write.jobId))
    const landed = writes.filter(({ write }) => hasLanded(write, marks.get(write.jobId)))
    this.#settle(landed, new Map())
    return writes.filter((batch) => !landed.includes(batch))
  }

  async #settleFlushed(writes: readonly BatchWrite[], flushed: readonly FlushedJob[]): Promise<void> {
    const byId = new Map(flushed.map((job) => [job.jobId, job]))
    const held = writes.filter(({ write }) => byId.has(write.jobId))
    const refused = writes.filter(({ write }) => !byId.has(write.jobId))
    this.#settle(held, byId)
    if (refused.length === 0) return
    const marks = await this.#store.marks(refused.map(({ write }) => write.jobId))
    for (const batch of refused) this.#refuse(batch, marks.get(batch.write.jobId))
  }

  #settle(writes: readonly BatchWrite[], flushed: ReadonlyMap<JobId, FlushedJob>): void {
    for (const { batch, write } of writes) {
      batch.ledger.seq = write.newSeq
      for (const { resolve } of batch.taken) resolve()
    }
    if (writes.length > 0) this.#listener.onCommitted?.(writes.map(({ write }) => write.jobId))
    for (const { batch, write } of writes) {
      const unread = (flushed.get(write.jobId)?.commandsSent ?? 0) > batch.ledger.commandsSeen
      if (unread && !write.end) this.#listener.onUnreadCommands?.(write.jobId)
    }
  }

  /** The guard did not hold: the flush had landed before, or a command stands against a park, or the fence moved. */
  #refuse(batchWrite: BatchWrite, marks: JobMarks | undefined): void {
    const { batch, write } = batchWrite
    if (hasLanded(write, marks)) return this.#settle([batchWrite], new Map())
    if (write.park && marks && marks.fence === write.fence && marks.lastSeq === write.expectedSeq) {
      reject(batch.taken, new ParkRefusedError('a command has not been read yet'))
      return this.#listener.onUnreadCommands?.(write.jobId)
    }
    batch.ledger.isLost = true
    reject(batch.taken, new FenceLostError('another worker holds the job'))
  }
}

/** What the journal knows of a claimed job. */
interface Ledger {
  readonly claim: Claim
  seq: number
  commandsSeen: number
  isLost: boolean
}

interface Pending {
  readonly entry: JournalEntry
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

interface Batch {
  readonly ledger: Ledger
  readonly taken: readonly Pending[]
}

interface BatchWrite {
  readonly batch: Batch
  readonly write: JobWrite
}

function toWrite(batch: Batch): BatchWrite {
  const { claim, seq, commandsSeen } = batch.ledger
  const entries = batch.taken.map(({ entry }) => entry)
  return { batch, write: mergeEntries(entries, { ...claim, lastSeq: seq, commandsSeen }) }
}

function hasLanded(write: JobWrite, marks: JobMarks | undefined): boolean {
  return marks?.fence === write.fence && marks.lastSeq === write.newSeq && write.newSeq > write.expectedSeq
}

function reject(taken: readonly Pending[], reason: unknown): void {
  for (const pending of taken) pending.reject(reason)
}
