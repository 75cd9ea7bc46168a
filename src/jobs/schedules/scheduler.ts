import { OccurrenceTakenError } from '../../db/jobs/index.ts'
import type {
  ChosenDefinition,
  ClaimedSchedule,
  OccurrenceRecord,
  ScheduleStore,
  ScheduleValues,
  StartFailure,
} from '../../db/stores/index.ts'
import { yieldToEventLoop } from '../../lib/turns/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { Commands } from '../index.ts'
import { useChosen, type ChoicePorts, type StartExecution } from '../start/index.ts'
import { decideOccurrences, decideOverlap, type OccurrencesDecision } from './decide.ts'
import { specOf } from './occurrences.ts'
import { failureOf } from './start-failure.ts'

export interface SchedulerOptions extends ChoicePorts {
  readonly schedules: Pick<ScheduleStore, 'claimDue' | 'openRunsBefore' | 'settle' | 'values'>
  readonly commands: Pick<Commands, 'send'>
  readonly start: StartExecution
  readonly clock: Clock
  readonly logger: Pick<Logger, 'error'>
}

const POLL_MS = 500
const SCHEDULES_PER_TICK = 20

/**
 * Starts what schedules ask for. Any number of processes may have one: a schedule is decided about by one at a time, and
 * an occurrence starts at most once whatever they do (P6), because its record and its start are one statement.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** Decisions that load large values, with their owners. */
  readonly #large = new Map<Promise<void>, OwnerId>()

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the scheduler stops'))
    await this.#running
    await Promise.all(this.#large.keys())
  }

  /**
   * Decides about at most twenty schedules that are due, and returns their number. Decisions that load large values wait for memory, so
   * they continue after the tick; until they are done no further schedule of their owners is claimed here.
   */
  async tick(): Promise<number> {
    const { schedules, clock, logger } = this.#options
    const except = [...new Set(this.#large.values())]
    const due = await schedules.claimDue(clock.now(), SCHEDULES_PER_TICK, except)
    await Promise.all(
      due.map(async (schedule) => {
        let onLarge = () => {}
        const isLarge = new Promise<void>((resolve) => (onLarge = resolve))
        // To look back over an outage takes milliseconds for each of them.
        await yieldToEventLoop()
        const decided = this.#decide(schedule, onLarge).catch((fault: unknown) => {
          // The edge: the claim runs out, and what was not decided is decided then. No other schedule is disturbed.
          if (this.#stopped.signal.aborted) return
          logger.error({ err: fault, scheduleId: schedule.id }, 'a schedule could not be decided about')
        })
        void isLarge.then(() => {
          this.#large.set(decided, schedule.ownerId)
          void decided.then(() => this.#large.delete(decided))
        })
        await Promise.race([decided, isLarge])
      }),
    )
    return due.length
  }

  async #decide(schedule: ClaimedSchedule, onLarge: () => void): Promise<void> {
    const { schedules, clock } = this.#options
    const { overlap, decided } = schedule
    const now = clock.now()
    const { due, missed, nextAt } = reached(schedule, now)
    const steps = decideOverlap(
      overlap,
      due.filter((at) => !decided.includes(at)),
      schedule,
    )
    const records: OccurrenceRecord[] = missed.map((at) => skipped(at, 'MISSED'))
    let error: StartFailure | null | undefined
    for (const { at, action } of steps) {
      if (action === 'skip') records.push(skipped(at, 'OVERLAP'))
      else if (action === 'queue') records.push({ at, outcome: 'QUEUED', reason: null, message: null })
      else {
        error = await this.#start(schedule, at, onLarge)
        if (error) records.push({ at, outcome: 'FAILED', reason: error.code, message: error.message })
      }
    }
    const newest = due.at(-1)
    if (overlap === 'CANCEL_PREVIOUS' && newest !== undefined && !error)
      await this.#cancelBefore(schedule, newest)
    await schedules.settle(schedule, { records, nextAt, error, at: now })
  }

  /**
   * Starts an occurrence. Returns the reason why it could not start; null when it started, now or before, or is not wanted any more.
   */
  async #start(schedule: ClaimedSchedule, at: number, onLarge: () => void): Promise<StartFailure | null> {
    const { id, ownerId, workflowId, version, draft, values, valueBytes } = schedule
    const choosing = {
      workflow: { ownerId, id: workflowId },
      choice: { version, draft },
      isRefusable: false,
      otherBytes: values ? 0 : valueBytes,
      onLarge,
    }
    return useChosen(this.#options, choosing, async (chosen) => {
      // What waited for memory while the scheduler stopped is decided by another process.
      this.#stopped.signal.throwIfAborted()
      if (chosen.kind !== 'found') return failureOf(chosen)
      return this.#startChosen(schedule, {
        at,
        chosen,
        values: values ?? (await this.#options.schedules.values({ ownerId, id })),
      })
    })
  }

  async #startChosen(
    { id: scheduleId, ownerId, workflowId, version, draft, mode, tags, priority }: ClaimedSchedule,
    occurrence: {
      readonly at: number
      readonly chosen: Extract<ChosenDefinition, { kind: 'found' }>
      readonly values: ScheduleValues
    },
  ): Promise<StartFailure | null> {
    const { at, chosen, values } = occurrence
    try {
      const result = await this.#options.start({
        ownerId,
        type: 'WORKFLOW',
        definition: chosen.definition,
        workflowId,
        versionId: chosen.versionId,
        choice: { version, draft },
        ...values,
        mode,
        tags,
        priority,
        occurrence: { scheduleId, at },
        intent: 'queue',
      })
      return failureOf(result)
    } catch (fault) {
      if (fault instanceof OccurrenceTakenError) return null
      throw fault
    }
  }

  async #cancelBefore(schedule: ClaimedSchedule, at: number): Promise<void> {
    const { schedules, commands } = this.#options
    const { ownerId } = schedule
    for (const id of await schedules.openRunsBefore(schedule, at))
      await commands.send({ id, ownerId }, 'CANCEL')
  }

  async #loop(): Promise<void> {
    const { clock, logger } = this.#options
    const { signal } = this.#stopped
    while (!signal.aborted) {
      await clock.wait(POLL_MS, signal).catch(() => {}) // stopped: the loop's condition ends it
      if (signal.aborted) return
      try {
        while (!signal.aborted && (await this.tick()) === SCHEDULES_PER_TICK);
      } catch (fault) {
        logger.error({ err: fault }, 'due schedules could not be read; the next round tries again')
      }
    }
  }
}

function reached(schedule: ClaimedSchedule, now: number): OccurrencesDecision {
  const { nextAt, catchUp, catchUpLimit } = schedule
  if (nextAt === null) return { due: [], missed: [], nextAt: null }
  return decideOccurrences({ spec: specOf(schedule), nextAt, catchUp, catchUpLimit }, now)
}

const SKIP_MESSAGES = {
  MISSED: 'Nothing was running when it came due, and the catch-up policy leaves it out.',
  OVERLAP: 'An earlier occurrence was still running or waiting for its turn.',
} as const

function skipped(at: number, reason: keyof typeof SKIP_MESSAGES): OccurrenceRecord {
  return { at, outcome: 'SKIPPED', reason, message: SKIP_MESSAGES[reason] }
}
