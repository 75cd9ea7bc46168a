import type { ChangedJob, JobChanges, RunFilter } from '../db/lists/index.ts'
import { isTransientFault } from '../db/sql/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { Bell } from './bell.ts'
import { ChangeLog } from './change-log.ts'
import type { OwnerHints } from './owner-hints.ts'
import { READ_DELAYS_MS } from './repeat-read.ts'

/** How long changes are gathered before they are read, in milliseconds. */
const PAUSE_MS = 200
/** How long a lost hint can delay a change, in milliseconds. */
const LOOK_AGAIN_MS = 5_000
/** How far a look reaches back behind the one before: clocks differ, and a commit is later than the times in it. */
const OVERLAP_MS = 5_000
/** How long readers that begin a look share one, in milliseconds. */
const SHARED_LOOK_MS = 1_000
/** Maximum number of hints that wait to be read. Beyond it they are replaced by one look at all changes. */
const HINTS_MAX = 5_000
const PAGE = 500
/**
 * How long after a read has failed or hints were lost looks reach back to the time before that, in milliseconds. What is recorded during
 * an outage has the times at which it happened, and may be committed when the outage is over.
 */
const AFTER_TROUBLE_MS = 60_000

export interface JobChannelOptions {
  readonly changes: Pick<JobChanges, 'among' | 'since'>
  readonly hints: OwnerHints
  readonly clock: Clock
  readonly ownerId: OwnerId
  readonly filter: RunFilter
}

/** One follower of a channel. */
export interface JobReader {
  /** Resolves with the next change; null once the reader has left. */
  next(): Promise<ChangedJob | null>
  leave(): void
}

/**
 * The changes of one owner's jobs that fit one filter. Hints say which jobs may have changed; the channel reads those jobs
 * once for all readers. From time to time it looks at all changes, so that a lost hint delays a change and loses none. A read
 * that fails is repeated, and the hints behind it are kept until it succeeds.
 */
export class JobChannel {
  readonly #options: JobChannelOptions
  readonly #log = new ChangeLog()
  readonly #readers = new Set<Bell>()
  readonly #hints = new Hints()
  /** When all changes were last looked at. */
  #lookedAt = 0
  /** Null while reads succeed and hints arrive. */
  #trouble: Trouble | null = null
  readonly #hinted = new Bell()
  /** The looks of the last second, by the time that they begin at. */
  readonly #looks = new Map<number, Look>()
  #stop = () => {}

  constructor(options: JobChannelOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#readers.size === 0
  }

  /** Adds a reader. It begins with the jobs that changed in the seconds before. */
  join(): JobReader {
    const bell = new Bell()
    if (this.isEmpty) this.#start()
    this.#readers.add(bell)
    const left = new AbortController()
    const changes = this.#changesFor(bell, left.signal)
    return {
      next: async () => (await changes.next()).value ?? null,
      leave: () => {
        if (!this.#readers.delete(bell)) return
        left.abort(new Error('the reader has left'))
        bell.ring()
        if (this.isEmpty) this.#stop()
      },
    }
  }

  async *#changesFor(bell: Bell, left: AbortSignal): AsyncGenerator<ChangedJob, void> {
    const { clock } = this.#options
    let upToDateAt = clock.now()
    while (this.#readers.has(bell)) {
      const since = Math.min(upToDateAt, this.#trouble?.since ?? upToDateAt)
      let look: Look | null = this.#lookSince(since - OVERLAP_MS)
      for (let page = 0; ; page++) {
        const jobs: readonly ChangedJob[] = await this.#pageOf(look, page, left)
        for (const job of jobs) {
          if (!this.#readers.has(bell)) return
          yield job
        }
        if (jobs.length < PAGE) break
      }
      let { cursor } = look
      for (;;) {
        bell.reset()
        const change = this.#log.after(cursor)
        if (!this.#readers.has(bell)) return
        if (change.kind === 'lost') break
        if (change.kind === 'none') {
          upToDateAt = clock.now()
          // Until here the log may have shown what the look has shown.
          look = null
          await bell.rung()
          continue
        }
        cursor = change.cursor
        if (!look?.shows(change.job)) yield change.job
      }
    }
  }

  /**
   * A page of a reader's look. While the database cannot be reached the read is repeated as long as the reader stays: a reader that came
   * back later would miss the changes since. Any other failure is final after `READ_DELAYS_MS`.
   */
  async #pageOf(look: Look, page: number, left: AbortSignal): Promise<readonly ChangedJob[]> {
    for (let failures = 0; ; failures++) {
      try {
        return await look.page(page)
      } catch (fault) {
        const delayMs = READ_DELAYS_MS[failures]
        if (delayMs === undefined && !isTransientFault(fault)) throw fault
        await this.#options.clock.wait(delayMs ?? LOOK_AGAIN_MS, left).catch(() => {}) // it has left: the next line ends it
        if (left.aborted) return []
      }
    }
  }

  /** A look that begins at least that long ago. Readers that look at about the same time share it. */
  #lookSince(time: number): Look {
    const { clock } = this.#options
    const since = Math.floor(time / SHARED_LOOK_MS) * SHARED_LOOK_MS
    const now = clock.now()
    this.#forgetLooks(now)
    const look =
      this.#looks.get(since) ?? new Look({ ...this.#options, since, startedAt: now, log: this.#log })
    this.#looks.set(since, look)
    return look
  }

  #forgetLooks(now: number): void {
    for (const [since, { startedAt }] of this.#looks)
      if (now - startedAt >= SHARED_LOOK_MS) this.#looks.delete(since)
  }

  #start(): void {
    const { hints, ownerId } = this.#options
    const stopped = new AbortController()
    const detach = hints.listen(ownerId, {
      add: (id) => {
        this.#hints.add(id)
        this.#hinted.ring()
      },
      lose: () => {
        this.#meetTrouble()
        this.#hints.lose()
        this.#hinted.ring()
      },
    })
    this.#stop = () => {
      detach()
      stopped.abort(new Error('the channel has no reader'))
    }
    void this.#work(stopped.signal)
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    this.#lookedAt = clock.now()
    for (let pauseMs = PAUSE_MS; ;) {
      await clock.wait(pauseMs, signal).catch(() => {}) // stopped: there is nothing left to do
      await this.#hintOrTime(LOOK_AGAIN_MS - PAUSE_MS, signal)
      if (signal.aborted) return
      this.#hinted.reset()
      const now = clock.now()
      this.#forgetLooks(now)
      const { ids, isOverfull } = this.#hints.take()
      try {
        if (ids.length > 0) await this.#readHinted(ids)
        if (isOverfull || now - this.#lookedAt >= LOOK_AGAIN_MS) await this.#lookAtAll(now)
        pauseMs = PAUSE_MS
      } catch {
        this.#meetTrouble()
        for (const id of ids) this.#hints.add(id)
        if (isOverfull) this.#hints.lose()
        this.#hinted.ring()
        pauseMs = Math.min(2 * pauseMs, LOOK_AGAIN_MS)
      }
    }
  }

  async #readHinted(ids: readonly JobId[]): Promise<void> {
    const { changes, ownerId, filter } = this.#options
    this.#add(await changes.among(ownerId, filter, ids))
  }

  #meetTrouble(): void {
    const until = this.#options.clock.now() + AFTER_TROUBLE_MS
    this.#trouble = { since: this.#trouble?.since ?? this.#lookedAt, until }
  }

  async #lookAtAll(startedAt: number): Promise<void> {
    const since = (this.#trouble?.since ?? this.#lookedAt) - OVERLAP_MS
    const look = new Look({ ...this.#options, since, startedAt, log: this.#log })
    for (let page = 0; ; page++) {
      const { length } = await look.page(page)
      this.#ring()
      if (length < PAGE) break
    }
    this.#lookedAt = startedAt
    if (this.#trouble && this.#trouble.until <= startedAt) this.#trouble = null
  }

  #add(jobs: readonly ChangedJob[]): void {
    for (const job of jobs) this.#log.add(job)
    this.#ring()
  }

  #ring(): void {
    for (const bell of this.#readers) bell.ring()
  }

  async #hintOrTime(ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    await Promise.race([
      this.#hinted.rung(),
      this.#options.clock.wait(ms, AbortSignal.any([signal, over.signal])).catch(() => {}), // a hint has come
    ])
    over.abort(new Error('a hint has come'))
  }
}

/** Reads failed, or hints were lost. */
interface Trouble {
  /** When all changes were last looked at before it began, in milliseconds since the epoch. */
  readonly since: number
  /** When looks need not reach back to `since` any more. */
  readonly until: number
}

/** One look at all changes since a time, in pages that its readers share. */
class Look {
  readonly startedAt: number
  /** The number of the newest change in the log when the look began: what comes later is in the log. */
  readonly cursor: number
  readonly #options: LookOptions
  readonly #pages: Promise<readonly ChangedJob[]>[] = []
  readonly #shown = new Map<JobId, ChangedJob>()

  constructor(options: LookOptions) {
    this.#options = options
    this.startedAt = options.startedAt
    this.cursor = options.log.cursor
  }

  /** Pages are read in their order. One with less than `PAGE` jobs is the last. */
  page(number: number): Promise<readonly ChangedJob[]> {
    return (this.#pages[number] ??= this.#read().catch((fault: unknown) => {
      // Who asks next reads again.
      this.#pages.length = number
      throw fault
    }))
  }

  /** Whether the look has found the job in this state. */
  shows({ id, lastSeq, status }: ChangedJob): boolean {
    const shown = this.#shown.get(id)
    return shown?.lastSeq === lastSeq && shown.status === status
  }

  async #read(): Promise<readonly ChangedJob[]> {
    const { changes, ownerId, filter, since, log } = this.#options
    const beyond = (await this.#pages.at(-1))?.at(-1)?.id ?? null
    const jobs = await changes.since(ownerId, filter, { since: new Date(since), beyond, limit: PAGE })
    for (const job of jobs) {
      this.#shown.set(job.id, job)
      // For the readers of other looks, and so that no later look shows it again.
      log.add(job)
    }
    return jobs
  }
}

interface LookOptions extends Pick<JobChannelOptions, 'changes' | 'ownerId' | 'filter'> {
  /** In milliseconds since the epoch. */
  readonly since: number
  readonly startedAt: number
  readonly log: ChangeLog
}

/** Ids of jobs that may have changed, each once, up to a bound. */
class Hints {
  #ids = new Set<JobId>()
  #isOverfull = false

  add(id: JobId): void {
    if (this.#ids.size < HINTS_MAX) this.#ids.add(id)
    else this.#isOverfull ||= !this.#ids.has(id)
  }

  /** Some hints were lost: all changes have to be looked at. */
  lose(): void {
    this.#isOverfull = true
  }

  take(): { readonly ids: readonly JobId[]; readonly isOverfull: boolean } {
    // The look at all changes finds those of the ids, too, where more were hinted at than ids are held.
    const ids = this.#isOverfull && this.#ids.size >= HINTS_MAX ? [] : [...this.#ids]
    const taken = { ids, isOverfull: this.#isOverfull }
    this.#ids = new Set()
    this.#isOverfull = false
    return taken
  }
}
