import type { Wakeups } from '../../db/index.ts'
import type { CommandStore, JobStore } from '../../db/jobs/index.ts'
import { afterAwake, Again, Closers } from '../../lib/async/index.ts'
import type { JobId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { EndCanceled } from './end-canceled.ts'
import type { Processor } from './processor.ts'
import type { Runs } from './runs.ts'
import { settlesWithin } from './settles-within.ts'

export interface WorkerOptions {
  readonly processor: Pick<
    Processor,
    'freePlaces' | 'hasWaiting' | 'noticeQueued' | 'tick' | 'obey' | 'releaseUnknown' | 'drain' | 'stop'
  > & { readonly runs: Pick<Runs, 'renewLeases' | 'readInboxes' | 'noticeCommands' | 'doubtLeases'> }
  readonly jobs: Pick<JobStore, 'dueWithin' | 'expireLeases'>
  readonly commands: Pick<CommandStore, 'tellParents'>
  readonly endCanceled: EndCanceled
  readonly wakeups: Wakeups
  readonly clock: Clock
  readonly logger: Logger
  readonly leaseMs: number
  /** True on the embedded database: whoever opens it is alone, so every lease found there is a dead process's. */
  readonly isAlone: boolean
  /** The job whose block made the process before this one end itself, on the embedded database. */
  readonly blockedBy?: () => Promise<JobId | null>
}

/** How often to look for due timers, lost workers and lost hints. */
const POLL_MS = 500
/**
 * How often the inboxes of the jobs that run here are looked at, in milliseconds: how long a lost hint can delay a cancel, a pause or a
 * signal, however long the lease is.
 */
export const INBOX_POLL_MS = 2_000
/** Timers that come due between two looks are met this much late at most. */
const TIMER_GRAIN_MS = 25
const CHILDREN_PER_TELLING = 500
/**
 * A lease that has not been renewed for this share of it is renewed before anything is claimed, and in doubt until it is renewed: no new
 * call starts under it.
 */
const LATE_SHARE = 2 / 3
/** A call that has failed is repeated after this time at most, in milliseconds. */
const REPEAT_MS = 1_000
/**
 * After a look that has failed or took this long, leases that have run out are left to their holders for this long, in milliseconds: no
 * worker could renew its own, and each repeats a failed renewal within `REPEAT_MS`.
 */
export const TAKE_OVER_DELAY_MS = 2_000
/** How long statements under way may take when the worker has stopped, in milliseconds. */
const LAST_ANSWERS_MS = 1_000

/** The motor of a processor: turns hints and the passing of time into its ticks, and keeps its leases alive. */
export class Worker {
  readonly #options: WorkerOptions
  /** End what looks for work. */
  readonly #looks = new Closers()
  /** End what obeys commands to the jobs that run here. */
  readonly #commands = new Closers()
  readonly #renewals = new Closers()
  readonly #ticks = new Again(async () => void (await this.#guard(this.#tickOnce())))
  readonly #tellings = new Again(async () => void (await this.#guard(this.#tellParents())))
  readonly #endings = new Again(async () => void (await this.#guard(this.#endCanceled())))
  readonly #releases = new Again(
    async () => void (await this.#guard(this.#options.processor.releaseUnknown())),
  )
  readonly #obeying = new Set<Promise<void>>()
  /** Each calls off a look that is to come. */
  readonly #timers = new Set<() => void>()
  #stopped: Promise<void> | null = null
  /** Jobs may be waiting for a free place. */
  #mayHaveBacklog = true
  /** When the renewal began that succeeded last. */
  #renewedAt = Number.POSITIVE_INFINITY
  /** Calls off the doubt about the leases that begins unless they are renewed in time. */
  #callOffDoubt = () => {}
  /** When a part of a look failed last, or had taken too long. */
  #failedAt = Number.NEGATIVE_INFINITY

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** The leases have not been renewed for two thirds of their time: the executions that run here may soon be another worker's. */
  get isRenewalLate(): boolean {
    const { clock, leaseMs } = this.#options
    return clock.now() - this.#renewedAt > leaseMs * LATE_SHARE
  }

  async start(): Promise<void> {
    const { jobs, wakeups, processor, isAlone, leaseMs, blockedBy } = this.#options
    if (isAlone) await jobs.expireLeases((await blockedBy?.()) ?? null)
    this.#looks.add(
      wakeups.onQueued((owner) => {
        if (owner !== null) processor.noticeQueued(owner)
        this.kick()
      }),
    )
    this.#commands.add(wakeups.onCommand((jobId) => this.#obey(jobId)))
    this.#commands.add(
      wakeups.onCanceled((heldIds) => {
        for (const jobId of heldIds) processor.runs.noticeCommands(jobId)
        if (!this.#stopped) this.#endings.request()
      }),
    )
    const poll = async () => {
      this.#endings.request()
      await this.#watch(() => this.#tellParents())
      await this.#tickOnce({ evenIfFull: true })
      await this.#awaitTimers()
    }
    this.#isRenewed(this.#options.clock.now())
    this.#looks.add(this.#every(POLL_MS, poll))
    // Hints of other processes alone can be lost.
    if (!isAlone) this.#commands.add(this.#every(INBOX_POLL_MS, () => processor.runs.readInboxes()))
    this.#renewals.add(this.#every(leaseMs / 3, () => this.#renew()))
    this.kick()
  }

  /** There may be work: look now, or again after the look that is under way. */
  kick(): void {
    this.#mayHaveBacklog = true
    this.#ticks.request()
  }

  /** A place became free: look for a job only if one may wait for it. */
  placeIsFree(): void {
    if (this.#mayHaveBacklog || this.#options.processor.hasWaiting) this.#ticks.request()
  }

  /** A child may have ended: its parent is told at once. */
  childEnded(): void {
    this.#tellings.request()
  }

  /**
   * Looks for nothing more, and lets the attempts in flight finish until the signal aborts: each job is given back as soon as none of its
   * attempts is in flight, and what remains then is aborted and given back. Meanwhile leases are kept and commands are obeyed. Statements
   * that the database does not answer are left behind a second later. The first call counts.
   */
  stop(graceOver: AbortSignal): Promise<void> {
    return (this.#stopped ??= this.#stop(graceOver))
  }

  async #stop(graceOver: AbortSignal): Promise<void> {
    const { processor, clock } = this.#options
    const looked = this.#endLooks()
    const drained = Promise.all([processor.drain(), looked])
    try {
      await Promise.race([drained, untilAborted(graceOver)])
      await processor.stop()
    } finally {
      const closed = Promise.all([looked, this.#commands.close(), this.#renewals.close()]).then(() =>
        Promise.all([this.#tellings.idle(), this.#releases.idle(), ...this.#obeying]),
      )
      await settlesWithin(closed, { ms: LAST_ANSWERS_MS, clock })
      this.#callOffDoubt()
    }
  }

  async #endLooks(): Promise<void> {
    for (const callOff of this.#timers) callOff()
    await this.#looks.close()
    // A look that was under way may have set more of them.
    for (const callOff of this.#timers) callOff()
    await this.#ticks.idle()
    await this.#endings.idle()
  }

  #obey(jobId: JobId): void {
    const obeying = this.#guard(this.#options.processor.obey(jobId)).then(
      () => void this.#obeying.delete(obeying),
    )
    this.#obeying.add(obeying)
  }

  async #tellParents(): Promise<void> {
    const { commands, wakeups } = this.#options
    const told = await commands.tellParents(CHILDREN_PER_TELLING)
    if (told.length === 0) return
    for (const jobId of told) wakeups.command(jobId)
    wakeups.queued(null)
    this.childEnded() // there may be more
  }

  /** Ends canceled jobs that no worker holds until none is left or the worker stops. */
  async #endCanceled(): Promise<void> {
    while (!this.#stopped && (await this.#options.endCanceled()) > 0) this.childEnded()
  }

  async #tickOnce(look: { readonly evenIfFull?: boolean } = {}): Promise<void> {
    const { processor, clock } = this.#options
    // This thread was blocked, or its timers were late: it must not take its own jobs for those of a lost worker.
    if (this.isRenewalLate) await this.#watch(() => this.#renewHeld())
    const wanted = processor.freePlaces
    const takesOver = clock.now() - this.#failedAt >= TAKE_OVER_DELAY_MS
    const claimed = await this.#watch(() => processor.tick({ ...look, takesOver }))
    this.#mayHaveBacklog = claimed >= wanted || processor.hasWaiting
    // A claim is bounded, and another worker may have been faster.
    if (claimed > 0 && processor.freePlaces > 0 && processor.hasWaiting) this.#ticks.request()
  }

  /** Notes when a part of a look fails, or takes so long that no worker could renew its leases meanwhile. */
  async #watch<T>(part: () => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const startedAt = clock.now()
    let hasAnswered = false
    try {
      const result = await part()
      hasAnswered = clock.now() - startedAt < TAKE_OVER_DELAY_MS
      return result
    } finally {
      if (!hasAnswered) this.#failedAt = clock.now()
    }
  }

  /** Looks again at the very times at which jobs come due before the next look. */
  async #awaitTimers(): Promise<void> {
    const { jobs, clock } = this.#options
    for (const inMs of await jobs.dueWithin(POLL_MS, TIMER_GRAIN_MS)) {
      const callOff = clock.after(inMs, () => {
        this.#timers.delete(callOff)
        this.kick()
      })
      this.#timers.add(callOff)
    }
  }

  /** The look for unknown claims runs beside the renewals: a database that falls silent during it keeps no renewal waiting. */
  async #renew(): Promise<void> {
    await this.#renewHeld()
    if (!this.#stopped) this.#releases.request()
  }

  async #renewHeld(): Promise<void> {
    const startedAt = this.#options.clock.now()
    await this.#options.processor.runs.renewLeases()
    this.#isRenewed(startedAt)
  }

  /** While this thread is blocked it reads no answer, so that time does not count. */
  #isRenewed(startedAt: number): void {
    const { processor, clock, leaseMs } = this.#options
    this.#renewedAt = startedAt
    this.#callOffDoubt()
    this.#callOffDoubt = afterAwake(clock, leaseMs * LATE_SHARE, () => processor.runs.doubtLeases())
  }

  /** Calls on a period, one call at a time, until the returned function is called. A call that fails is repeated sooner. */
  #every(periodMs: number, call: () => Promise<void>): () => Promise<void> {
    const { clock } = this.#options
    const stopped = new AbortController()
    const loop = async () => {
      let delayMs = periodMs
      while (!stopped.signal.aborted) {
        await clock.wait(delayMs, stopped.signal).catch(() => {}) // stopped: the loop's condition ends it
        if (stopped.signal.aborted) return
        delayMs = (await this.#guard(call())) ? periodMs : Math.min(periodMs, REPEAT_MS)
      }
    }
    const running = loop()
    return () => {
      stopped.abort(new Error('the worker stops'))
      return running
    }
  }

  /** The edge of the loops: a fault here is the database's, and the next period tries again. */
  async #guard(call: Promise<unknown>): Promise<boolean> {
    try {
      await call
      return true
    } catch (fault) {
      this.#options.logger.error({ err: fault }, 'the worker met a fault and goes on')
      return false
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
