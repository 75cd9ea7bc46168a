import { setMaxListeners } from 'node:events'
import type { Clock } from '../lib/clock.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import type { EventDraft } from './event.ts'
import type { ExecutionMode } from './job.ts'
import {
  ParkRefusedError,
  type EndedLoopItem,
  type JobChange,
  type JournalEntry,
  type RecordedState,
  type RunJournal,
} from './journal.ts'
import type { Plan, PlanNode } from './plan.ts'
import { ProgressMeter, RUNNING_PERCENT } from './progress.ts'
import { RunStop } from './run-stop.ts'
import { Slots } from './slots.ts'

/** What the run loop needs of the world (the same loop runs in production, in simulation and in property tests). */
export interface RunPorts {
  readonly journal: RunJournal
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
}

/** One execution as a worker takes it up. */
export interface RunRequest {
  readonly executionId: string
  readonly plan: Plan
  readonly input: Json
  /** The definition's defaults with the start's own on top. */
  readonly variables: JsonObject
  readonly mode: ExecutionMode
  /** When the execution first started; null when it starts now. */
  readonly startedAt: number | null
  /** The percentage recorded so far. */
  readonly progress: number
  readonly recorded: RecordedState
  /** How often a worker was lost in a row; 0 for a first start and after a park. */
  readonly recoveries: number
}

type EntryParts = Omit<JournalEntry, 'job'>

/** A wait shorter than this is sat out: parking and waking again would take about as long. */
const PARK_OVER_MS = 1_000

/**
 * What all parts of one run share: the way to the journal, the places for attempts, progress, and the knowledge of who
 * waits for what, from which it follows when the run may park (E9).
 */
export class RunContext {
  readonly request: RunRequest
  readonly ports: RunPorts
  readonly startedAt: number
  readonly slots: Slots
  readonly progress: ProgressMeter
  readonly #stop = new AbortController()
  readonly #waits = new Set<{ readonly dueAt: number }>()
  readonly #recordedPaths: Set<string>
  #openLeaves = 0
  #pendingAppends = 0
  #currentStep: string | null = null
  #onIdle: ((wakeAt: number) => Promise<void>) | null = null
  #isIdleCheckDue = false

  constructor(request: RunRequest, ports: RunPorts) {
    setMaxListeners(0, this.#stop.signal)
    this.request = request
    this.ports = ports
    this.startedAt = request.startedAt ?? ports.clock.now()
    this.slots = new Slots(request.plan.limits.concurrency)
    this.#recordedPaths = new Set(request.recorded.steps.keys())
    this.progress = new ProgressMeter(
      request.plan.graph.nodes.length,
      Math.max(RUNNING_PERCENT, request.progress),
    )
  }

  /** Aborts with a `RunStop` when the whole run stops. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Stops everything that runs; the first reason stands. */
  stop(reason: RunStop): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(reason)
  }

  /** Why the run was stopped, if it was. */
  get stopped(): RunStop | null {
    return this.#stop.signal.aborted ? (this.#stop.signal.reason as RunStop) : null
  }

  /** Records a change. A journal that gives nothing more away stops the run, and the caller with it. */
  async append(entry: EntryParts, job: Partial<JobChange> = {}): Promise<void> {
    for (const step of entry.steps ?? []) this.#recordedPaths.add(step.path)
    this.#pendingAppends++
    try {
      await this.ports.journal.append({ ...entry, job: { ...this.#jobChange(), ...job } })
    } catch (fault) {
      this.stop(RunStop.of(fault))
      throw fault
    } finally {
      this.#pendingAppends--
      this.#checkIdle()
    }
  }

  /** The same without waiting for the commit: whoever appends next waits for this too, and a fault stops the run. */
  note(entry: EntryParts, job: Partial<JobChange> = {}): void {
    this.append(entry, job).catch(() => {
      // `append` has stopped the run with this fault; the run's end tells it.
    })
  }

  /** Gives the lease back until an instant; false when a command that nobody has read stands against it (D8). */
  async park(events: readonly EventDraft[], wakeAt: number): Promise<boolean> {
    try {
      const job = { ...this.#jobChange(), status: 'WAITING', park: { wakeAt } } as const
      await this.ports.journal.append({ events, job })
      return true
    } catch (fault) {
      if (fault instanceof ParkRefusedError) return false
      this.stop(RunStop.of(fault))
      return true
    }
  }

  /** The top-level nodes of which nothing is recorded. */
  unrecordedNodes(): readonly PlanNode[] {
    return this.request.plan.graph.nodes.filter(({ id }) => !this.#recordedPaths.has(id))
  }

  #jobChange(): JobChange {
    const { percent, endedNodes } = this.progress
    return { progress: percent, completedNodes: endedNodes, currentStep: this.#currentStep }
  }

  /** Names the step that `currentStep` shows. */
  enters(path: string): void {
    this.#currentStep = path
  }

  /** Counts a step that is neither a loop nor ended: while one of them does not wait, the run cannot park. */
  openLeaf(): () => void {
    this.#openLeaves++
    return () => {
      this.#openLeaves--
      this.#checkIdle()
    }
  }

  /** Waits for an instant in a way that lets the run park. Rejects when the signal aborts. */
  async waitUntil(dueAt: number, signal: AbortSignal): Promise<void> {
    const wait = { dueAt }
    this.#waits.add(wait)
    this.#checkIdle()
    try {
      await this.ports.clock.wait(Math.max(0, dueAt - this.ports.clock.now()), signal)
    } finally {
      this.#waits.delete(wait)
    }
  }

  /** Calls back, at most once until set again, when only waits are left and the first of them is far. */
  onIdle(callback: (wakeAt: number) => Promise<void>): void {
    this.#onIdle = callback
    this.#checkIdle()
  }

  loopItems(path: string): Promise<readonly EndedLoopItem[]> {
    return this.ports.journal.loopItems(path)
  }

  /** In a macrotask of its own: by then everything that a settled promise set off has said whether it is busy. */
  #checkIdle(): void {
    if (this.#isIdleCheckDue) return
    this.#isIdleCheckDue = true
    setImmediate(() => {
      this.#isIdleCheckDue = false
      const isIdle =
        this.#waits.size > 0 && this.#openLeaves === this.#waits.size && this.#pendingAppends === 0
      const callback = this.#onIdle
      if (!isIdle || !callback || this.#stop.signal.aborted) return
      const wakeAt = Math.min(...[...this.#waits].map(({ dueAt }) => dueAt))
      if (wakeAt - this.ports.clock.now() < PARK_OVER_MS) return
      this.#onIdle = null
      void callback(wakeAt)
    })
  }
}
