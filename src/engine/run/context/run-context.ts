import { setMaxListeners } from 'node:events'
import { Slots } from '../../../lib/async/index.ts'
import { TimeSlice, type Awaitable } from '../../../lib/turns/index.ts'
import { captureContext } from '../../../lib/index.ts'
import type { Clock } from '../../../lib/time/index.ts'
import { Reuse } from '../../fork/index.ts'
import { directSchemaChecker, type SchemaChecker } from '../../json-schema/index.ts'
import {
  HeldOutputs,
  ProcessMemory,
  type ExecutionMemory,
  type InTurn,
  type OwnerAnswers,
} from '../../memory/index.ts'
import {
  Commit,
  EntryRefusedError,
  FIRST_PERCENT,
  ParkRefusedError,
  ProgressMeter,
  UnhandledErrorSink,
  type EndedLoopItem,
  type EventDraft,
  type Inbox,
  type JobChange,
  type JournalEntry,
  type LoopItemPart,
  type Mask,
  type OnDecided,
} from '../../record/index.ts'
import type { Activity } from './activity.ts'
import { recordedEnd } from './recorded-end.ts'
import { RecordedSteps } from './recorded-steps.ts'
import type { RunPorts } from './run-ports.ts'
import type { RunRequest } from './run-request.ts'
import { RunSecrets } from './run-secrets.ts'
import { RunStop } from './run-stop.ts'

/** How a job lies while nobody holds it; `wakeAt` null: until something comes. */
interface Parked {
  /** Not given: as on record. */
  readonly status?: 'QUEUED' | 'WAITING' | 'PAUSED'
  readonly wakeAt: number | null
}

type EntryParts = Omit<JournalEntry, 'job'>

/** Whether noted values are on record; their commit while that is under way. */
interface NotedValues {
  readonly isStored: true | Commit
}

/** What runs has not ended, whatever it says of itself. */
const ALMOST_ENDED = 0.99
/** While a run owes the commit of more than this many characters, about, its steps and items wait for the commits of their ends. */
export const OWED_MAX_LENGTH = 256 * 1024
/** The characters that are counted for an entry beside its values. */
const ENTRY_LENGTH = 300

const PROGRESS_STEP_PERCENT = 1
const PROGRESS_EVERY_MS = 1_000

/** A run without its own budget, such as a simulation, is bounded as in a process with this much heap. */
const ALONE_HEAP_BYTES = 1024 * 1024 * 1024

/** A wait shorter than this is sat out: parking and waking again would take about as long. */
const PARK_OVER_MS = 1_000

/**
 * What all parts of one run share: the way to the journal, the places for attempts, progress, and the knowledge of who
 * waits for what, from which it follows when the run may park (E9).
 */
export class RunContext implements Activity {
  readonly request: RunRequest
  readonly ports: RunPorts
  readonly startedAt: number
  readonly slots: Slots
  readonly progress: ProgressMeter
  readonly steps: RecordedSteps
  readonly secrets: RunSecrets
  readonly unhandledErrors: UnhandledErrorSink
  /** Masks the values of secrets in texts for people. */
  readonly mask: Mask
  /** Checks values against JSON Schemas of users. */
  readonly schemas: SchemaChecker
  /** The outputs that later steps may read. */
  readonly outputs: HeldOutputs
  /** What the execution that this one retries stands for; null when this one retries nothing. */
  readonly reuse: Reuse | null
  /** For values that blocks are making. */
  readonly workingMemory: ExecutionMemory
  /** For answers that blocks receive. */
  readonly answers: OwnerAnswers
  /** For the resolved configs of attempts. */
  readonly configMemory: ExecutionMemory
  /** For the resolved configs of loops. */
  readonly loopMemory: ExecutionMemory
  /** Does one piece of large work at a time. */
  readonly inTurn: InTurn
  readonly #inbox: Inbox
  readonly #inContext = captureContext()
  readonly #timeSlice: TimeSlice
  readonly #stop = new AbortController()
  readonly #waits = new Set<{ readonly dueAt: number }>()
  /** When the time of each step that is open is over, where that is bounded. */
  readonly #deadlines = new Set<{ readonly dueAt: number }>()
  #waitsForOthers = 0
  /** Pieces of work that would start something and may not, because the run is paused. */
  #held = 0
  #costUsd: number
  #work = 0
  #pendingCalls = 0
  /** The number of the newest note. */
  #newestNote = 0
  /** The notes that are not committed yet, by number. They are committed in the order of their numbers. */
  readonly #owed = new Map<number, Commit>()
  /** About the number of characters of these notes. */
  #owedLength = 0
  /** The first failure of a record. */
  #fault: unknown = null
  #currentStep: string | null = null
  #shownPercent = 0
  #shownAt = 0
  #onIdle: ((wakeAt: number | null) => void) | null = null
  #isIdleCheckDue = false
  /** The number of attempts that have begun and whose outcome is not recorded. */
  #attempts = 0
  /** The run yields once no attempt is in flight. */
  #isDraining = false
  /** Settles once the park that is being committed stands or is refused. */
  #parking: Promise<boolean> | null = null

  constructor(request: RunRequest, ports: RunPorts, inbox: Inbox) {
    setMaxListeners(0, this.#stop.signal)
    this.#inbox = inbox
    this.#costUsd = request.costUsd
    this.secrets = new RunSecrets(ports.secrets)
    const { graph, limits } = request.plan
    this.request = request
    this.ports = ports
    const memory = ports.memory ?? new ProcessMemory(ALONE_HEAP_BYTES).open('')
    const { held, configs, working, answers, inTurn } = memory
    this.workingMemory = working
    this.answers = answers
    this.configMemory = configs
    this.loopMemory = held
    this.inTurn = inTurn
    this.outputs = new HeldOutputs(held, (paths) => this.#committedOutputs(paths), ports.clock)
    const { original, recorded } = request
    this.reuse = original && new Reuse({ original, recorded, memory: working, clock: ports.clock })
    this.mask = maskOf(this.secrets)
    this.unhandledErrors = new UnhandledErrorSink({
      executionId: request.executionId,
      mask: this.mask,
      onUnhandledError: ports.onUnhandledError ?? ignoreError,
      timeline: {
        now: () => ports.clock.now(),
        append: (line, onDecided) => this.#announce({ events: [line] }, {}, onDecided),
      },
    })
    this.startedAt = request.startedAt ?? ports.clock.now()
    this.schemas = ports.schemas ?? directSchemaChecker()
    this.slots = new Slots(limits.concurrency)
    this.#timeSlice = ports.timeSlice ?? new TimeSlice()
    this.steps = new RecordedSteps(graph, request.recorded)
    this.progress = new ProgressMeter(graph.nodes.length, Math.max(FIRST_PERCENT, request.progress))
    for (const { id, index } of graph.nodes) {
      if (recordedEnd(request.recorded.steps.get(id))?.kind === 'completed') this.progress.report(index, 1)
    }
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

  /**
   * Records something and resolves once it is committed. A failure of the journal stops the run, and the caller with it. So does a run
   * that records nothing more because it yields or is parked.
   */
  commit(entry: EntryParts, job: Partial<JobChange> = {}): Promise<void> {
    return this.#parking ? this.#parking.then(() => this.#append(entry, job)) : this.#append(entry, job)
  }

  async #append(entry: EntryParts, job: Partial<JobChange>): Promise<void> {
    const whole = this.#begin(entry, job)
    try {
      await this.ports.journal.append(whole)
    } catch (refusal) {
      this.#hasFailed(entry, refusal)
      throw refusal
    } finally {
      this.#hasAnswered()
    }
  }

  /**
   * Records something that the rest of the run follows from, and lets the run continue at once. The run owes the commit: a `barrier`
   * waits for it. A failure stops the run.
   */
  note(entry: EntryParts, job: Partial<JobChange> = {}): Commit {
    const number = ++this.#newestNote
    const length = lengthOf(entry)
    const commit = new Commit()
    this.#owed.set(number, commit)
    this.#owedLength += length
    this.#announce(entry, job, (refusal) => {
      this.#owed.delete(number)
      this.#owedLength -= length
      commit.decide(refusal === null)
    })
    return commit
  }

  /**
   * The same for values of any length: returns a promise, for the time after the commit, where the run owes more than
   * `OWED_MAX_LENGTH` characters. A chain of steps would be faster than the database, and hold all of them. `isStored`: whether they
   * are on record.
   */
  noteValues(entry: EntryParts, job: Partial<JobChange> = {}): Awaitable<NotedValues> {
    const isStored = this.note(entry, job)
    const pending = this.#owedLength <= OWED_MAX_LENGTH ? null : this.barrier()
    return pending ? pending.then(() => ({ isStored: true })) : { isStored }
  }

  /** Records something that nothing follows from, such as a start or a log line: no barrier waits for it. A failure stops the run. */
  announce(entry: EntryParts, job: Partial<JobChange> = {}): void {
    this.#announce(entry, job, IGNORE_DECISION)
  }

  /** `onDecided` is never called before this returns, and never throws. */
  #announce(entry: EntryParts, job: Partial<JobChange>, onDecided: OnDecided): void {
    if (this.#parking) return void this.#parking.then(() => this.#announceNow(entry, job, onDecided))
    this.#announceNow(entry, job, onDecided)
  }

  #announceNow(entry: EntryParts, job: Partial<JobChange>, onDecided: OnDecided): void {
    const { stopped } = this
    if (stopped && !stopped.isRecorded) return queueMicrotask(() => onDecided(stopped))
    this.ports.journal.note(this.#begin(entry, job), (refusal) => {
      this.#hasAnswered()
      if (refusal !== null) this.#hasFailed(entry, refusal)
      onDecided(refusal)
    })
  }

  /** The number of the newest note: something that follows from all that is recorded so far waits for it at a barrier. */
  get newestNote(): number {
    return this.#newestNote
  }

  /**
   * To be awaited before anything acts on the outside (E12). Resolves once the notes up to a number are committed; null where they
   * are. Notes with higher numbers, which other parts of the run have recorded since, are not waited for. Throws a `RunStop` once a
   * record has failed, and rejects with it where the run records nothing more.
   */
  barrier(upTo = this.#newestNote): null | Promise<void> {
    const pending = this.#pendingCommit(upTo)
    if (!pending) {
      this.#requireRecords()
      return null
    }
    return new Promise((resolve, reject) => {
      pending.onDecided((isCommitted) => {
        try {
          this.#requireRecords()
          if (!isCommitted) throw this.stopped ?? new Error('a note was not committed')
          // One flush resumes all that waited for it.
          const turn = this.yieldIfOver()
          if (turn) turn.then(resolve, reject)
          else resolve()
        } catch (stop) {
          reject(stop)
        }
      })
    })
  }

  #requireRecords(): void {
    if (this.#fault !== null) throw RunStop.of(this.#fault)
  }

  /**
   * Null if the calling part of the run may hold the current turn of the event loop for longer. Otherwise resolves in its turn: the
   * steps of a run wait for little else, so they would hold the thread for as long as they have work. The part counts as at work
   * meanwhile.
   */
  yieldIfOver(activity: Pick<Activity, 'openWork'> = this): null | Promise<void> {
    const turn = this.#timeSlice.yieldIfOver()
    return turn && turn.then(activity.openWork())
  }

  /** To be awaited before a block that acts on the outside is called (E7). Null: the job is held. Rejects with the signal's reason. */
  untilHeld(signal: AbortSignal): null | Promise<void> {
    return this.ports.untilHeld?.(signal) ?? null
  }

  /** The first failure of a record; null: there is none. */
  get fault(): unknown {
    return this.#fault
  }

  /** Resolves once no note is pending, with the first failure of a record; null: there is none. */
  async settled(): Promise<unknown> {
    const pending = this.#pendingCommit(this.#newestNote)
    if (pending) await new Promise<boolean>((resolve) => pending.onDecided(resolve))
    return this.#fault
  }

  /** Has the commit of a note made soon, and returns it; null for a note that is owed no more. */
  #pendingCommit(note: number): Commit | null {
    const commit = this.#owed.get(note)
    if (!commit) return null
    this.ports.journal.hasten()
    return commit
  }

  /** Returns what is to be recorded: what holds now, not what holds once it is committed. Throws where the run records nothing more. */
  #begin(entry: EntryParts, job: Partial<JobChange>): JournalEntry {
    const { stopped } = this
    if (stopped && !stopped.isRecorded) throw stopped
    if (entry.steps) for (const step of entry.steps) this.steps.put(step)
    const whole = this.secrets.scrub({ ...entry, job: this.#jobChange(job) })
    this.#pendingCalls++
    return whole
  }

  #hasFailed({ steps = [] }: EntryParts, refusal: unknown): void {
    this.#fault ??= refusal
    if (refusal instanceof EntryRefusedError) for (const step of steps) this.steps.refuse(step)
    // The journal answers on behalf of any owner.
    this.#inContext(() => this.stop(RunStop.of(refusal)))
  }

  /** The bytes of JSON text that `loopItems` reads. */
  async loopItemsBytes(path: string, wanted: LoopItemPart): Promise<number> {
    await this.barrier()
    return this.ports.journal.loopItemsBytes(path, wanted)
  }

  /** A loop's ended items, with what is wanted of them. */
  async loopItems(path: string, wanted: LoopItemPart): Promise<readonly EndedLoopItem[]> {
    await this.barrier()
    return this.ports.journal.loopItems(path, wanted)
  }

  async #committedOutputs(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    await this.barrier()
    return this.ports.journal.outputs(paths)
  }

  /**
   * Gives the lease back until an instant (null: until something comes) and stops the run; false when a command that
   * nobody has read stands against it (D8). Until that is known nothing else is recorded and no wait ends: behind a park
   * nobody would wake the job.
   */
  async park(events: readonly EventDraft[], parked: Parked): Promise<boolean> {
    this.#parking = this.#commitPark(events, parked)
    try {
      return await this.#parking
    } finally {
      this.#parking = null
    }
  }

  /** Resolves once the park that is being committed stands or is refused; null: none is being committed. */
  get pendingPark(): Promise<boolean> | null {
    return this.#parking
  }

  async #commitPark(events: readonly EventDraft[], { wakeAt, ...shown }: Parked): Promise<boolean> {
    try {
      const job = this.#jobChange({ ...shown, park: { wakeAt } })
      await this.ports.journal.append({ events, job })
      this.stop(new RunStop({ kind: 'park', wakeAt }))
    } catch (fault) {
      if (fault instanceof ParkRefusedError) return false
      this.stop(RunStop.of(fault))
    }
    return true
  }

  /** How far a running top-level node says that it is. The job's row shows it from time to time; no event tells it. */
  reportProgress(node: number, fraction: number): void {
    this.progress.report(node, Math.min(fraction, ALMOST_ENDED))
    const isNews = this.progress.percent - this.#shownPercent >= PROGRESS_STEP_PERCENT
    if (isNews && this.ports.clock.now() - this.#shownAt >= PROGRESS_EVERY_MS) this.announce({ events: [] })
  }

  #jobChange(change: Partial<JobChange>): JobChange {
    const { percent, endedNodes } = this.progress
    this.#shownPercent = percent
    this.#shownAt = this.ports.clock.now()
    return {
      progress: percent,
      completedNodes: endedNodes,
      currentStep: this.#currentStep,
      costUsd: this.#costUsd,
      ...change,
    }
  }

  /** Counts what a call cost; a run that has cost more than it may is stopped. */
  spend(costUsd: number): void {
    this.#costUsd += costUsd
    const { maxCostUsd } = this.request.plan.limits
    if (maxCostUsd === null || this.#costUsd <= maxCostUsd) return
    const message = `The calls have cost ${this.#costUsd} US dollars; the definition allows ${maxCostUsd}.`
    this.stop(new RunStop({ kind: 'fail', error: { code: 'COST_LIMIT_EXCEEDED', message } }))
  }

  /** Names the step that `currentStep` shows. */
  enters(path: string): void {
    this.#currentStep = path
  }

  /** While one piece of work does not wait, the run cannot park. */
  openWork(): () => void {
    this.#work++
    return () => {
      this.#work--
      this.#checkIdle()
    }
  }

  /**
   * An attempt begins. The returned function is to be called once its outcome is recorded, or will not be; further calls of it change
   * nothing.
   */
  openAttempt(): () => void {
    this.#attempts++
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.#attempts--
      this.#checkDrained()
    }
  }

  /** No further attempt begins, and the run yields once none is in flight, until the returned function is called. */
  drain(): () => void {
    this.#isDraining = true
    this.#checkDrained()
    return () => (this.#isDraining = false)
  }

  /** In another macrotask: by then a run whose last attempt has ended may have reached its end. */
  #checkDrained(): void {
    const isDrained = () => this.#isDraining && this.#attempts === 0
    if (isDrained()) setImmediate(() => isDrained() && this.stop(new RunStop({ kind: 'yield' })))
  }

  /** Whatever else is waited for: no park lasts beyond that instant until the returned function is called. */
  parksUntil(dueAt: number): () => void {
    const deadline = { dueAt }
    this.#deadlines.add(deadline)
    return () => void this.#deadlines.delete(deadline)
  }

  async waitUntil(dueAt: number, signal: AbortSignal, isOver: () => boolean = () => false): Promise<void> {
    const wait = { dueAt }
    this.#waits.add(wait)
    this.#checkIdle()
    try {
      await this.#sleep(dueAt, signal, isOver)
      await this.#parking
      await this.#pauseToEnd(signal)
    } finally {
      this.#waits.delete(wait)
    }
  }

  /** Whether anything new may start: the run is neither paused nor about to yield. */
  get mayStart(): boolean {
    return !this.#inbox.isPaused && !this.#isDraining
  }

  /** Nothing starts before a paused run is resumed, or in a run that is about to yield. Null: it may. Rejects with the signal's reason. */
  untilMayStart(signal: AbortSignal): null | Promise<void> {
    if (this.#isDraining) return untilAborted(signal)
    if (this.#inbox.isPaused) return this.#holdUntilResumed(signal)
    signal.throwIfAborted()
    return null
  }

  async #holdUntilResumed(signal: AbortSignal): Promise<void> {
    this.#held++
    this.#checkIdle()
    try {
      await this.#pauseToEnd(signal)
    } finally {
      this.#held--
    }
  }

  async #pauseToEnd(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (this.#inbox.isPaused) {
      this.#checkIdle()
      await this.nextDelivery(signal)
      await this.#parking
      signal.throwIfAborted()
    }
  }

  get isPaused(): boolean {
    return this.#inbox.isPaused
  }

  get inbox(): Pick<Inbox, 'takeSignal' | 'giveBack' | 'hasEnded'> {
    return this.#inbox
  }

  /** Until the instant, or until a delivery to the inbox after which the wait is over. */
  async #sleep(dueAt: number, signal: AbortSignal, isOver: () => boolean): Promise<void> {
    const over = new AbortController()
    const stopListening = this.#inbox.onDelivery(() => isOver() && over.abort(OVER))
    const unfollow = follow(signal, over)
    try {
      if (!isOver()) await sleepUntil(dueAt, this.ports.clock, over.signal)
    } catch (reason) {
      if (reason !== OVER) throw reason
    } finally {
      stopListening()
      unfollow()
    }
  }

  /** Resolves at the next delivery to the inbox; rejects when the signal aborts, or has aborted. */
  nextDelivery(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const done = () => {
        stopListening()
        signal.removeEventListener('abort', aborted)
      }
      const stopListening = this.#inbox.onDelivery(() => {
        done()
        resolve()
      })
      const aborted = () => {
        done()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', aborted, { once: true })
    })
  }

  async waitFor(others: Promise<void>): Promise<void> {
    this.#waitsForOthers++
    try {
      await others
    } finally {
      this.#waitsForOthers--
    }
  }

  /**
   * Calls back, at most once until set again, when only waits are left and the first of them is far, with when that is
   * (null: nobody knows); or when the run is paused and nothing runs any more, with null.
   */
  onIdle(callback: (wakeAt: number | null) => void): void {
    this.#onIdle = callback
    this.#checkIdle()
  }

  /** While a call of the journal is under way, the run cannot park. */
  #hasAnswered(): void {
    this.#pendingCalls--
    this.#checkIdle()
  }

  /** In a macrotask of its own: by then everything that a settled promise set off has said whether it is busy. */
  #checkIdle(): void {
    if (this.#isIdleCheckDue || this.#waits.size + this.#held === 0) return
    this.#isIdleCheckDue = true
    setImmediate(() => {
      this.#isIdleCheckDue = false
      const idle = this.#waits.size + this.#held
      const isAtWork = this.#work > idle + this.#waitsForOthers
      const callback = this.#onIdle
      if (isAtWork || idle === 0 || !callback || this.#stop.signal.aborted) return
      const wakeAt = this.isPaused ? null : this.#firstDueAt()
      if (wakeAt !== null && wakeAt - this.ports.clock.now() < PARK_OVER_MS) return
      // Their commits check again.
      if (this.#pendingCalls > 0) return this.ports.journal.hasten()
      this.#onIdle = null
      callback(wakeAt)
    })
  }

  #firstDueAt(): number | null {
    let first = Number.POSITIVE_INFINITY
    for (const { dueAt } of this.#waits) first = Math.min(first, dueAt)
    for (const { dueAt } of this.#deadlines) first = Math.min(first, dueAt)
    return Number.isFinite(first) ? first : null
  }
}

const IGNORE_DECISION: OnDecided = () => {}

function lengthOf({ values = [], items = [] }: EntryParts): number {
  let length = ENTRY_LENGTH
  for (const { config, output } of values) length += config.length + (output?.length ?? 0)
  for (const { output } of items) length += output?.length ?? 0
  return length
}

/** Apart from the constructor: what its closures refer to together would keep the run alive for as long as the mask. */
function maskOf({ scrubber }: RunSecrets): Mask {
  return (value) => scrubber.excerpts(value)
}

function ignoreError(): void {
  // Nothing but the timeline shows it.
}

/** The reason that ends a wait well. */
const OVER = new Error('what was waited for has come')

function follow(signal: AbortSignal, controller: AbortController): () => void {
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/** Rejects with the signal's reason once it aborts. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

/** An instant that never comes needs no timer. */
function sleepUntil(dueAt: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (Number.isFinite(dueAt)) return clock.wait(Math.max(0, dueAt - clock.now()), signal)
  return untilAborted(signal)
}
