import type {
  ExecutionStore,
  ExecutionValues,
  OriginalStore,
  StoredExecution,
} from '../../db/executions/index.ts'
import { MAX_UNUSED_SIGNALS, type BlockWaits, type ClaimedJob } from '../../db/jobs/index.ts'
import type { ClaimedJournal, Journal } from '../../db/journal/index.ts'
import { NO_GRAPH, type Diagnostic, type Plan } from '../../engine/definition/index.ts'
import type { Original } from '../../engine/fork/index.ts'
import { closeMemory, type ProcessMemory, type RunMemory } from '../../engine/memory/index.ts'
import {
  event,
  FIRST_PERCENT,
  ParkRefusedError,
  type EventDraft,
  type Inbox,
  type JobEnd,
  type RecordedError,
} from '../../engine/record/index.ts'
import {
  RecordedSteps,
  recordEnd,
  type ChildExecutions,
  type RunEnd,
  type RunRequest,
} from '../../engine/run/index.ts'
import type { PlanCache } from '../../engine/validate/index.ts'
import { shorten } from '../../lib/text/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { missingTypes } from './missing-types.ts'
import { loadOriginal } from './original.ts'
import type { RunningJob } from './running-job.ts'
import type { StoredPlans } from './stored-plans.ts'
import { TakeUps } from './take-ups.ts'

export interface RecoveryOptions {
  readonly executions: ExecutionStore
  readonly originals: OriginalStore
  readonly plans: PlanCache
  readonly storedPlans: StoredPlans
  /** Reads through outages of the database: an outage is no loss of a worker. */
  readonly journal: Pick<Journal, 'reading'>
  readonly clock: Clock
  readonly memory: ProcessMemory
  readonly blockWaits: Pick<BlockWaits, 'waitForBlocks' | 'endBlockWait'>
  /** How long a job waits for a worker that has its blocks, in milliseconds. */
  readonly blockWaitMs: number
  readonly logger: Pick<Logger, 'warn'>
  readonly childrenOf: (job: RunningJob) => ChildExecutions
}

/** A job that this process has claimed, as its recovery uses it. */
export interface TakenRun {
  readonly journal: ClaimedJournal
  readonly inbox: Inbox
  readonly yield: AbortController
  /** Whether it runs alone: no other execution is waited for or makes it wait. */
  readonly isSuspect: boolean
  /** Reads the commands that came since the last read. */
  readonly readInbox: () => Promise<void>
  /** Takes a place, unless the run holds one; false where none is free for it. */
  readonly takePlace: () => boolean
  /** Lets another worker, or this one later, continue the job. No loss is counted. */
  readonly giveBack: () => void
  readonly execute: (request: RunRequest, about: RunAbout) => Promise<RunEnd>
}

export type RunAbout = Pick<RunningJob, 'depth' | 'rootId' | 'mocks'> & { readonly memory: RunMemory }

/** D5: this many losses in a row without a newly committed step or a park, and the job is what kills its workers. */
const MAX_RECOVERIES = 5

/**
 * What one command may take in memory while an inbox is read: the name and the path of a signal. Counted as JSON text, of which a
 * byte takes up to 28 bytes of heap.
 */
const COMMAND_TEXT_BYTES = 160

/**
 * Takes up executions from what is recorded of them. A cancel and a pause are obeyed from the job's row and its open steps alone.
 * Everything else needs the execution's values: they are loaded in turns by owner, within a bound for all loads together, and only while
 * the owner has memory left. A job whose owner has none is given back.
 */
export class Recovery {
  readonly #options: RecoveryOptions
  readonly #loads: TakeUps
  /** The lists of block types that are logged as missing. */
  readonly #missed = new Set<string>()

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#loads = new TakeUps(options.memory.loadingBytes)
  }

  async recover(job: ClaimedJob, run: TakenRun): Promise<RunEnd> {
    // Before anything is loaded: to load it may be what kills the workers.
    if (isLostTooOften(job)) return this.#fail(CRASH_LOOP, { job, run, plan: null })
    const memory = this.#options.memory.open(job.ownerId)
    try {
      const inboxBytes = await this.#readInbox(job, run, memory)
      return await this.#takeUp(job, run, { memory, inboxBytes })
    } finally {
      closeMemory(memory)
    }
  }

  /** Returns the bytes that are counted for the inbox. */
  async #readInbox(job: ClaimedJob, run: TakenRun, { held }: RunMemory): Promise<number> {
    if (job.commandsSent === 0) return 0
    // Of commands that an earlier holder has read, only unused signals and the newest pause or resume are left.
    const unread = job.commandsSent - job.commandsApplied
    const bytes = Math.min(job.commandsSent, unread + MAX_UNUSED_SIGNALS + 1) * COMMAND_TEXT_BYTES
    const done = await this.#loads.enter(job.ownerId, bytes, run.yield.signal)
    try {
      await this.#reading(run, () => run.readInbox())
      held.count(run.inbox.heapBytes)
      return run.inbox.heapBytes
    } finally {
      done()
    }
  }

  async #takeUp(job: ClaimedJob, run: TakenRun, memory: TakenMemory): Promise<RunEnd> {
    const { executions, storedPlans } = this.#options
    const { ownerId } = job
    const stored = await this.#reading(run, () => executions.load(job.id))
    if (!stored) throw new Error(`job ${job.id} has no execution`)
    const { plan, diagnostics } = await this.#reading(run, () =>
      storedPlans.validate(stored.definition, { ownerId, isRefusable: false }),
    )
    const unrun = { job, run, plan, stepBytes: stored.stepBytes }
    const types = await this.#missingTypes(stored, run, diagnostics)
    if (stored.hasBlockWait && (types.length === 0 || run.inbox.canceled.aborted))
      await this.#reading(run, () => this.#options.blockWaits.endBlockWait(job.id))
    for (;;) {
      if (run.inbox.canceled.aborted) return this.#cancel(stored, unrun)
      if (job.handler === 'process') return this.#fail(HANDLER_LOST, unrun)
      if (types.length > 0) {
        const end = await this.#leaveToOthers(stored, { ...unrun, types })
        if (end) return end
        continue
      }
      if (!plan) return this.#fail(unsound(diagnostics), unrun)
      const park = this.#parkOf(stored, run, plan)
      if (park) {
        if (await this.#park(park, job, run)) return { kind: 'parked', wakeAt: park.wakeAt }
        continue
      }
      const done = await this.#loads.enter(ownerId, stored.loadedBytes, run.yield.signal)
      try {
        // What came while it waited for its turn is obeyed without its values.
        if (run.inbox.canceled.aborted || this.#parkOf(stored, run, plan)) continue
        const hasRoom = run.isSuspect || this.#options.memory.hasRoomFor(ownerId, memory.inboxBytes)
        if (!hasRoom) {
          run.giveBack()
          return { kind: 'yielded' }
        }
        const end = await this.#start(job, run, { stored, plan, ...memory }, done)
        return await end.ends
      } finally {
        done()
      }
    }
  }

  async #missingTypes(
    { definition }: StoredExecution,
    run: TakenRun,
    diagnostics: readonly Diagnostic[],
  ): Promise<readonly string[]> {
    if (!diagnostics.some(({ code }) => code === 'BLOCK_UNKNOWN')) return []
    const body = await this.#reading(run, () => this.#options.storedPlans.bodyOf(definition))
    return missingTypes(body, diagnostics)
  }

  /**
   * Parks a job whose block types this worker lacks until a worker that has them wakes it. Fails it if there was none for as long as it
   * may wait. Null where commands stand against it, which have been read.
   */
  async #leaveToOthers(
    stored: StoredExecution,
    { types, ...unrun }: Unrun & { readonly types: readonly string[] },
  ): Promise<RunEnd | null> {
    const { blockWaits, blockWaitMs, clock, logger } = this.#options
    const { job, run } = unrun
    const now = clock.now()
    const since = await this.#reading(run, () => blockWaits.waitForBlocks(job.id, types, now))
    const { isPaused } = run.inbox
    if (!isPaused && since + blockWaitMs <= now) {
      await this.#reading(run, () => blockWaits.endBlockWait(job.id))
      return this.#fail(typesMissing(types, blockWaitMs), unrun)
    }
    const list = types.join(', ')
    if (!this.#missed.has(list)) {
      this.#missed.add(list)
      logger.warn({ types, jobId: job.id }, 'this worker lacks block types: it leaves such jobs to others')
    }
    // A paused job does not end for want of a block. It comes up from time to time, so that a worker with its blocks sees its time limit.
    const wakeAt = isPaused ? now + Math.max(blockWaitMs, PAUSED_LOOK_MS) : since + blockWaitMs
    const isNew = isPaused && stored.status !== 'PAUSED'
    const park: Park = isNew
      ? { status: 'PAUSED', events: [event('JOB_PAUSED', now, {})], wakeAt }
      : { events: [], wakeAt }
    return (await this.#park(park, job, run)) ? { kind: 'parked', wakeAt } : null
  }

  /** Loads the values and begins to run. The turn is over once the run has counted them. */
  async #start(
    job: ClaimedJob,
    run: TakenRun,
    { stored, plan, memory, inboxBytes }: TakenMemory & { stored: StoredExecution; plan: Plan },
    done: () => void,
  ): Promise<{ readonly ends: Promise<RunEnd> }> {
    const { executions } = this.#options
    const recorded = await this.#reading(run, () => executions.loadRecorded(job))
    const values = stored.values ?? (await this.#reading(run, () => executions.values(job)))
    const original = await this.#reading(run, () => this.#originalOf(job, stored, { plan, values }))
    const { input, variables, mocks } = values
    const { mode, startedAt, progress, costUsd, status, runAt } = stored
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
    const ends = run.execute(request, { depth: job.depth, rootId: job.rootId ?? job.id, mocks, memory })
    // From here on the run counts its inbox and its values.
    memory.held.release(inboxBytes)
    done()
    return { ends }
  }

  async #originalOf(
    { ownerId }: ClaimedJob,
    { retry, definition }: StoredExecution,
    { plan, values }: { readonly plan: Plan; readonly values: ExecutionValues },
  ): Promise<Original | null> {
    if (!retry) return null
    const body = await this.#options.storedPlans.bodyOf(definition)
    return loadOriginal(
      this.#options,
      { ownerId, retry: { ...retry, patched: values.patched } },
      { plan, definition: { hash: definition.hash, body } },
    )
  }

  #reading<T>(run: TakenRun, read: () => Promise<T>): Promise<T> {
    return this.#options.journal.reading(read, run.yield.signal)
  }

  /** How a job that must not run now goes back; null when it may run. */
  #parkOf({ startedAt, status }: StoredExecution, run: TakenRun, { limits }: Plan): Park | null {
    const now = this.#options.clock.now()
    if (!run.inbox.isPaused) return run.takePlace() ? null : { events: [], wakeAt: now }
    const begunAt = startedAt?.getTime() ?? null
    const wakeAt = begunAt === null || limits.timeoutMs === null ? null : begunAt + limits.timeoutMs
    // Its time is over: it runs, to end as it has to.
    if (wakeAt !== null && wakeAt <= now) return run.takePlace() ? null : { events: [], wakeAt: now }
    // A job that is paused on record is only put back.
    const events = status === 'PAUSED' ? [] : [event('JOB_PAUSED', now, {})]
    return { status: 'PAUSED', events, wakeAt }
  }

  /** False where a command stands against it, which has been read. */
  async #park({ status, events, wakeAt }: Park, job: ClaimedJob, run: TakenRun): Promise<boolean> {
    const progress = Math.max(FIRST_PERCENT, job.progress)
    try {
      await run.journal.append({
        events,
        job: { ...(status && { status }), progress, park: { wakeAt, isUnrun: true } },
      })
      return true
    } catch (fault) {
      if (!(fault instanceof ParkRefusedError)) throw fault
      await this.#reading(run, () => run.readInbox())
      return false
    }
  }

  /** Writes what a run would write that finds the cancel in its inbox. */
  #cancel({ startedAt, status }: StoredExecution, unrun: Unrun): Promise<RunEnd> {
    const at = this.#options.clock.now()
    const { recoveries } = unrun.job
    const events = [
      ...(status === 'PAUSED' ? [event('JOB_RESUMED', at, {})] : []),
      ...(recoveries > 0 ? [event('JOB_RECOVERED', at, { recoveries })] : []),
      event('JOB_CANCELING', at, {}),
    ]
    return this.#endUnrun({ status: 'CANCELED', at }, unrun, startedAt === null ? [] : events)
  }

  #fail(error: RecordedError, unrun: Unrun): Promise<RunEnd> {
    return this.#endUnrun({ status: 'FAILED', at: this.#options.clock.now(), error }, unrun)
  }

  /** Ends a job that no run continues, and with it the steps that it left open. Reads no values. */
  async #endUnrun(
    end: JobEnd,
    { job, run, plan, stepBytes = 0 }: Unrun,
    events: readonly EventDraft[] = [],
  ): Promise<RunEnd> {
    const done = await this.#loads.enter(job.ownerId, stepBytes, run.yield.signal)
    const open = await this.#reading(run, () => this.#options.executions.steps(job)).finally(done)
    const steps = new Map(
      open.map((step) => [step.path, { ...step, output: undefined, hasCheckpoints: false }]),
    )
    const recorded = new RecordedSteps(plan?.graph ?? NO_GRAPH, { steps, items: new Map() })
    const yielded = run.yield.signal
    const about = { ...job, rootId: job.rootId ?? job.id, mode: 'production', mocks: null, yielded } as const
    await this.#options.childrenOf(about).cancelAll()
    const closing = recorded.close(end.at)
    return recordEnd(run.journal, end, {
      progress: job.progress,
      events: [...events, ...closing.events],
      steps: closing.steps,
    })
  }
}

/** How long a paused job whose blocks are missing is left alone at least. */
const PAUSED_LOOK_MS = 60_000

/** Whether the job has lost its workers so often in a row that it ends as `CRASH_LOOP`. */
export function isLostTooOften({ recoveries }: Pick<ClaimedJob, 'recoveries'>): boolean {
  return recoveries > MAX_RECOVERIES
}

interface TakenMemory {
  readonly memory: RunMemory
  /** What is counted for the inbox until the run counts it. */
  readonly inboxBytes: number
}

interface Park {
  readonly status?: 'PAUSED'
  readonly events: readonly EventDraft[]
  readonly wakeAt: number | null
}

/** A job that is to end without a run. */
interface Unrun {
  readonly job: ClaimedJob
  readonly run: TakenRun
  readonly plan: Plan | null
  /** The length of its steps on record as JSON text, where it is known. */
  readonly stepBytes?: number
}

const CRASH_LOOP: RecordedError = {
  code: 'CRASH_LOOP',
  message: `The job was recovered ${MAX_RECOVERIES} times in a row, and each time its worker was lost before a step ended.`,
}

const HANDLER_LOST: RecordedError = {
  code: 'HANDLER_LOST',
  message:
    'The process that held this job’s handler function is gone; only jobs without an own handler survive it.',
}

function typesMissing(types: readonly string[], waitMs: number): RecordedError {
  const names = types.map((type) => `"${type}"`).join(', ')
  return {
    code: 'BLOCK_TYPE_MISSING',
    message: shorten(
      `No worker with the block type ${names} was there for ${Math.round(waitMs / 1_000)} s (LUME_BLOCK_WAIT_MS): start a worker that has it ` +
        '(LUME_BLOCKS, or registerBlock), then retry the execution.',
      1_000,
    ),
  }
}

function unsound(diagnostics: readonly Diagnostic[]): RecordedError {
  const first = diagnostics.find(({ severity }) => severity === 'error')
  const message = `This build cannot run the definition any more: ${first?.message ?? 'it is not sound'}`
  return { code: 'DEFINITION_UNSOUND', message }
}
