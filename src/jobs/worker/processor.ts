import { SMALL_VALUES_MAX_BYTES, type ExecutionStore, type OriginalStore } from '../../db/executions/index.ts'
import {
  SUSPECT_RECOVERIES,
  type ClaimedJob,
  type DueJobs,
  type JobStore,
  type Lease,
  type NewJob,
  type Suspect,
} from '../../db/jobs/index.ts'
import type { Claim, ClaimedJournal, Journal } from '../../db/journal/index.ts'
import type { SourceValues } from '../../engine/fork/index.ts'
import { closeMemory, JSON_HEAP_MAX_PER_BYTE, type ProcessMemory } from '../../engine/memory/index.ts'
import { FenceLostError } from '../../engine/record/index.ts'
import {
  runExecution,
  type RunEnd,
  type RunPorts,
  type RunRequest,
  type RunSignals,
} from '../../engine/run/index.ts'
import type { PlanCache } from '../../engine/validate/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import { Places } from './places.ts'
import { Quarantine, SUSPECT_ALONE_MS, SUSPECT_WAIT_MS } from './quarantine.ts'
import { isLostTooOften, Recovery, type RunAbout } from './recovery.ts'
import type { RunningJob } from './running-job.ts'
import { Runs, type Run, type RunsOptions } from './runs.ts'
import { settlesWithin } from './settles-within.ts'
import { sharePlaces, type Demand, type Turn } from './share-places.ts'
import type { StoredPlans } from './stored-plans.ts'
import type { UnknownClaims } from './unknown-claims.ts'

export interface ProcessorOptions extends Omit<RunsOptions, 'jobs' | 'journal' | 'onGivenUp'> {
  readonly jobs: JobStore
  readonly executions: ExecutionStore
  readonly originals: OriginalStore
  readonly journal: Journal
  readonly plans: PlanCache
  readonly storedPlans: StoredPlans
  /** What the blocks of a job may reach. */
  readonly worldOf: (job: RunningJob) => RunWorld
  readonly random: () => number
  /** The block types that this worker has. */
  readonly blockTypes: () => readonly string[]
  /** How long a job waits for a worker that has its blocks, in milliseconds. */
  readonly blockWaitMs: number
  /** The number of places: jobs that run here at the same time. */
  readonly concurrency: number
  /** The part of the places that one owner may hold, in percent; default 100. */
  readonly ownerPlacesPercent?: number
  /** The owner's share of the places, relative to the shares of others: a whole number from 1; default 1. */
  readonly weightOf?: (owner: OwnerId) => number
  /** What the values of all jobs that run here may take in memory. */
  readonly memory: ProcessMemory
  /** A place became free, or the process may take jobs again. */
  readonly onFree?: () => void
}

export type RunWorld = Omit<RunPorts, 'journal' | 'clock' | 'random' | 'memory' | 'untilHeld'>

/** Room for one job, held between the decision to start it and the start. */
export interface Reservation {
  readonly lease: Lease
  /** The job was stored with this lease: run it. What is not passed is loaded. */
  run(claim: Claim, request: RunRequest, job: Pick<NewJob, 'parent' | 'mocks'>): void
  /** The job was not stored, or not with this lease. */
  giveBack(): void
}

export interface Look {
  readonly evenIfFull?: boolean
  readonly takesOver?: boolean
}

const YIELDED: RunEnd = { kind: 'yielded' }
/** The number of jobs that one claim takes at most. */
const CLAIM_MAX_JOBS = 100
/** How long runs that are aborted may take to settle when the process stops, in milliseconds. */
const ABORT_MS = 1_000
/** How long runs that are given back may take to settle. */
const GIVE_BACK_MS = 10_000

/**
 * Decides what this process runs, and how much at the same time: it claims jobs that wait for a worker or lost one, and starts their
 * runs (`Runs`). Its places are shared by owner; a suspect runs alone (see `Quarantine`). What a job does is decided by the engine.
 */
export class Processor {
  readonly #options: ProcessorOptions
  readonly #runs: Runs
  readonly #places: Places
  readonly #quarantine: Quarantine
  readonly #recovery: Recovery
  #turn: Turn | null = null
  /** Owners whose due jobs wait for a place, as far as this process knows from its last survey and the hints since. */
  #waiting = new Set<OwnerId>()
  #hasSuspects = false
  /** When an owner last had a suspect tried, in the order of the tries. */
  #suspectTries = new Map<OwnerId, number>()
  /** For each survey under way: the owners of whom hints came since it began. */
  readonly #hints = new Set<Set<OwnerId>>()
  /** Jobs that other workers left to this one may wait for their blocks. */
  #mayHaveBlockWaits = false
  #isStopped = false

  constructor(options: ProcessorOptions) {
    const { concurrency: total, ownerPlacesPercent: ownerPercent = 100, clock } = options
    this.#options = options
    this.#places = new Places({ total, ownerPercent })
    this.#quarantine = new Quarantine(clock)
    this.#runs = new Runs({ ...options, onGivenUp: (run) => this.#freePlaceOf(run) })
    const { worldOf } = options
    this.#recovery = new Recovery({
      ...options,
      blockWaits: options.jobs,
      childrenOf: (job) => worldOf(job).children,
    })
  }

  /**
   * A place for a job of the owner that is about to be stored here, and memory for its values, of which the length as JSON text is
   * known. Null when no place is free, the owner holds as many places or as much memory as it may, or due jobs of another owner
   * wait for a place (D7).
   */
  reserve(owner: OwnerId, textBytes: number): Reservation | null {
    if (this.#isStopped || !this.#options.memory.hasRoomFor(owner) || !this.#mayBegin(owner)) return null
    this.#places.take(owner)
    const settle = this.#runs.claims.open()
    const memory = this.#options.memory.open(owner)
    // Until the run counts the values they are counted with the most that they can take.
    const { held } = memory
    const estimate = textBytes > SMALL_VALUES_MAX_BYTES ? textBytes * JSON_HEAP_MAX_PER_BYTE : 0
    held.count(Math.min(estimate, held.maxBytes))
    return {
      lease: this.#options.lease,
      run: (claim, request, { parent, mocks }) =>
        settle() &&
        this.#runs.begin({
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
   * and only while they are being claimed. `evenIfFull`: reads who waits also when no place is free. `takesOver`: whether jobs are taken of
   * which the lease has run out.
   */
  async tick({ evenIfFull = false, takesOver = true }: Look = {}): Promise<number> {
    if (this.#isStopped || this.#quarantine.isOn) return 0
    if (this.#runs.hasUnreleased) await this.#runs.releaseLate()
    if (evenIfFull || this.#mayHaveBlockWaits) await this.#wakeBlockWaits()
    if (this.#options.memory.isFull) return 0
    if (this.#places.free <= 0 && !evenIfFull) return 0
    const close = this.#runs.claims.open()
    const hints = new Set<OwnerId>()
    this.#hints.add(hints)
    try {
      return await this.#claimDue(hints, takesOver)
    } finally {
      this.#hints.delete(hints)
      close()
    }
  }

  /** Obeys a job's inbox: at once when the job runs here, by taking the fence when nobody holds it (D8). */
  async obey(jobId: JobId): Promise<void> {
    const run = this.#runs.of(jobId)
    if (run) return this.#runs.readInbox(run)
    if (this.#isStopped) return
    const close = this.#runs.claims.open()
    try {
      const claimed = await this.#options.jobs.claimCommanded(this.#options.lease, jobId)
      if (claimed) this.#take(claimed, { takesSlot: false })
    } finally {
      close()
    }
  }

  /** Gives back the jobs that this process holds and does not know, because the answer to a claim was lost. */
  async releaseUnknown(): Promise<void> {
    if (!this.#isStopped) await this.#runs.claims.release()
  }

  /** The claims under way of this process's worker; others that claim under its id count theirs here. */
  get claims(): Pick<UnknownClaims, 'open' | 'abandon'> {
    return this.#runs.claims
  }

  /** The runs in this process. */
  get runs(): Pick<
    Runs,
    'renewLeases' | 'readInboxes' | 'noticeCommands' | 'noticeBlocking' | 'doubtLeases'
  > {
    return this.#runs
  }

  /** Resolves when no job runs here. */
  idle(): Promise<void> {
    return this.#runs.idle()
  }

  /** Starts no more jobs and reports no free place. Jobs that run continue until `stop()`. */
  takeNothingMore(): void {
    this.#isStopped = true
  }

  /**
   * Takes no more jobs, and lets the attempts in flight finish: each job is given back as soon as none of its attempts is in flight.
   * Resolves when no job runs here.
   */
  async drain(): Promise<void> {
    this.takeNothingMore()
    this.#runs.drain()
    await this.#runs.claims.settled()
    await this.idle()
  }

  /**
   * Takes no more jobs, aborts those that run, and gives them back. Blocks that do not obey their signals within a second are left behind:
   * nothing of what they do is recorded.
   */
  async stop(): Promise<void> {
    const { journal, clock } = this.#options
    this.takeNothingMore()
    journal.stopRetrying()
    this.#runs.abortAll()
    const settled = this.#runs.claims.settled().then(async () => {
      this.#runs.abortAll() // what a start under way has begun
      await this.idle()
      await journal.idle()
    })
    await settlesWithin(settled, { ms: ABORT_MS, clock })
    if (this.#runs.hasUnreleased) await this.#runs.releaseLate()
    await this.#options.jobs.release(this.#options.lease.workerId)
  }

  /** Runs something else than the engine on a job that was claimed for it: a handler function, outside the places. */
  runHere(job: ClaimedJob, begin: (journal: ClaimedJournal, signals: RunSignals) => Promise<RunEnd>): void {
    this.#runs.begin({
      claim: claimOf(job),
      takesSlot: false,
      isChild: job.isChild,
      isHandler: true,
      begin: (run) => begin(run.journal, { inbox: run.inbox, yield: run.yield.signal }),
    })
  }

  /** Wakes jobs whose blocks other workers lack and this one has: as many as it has places for, so that the rest do not go back to those. */
  async #wakeBlockWaits(): Promise<void> {
    const { jobs, clock, blockTypes, memory } = this.#options
    const limit = memory.isFull ? 0 : Math.min(Math.max(this.#places.free, 0), CLAIM_MAX_JOBS)
    const woken = await jobs.wakeBlockWaits(blockTypes(), { limit, now: clock.now() })
    this.#mayHaveBlockWaits = woken > 0
  }

  /** Until the next survey, `#waiting` is every owner that does not get a place for each of its due jobs. */
  async #claimDue(hints: ReadonlySet<OwnerId>, takesOver: boolean): Promise<number> {
    const { jobs, weightOf = () => 1 } = this.#options
    const withoutMemory = this.#ownersWithoutMemory
    const except = [...new Set([...this.#places.ownersAtMax, ...withoutMemory])]
    const limit = Math.min(Math.max(this.#places.free, 0), CLAIM_MAX_JOBS) + 1
    const survey = await jobs.survey({ limit, after: this.#turn?.ownerId ?? null, except })
    if (this.#isStopped || this.#quarantine.isOn) return 0
    const { suspects } = survey
    const due = takesOver ? survey.due : survey.due.filter(({ priority }) => priority !== null)
    this.#hasSuspects = suspects.length > 0
    // A suspect may have a holder.
    if (takesOver && (await this.#claimSuspect(suspects))) return 1
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
    const begin = async (run: Run) => (this.#isStopped ? YIELDED : this.#runAlone(job, run))
    this.#runs.begin({ claim: claimOf(job), takesSlot: false, isChild: job.isChild, isSuspect: true, begin })
    return true
  }

  /** Runs a suspect alone until it commits a step, parks or ends, or until it has run for long enough. */
  async #runAlone(job: ClaimedJob, run: Run): Promise<RunEnd> {
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
        await this.#options.journal.reading(() => this.#runs.readInbox(run), run.yield.signal)
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
  async #othersSettled(run: Run): Promise<void> {
    const { clock } = this.#options
    await this.#runs.claims.settled()
    const others = this.#runs.othersThan(run)
    const settled = this.#runs.settled(others)
    const stopped = AbortSignal.any([run.yield.signal, run.inbox.canceled])
    if (await settlesWithin(settled, { ms: SUSPECT_WAIT_MS, clock, signal: stopped })) return
    if (stopped.aborted) return
    for (const other of others) {
      other.isGivenBack = true
      other.yield.abort(new FenceLostError('the job is given back: a suspect runs alone'))
    }
    await settlesWithin(settled, { ms: GIVE_BACK_MS, clock, signal: stopped })
  }

  #take(job: ClaimedJob, { takesSlot }: { takesSlot: boolean }): void {
    const { isChild } = job
    // One that came too late is given back.
    const begin = async (run: Run) => (this.#isStopped ? YIELDED : this.#recover(job, run))
    this.#runs.begin({ claim: claimOf(job), takesSlot, isChild, begin })
  }

  #recover(job: ClaimedJob, run: Run): Promise<RunEnd> {
    return this.#recovery.recover(job, {
      journal: run.journal,
      inbox: run.inbox,
      yield: run.yield,
      isSuspect: run.isSuspect,
      readInbox: () => this.#runs.readInbox(run),
      // A suspect that was taken up for a command only goes back, to be taken up alone.
      takePlace: () => (run.isSuspect || job.recoveries < SUSPECT_RECOVERIES) && this.#takePlace(run),
      giveBack: () => void (run.isGivenBack = true),
      execute: (request, about) => this.#execute(run, request, about),
    })
  }

  #execute(run: Run, request: RunRequest, { memory, ...about }: RunAbout): Promise<RunEnd> {
    const { clock, random, worldOf } = this.#options
    const { original } = request
    const { jobId: id, ownerId } = run.claim
    const yielded = run.yield.signal
    run.obeysDrain = true
    const world = worldOf({ id, ownerId, mode: request.mode, yielded, ...about })
    const signals = {
      inbox: run.inbox,
      yield: run.yield.signal,
      drain: run.drain.signal,
      refused: run.refused.signal,
      takePlace: () => this.#takePlace(run),
    }
    const untilHeld = (signal: AbortSignal) => this.#runs.untilHeld(signal)
    const ports = { ...world, journal: run.journal, clock, random, memory, untilHeld }
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

  /** A job that was taken up for a command only takes a place before it begins, under the rules of `reserve`. */
  #takePlace(run: Run): boolean {
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

  #freePlaceOf(run: Run): void {
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
}

function claimOf({ id, ownerId, fence, lastSeq, entryNo }: ClaimedJob): Claim {
  return { jobId: id, ownerId, fence, lastSeq, entryNo, commandsSeen: 0 }
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
