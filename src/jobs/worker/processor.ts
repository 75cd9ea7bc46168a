import { SMALL_VALUES_MAX_BYTES, type ExecutionStore, type OriginalStore } from '../../db/executions/index.ts'
import {
  SUSPECT_RECOVERIES,
  type ClaimedJob,
  type CommandStore,
  type DueJobs,
  type HeldClaim,
  type JobStore,
  type Lease,
  type NewJob,
  type Suspect,
} from '../../db/jobs/index.ts'
import type { Claim, ClaimedJournal, Journal, JobWrite } from '../../db/journal/index.ts'
import { isTransientFault } from '../../db/sql/index.ts'
import type { SourceValues } from '../../engine/fork/index.ts'
import { closeMemory, JSON_HEAP_MAX_PER_BYTE, type ProcessMemory } from '../../engine/memory/index.ts'
import { FenceLostError, Inbox, type RecordedError } from '../../engine/record/index.ts'
import {
  runExecution,
  type RunEnd,
  type RunPorts,
  type RunRequest,
  type RunSignals,
} from '../../engine/run/index.ts'
import type { PlanCache } from '../../engine/validate/index.ts'
import { onBehalfOf, type JobId, type OwnerId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { Places } from './places.ts'
import { Quarantine, SUSPECT_ALONE_MS, SUSPECT_WAIT_MS } from './quarantine.ts'
import { isLostTooOften, Recovery, type RunAbout } from './recovery.ts'
import type { RunningJob } from './running-job.ts'
import { sharePlaces, type Demand, type Turn } from './share-places.ts'
import { progressSharer } from './share-progress.ts'
import type { StoredPlans } from './stored-plans.ts'
import { UnknownClaims } from './unknown-claims.ts'

export interface ProcessorOptions {
  readonly jobs: JobStore
  readonly commands: Pick<CommandStore, 'after'>
  readonly executions: ExecutionStore
  readonly originals: OriginalStore
  readonly journal: Journal
  readonly plans: PlanCache
  readonly storedPlans: StoredPlans
  /** What the blocks of a job may reach. */
  readonly worldOf: (job: RunningJob) => RunWorld
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly lease: Lease
  /** The number of places: jobs that run here at the same time. */
  readonly concurrency: number
  /** The part of the places that one owner may hold, in percent; default 100. */
  readonly ownerPlacesPercent?: number
  /** The owner's share of the places, relative to the shares of others: a whole number from 1; default 1. */
  readonly weightOf?: (owner: OwnerId) => number
  /** What the values of all jobs that run here may take in memory. */
  readonly memory: ProcessMemory
  /**
   * Counts the bytes that a running execution has stored. Resolves with the error that the execution has to end with where its owner
   * stores far more than it may. Default: every owner may store anything.
   */
  readonly onStored?: (owner: OwnerId, bytes: number) => Promise<RecordedError | null>
  /** A place became free, or the process may take jobs again. */
  readonly onFree?: () => void
  /** A parent shows how far its children are. */
  readonly onParentProgress?: (parentId: JobId) => void
  /** A job that another one waits for may have ended. */
  readonly onChildEnded?: () => void
}

export type RunWorld = Omit<RunPorts, 'journal' | 'clock' | 'random' | 'memory'>

/** Room for one job, held between the decision to start it and the start. */
export interface Reservation {
  readonly lease: Lease
  /** The job was stored with this lease: run it. What is not passed is loaded. */
  run(claim: Claim, request: RunRequest, job: Pick<NewJob, 'parent' | 'mocks'>): void
  /** The job was not stored, or not with this lease. */
  giveBack(): void
}

/** What a run has stored is counted each time that it has stored this many bytes more. */
const COUNTED_BYTES = 256 * 1024
/** The number of jobs that one claim takes at most. */
const CLAIM_MAX_JOBS = 100
/** How long runs that are given back may take to settle. */
const GIVE_BACK_MS = 10_000

/**
 * Runs jobs in this process, a bounded number at a time. It claims jobs that wait for a worker or lost one, keeps the leases
 * of those that run, and obeys the inboxes. Its places are shared by owner; a suspect runs alone (see `Quarantine`). What a
 * job does is decided by the engine.
 */
export class Processor {
  readonly #options: ProcessorOptions
  readonly #running = new Map<JobId, Running>()
  /** Runs that have not settled, with their end. More than one may be of the same job: the newest is in `#running`. */
  readonly #runs = new Map<Running, Promise<void>>()
  readonly #claims: UnknownClaims
  readonly #places: Places
  readonly #quarantine: Quarantine
  readonly #recovery: Recovery
  /** Jobs that this process gave up alive while the database did not answer, by fence: it says so as soon as it can. */
  readonly #unreleased = new Set<Claim>()
  #turn: Turn | null = null
  /** Owners whose due jobs wait for a place, as far as this process knows from its last survey and the hints since. */
  #waiting = new Set<OwnerId>()
  #hasSuspects = false
  /** When an owner last had a suspect tried, in the order of the tries. */
  #suspectTries = new Map<OwnerId, number>()
  /** For each survey under way: the owners of whom hints came since it began. */
  readonly #hints = new Set<Set<OwnerId>>()
  #isStopped = false

  constructor(options: ProcessorOptions) {
    const { concurrency: total, ownerPlacesPercent: ownerPercent = 100, clock } = options
    this.#options = options
    this.#places = new Places({ total, ownerPercent })
    this.#quarantine = new Quarantine(clock)
    this.#claims = new UnknownClaims({ ...options, isKnown: (claim) => this.#isKnown(claim) })
    const { worldOf } = options
    this.#recovery = new Recovery({ ...options, childrenOf: (job) => worldOf(job).children })
  }

  /**
   * A place for a job of the owner that is about to be stored here, and memory for its values, of which the length as JSON text is
   * known. Null when no place is free, the owner holds as many places or as much memory as it may, or due jobs of another owner
   * wait for a place (D7).
   */
  reserve(owner: OwnerId, textBytes: number): Reservation | null {
    if (this.#isStopped || !this.#options.memory.hasRoomFor(owner) || !this.#mayBegin(owner)) return null
    this.#places.take(owner)
    const settle = this.#claims.open()
    const memory = this.#options.memory.open(owner)
    // Until the run counts the values they are counted with the most that they can take.
    const { held } = memory
    const estimate = textBytes > SMALL_VALUES_MAX_BYTES ? textBytes * JSON_HEAP_MAX_PER_BYTE : 0
    held.count(Math.min(estimate, held.maxBytes))
    return {
      lease: this.#options.lease,
      run: (claim, request, { parent, mocks }) =>
        settle() &&
        this.#run({
          claim,
          takesSlot: true,
          isChild: parent !== null,
          begin: (run) => {
            const end = this.#execute(run, request, {
              depth: parent?.depth ?? 0,
              rootId: parent?.rootId ?? claim.jobId,
              mocks,
              memory,
            })
            held.release(Math.min(estimate, held.maxBytes))
            return end
          },
        }),
      giveBack: () => {
        if (!settle()) return
        closeMemory(memory)
        this.#giveBack(owner)
      },
    }
  }

  /** The owners whose jobs that run here hold so much memory that no further job of theirs begins. */
  get #ownersWithoutMemory(): readonly OwnerId[] {
    return this.#places.owners.filter((owner) => !this.#options.memory.hasRoomFor(owner))
  }

  /** What jobs are held by that run here. */
  get lease(): Lease {
    return this.#options.lease
  }

  get freePlaces(): number {
    return this.#places.free
  }

  /** Whether jobs are known to wait for this process. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0 || this.#hasSuspects
  }

  /** A due job of the owner may wait for a place. */
  noticeQueued(owner: OwnerId): void {
    this.#waiting.add(owner)
    for (const hints of this.#hints) hints.add(owner)
  }

  /**
   * Claims due jobs for the free places and starts them; returns how many were started. Places are taken for planned jobs only,
   * and only while they are being claimed. `evenIfFull`: reads who waits also when no place is free.
   */
  async tick({ evenIfFull = false }: { readonly evenIfFull?: boolean } = {}): Promise<number> {
    if (this.#isStopped || this.#quarantine.isOn) return 0
    if (this.#unreleased.size > 0) await this.#releaseLate()
    if (this.#options.memory.isFull) return 0
    if (this.#places.free <= 0 && !evenIfFull) return 0
    const close = this.#claims.open()
    const hints = new Set<OwnerId>()
    this.#hints.add(hints)
    try {
      return await this.#claimDue(hints)
    } finally {
      this.#hints.delete(hints)
      close()
    }
  }

  /** Obeys a job's inbox: at once when the job runs here, by taking the fence when nobody holds it (D8). */
  async obey(jobId: JobId): Promise<void> {
    const running = this.#running.get(jobId)
    if (running) return this.#readInbox(jobId, running)
    if (this.#isStopped) return
    const close = this.#claims.open()
    try {
      const claimed = await this.#options.jobs.claimCommanded(this.#options.lease, jobId)
      if (claimed) this.#take(claimed, { takesSlot: false })
    } finally {
      close()
    }
  }

  /** Lengthens the leases of the jobs that run here; those that another holds are dropped, inboxes that grew are read. */
  async renewLeases(): Promise<void> {
    const before = [...this.#running]
    if (before.length === 0) return
    const ids = before.map(([jobId]) => jobId)
    const held = new Map(
      (await this.#options.jobs.renew(this.#options.lease, ids)).map((job) => [job.id, job]),
    )
    for (const [jobId, running] of before) {
      const job = held.get(jobId)
      if (job?.fence !== running.claim.fence) running.yield.abort(new FenceLostError('the lease is lost'))
      else if (job.commandsSent > running.commandsSeen) await this.#readInbox(jobId, running)
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

  /** Gives back the jobs that this process holds and does not know, because the answer to a claim was lost. */
  async releaseUnknown(): Promise<void> {
    if (!this.#isStopped) await this.#claims.release()
  }

  /** The claims under way of this process's worker; others that claim under its id count theirs here. */
  get claims(): Pick<UnknownClaims, 'open' | 'abandon'> {
    return this.#claims
  }

  /**
   * A job's code has blocked the event loop for longer than heartbeats may be apart. Its lease may have run out for that reason, so it is
   * not given back, and the next claim counts a loss.
   */
  noticeBlocking(jobId: JobId): void {
    for (const running of this.#runs.keys()) if (running.claim.jobId === jobId) running.hasBlocked = true
    for (const claim of this.#unreleased) {
      if (claim.jobId !== jobId) continue
      this.#unreleased.delete(claim)
      this.#claims.abandon({ id: jobId, fence: claim.fence })
    }
  }

  #isKnown({ id, fence }: HeldClaim): boolean {
    for (const claim of this.#unreleased) if (claim.jobId === id && claim.fence === fence) return true
    for (const { claim } of this.#runs.keys()) if (claim.jobId === id && claim.fence === fence) return true
    return false
  }

  /**
   * Aborts all runs because the leases cannot be proved any more, and gives the jobs back. This process is alive, so none of it
   * counts as a loss, even if another worker has claimed a job by then.
   */
  yieldAll(): void {
    for (const running of this.#running.values()) running.isGivenBack = true
    this.#abortAll()
  }

  #abortAll(): void {
    for (const running of this.#running.values()) running.yield.abort(new FenceLostError('the lease ran out'))
  }

  /** The journal saw a command that has not been read. */
  noticeCommands(jobId: JobId): void {
    void this.#tryInbox(jobId)
  }

  async #tryInbox(jobId: JobId): Promise<void> {
    const running = this.#running.get(jobId)
    if (!running) return
    try {
      await this.#readInbox(jobId, running)
    } catch (fault) {
      this.#options.logger.warn(
        { err: fault, jobId },
        'an inbox could not be read; it is read again within seconds',
      )
    }
  }

  /** Resolves when no job runs here. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs.values())
  }

  /** Starts no more jobs and reports no free place. Jobs that run continue until `stop()`. */
  takeNothingMore(): void {
    this.#isStopped = true
  }

  /** Takes no more jobs, stops those that run without recording anything, and gives them back. */
  async stop(): Promise<void> {
    this.takeNothingMore()
    this.#options.journal.stopRetrying()
    await this.#claims.settled()
    this.#abortAll()
    await this.idle()
    await this.#options.journal.idle()
    if (this.#unreleased.size > 0) await this.#releaseLate()
    await this.#options.jobs.release(this.#options.lease.workerId)
  }

  /** Runs something else than the engine on a job that was claimed for it: a handler function, outside the places. */
  runHere(job: ClaimedJob, begin: (journal: ClaimedJournal, signals: RunSignals) => Promise<RunEnd>): void {
    this.#run({
      claim: claimOf(job),
      takesSlot: false,
      isChild: job.isChild,
      isHandler: true,
      begin: (run) => begin(run.journal, { inbox: run.inbox, yield: run.yield.signal }),
    })
  }

  /** Until the next survey, `#waiting` is every owner that does not get a place for each of its due jobs. */
  async #claimDue(hints: ReadonlySet<OwnerId>): Promise<number> {
    const { jobs, weightOf = () => 1 } = this.#options
    const withoutMemory = this.#ownersWithoutMemory
    const except = [...new Set([...this.#places.ownersAtMax, ...withoutMemory])]
    const limit = Math.min(Math.max(this.#places.free, 0), CLAIM_MAX_JOBS) + 1
    const { due, suspects } = await jobs.survey({ limit, after: this.#turn?.ownerId ?? null, except })
    if (this.#isStopped || this.#quarantine.isOn) return 0
    this.#hasSuspects = suspects.length > 0
    if (await this.#claimSuspect(suspects)) return 1
    if (this.#isStopped || this.#quarantine.isOn) return 0

    const demands = demandsOf(due.filter(({ ownerId }) => !withoutMemory.includes(ownerId)))
    const { places, turn } = sharePlaces({
      demands,
      free: Math.min(this.#places.free, CLAIM_MAX_JOBS),
      heldBy: (owner) => this.#places.heldBy(owner),
      weightOf,
      maxPerOwner: this.#places.maxPerOwner,
      turn: this.#turn,
    })
    this.#turn = turn
    const unserved = demands.filter(({ ownerId, count }) => count > (places.get(ownerId) ?? 0))
    this.#waiting = new Set([...hints, ...except, ...unserved.map(({ ownerId }) => ownerId)])
    return places.size === 0 ? 0 : this.#claimShares(sharesOf(due, places), places)
  }

  /** Claims the planned jobs; a place whose job another worker was faster to claim is free again. */
  async #claimShares(shares: readonly DueJobs[], places: ReadonlyMap<OwnerId, number>): Promise<number> {
    for (const [owner, count] of places) this.#places.take(owner, count)
    const left = new Map(places)
    try {
      const claimed = await this.#options.jobs.claim(this.#options.lease, shares)
      for (const job of claimed) {
        left.set(job.ownerId, (left.get(job.ownerId) ?? 0) - 1)
        this.#take(job, { takesSlot: true })
      }
      return claimed.length
    } finally {
      for (const [owner, count] of left) if (count > 0) this.#places.giveBack(owner, count)
    }
  }

  /**
   * Takes a suspect if there is one and its time has come, of the owner whose last try is the longest ago. The process takes
   * nothing else until the suspect is cleared.
   */
  async #claimSuspect(suspects: readonly Suspect[]): Promise<boolean> {
    const { jobs, lease } = this.#options
    if (suspects.length === 0) this.#quarantine.endStreak()
    const triedAt = new Map(suspects.map(({ ownerId }) => [ownerId, this.#suspectTries.get(ownerId) ?? 0]))
    const [oldest] = [...triedAt].toSorted(([, a], [, b]) => a - b)
    const next = suspects.find(({ ownerId }) => ownerId === oldest?.[0])
    if (!next || !this.#quarantine.mayBegin) return false
    this.#quarantine.begin()
    let job: ClaimedJob | null = null
    try {
      this.#suspectTries = triedAt.set(next.ownerId, Math.max(...triedAt.values()) + 1)
      job = await jobs.claimSuspect(lease, next.id)
    } finally {
      if (!job) this.#quarantine.end()
    }
    if (!job) return false
    if (this.#isStopped) return true
    const begin = (run: Running) => this.#runAlone(job, run)
    this.#run({ claim: claimOf(job), takesSlot: false, isChild: job.isChild, isSuspect: true, begin })
    return true
  }

  /** Runs a suspect alone until it commits a step, parks or ends, or until it has run for long enough. */
  async #runAlone(job: ClaimedJob, run: Running): Promise<RunEnd> {
    const { clock } = this.#options
    let isAlone = true
    const end = () => {
      if (!isAlone) return
      isAlone = false
      this.#quarantine.end()
      this.#hasSuspects = true // there may be more
      this.#onFree()
    }
    let callOff = () => {}
    try {
      // Failed before anything of it is loaded, it harms nothing.
      if (isLostTooOften(job)) return await this.#recover(job, run)
      if (job.commandsSent > 0)
        await this.#options.journal.reading(() => this.#readInbox(job.id, run), run.yield.signal)
      await this.#othersSettled(run)
      if (run.yield.signal.aborted) return { kind: 'yielded' }
      if (run.inbox.canceled.aborted) return await this.#recover(job, run)
      this.#places.take(job.ownerId)
      run.takesSlot = true
      run.onCleared = end
      callOff = clock.after(SUSPECT_ALONE_MS, end)
      return await this.#recover(job, run)
    } finally {
      callOff()
      end()
    }
  }

  /** Waits until no execution runs here but one. Those that do not end or park in time are given back. */
  async #othersSettled(run: Running): Promise<void> {
    const { clock } = this.#options
    await this.#claims.settled()
    const others = [...this.#runs].filter(([other]) => other !== run && !other.isHandler)
    const settled = Promise.all(others.map(([, done]) => done))
    const stopped = AbortSignal.any([run.yield.signal, run.inbox.canceled])
    if (await settlesWithin(settled, { ms: SUSPECT_WAIT_MS, clock, signal: stopped })) return
    if (stopped.aborted) return
    for (const [other] of others) {
      other.isGivenBack = true
      other.yield.abort(new FenceLostError('the job is given back: a suspect runs alone'))
    }
    await settlesWithin(settled, { ms: GIVE_BACK_MS, clock, signal: stopped })
  }

  #take(job: ClaimedJob, { takesSlot }: { takesSlot: boolean }): void {
    // It came too late: the stop gives it back.
    if (this.#isStopped) return
    const { isChild } = job
    this.#run({ claim: claimOf(job), takesSlot, isChild, begin: (run) => this.#recover(job, run) })
  }

  #recover(job: ClaimedJob, run: Running): Promise<RunEnd> {
    return this.#recovery.recover(job, {
      journal: run.journal,
      inbox: run.inbox,
      yield: run.yield,
      isSuspect: run.isSuspect,
      readInbox: () => this.#readInbox(job.id, run),
      // A suspect that was taken up for a command only goes back, to be taken up alone.
      takePlace: () => (run.isSuspect || job.recoveries < SUSPECT_RECOVERIES) && this.#takePlace(run),
      giveBack: () => void (run.isGivenBack = true),
      execute: (request, about) => this.#execute(run, request, about),
    })
  }

  #execute(run: Running, request: RunRequest, { memory, ...about }: RunAbout): Promise<RunEnd> {
    const { clock, random, worldOf } = this.#options
    const { original } = request
    const { jobId: id, ownerId } = run.claim
    const yielded = run.yield.signal
    const world = worldOf({ id, ownerId, mode: request.mode, yielded, ...about })
    const signals = {
      inbox: run.inbox,
      yield: run.yield.signal,
      refused: run.refused.signal,
      takePlace: () => this.#takePlace(run),
    }
    const ports = { ...world, journal: run.journal, clock, random, memory }
    const retried = original && { ...original, values: this.#readAgain(original.values, yielded) }
    return runExecution({ ...request, original: retried }, ports, signals)
  }

  /** Reads survive an outage of the database, as those of the run's own record do. */
  #readAgain({ small, outputs, configs }: SourceValues, yielded: AbortSignal): SourceValues {
    const { journal } = this.#options
    return {
      small: () => journal.reading(small, yielded),
      outputs: (paths) => journal.reading(() => outputs(paths), yielded),
      configs: (paths) => journal.reading(() => configs(paths), yielded),
    }
  }

  #run({ claim, takesSlot, isChild, isHandler = false, isSuspect = false, begin }: Begin): void {
    const yielding = new AbortController()
    const running: Running = {
      claim,
      // The place is free before the end or the park is published: who hears of it finds the place free.
      journal: this.#openJournal(claim, {
        isChild,
        yielded: yielding.signal,
        onGivenUp: () => this.#freePlaceOf(running),
        onStored: (bytes) => this.#countStored(running, bytes),
        onCleared: isSuspect ? () => running.onCleared?.() : null,
      }),
      inbox: new Inbox(),
      yield: yielding,
      refused: new AbortController(),
      commandsSeen: claim.commandsSeen,
      takesSlot,
      isHandler,
      isSuspect,
      isGivenBack: false,
      hasBlocked: false,
      onCleared: null,
    }
    // Stops an older run of the job, whose lease ran out without being noticed.
    this.#running.get(claim.jobId)?.yield.abort(new FenceLostError('the job was claimed anew'))
    this.#running.set(claim.jobId, running)
    // The run's work takes turns of the event loop with that of other owners.
    const done = onBehalfOf(claim.ownerId, () =>
      this.#finish({ running, isChild, run: begin(running) }).then(() => void this.#runs.delete(running)),
    )
    this.#runs.set(running, done)
  }

  /** A count that fails is made up for by the next one: counts are read again from time to time. */
  #countStored(running: Running, bytes: number): void {
    const { onStored, logger } = this.#options
    const { jobId, ownerId } = running.claim
    onStored?.(ownerId, bytes).then(
      (error) => error && running.refused.abort(error),
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

  async #finish({ running, isChild, run }: Finish): Promise<void> {
    const { jobId } = running.claim
    try {
      await run
    } catch (fault) {
      // The database failed, and not the job: it is given back, and continues once the database answers.
      if (isTransientFault(fault)) running.isGivenBack = true
      // The lease runs out by itself and the job is recovered, here or elsewhere: the fault may be this process's own.
      else if (!(fault instanceof FenceLostError)) {
        this.#claims.abandon({ id: jobId, fence: running.claim.fence })
        this.#options.logger.error({ err: fault, jobId }, 'a run broke off')
      }
    } finally {
      if (this.#running.get(jobId) === running) this.#running.delete(jobId)
      this.#freePlaceOf(running)
      if (running.isGivenBack) await this.#giveBackJob(running)
      if (isChild) this.#options.onChildEnded?.()
    }
  }

  async #giveBackJob({ claim, hasBlocked }: Running): Promise<void> {
    if (hasBlocked) this.#claims.abandon({ id: claim.jobId, fence: claim.fence })
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

  /** Gives back what could not be given back before; stops at the first that still cannot. */
  async #releaseLate(): Promise<void> {
    for (const claim of this.#unreleased) {
      await this.#release(claim)
      if (this.#unreleased.has(claim)) return
    }
  }

  /** A job that was taken up for a command only takes a place before it begins, under the rules of `reserve`. */
  #takePlace(run: Running): boolean {
    const { ownerId } = run.claim
    if (!run.takesSlot && this.#mayBegin(ownerId)) {
      this.#places.take(ownerId)
      run.takesSlot = true
    }
    return run.takesSlot
  }

  #mayBegin(owner: OwnerId): boolean {
    if (this.#quarantine.isOn || this.#places.free <= 0 || !this.#places.isBelowMax(owner)) return false
    for (const other of this.#waiting) if (other !== owner && this.#mayHaveMore(other)) return false
    return true
  }

  /** An owner that holds as many places or as much memory as it may waits for its own jobs, and keeps no other from starting. */
  #mayHaveMore(owner: OwnerId): boolean {
    return this.#places.isBelowMax(owner) && this.#options.memory.hasRoomFor(owner)
  }

  #freePlaceOf(run: Running): void {
    if (!run.takesSlot) return
    run.takesSlot = false
    this.#giveBack(run.claim.ownerId)
  }

  #giveBack(owner: OwnerId): void {
    this.#places.giveBack(owner)
    this.#onFree()
  }

  #onFree(): void {
    if (!this.#isStopped) this.#options.onFree?.()
  }

  async #readInbox(jobId: JobId, running: Running): Promise<void> {
    const { commands, upTo } = await this.#options.commands.after(jobId, running.commandsSeen)
    running.commandsSeen = Math.max(running.commandsSeen, upTo)
    running.inbox.deliver(commands)
    running.journal.commandsRead(running.commandsSeen)
  }
}

function claimOf({ id, ownerId, fence, lastSeq, entryNo }: ClaimedJob): Claim {
  return { jobId: id, ownerId, fence, lastSeq, entryNo, commandsSeen: 0 }
}

interface Begin {
  readonly claim: Claim
  readonly takesSlot: boolean
  readonly isChild: boolean
  /** The engine does not run it: a handler function does. */
  readonly isHandler?: boolean
  /** It runs alone until it is cleared. */
  readonly isSuspect?: boolean
  readonly begin: (run: Running) => Promise<RunEnd>
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

interface Finish extends Pick<Begin, 'isChild'> {
  readonly running: Running
  readonly run: Promise<RunEnd>
}

interface Running {
  readonly claim: Claim
  readonly journal: ClaimedJournal
  readonly inbox: Inbox
  readonly yield: AbortController
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
  /** Its code has blocked the event loop for so long that leases may have run out. */
  hasBlocked: boolean
  /** Called after each commit that clears it of the suspicion of ending its workers. */
  onCleared: (() => void) | null
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

/** The due jobs of each owner together. */
function demandsOf(due: readonly DueJobs[]): readonly Demand[] {
  const counts = new Map<OwnerId, number>()
  for (const { ownerId, count } of due) counts.set(ownerId, (counts.get(ownerId) ?? 0) + count)
  return [...counts].map(([ownerId, count]) => ({ ownerId, count }))
}

/** Of each owner as many jobs as it has places, the first ones first. */
function sharesOf(due: readonly DueJobs[], places: ReadonlyMap<OwnerId, number>): readonly DueJobs[] {
  const left = new Map(places)
  return due.flatMap((entry) => {
    const count = Math.min(entry.count, left.get(entry.ownerId) ?? 0)
    left.set(entry.ownerId, (left.get(entry.ownerId) ?? 0) - count)
    return count > 0 ? [{ ...entry, count }] : []
  })
}

/** Whether a promise settles before a time has passed and before a signal aborts. */
async function settlesWithin(
  settled: Promise<unknown>,
  { ms, clock, signal }: { ms: number; clock: Pick<Clock, 'wait'>; signal: AbortSignal },
): Promise<boolean> {
  const over = new AbortController()
  const late = clock.wait(ms, AbortSignal.any([signal, over.signal])).then(
    () => false,
    () => false,
  )
  const isSettled = await Promise.race([settled.then(() => true), late])
  over.abort(new Error('it has settled'))
  return isSettled
}
