import { instantText } from '../../../../lib/time/index.ts'
import type { Awaitable } from '../../../../lib/turns/index.ts'
import type { PlanNode } from '../../../definition/index.ts'
import {
  canceledStep,
  event,
  keptAttempts,
  lastAttemptStart,
  recordedError,
  withAttempt,
  type AttemptRecord,
  type AttemptUsage,
  type Commit,
  type EventDraft,
  type JournalEntry,
  type RecordedStep,
  type StepFailure,
  type StepRecord,
  type StepStatus,
  type StepWait,
} from '../../../record/index.ts'
import type { StepSite } from '../../context/index.ts'
import { configDigest } from './recorded-config.ts'

/** While a step waits, a longer text of its config is not kept, in characters. */
const WAITING_CONFIG_MAX_LENGTH = 2_048

/**
 * Records one step's life. The end of an attempt's step is noted, and the run continues at once on what it is: a barrier before each
 * call waits for the commit (E12). A wait and a retry are committed before they begin. A pure step inside a loop leaves no record
 * unless it fails.
 */
export class StepRecorder {
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #isPure: boolean
  #status: StepStatus
  #attempt: number
  #attempts: readonly AttemptRecord[]
  #startedAt: number | null
  #attemptStartedAt: number
  /** The version of the block that made the attempt; null: another process began it. */
  #blockVersion: string | null = null
  #usage: AttemptUsage | null = null
  /** The execution that it waits for, by its record. */
  #child: string | null
  /** Something of this step is on record. */
  #isOnRecord: boolean
  /** The call of the attempt that runs may have gone out. */
  #mayHaveCalled: boolean
  #config: string | null = null
  #isConfigWhole = true
  /** The key of its calls, when it is that of an earlier execution. */
  #callKey: string | null

  constructor(node: PlanNode, site: StepSite, recorded: RecordedStep | undefined) {
    this.#node = node
    this.#site = site
    this.#isPure = node.block.effect === 'pure' && node.body === null
    this.#status = recorded?.status ?? 'PENDING'
    this.#attempt = recorded?.attempt ?? 1
    this.#attempts = keptAttempts(recorded?.attempts ?? [])
    this.#startedAt = recorded?.startedAt ?? null
    this.#attemptStartedAt = recorded ? lastAttemptStart(recorded) : this.#now()
    this.#isOnRecord = recorded !== undefined
    this.#child = recorded?.wait?.kind === 'child' ? recorded.wait.executionId : null
    this.#callKey = recorded?.callKey ?? null
    this.#mayHaveCalled = recorded?.status === 'RUNNING' && node.body === null
  }

  /** The number of the attempt that runs or runs next, from 1. */
  get attempt(): number {
    return this.#attempt
  }

  /** The execution that the step waits for, by its record; null unless it waits for one. */
  get child(): string | null {
    return this.#status === 'WAITING' ? this.#child : null
  }

  nextAttempt(): void {
    this.#attempt++
  }

  /** What its calls hand to providers: the same for all attempts. */
  get callKey(): string {
    return this.#callKey ?? `${this.#site.run.request.executionId}/${this.#site.path}`
  }

  /** The call that is made was begun by an earlier execution, under this key. */
  keepCallKey(key: string): void {
    this.#callKey = key
  }

  /** The resolved config as it is recorded, as JSON text. */
  get config(): string {
    return this.#config ?? '{}'
  }

  /** Keeps the text of the resolved config for the record. */
  configIs(text: string): void {
    this.#config = text
    this.#isConfigWhole = true
  }

  /** The step waits. Of a long config only the length and the digest are kept. */
  shortenConfig(): void {
    if (this.config.length <= WAITING_CONFIG_MAX_LENGTH) return
    this.#config = configDigest(this.config)
    this.#isConfigWhole = false
  }

  /** Whether the text of the config is the one to record; if not, the config has to be resolved again. */
  get isConfigWhole(): boolean {
    return this.#isConfigWhole
  }

  /** What the attempt that ends next has cost. */
  usageIs(usage: AttemptUsage | null): void {
    this.#usage = usage
  }

  /** From here on nobody can say that the attempt's call did not go out. */
  calls(): void {
    this.#mayHaveCalled = !this.#isPure
  }

  /**
   * An attempt begins. Returns the number of the newest note that has to be committed before the attempt acts on the outside: that
   * includes the start itself where the call must not be repeated (E13).
   */
  start(): number {
    const { run, follows } = this.#site
    const wasRecorded = this.#status === 'RUNNING'
    this.#status = 'RUNNING'
    this.#attemptStartedAt = this.#now()
    this.#blockVersion = this.#node.block.version
    this.#startedAt ??= this.#attemptStartedAt
    if (this.#site.isTopLevel) run.enters(this.#site.path)
    if (this.#isPure || wasRecorded) return follows
    const entry = this.#entry([event('STEP_STARTED', this.#attemptStartedAt, this.#step())])
    if (this.#node.block.repeat !== 'never') {
      run.announce(entry)
      return follows
    }
    run.note(entry)
    return run.newestNote
  }

  /** The step is not run: what an earlier execution recorded, or the output that a retry was given, stands for it. */
  reuse(
    handles: readonly string[],
    from: { readonly holder: string } | { readonly output: string },
  ): Awaitable<RecordedOutput> {
    const at = this.#now()
    this.#status = 'COMPLETED'
    this.#attempt = 0
    const told = event('STEP_COMPLETED', at, {
      ...this.#step(),
      handles: [...handles],
      durationMs: 0,
      reused: true,
    })
    const held = 'holder' in from ? { reusedFrom: from.holder } : { output: from.output }
    return this.#noteEnd(this.#entry([told], { handles, finishedAt: at, ...held }))
  }

  /** `signal`: the one that the wait took, used up by the same entry. `isAwaited`: resolves once the end is committed. */
  complete(
    output: string,
    handles: readonly string[],
    { signal = null, isAwaited = false }: CompleteOptions = {},
  ): Awaitable<RecordedOutput> {
    const at = this.#now()
    const usage = this.#endAttempt('COMPLETED', at)
    if (this.#isQuiet) return { isStored: false }
    const durationMs = at - (this.#startedAt ?? at)
    const received = signal ? [event('SIGNAL_RECEIVED', at, { ...this.#step(), signal: signal.name })] : []
    const told = event('STEP_COMPLETED', at, { ...this.#step(), handles: [...handles], durationMs, ...usage })
    const entry = this.#entry([...received, told], { handles, finishedAt: at, output })
    if (!isAwaited) return this.#noteEnd(entry)
    const signals = signal ? [{ number: signal.number, path: this.#site.path }] : []
    return this.#site.run.commit({ ...entry, signals }, { endsStep: true }).then(() => ({ isStored: true }))
  }

  /** A signal does not fit the wait that it would have ended: it is used up, and the wait goes on. */
  async discard(
    signal: { readonly number: number; readonly name: string },
    problems: string[],
  ): Promise<void> {
    const told = event('SIGNAL_DISCARDED', this.#now(), { ...this.#step(), signal: signal.name, problems })
    await this.#site.run.commit({ events: [told], signals: [{ number: signal.number, path: null }] })
  }

  fail(
    failure: StepFailure,
    left: { handles: readonly string[]; output: string | null },
  ): Awaitable<RecordedOutput> {
    const at = this.#now()
    const usage = this.#endAttempt('FAILED', at, failure)
    const error = recordedError(failure)
    const body = { ...this.#step(), error, handledBy: this.#node.onError, ...usage }
    return this.#noteEnd(this.#entry([event('STEP_FAILED', at, body)], { ...left, finishedAt: at, failure }))
  }

  /** Committed before the wait begins, so that the next attempt's time is seen and survives (E6). */
  async retry(failure: StepFailure, dueAt: number): Promise<void> {
    const at = this.#now()
    const usage = this.#endAttempt('RETRYING', at, failure)
    const body = {
      ...this.#step(),
      ...usage,
      error: recordedError(failure),
      nextAttemptAt: new Date(dueAt).toISOString(),
    }
    await this.#site.run.commit(this.#entry([event('STEP_RETRYING', at, body)], { dueAt, failure }))
  }

  /** Committed with its absolute due time before anything depends on it (E12). `output`: what a timer completes with. */
  async wait(wait: StepWait, dueAt: number | null, output: string | null): Promise<void> {
    this.#status = 'WAITING'
    this.#child = wait.kind === 'child' ? wait.executionId : null
    const body = {
      ...this.#step(),
      waitsFor: wait.kind,
      until: dueAt === null ? null : new Date(dueAt).toISOString(),
      ...(wait.kind === 'signal' ? { signal: wait.name } : {}),
      ...(wait.kind === 'child' ? { childId: wait.executionId } : {}),
    }
    const entry = this.#entry([event('STEP_WAITING', this.#now(), body)], { dueAt, wait, output })
    await this.#site.run.commit(entry)
  }

  /** The step is cut off. What never began has nothing to record. */
  cancel(): void {
    if (this.#status === 'PENDING' || this.#isQuiet) return
    const isRunning = this.#status === 'RUNNING'
    const canceled = canceledStep(this.#record({}), {
      at: this.#now(),
      attemptStartedAt: isRunning ? this.#attemptStartedAt : null,
      blockVersion: this.#blockVersion,
      callMayHaveHappened: isRunning && this.#mayHaveCalled,
    })
    const { path } = this.#site
    this.#site.run.note({ ...canceled, values: [{ path, config: this.config, output: null }] })
  }

  #noteEnd(entry: Omit<JournalEntry, 'job'>): Awaitable<RecordedOutput> {
    return this.#site.run.noteValues(entry, { endsStep: true })
  }

  #endAttempt(
    status: 'COMPLETED' | 'FAILED' | 'RETRYING',
    at: number,
    failure?: StepFailure,
  ): { usage?: AttemptUsage } {
    this.#status = status
    this.#startedAt ??= at
    const usage = this.#usage ? { usage: this.#usage } : {}
    this.#usage = null
    const ended: AttemptRecord = {
      number: this.#attempt,
      status: status === 'RETRYING' ? 'FAILED' : status,
      startedAt: instantText(this.#attemptStartedAt),
      finishedAt: instantText(at),
      ...(this.#blockVersion === null ? {} : { blockVersion: this.#blockVersion }),
      ...(failure ? { error: recordedError(failure) } : {}),
      ...usage,
    }
    this.#attempts = withAttempt(this.#attempts, ended)
    this.#mayHaveCalled = false
    return usage
  }

  #entry(events: readonly EventDraft[], change: StepChange = {}): Omit<JournalEntry, 'job'> {
    this.#isOnRecord = true
    const { path } = this.#site
    const { output = null, finishedAt } = change
    const hasValues = finishedAt !== undefined || output !== null
    const record = this.#record(change)
    this.#attempts = keptAttempts(this.#attempts)
    return {
      events,
      steps: [record],
      values: hasValues ? [{ path, config: this.config, output }] : [],
    }
  }

  #record({ handles = [], finishedAt, dueAt, wait, failure, reusedFrom }: StepChange): StepRecord {
    const { path, order, inputFrom } = this.#site
    return {
      path,
      order,
      nodeId: this.#node.id,
      status: this.#status,
      attempt: this.#attempt,
      attempts: this.#attempts,
      handles,
      inputFrom,
      dueAt: dueAt ?? null,
      wait: wait ?? null,
      error: failure ? recordedError(failure) : null,
      reusedFrom: reusedFrom ?? null,
      callKey: this.#callKey,
      startedAt: this.#startedAt,
      finishedAt: finishedAt ?? null,
    }
  }

  #step(): { path: string; nodeId: string; attempt: number } {
    return { path: this.#site.path, nodeId: this.#node.id, attempt: this.#attempt }
  }

  /** Whether the step, ending now, would leave no record (E10): its output cannot be read back. */
  get leavesNoRecord(): boolean {
    return this.#isQuiet
  }

  /** E10. What has been told once, such as a retry, is told to its end. */
  get #isQuiet(): boolean {
    return this.#isPure && !this.#site.isTopLevel && !this.#isOnRecord
  }

  #now(): number {
    return this.#site.run.ports.clock.now()
  }
}

/** Whether a step's output can be read back from the record; the commit that decides it while that is under way. */
export interface RecordedOutput {
  readonly isStored: boolean | Commit
}

export interface CompleteOptions {
  readonly signal?: { readonly number: number; readonly name: string } | null
  readonly isAwaited?: boolean
}

/** What a record says beside what the recorder itself knows. */
interface StepChange {
  readonly output?: string | null
  readonly handles?: readonly string[]
  readonly finishedAt?: number
  readonly dueAt?: number | null
  readonly wait?: StepWait
  readonly failure?: StepFailure
  readonly reusedFrom?: string
}
