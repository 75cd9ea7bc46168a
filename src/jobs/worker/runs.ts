import type { CommandStore, HeldClaim, HeldJob, JobStore, Lease } from '../../db/jobs/index.ts'
import type { Claim, ClaimedJournal, Journal, JobWrite } from '../../db/journal/index.ts'
import { isTransientFault } from '../../db/sql/index.ts'
import { FenceLostError, Inbox, type RecordedError } from '../../engine/record/index.ts'
import type { RunEnd } from '../../engine/run/index.ts'
import { onBehalfOf, type JobId, type OwnerId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { LeaseDoubt } from './lease-doubt.ts'
import { progressSharer } from './share-progress.ts'
import { UnknownClaims } from './unknown-claims.ts'

export interface RunsOptions {
  readonly jobs: Pick<
    JobStore,
    | 'renew'
    | 'withUnreadCommands'
    | 'releaseJob'
    | 'heldClaims'
    | 'releaseClaims'
    | 'countLosses'
    | 'shareProgress'
  >
  readonly commands: Pick<CommandStore, 'after'>
  readonly journal: Pick<Journal, 'open'>
  readonly clock: Clock
  readonly logger: Logger
  readonly lease: Lease
  /**
   * Counts the bytes that a running execution has stored. Resolves with the error that the execution has to end with where its owner
   * stores far more than it may. Default: every owner may store anything.
   */
  readonly onStored?: (owner: OwnerId, bytes: number) => Promise<RecordedError | null>
  /** A parent shows how far its children are. */
  readonly onParentProgress?: (parentId: JobId) => void
  /** A job that another one waits for may have ended. */
  readonly onChildEnded?: () => void
  /** The job of a run is not held any more, or the run is over. Called one or more times for each run. */
  readonly onGivenUp: (run: Run) => void
}

/** What begins a run. */
export interface NewRun {
  readonly claim: Claim
  readonly takesSlot: boolean
  readonly isChild: boolean
  /** The engine does not run it: a handler function does. */
  readonly isHandler?: boolean
  /** It runs alone until it is cleared. */
  readonly isSuspect?: boolean
  readonly begin: (run: Run) => Promise<RunEnd>
}

/** A job that runs in this process. */
export interface Run {
  readonly claim: Claim
  readonly journal: ClaimedJournal
  readonly inbox: Inbox
  readonly yield: AbortController
  /** Aborts when the process stops: what is in flight may finish. */
  readonly drain: AbortController
  /** It obeys `drain`. Until then there is nothing of it to wait for. */
  obeysDrain: boolean
  /** Aborts with the error that the run has to end with. */
  readonly refused: AbortController
  commandsSeen: number
  /** It holds one of the places. */
  takesSlot: boolean
  readonly isHandler: boolean
  /** It runs alone until it is cleared. */
  readonly isSuspect: boolean
  /** It is to yield so that others may continue it. */
  isGivenBack: boolean
  /** Its lease may have run out although this process is alive: if another worker has claimed the job, that was no loss. */
  isInDoubt: boolean
  /** Its code has blocked the event loop for so long that leases may have run out. */
  hasBlocked: boolean
  /** Called after each commit that clears it of the suspicion of ending its workers. */
  onCleared: (() => void) | null
}

const STOPPING = new FenceLostError('the process stops')
/** What a run has stored is counted each time that it has stored this many bytes more. */
const COUNTED_BYTES = 256 * 1024

/**
 * The runs in this process, one for each job that it holds. Each has a journal and an inbox. Keeps their leases, delivers commands,
 * and gives back the jobs that do not end here.
 */
export class Runs {
  /** The claims under way of this process's worker; others that claim under its id count theirs here. */
  readonly claims: UnknownClaims
  readonly #options: RunsOptions
  readonly #doubt = new LeaseDoubt()
  readonly #running = new Map<JobId, Run>()
  /** Runs that have not settled, with their end. More than one may be of the same job: the newest is in `#running`. */
  readonly #ends = new Map<Run, Promise<void>>()
  /** Jobs that this process gave up alive while the database did not answer, by fence: it says so as soon as it can. */
  readonly #unreleased = new Set<Claim>()
  #isDraining = false

  constructor(options: RunsOptions) {
    this.#options = options
    this.claims = new UnknownClaims({ ...options, isKnown: (claim) => this.#isKnown(claim) })
  }

  /** Begins a run. An older run of the same job stops. */
  begin({ claim, takesSlot, isChild, isHandler = false, isSuspect = false, begin }: NewRun): void {
    const yielding = new AbortController()
    const run: Run = {
      claim,
      // The place is free before the end or the park is published: who hears of it finds the place free.
      journal: this.#openJournal(claim, {
        isChild,
        yielded: yielding.signal,
        onGivenUp: () => this.#options.onGivenUp(run),
        onStored: (bytes) => this.#countStored(run, bytes),
        onCleared: isSuspect ? () => run.onCleared?.() : null,
      }),
      inbox: new Inbox(),
      yield: yielding,
      drain: new AbortController(),
      obeysDrain: isHandler,
      refused: new AbortController(),
      commandsSeen: claim.commandsSeen,
      takesSlot,
      isHandler,
      isSuspect,
      isGivenBack: false,
      isInDoubt: this.#doubt.isOn,
      hasBlocked: false,
      onCleared: null,
    }
    // Stops an older run of the job, whose lease ran out without being noticed.
    this.#running.get(claim.jobId)?.yield.abort(new FenceLostError('this process has claimed the job again'))
    this.#running.set(claim.jobId, run)
    if (this.#isDraining) run.drain.abort(STOPPING)
    // The run's work takes turns of the event loop with that of other owners.
    const end = onBehalfOf(claim.ownerId, () =>
      this.#finish({ run, isChild, runs: begin(run) }).then(() => void this.#ends.delete(run)),
    )
    this.#ends.set(run, end)
  }

  /** The newest run of the job. */
  of(jobId: JobId): Run | null {
    return this.#running.get(jobId) ?? null
  }

  /** The runs of the engine that have not settled, apart from one. */
  othersThan(run: Run): readonly Run[] {
    return [...this.#ends.keys()].filter((other) => other !== run && !other.isHandler)
  }

  /** Resolves when these runs have settled, and what of them is given back is given back. */
  async settled(runs: readonly Run[]): Promise<void> {
    await Promise.all(runs.flatMap((run) => this.#ends.get(run) ?? []))
  }

  /** Resolves when no job runs here. */
  async idle(): Promise<void> {
    while (this.#ends.size > 0) await Promise.all(this.#ends.values())
  }

  /**
   * Lengthens the leases of the jobs that are still held, also those that have run out. The others are dropped: another worker holds
   * them. Then the leases are certain, and inboxes that grew are read.
   */
  async renewLeases(): Promise<void> {
    const before = [...this.#running.values()]
    const held = await this.#renew(before)
    for (const run of before) {
      const isHeld = held.get(run.claim.jobId)?.fence === run.claim.fence
      if (isHeld) run.isInDoubt = false
      else run.yield.abort(new FenceLostError('the lease is lost'))
    }
    this.#doubt.end()
    for (const run of before) {
      const job = held.get(run.claim.jobId)
      if (job && !run.yield.signal.aborted && job.commandsSent > run.commandsSeen) await this.readInbox(run)
    }
  }

  /** Reads the inboxes of the jobs that run here and have grown: a hint of a command may be lost, and the next renewal be minutes away. */
  async readInboxes(): Promise<void> {
    const inboxes = [...this.#running].map(([id, { commandsSeen }]) => ({ id, commandsSeen }))
    if (inboxes.length === 0) return
    const { jobs, lease } = this.#options
    const grown = await jobs.withUnreadCommands(lease.workerId, inboxes)
    await Promise.all(grown.map((jobId) => this.#tryInbox(jobId)))
  }

  /** The journal saw a command that has not been read. */
  noticeCommands(jobId: JobId): void {
    void this.#tryInbox(jobId)
  }

  /** Reads the commands that came since the last read, and delivers them. */
  async readInbox(run: Run): Promise<void> {
    const { commands, upTo } = await this.#options.commands.after(run.claim.jobId, run.commandsSeen)
    run.commandsSeen = Math.max(run.commandsSeen, upTo)
    run.inbox.deliver(commands)
    run.journal.commandsRead(run.commandsSeen)
  }

  /**
   * A job's code has blocked the event loop for longer than heartbeats may be apart. Its lease may have run out for that reason, so it is
   * not given back, and the next claim counts a loss.
   */
  noticeBlocking(jobId: JobId): void {
    for (const run of this.#ends.keys()) if (run.claim.jobId === jobId) run.hasBlocked = true
    for (const claim of this.#unreleased) {
      if (claim.jobId !== jobId) continue
      this.#unreleased.delete(claim)
      this.claims.abandon({ id: jobId, fence: claim.fence })
    }
  }

  /**
   * The leases may have run out, because the database has not answered. Calls in flight continue and no new call starts until the next
   * renewal. This process is alive, so none of it counts as a loss, even if another worker has claimed a job by then.
   */
  doubtLeases(): void {
    for (const run of this.#running.values()) run.isInDoubt = true
    this.#doubt.begin()
  }

  /** Null: the leases are certain. Otherwise resolves once they are; rejects with the signal's reason. */
  untilHeld(signal: AbortSignal): null | Promise<void> {
    return this.#doubt.untilOver(signal)
  }

  /**
   * The process stops. Each run yields as soon as none of its attempts is in flight, and its job is given back at once. So is the job of
   * each run that begins later.
   */
  drain(): void {
    this.#isDraining = true
    for (const run of this.#ends.keys()) {
      run.drain.abort(STOPPING)
      if (!run.obeysDrain) run.yield.abort(STOPPING)
    }
  }

  /** Aborts all runs. Their jobs are still held. */
  abortAll(): void {
    for (const run of this.#running.values()) run.yield.abort(new FenceLostError('the lease ran out'))
  }

  /** Whether jobs are still to be given back, because the database did not answer. */
  get hasUnreleased(): boolean {
    return this.#unreleased.size > 0
  }

  /** Gives back the jobs that could not be given back before; stops at the first that still cannot. */
  async releaseLate(): Promise<void> {
    for (const claim of this.#unreleased) {
      await this.#release(claim)
      if (this.#unreleased.has(claim)) return
    }
  }

  async #tryInbox(jobId: JobId): Promise<void> {
    const run = this.#running.get(jobId)
    if (!run) return
    try {
      await this.readInbox(run)
    } catch (fault) {
      this.#options.logger.warn(
        { err: fault, jobId },
        'an inbox could not be read; it is read again within seconds',
      )
    }
  }

  async #renew(runs: readonly Run[]): Promise<ReadonlyMap<JobId, HeldJob>> {
    if (runs.length === 0) return new Map()
    const { jobs, lease } = this.#options
    const held = await jobs.renew(
      lease,
      runs.map(({ claim }) => claim.jobId),
    )
    return new Map(held.map((job) => [job.id, job]))
  }

  #isKnown({ id, fence }: HeldClaim): boolean {
    for (const claim of this.#unreleased) if (claim.jobId === id && claim.fence === fence) return true
    for (const { claim } of this.#ends.keys()) if (claim.jobId === id && claim.fence === fence) return true
    return false
  }

  /** A count that fails is made up for by the next one: counts are read again from time to time. */
  #countStored(run: Run, bytes: number): void {
    const { onStored, logger } = this.#options
    const { jobId, ownerId } = run.claim
    onStored?.(ownerId, bytes).then(
      (error) => error && run.refused.abort(error),
      (fault: unknown) => logger.warn({ err: fault, jobId }, 'stored bytes could not be counted'),
    )
  }

  #openJournal(
    claim: Claim,
    { isChild, yielded, onGivenUp, onStored, onCleared }: JournalHooks,
  ): ClaimedJournal {
    const { journal, jobs, clock, logger, onParentProgress: onShared = () => {} } = this.#options
    const countBytes = bytesCounter(onStored)
    const shareProgress = isChild
      ? progressSharer({ jobId: claim.jobId, jobs, clock, logger, onShared })
      : null
    const onCommitted = (write: JobWrite) => {
      countBytes(write)
      if (onCleared && (write.clearsLosses || write.park || write.end)) onCleared()
      shareProgress?.(write)
    }
    return journal.open(claim, { onCommitted, onGivenUp, yielded })
  }

  async #finish({ run, isChild, runs }: Finish): Promise<void> {
    const { jobId } = run.claim
    let hasYielded = false
    try {
      hasYielded = (await runs).kind === 'yielded'
    } catch (fault) {
      hasYielded = fault instanceof FenceLostError
      // The database failed, and not the job: it is given back, and continues once the database answers.
      if (isTransientFault(fault)) run.isGivenBack = true
      // The lease runs out by itself and the job is recovered, here or elsewhere: the fault may be this process's own.
      else if (!(fault instanceof FenceLostError)) {
        this.claims.abandon({ id: jobId, fence: run.claim.fence })
        this.#options.logger.error({ err: fault, jobId }, 'a run broke off')
      }
    } finally {
      if (this.#running.get(jobId) === run) this.#running.delete(jobId)
      this.#options.onGivenUp(run)
      const isDrained = this.#isDraining && hasYielded
      if (run.isGivenBack || run.isInDoubt || isDrained) await this.#giveBack(run)
      if (isChild) this.#options.onChildEnded?.()
    }
  }

  async #giveBack({ claim, hasBlocked }: Run): Promise<void> {
    if (hasBlocked) this.claims.abandon({ id: claim.jobId, fence: claim.fence })
    else await this.#release(claim)
  }

  /** Gives back a job that did not end here; it may be claimed at once, and no loss is counted. */
  async #release(claim: Claim): Promise<void> {
    const { jobId: id, fence } = claim
    const { jobs, lease, logger } = this.#options
    try {
      await jobs.releaseJob(lease, { id, fence })
      this.#unreleased.delete(claim)
    } catch (fault) {
      this.#unreleased.add(claim)
      logger.warn({ err: fault, jobId: id }, 'a job could not be given back; the worker tries again')
    }
  }
}

interface JournalHooks {
  readonly isChild: boolean
  readonly yielded: AbortSignal
  /** The job is not held any more. */
  readonly onGivenUp: () => void
  /** More was stored: that many bytes since the last call. */
  readonly onStored: (bytes: number) => void
  /** Only of a suspect: a step, a park or the end is committed, so the job does not end its workers. */
  readonly onCleared: (() => void) | null
}

interface Finish extends Pick<NewRun, 'isChild'> {
  readonly run: Run
  readonly runs: Promise<RunEnd>
}

/** Returns what is to be called after each commit: it calls back with the bytes that were stored since it last did. */
function bytesCounter(onStored: (bytes: number) => void): (write: Pick<JobWrite, 'bytes'>) => void {
  let bytes = 0
  return (write) => {
    bytes += write.bytes
    if (bytes < COUNTED_BYTES) return
    onStored(bytes)
    bytes = 0
  }
}
