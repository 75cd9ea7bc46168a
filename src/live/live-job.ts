import type { Job } from '../db/jobs/index.ts'
import type { JobWrite, NumberedEvent } from '../db/journal/index.ts'
import type { JobEvent, JobStatus } from '../engine/record/index.ts'
import type { Awaitable } from '../lib/turns/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'

/** Maximum number of a job's newest events that memory holds. Older ones are read from the database. */
export const LIVE_EVENTS_MAX = 500
/** Maximum bytes, as estimated, of a job's newest events that memory holds. */
export const LIVE_EVENTS_MAX_BYTES = 256 * 1024
/** Maximum length of an execution's output, as JSON text, that memory holds. */
export const LIVE_OUTPUT_MAX_LENGTH = 16 * 1024
/** Maximum number of cursors of one job for which memory holds what is behind them. */
const PIECES_MAX = 8
/** About the bytes that an event takes beside its body. */
const EVENT_BYTES = 300

/** A job at one moment. */
export interface JobSnapshot {
  readonly job: Job
  /** The execution's output as JSON text; null when there is none; undefined when only the database knows it. */
  readonly output: string | null | undefined
}

/** Some events behind a cursor, and the job as it was when they were the newest that were known. */
export interface TimelinePiece {
  readonly events: readonly JobEvent[]
  /** The number of the last of them; the number that was asked for when there are none. */
  readonly cursor: number
  /** False while more events are known to be there. */
  readonly isCaughtUp: boolean
  readonly snapshot: JobSnapshot
}

/** What the database says of a job. */
export interface ReadPiece {
  /** At most one page of events behind the cursor, in order. */
  readonly events: readonly JobEvent[]
  /** Read after the events. */
  readonly job: Job
}

export interface LiveJobOptions {
  /** Reads what the database has behind a cursor; null when there is no such job. */
  readonly read: (job: Pick<Job, 'id' | 'ownerId'>, cursor: number) => Promise<ReadPiece | null>
  /** Receives each change of the estimated bytes of the events that memory holds. */
  readonly onResize: (bytes: number) => void
}

/**
 * The newest part of one job's timeline, and the job, as far as this process knows them. What the journal of this process
 * commits is added in the order of its numbers. Any other sign of a change only marks the job as behind, so that the next
 * follower reads the database, once for all followers at the same cursor.
 */
export class LiveJob {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly #options: LiveJobOptions
  readonly #followers = new Set<() => void>()
  readonly #readings = new Map<number, Promise<TimelinePiece | null>>()
  /** By cursor, until the job changes: followers that come to the same cursor get the same object. */
  readonly #pieces = new Map<number, TimelinePiece>()
  #snapshot: JobSnapshot | null = null
  /** Without gaps, up to the last event that the snapshot counts. */
  #events: readonly JobEvent[] = []
  #sizes: readonly number[] = []
  #bytes = 0
  #isBehind = false
  #isWrittenHere = false
  /** Counts what the journal commits: a row that was read meanwhile may be older than memory. */
  #commits = 0

  constructor({ id, ownerId }: Pick<Job, 'id' | 'ownerId'>, options: LiveJobOptions) {
    this.id = id
    this.ownerId = ownerId
    this.#options = options
  }

  get isFollowed(): boolean {
    return this.#followers.size > 0
  }

  /** True while memory stays right without a follower: this process writes the job, or the job has ended. */
  get isKeptRight(): boolean {
    return this.known !== null && (this.#isWrittenHere || isEnded(this.known.job))
  }

  /** The job as memory knows it; null when the database has to be asked. */
  get known(): JobSnapshot | null {
    return this.#isBehind ? null : this.#snapshot
  }

  /** Calls back whenever there may be more; returns what ends that. */
  attach(onNews: () => void): () => void {
    this.#followers.add(onNews)
    return () => {
      this.#followers.delete(onNews)
      if (!this.isFollowed) this.#pieces.clear()
    }
  }

  /** A job that this process has just stored, with its first event. */
  insert(job: Job, first: readonly NumberedEvent[]): void {
    this.#snapshot = { job, output: null }
    this.#isWrittenHere = true
    this.#setEvents(first.map(toEvent), first.map(sizeOf))
    this.#changed()
  }

  /** What the journal of this process has committed. */
  commit(write: JobWrite): void {
    const before = this.#snapshot
    this.#commits++
    if (before?.job.lastSeq !== write.expectedSeq) return this.markBehind()
    this.#snapshot = { job: changedBy(before.job, write), output: outputAfter(before, write) }
    this.#isWrittenHere = write.park === null
    this.#setEvents(
      [...this.#events, ...write.events.map(toEvent)],
      [...this.#sizes, ...write.events.map(sizeOf)],
    )
    this.#changed()
  }

  /** The job may have changed without this process. */
  markBehind(): void {
    this.#isWrittenHere = false
    this.#fallBehind()
  }

  /** Compares with what the database says; what differs marks the job as behind. */
  compare(row: Pick<Job, 'lastSeq' | 'status' | 'progress'>): void {
    const { job } = this.#snapshot ?? {}
    if (!job || row.lastSeq < job.lastSeq) return
    if (row.lastSeq > job.lastSeq || row.status !== job.status || row.progress > job.progress)
      this.markBehind()
  }

  /** Lets go of the events: followers that need them read the database. */
  forgetEvents(): void {
    this.#pieces.clear()
    this.#setEvents([], [])
  }

  /** What stands behind the cursor: from memory where that is complete. Null when there is no such job. */
  after(cursor: number): Awaitable<TimelinePiece | null> {
    return this.#fromMemory(cursor) ?? this.#fromDatabase(cursor)
  }

  #fromMemory(cursor: number): TimelinePiece | null {
    const snapshot = this.#snapshot
    if (!snapshot || this.#isBehind) return null
    const { lastSeq } = snapshot.job
    // A follower that comes from another process may have seen events whose hint has not arrived here.
    if (cursor > lastSeq || cursor < lastSeq - this.#events.length) return null
    const known = this.#pieces.get(cursor)
    if (known) return known
    const events = this.#events.slice(this.#events.length - (lastSeq - cursor))
    const piece = { events, cursor: lastSeq, isCaughtUp: true, snapshot }
    if (this.#pieces.size >= PIECES_MAX) this.#pieces.clear()
    this.#pieces.set(cursor, piece)
    return piece
  }

  #fromDatabase(cursor: number): Promise<TimelinePiece | null> {
    const shared = this.#readings.get(cursor)
    if (shared) return shared
    const reading = this.#readPiece(cursor).finally(() => this.#readings.delete(cursor))
    this.#readings.set(cursor, reading)
    return reading
  }

  async #readPiece(given: number): Promise<TimelinePiece | null> {
    const wasBehind = this.#isBehind
    // Before the read: a sign that comes meanwhile asks for one more.
    this.#isBehind = false
    const commits = this.#commits
    const found = await this.#readOrStayBehind(given, wasBehind)
    if (!found) return null
    const { events, job } = found
    // From a number that does not exist yet: on from the newest that does.
    const cursor = Math.min(events.at(-1)?.seq ?? given, job.lastSeq)
    const isCaughtUp = cursor >= job.lastSeq
    const read = { job, output: isEnded(job) && job.status === 'COMPLETED' ? undefined : null }
    if (commits === this.#commits) this.#learn(read, isCaughtUp ? events : [])
    // Memory may still lack what made the read necessary.
    else this.#isBehind = true
    return { events, cursor, isCaughtUp, snapshot: read }
  }

  async #readOrStayBehind(cursor: number, wasBehind: boolean): Promise<ReadPiece | null> {
    try {
      return await this.#options.read(this, cursor)
    } catch (fault) {
      // Other followers may have been served from memory meanwhile, and would wait for events that are recorded already.
      if (wasBehind) this.#fallBehind()
      throw fault
    }
  }

  #fallBehind(): void {
    this.#isBehind = true
    this.#pieces.clear()
    for (const onNews of this.#followers) onNews()
  }

  /** Takes over what was read. */
  #learn(read: JobSnapshot, newest: readonly JobEvent[]): void {
    const before = this.#snapshot?.job
    if (before && read.job.lastSeq < before.lastSeq) return
    if (before?.lastSeq === read.job.lastSeq) {
      if (isEnded(before) || read.job.progress < before.progress) return
      this.#snapshot = read
      this.#pieces.clear()
      return
    }
    this.#snapshot = read
    this.#setEvents(
      newest,
      newest.map(({ body }) => EVENT_BYTES + JSON.stringify(body).length),
    )
    this.#changed()
  }

  #setEvents(events: readonly JobEvent[], sizes: readonly number[]): void {
    let bytes = 0
    let kept = 0
    while (kept < Math.min(events.length, LIVE_EVENTS_MAX)) {
      const size = sizes[sizes.length - 1 - kept] ?? 0
      if (bytes + size > LIVE_EVENTS_MAX_BYTES) break
      bytes += size
      kept++
    }
    this.#events = events.slice(events.length - kept)
    this.#sizes = sizes.slice(sizes.length - kept)
    this.#options.onResize(bytes - this.#bytes)
    this.#bytes = bytes
  }

  #changed(): void {
    this.#pieces.clear()
    for (const onNews of this.#followers) onNews()
  }
}

function isEnded({ finishedAt }: Pick<Job, 'finishedAt'>): boolean {
  return finishedAt !== null
}

function toEvent({ seq, progress, draft }: NumberedEvent): JobEvent {
  const { kind, at, body } = draft
  return { seq, at: new Date(at), kind, progress, body } as JobEvent
}

function sizeOf({ length }: NumberedEvent): number {
  return EVENT_BYTES + length
}

/** The row after a flush, as the journal's statement changes it. */
function changedBy(job: Job, write: JobWrite): Job {
  const { end, startedAt } = write
  return {
    ...job,
    lastSeq: write.newSeq,
    status: statusAfter(job.status, write),
    progress: Math.max(job.progress, write.progress),
    currentStep: write.currentStep,
    completedNodes: write.completedNodes ?? job.completedNodes,
    startedAt: job.startedAt ?? (startedAt === null ? null : new Date(startedAt)),
    finishedAt: end ? new Date(end.at) : null,
    error: end?.status === 'FAILED' ? end.error : null,
  }
}

/** A job that is being canceled is shown so until it ends. */
function statusAfter(before: JobStatus, { status, end, events }: JobWrite): JobStatus {
  if (end) return end.status
  const isCanceling = before === 'CANCELING' || events.some(({ draft }) => draft.kind === 'JOB_CANCELING')
  return isCanceling ? 'CANCELING' : (status ?? before)
}

function outputAfter(before: JobSnapshot, { end }: JobWrite): JobSnapshot['output'] {
  if (end?.status !== 'COMPLETED') return before.output
  return end.output.length <= LIVE_OUTPUT_MAX_LENGTH ? end.output : undefined
}
