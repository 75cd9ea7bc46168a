import type { CommandStore } from '../db/command-store.ts'
import type { ExecutionStore } from '../db/execution-store.ts'
import type { ClaimedJob, JobStore, Lease, NewJob } from '../db/job-store.ts'
import type { Claim, ClaimedJournal, Journal } from '../db/journal.ts'
import type { OriginalStore } from '../db/original-store.ts'
import type { Diagnostic } from '../engine/diagnostics.ts'
import { Inbox } from '../engine/inbox.ts'
import type { ExecutionMode } from '../engine/job.ts'
import { FenceLostError, type JobEnd } from '../engine/journal.ts'
import type { ProcessMemory } from '../engine/memory/process-memory.ts'
import type { PlanCache } from '../engine/plan-cache.ts'
import type { Plan, PlanGraph } from '../engine/plan.ts'
import type { Mocks } from '../engine/stand-in/mocks.ts'
import { RecordedSteps } from '../engine/recorded-steps.ts'
import { recordEnd, type RunEnd } from '../engine/run-end.ts'
import { runExecution, type RunPorts, type RunRequest, type RunSignals } from '../engine/run.ts'
import type { RecordedError } from '../engine/step.ts'
import type { Clock } from '../lib/clock.ts'
import type { JobId, OwnerId } from '../lib/ids.ts'
import type { Logger } from '../lib/logger.ts'
import { sharingProgress } from './share-progress.ts'
import { loadOriginal } from './original.ts'

export interface ProcessorOptions {
  readonly jobs: JobStore
  readonly commands: Pick<CommandStore, 'after'>
  readonly executions: ExecutionStore
  readonly originals: OriginalStore
  readonly journal: Journal
  readonly plans: PlanCache
  /** What the blocks of a job may reach. */
  readonly worldOf: (job: RunningJob) => RunWorld
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly lease: Lease
  /** How many jobs run here at the same time. */
  readonly concurrency: number
  /** What the values of all of them may take. */
  readonly memory: ProcessMemory
  /** A place became free. */
  readonly onFree?: () => void
  /** A parent shows how far its children are. */
  readonly onParentProgress?: (parentId: JobId) => void
  /** A job that another one waits for may have ended. */
  readonly onChildEnded?: () => void
}

/** A job as what it may reach depends on it. */
export interface RunningJob {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly mode: ExecutionMode
  /** Test mode only: what comes of its calls. */
  readonly mocks: Mocks | null
  /** How many parents stand above it. */
  readonly depth: number
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

/** D5: this many losses in a row without a newly committed step or a park, and the job is what kills its workers. */
const MAX_RECOVERIES = 5
const EXPIRED_PER_TICK = 20

/**
 * Runs jobs in this process, a bounded number at a time. It claims what waits for a worker or lost one, keeps the leases
 * of what runs, and obeys the inboxes. Nothing here decides what a job does: that is the engine's.
 */
export class Processor {
  readonly #options: ProcessorOptions
  readonly #running = new Map<JobId, Running>()
  /** Runs that have not come to their end, those included that run on behind a newer one of the same job. */
  readonly #runs = new Set<Promise<void>>()
  /** Starts and claims under way: a job may be stored with this process's lease any moment. */
  readonly #taking = new Set<Promise<void>>()
  #free: number
  #isStopped = false

  constructor(options: ProcessorOptions) {
    this.#options = options
    this.#free = options.concurrency
  }

  /** Room for a job that is about to be stored here, or null when all places are taken. */
  reserve(): Reservation | null {
    if (this.#free <= 0 || this.#isStopped || !this.#hasMemory) return null
    this.#free--
    const settle = this.#openTaking()
    return {
      lease: this.#options.lease,
      run: (claim, request, { parent, mocks }) =>
        settle() &&
        this.#run({
          claim,
          takesSlot: true,
          isChild: parent !== null,
          begin: (run) => this.#execute(run, request, { depth: parent?.depth ?? 0, mocks }),
        }),
      giveBack: () => settle() && this.#freeSlot(),
    }
  }

  /** False while the values of the jobs that run here leave no memory for another one. */
  get #hasMemory(): boolean {
    return this.#running.size === 0 || this.#options.memory.hasRoom
  }

  /** What jobs are held by that run here. */
  get lease(): Lease {
    return this.#options.lease
  }

  get freePlaces(): number {
    return this.#free
  }

  /** Claims what the free places allow and starts it; returns how many jobs were started. */
  async tick(): Promise<number> {
    const { jobs, lease } = this.#options
    const wanted = this.#free
    if (wanted <= 0 || this.#isStopped || !this.#hasMemory) return 0
    this.#free -= wanted
    const close = this.#openTaking()
    let left = wanted
    const take = (claimed: readonly ClaimedJob[]) => {
      left -= claimed.length
      for (const job of claimed) this.#take(job, { takesSlot: true })
    }
    try {
      // First what was begun: behind a backlog it would wait for all that was accepted since.
      take(await jobs.claimExpired(lease, Math.min(left, EXPIRED_PER_TICK)))
      if (left > 0 && !this.#isStopped) take(await jobs.claimWaiting(lease, left))
    } finally {
      close()
      this.#free += left
    }
    return wanted - left
  }

  /** Obeys a job's inbox: at once when the job runs here, by taking the fence when nobody holds it (D8). */
  async obey(jobId: JobId): Promise<void> {
    const running = this.#running.get(jobId)
    if (running) return this.#readInbox(jobId, running)
    if (this.#isStopped) return
    const close = this.#openTaking()
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

  /** Aborts all runs because the leases cannot be proved any more. */
  yieldAll(): void {
    for (const running of this.#running.values()) running.yield.abort(new FenceLostError('the lease ran out'))
  }

  /** The journal saw a command that has not been read. */
  noticeCommands(jobId: JobId): void {
    const running = this.#running.get(jobId)
    if (!running) return
    this.#readInbox(jobId, running).catch((fault: unknown) => {
      this.#options.logger.warn(
        { err: fault, jobId },
        'an inbox could not be read; the next heartbeat tries again',
      )
    })
  }

  /** Resolves when no job runs here. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all(this.#runs)
  }

  /** From now on no job begins here, and no free place is told; what runs goes on until the stop. */
  takeNothingMore(): void {
    this.#isStopped = true
  }

  /** Takes no more jobs, stops those that run without recording anything, and gives them back. */
  async stop(): Promise<void> {
    this.takeNothingMore()
    this.#options.journal.stopRetrying()
    await Promise.all(this.#taking)
    this.yieldAll()
    await this.idle()
    await this.#options.journal.idle()
    await this.#options.jobs.release(this.#options.lease.workerId)
  }

  /** Runs something else than the engine on a job that was claimed for it: a handler function, outside the places. */
  runHere(job: ClaimedJob, begin: (journal: ClaimedJournal, signals: RunSignals) => Promise<RunEnd>): void {
    this.#run({
      claim: claimOf(job),
      takesSlot: false,
      isChild: job.isChild,
      begin: (run) => begin(run.journal, { inbox: run.inbox, yield: run.yield.signal }),
    })
  }

  /** Counts a start or a claim until the returned function is called; that tells whether it was the first call. */
  #openTaking(): () => boolean {
    let close = () => {}
    const open = new Promise<void>((resolve) => (close = resolve))
    this.#taking.add(open)
    return () => {
      close()
      return this.#taking.delete(open)
    }
  }

  #take(job: ClaimedJob, { takesSlot }: { takesSlot: boolean }): void {
    // It came too late: the stop gives it back.
    if (this.#isStopped) return
    const { isChild } = job
    this.#run({ claim: claimOf(job), takesSlot, isChild, begin: (run) => this.#recover(job, run) })
  }

  async #recover(job: ClaimedJob, run: Running): Promise<RunEnd> {
    // Before anything is loaded: to load it may be what kills the workers.
    if (job.recoveries > MAX_RECOVERIES) return this.#fail(CRASH_LOOP, { job, run, plan: null })
    if (job.commandsSent > 0) await this.#readInbox(job.id, run)
    const { executions, plans } = this.#options
    const stored = await executions.load(job.id)
    if (!stored) throw new Error(`job ${job.id} has no execution`)
    const { plan, diagnostics } = plans.validate(stored.definition)
    const isBegun = stored.startedAt !== null
    if (run.inbox.canceled.aborted && (!plan || !isBegun || job.handler === 'process'))
      return this.#endUnrun({ status: 'CANCELED', at: this.#options.clock.now() }, { job, run, plan })
    if (job.handler === 'process') return this.#fail(HANDLER_LOST, { job, run, plan })
    if (!plan) return this.#fail(unsound(diagnostics), { job, run, plan })
    const recorded = await executions.loadRecorded(job)
    const { definition, input, variables, mode, mocks, startedAt, progress, costUsd, status, runAt, retry } =
      stored
    const { ownerId } = job
    const original = retry && (await loadOriginal(this.#options, { ownerId, retry }, { plan, definition }))
    const request = {
      executionId: job.id,
      plan,
      input,
      variables,
      mode,
      startedAt: startedAt?.getTime() ?? null,
      progress,
      costUsd,
      wasPaused: status === 'PAUSED',
      runAt: runAt?.getTime() ?? null,
      recorded,
      original,
      recoveries: job.recoveries,
    }
    return this.#execute(run, request, { depth: job.depth, mocks })
  }

  #execute(run: Running, request: RunRequest, about: Pick<RunningJob, 'depth' | 'mocks'>): Promise<RunEnd> {
    const { clock, random, worldOf, memory } = this.#options
    const { jobId: id, ownerId } = run.claim
    const world = worldOf({ id, ownerId, mode: request.mode, ...about })
    const signals = {
      inbox: run.inbox,
      yield: run.yield.signal,
      takePlace: () => this.#takePlace(run),
    }
    const ports = { ...world, journal: run.journal, clock, random, memory: memory.open(ownerId) }
    return runExecution(request, ports, signals)
  }

  #fail(error: RecordedError, unrun: Unrun): Promise<RunEnd> {
    return this.#endUnrun({ status: 'FAILED', at: this.#options.clock.now(), error }, unrun)
  }

  /** Ends a job that no run will go on with, and with it the steps that it left open. Reads no outputs. */
  async #endUnrun(end: JobEnd, { job, run, plan }: Unrun): Promise<RunEnd> {
    const open = await this.#options.executions.steps(job)
    const steps = new Map(open.map((step) => [step.path, { ...step, output: undefined, checkpoints: {} }]))
    const recorded = new RecordedSteps(plan?.graph ?? NO_GRAPH, { steps, items: new Map() })
    await this.#options.worldOf({ ...job, mode: 'production', mocks: null }).children.cancelAll()
    const closing = recorded.close(end.at)
    return recordEnd(run.journal, end, { progress: job.progress, ...closing })
  }

  #run({ claim, takesSlot, isChild, begin }: Begin): void {
    const running: Running = {
      claim,
      journal: this.#openJournal(claim, isChild),
      inbox: new Inbox(),
      yield: new AbortController(),
      commandsSeen: claim.commandsSeen,
      takesSlot,
    }
    // An older run of the job, whose lease ran out unnoticed, learns here that it is none any more.
    this.#running.get(claim.jobId)?.yield.abort(new FenceLostError('the job was claimed anew'))
    this.#running.set(claim.jobId, running)
    const done = this.#finish({ running, isChild, run: begin(running) }).then(
      () => void this.#runs.delete(done),
    )
    this.#runs.add(done)
  }

  #openJournal(claim: Claim, isChild: boolean): ClaimedJournal {
    const { journal, jobs, clock, logger, onParentProgress: onShared = () => {} } = this.#options
    const opened = journal.open(claim)
    return isChild ? sharingProgress(opened, { jobId: claim.jobId, jobs, clock, logger, onShared }) : opened
  }

  async #finish({ running, isChild, run }: Finish): Promise<void> {
    const { jobId } = running.claim
    try {
      await run
    } catch (fault) {
      // The lease runs out by itself and the job is recovered, here or elsewhere: the fault may be this process's own.
      if (!(fault instanceof FenceLostError))
        this.#options.logger.error({ err: fault, jobId }, 'a run broke off')
    } finally {
      if (this.#running.get(jobId) === running) this.#running.delete(jobId)
      if (running.takesSlot) this.#freeSlot()
      if (isChild) this.#options.onChildEnded?.()
    }
  }

  /** What was taken up for a command alone takes a place before it begins, if one is free. */
  #takePlace(run: Running): boolean {
    if (!run.takesSlot && this.#free > 0) {
      this.#free--
      run.takesSlot = true
    }
    return run.takesSlot
  }

  #freeSlot(): void {
    this.#free++
    if (!this.#isStopped) this.#options.onFree?.()
  }

  async #readInbox(jobId: JobId, running: Running): Promise<void> {
    const { commands, upTo } = await this.#options.commands.after(jobId, running.commandsSeen)
    running.commandsSeen = Math.max(running.commandsSeen, upTo)
    running.inbox.deliver(commands)
    running.journal.commandsRead(running.commandsSeen)
  }
}

function claimOf({ id, ownerId, fence, lastSeq }: ClaimedJob): Claim {
  return { jobId: id, ownerId, fence, lastSeq, commandsSeen: 0 }
}

interface Begin {
  readonly claim: Claim
  readonly takesSlot: boolean
  readonly isChild: boolean
  readonly begin: (run: Running) => Promise<RunEnd>
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
  commandsSeen: number
  /** It holds one of the places. */
  takesSlot: boolean
}

/** A job that is to end without a run. */
interface Unrun {
  readonly job: ClaimedJob
  readonly run: Running
  readonly plan: Plan | null
}

const NO_GRAPH: PlanGraph = { nodes: [], output: null }

const CRASH_LOOP: RecordedError = {
  code: 'CRASH_LOOP',
  message: `The job was recovered ${MAX_RECOVERIES} times in a row, and each time its worker was lost before a step ended.`,
}

const HANDLER_LOST: RecordedError = {
  code: 'HANDLER_LOST',
  message:
    'The process that held this job’s handler function is gone; only jobs without an own handler survive it.',
}

function unsound(diagnostics: readonly Diagnostic[]): RecordedError {
  const first = diagnostics.find(({ severity }) => severity === 'error')
  const message = `This build cannot run the definition any more: ${first?.message ?? 'it is not sound'}`
  return { code: 'DEFINITION_UNSOUND', message }
}
