import type { Awaitable } from '../../../lib/async/index.ts'
import { deepFreeze, type Json } from '../../../lib/json/index.ts'
import {
  callUserCode,
  DEFAULT_HANDLE,
  ERROR_HANDLE,
  OUTPUT_MAX_HEAP_BYTES,
  readLargeOutput,
  type BlockOutcome,
  type BlockWait,
  type ReadOutput,
  type RefusedOutput,
} from '../../block/index.ts'
import type { PlanNode } from '../../definition/index.ts'
import { ReuseUndecidedError, type OriginalStep, type ReachedStep, type Reuse } from '../../fork/index.ts'
import { AttemptMemory, ReadMemory, type StepOutput } from '../../memory/index.ts'
import {
  BLOCK_FAILED,
  BLOCK_UNHANDLED_ERROR,
  CALL_OUTCOME_UNKNOWN,
  errorOutput,
  finalFailure,
  knownSignalWait,
  recordedError,
  type AttemptCode,
  type KnownWait,
  type RecordedStep,
  type StepFailure,
} from '../../record/index.ts'
import { RunStop, type StepEnd, type StepSite } from '../context/index.ts'
import { ATTEMPT_TIMEOUT, HEARTBEAT_MISSED } from './call-block.ts'
import { runLoop } from './loop-run.ts'
import { inputFailure } from './read-input.ts'
import { decideRetry } from './retry.ts'
import { callStep } from './step-call.ts'
import { StepCheckpoints } from './step-checkpoints.ts'
import { StepConfig } from './step-config.ts'
import { stepDeadline, StepTimeout, withDeadline } from './step-deadline.ts'
import { StepRecorder, type CompleteOptions, type RecordedOutput } from './step-recorder.ts'
import { waitForChild, waitForSignal, type WaitEnd } from './step-wait.ts'

/** A retry delay longer than this is a wait: the run may park meanwhile (E6). */
const LONG_RETRY_MS = 5_000
/** An output that leaves no record waits for memory if it takes more of it. */
const FREELY_HELD_BYTES = 64 * 1024
const LESS_OUTPUT = 'Return less, or set `output: "none"` on the loop.'
/** Takes one step from wherever its record says it is to its end. */
export async function runStep(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const close = site.activity.openWork()
  try {
    return await withDeadline(node, site, (bounded) => runInTime(node, bounded))
  } finally {
    site.values.close()
    close()
  }
}

async function runInTime(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const step = new StepRun(node, site)
  try {
    return await step.run()
  } catch (thrown) {
    return endCutOff(step, site, thrown)
  }
}

/** The end of a step that could not go on: its time is over, or the run stops. */
async function endCutOff(step: StepRun, site: StepSite, reason: unknown): Promise<StepEnd> {
  try {
    if (!(reason instanceof StepTimeout)) throw reason
    await step.cancelChild()
    if (reason.path === site.path) return await step.fail(reason.failure)
    step.recorder.cancel()
    return { kind: 'stopped' }
  } catch (thrown) {
    const stop = RunStop.of(thrown)
    if (stop.stopCause.kind === 'fault') site.run.stop(stop)
    if (stop.isRecorded) await step.cancel()
    return { kind: 'stopped' }
  }
}

class StepRun {
  readonly recorder: StepRecorder
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #recorded: RecordedStep | undefined
  readonly #checkpoints: StepCheckpoints
  readonly #config: StepConfig
  readonly #deadline: number
  /** The last attempt's call: to read its output may run getters and `toJSON` functions of the block. */
  #code: AttemptCode | null = null

  constructor(node: PlanNode, site: StepSite) {
    const recorded = site.run.request.recorded.steps.get(site.path)
    this.#node = node
    this.#site = site
    this.#recorded = recorded
    this.#deadline = stepDeadline(node, site)
    this.#checkpoints = new StepCheckpoints({ site, areOnRecord: recorded?.hasCheckpoints ?? false })
    this.recorder = new StepRecorder(node, site, recorded)
    this.#config = new StepConfig(node, site, (text) => this.recorder.configIs(text))
  }

  /** Cut off: a child that it waits for is canceled first, so that none is forgotten. */
  async cancel(): Promise<void> {
    await this.cancelChild()
    this.recorder.cancel()
  }

  async cancelChild(): Promise<void> {
    const { child } = this.recorder
    const { run } = this.#site
    if (child === null) return
    await run.barrier()
    await run.ports.children.cancel(child)
  }

  async run(): Promise<StepEnd> {
    const recorded = this.#recorded
    if (recorded?.status === 'RETRYING') await this.#waitForRetry(recorded.dueAt ?? 0)
    const untouched = this.#before && (await this.#takeOverUnopened())
    if (untouched) return untouched
    const unopened = this.#site.values.open(this.#site.signal)
    const end = unopened && (await this.#untilOpen(await unopened))
    if (end) return end
    const taken = this.#before ? await this.#takeOver(this.#before) : null
    if (taken) return taken
    if (this.#node.body) return this.#runLoop()
    if (recorded?.status === 'WAITING') {
      const failure = await this.#config.resolveForRecord()
      if (failure) return this.fail(failure)
      return (await this.#continueWaiting(recorded)) ?? this.#attempts()
    }
    if (recorded?.status === 'RUNNING' && this.#isLostCall) {
      await this.#config.resolveForRecord()
      const end = await this.#giveUpOrWait(UNKNOWN_OUTCOME)
      if (end) return end
    }
    return this.#attempts()
  }

  /** Null once what the step reads is in memory; its end where that is impossible. */
  async #untilOpen(failure: StepFailure | null): Promise<StepEnd | null> {
    for (let left = failure; left; left = await this.#site.values.open(this.#site.signal)) {
      const end = await this.#giveUpOrWait(left)
      if (end) return end
    }
    return null
  }

  /** What the execution that this one retries left of the step; nothing once the step has begun here. */
  get #before(): OriginalStep | undefined {
    return this.#recorded ? undefined : this.#site.run.reuse?.stepBefore(this.#site.path)
  }

  /** The same without bringing what the step reads into memory, where that makes no difference. */
  async #takeOverUnopened(): Promise<StepEnd | null> {
    const before = this.#before
    const { reuse } = this.#site.run
    if (before?.kind !== 'completed' || !reuse) return null
    const needsNoOutput = reuse.needsNoOutput(before, { node: this.#node, inputFrom: this.#site.inputFrom })
    return needsNoOutput ? this.#takeOver(before) : null
  }

  /** A retry: the step's end, if it need not run again; null if it must, by the key of the call that is made again. */
  async #takeOver(before: OriginalStep): Promise<StepEnd | null> {
    try {
      return await this.#takeOverHolding(before)
    } finally {
      this.#config.release()
    }
  }

  async #takeOverHolding(before: OriginalStep): Promise<StepEnd | null> {
    const { run, signal, path, order, inputFrom, values } = this.#site
    const { input } = values
    await run.untilResumed(signal)
    const read = await this.#config.resolveBoth()
    signal.throwIfAborted()
    if (before.kind === 'patched') {
      const output = await this.#read(before.output)
      if (output.kind === 'refused') return this.#refuse(output)
      const { isStored } = await this.#standIn(before.handles, { output: output.text })
      return { kind: 'completed', output: held(output, { isStored }), handles: before.handles }
    }
    if (!run.reuse || read.kind === 'failed') return null
    const step = {
      node: this.#node,
      path,
      order,
      signal,
      inputFrom,
      input,
      scope: this.#config.scope,
      config: read.filled,
      configText: this.recorder.config,
    }
    try {
      return await this.#compare(run.reuse, before, step)
    } catch (thrown) {
      if (thrown instanceof ReuseUndecidedError) return this.fail(thrown.failure)
      throw thrown
    }
  }

  async #compare(
    reuse: Reuse,
    before: Exclude<OriginalStep, { kind: 'patched' }>,
    step: ReachedStep,
  ): Promise<StepEnd | null> {
    const { path, signal } = this.#site
    if (before.kind === 'unknown') {
      const isSame = await reuse.isSameCall(before, step)
      signal.throwIfAborted()
      if (isSame) this.recorder.keepCallKey(before.callKey)
      return null
    }
    const isReusable = await reuse.isReusable(before, step)
    const small = isReusable ? await reuse.smallOutput(path) : undefined
    await this.#site.run.untilResumed(signal)
    signal.throwIfAborted()
    if (!isReusable) return null
    const { handles, holder } = before
    const { isStored } = await this.#standIn(handles, { holder })
    reuse.noteTaken(path)
    if (small === undefined) return { kind: 'completed', output: { kind: 'stored' }, handles }
    const value = deepFreeze(JSON.parse(small) as Json)
    return { kind: 'completed', output: held({ value, heapBytes: null }, { isStored }), handles }
  }

  #standIn(
    handles: readonly string[],
    from: { readonly holder: string } | { readonly output: string },
  ): Awaitable<RecordedOutput> {
    this.#countAsEnded()
    return this.recorder.reuse(handles, from)
  }

  /** E13: a lost attempt that recorded a checkpoint is gone on with, not lost. */
  get #isLostCall(): boolean {
    return this.#node.block.repeat === 'never' && this.#checkpoints.isEmpty
  }

  async #attempts(): Promise<StepEnd> {
    for (;;) {
      const next = await this.#attemptToItsEnd()
      const end = isEnd(next) ? next : await this.#waitFor(next)
      if (end) return end
    }
  }

  /** The wait that follows from an attempt, during which nothing of the attempt is kept. Null: another attempt follows. */
  #waitFor(next: NextWait): Promise<StepEnd | null> {
    switch (next.kind) {
      case 'retry':
        return this.#giveUpOrWait(next.failure)
      case 'timer':
        return this.#sitOut(next.dueAt, next.output)
      case 'outside':
        return this.#endWait(next.wait, next.dueAt)
    }
  }

  /** The memory of what the attempt makes, and of its config, is given back once that is recorded. */
  async #attemptToItsEnd(): Promise<StepEnd | NextWait> {
    const { run, signal } = this.#site
    const memory = new AttemptMemory(run.workingMemory, { clock: run.ports.clock, signal })
    try {
      const attempt = await this.#attempt(memory)
      if (attempt.kind === 'outcome') return await this.#takeOutcome(attempt.outcome, memory)
      return { kind: 'retry', failure: attempt.failure }
    } finally {
      memory.close()
      this.#checkpoints.close()
      this.#config.release()
    }
  }

  /** One attempt in one of the execution's places. */
  async #attempt(memory: AttemptMemory) {
    const { signal } = this.#site
    const place = this.#takePlace()
    const release = place instanceof Promise ? await place : place
    try {
      const resolved = this.#config.resolve()
      const config = resolved instanceof Promise ? await resolved : resolved
      signal.throwIfAborted()
      if (config.kind === 'failed') return config
      const failure = inputFailure(this.#node.block, this.#site.values.input)
      if (failure) return { kind: 'failed', failure } as const
      const opening = this.#checkpoints.open(memory)
      if (opening) await opening
      signal.throwIfAborted()
      const follows = this.recorder.start()
      if (actsOutside(this.#node)) await this.#site.run.barrier(follows)
      signal.throwIfAborted()
      this.recorder.calls()
      const { end, usage, code } = await callStep(this.#node, this.#site, {
        follows,
        attempt: this.recorder.attempt,
        idempotencyKey: this.recorder.callKey,
        parsedConfig: config.config,
        config: this.#config,
        checkpoints: this.#checkpoints,
        reserveMemory: memory.reserve,
        answers: memory.answersOf(this.#site.run.answers),
      })
      this.recorder.usageIs(usage)
      this.#code = code
      if (end.kind === 'aborted') throw signal.reason
      return end
    } finally {
      release()
    }
  }

  /** A place, and no pause. */
  #takePlace(): Awaitable<() => void> {
    const { run, signal } = this.#site
    signal.throwIfAborted()
    return (run.isPaused ? null : run.slots.tryAcquire()) ?? this.#waitForPlace()
  }

  async #waitForPlace(): Promise<() => void> {
    const { run, signal, order } = this.#site
    for (;;) {
      await run.untilResumed(signal)
      const release = await run.slots.acquire(order, signal)
      if (!run.isPaused) return release
      release()
    }
  }

  async #takeOutcome(outcome: BlockOutcome, memory: AttemptMemory): Promise<StepEnd | NextWait> {
    if (outcome.kind === 'waiting') {
      const next = await this.#wait(outcome, memory)
      if (next.kind === 'timer' || next.kind === 'outside') this.#forgetConfig()
      return next
    }
    const reading = this.#read(outcome.output, memory)
    const output = reading instanceof Promise ? await reading : reading
    // Nothing that holds some of this memory may wait for that of outputs.
    if (this.recorder.leavesNoRecord) {
      memory.close()
      this.#config.release()
    }
    return this.#complete(output, [...(outcome.handles ?? [DEFAULT_HANDLE])])
  }

  #read(
    output: unknown,
    memory?: AttemptMemory,
  ): ReadOutput | RefusedOutput | Promise<ReadOutput | RefusedOutput> {
    const reading = () =>
      readLargeOutput(output, {
        hint: LESS_OUTPUT,
        scrubber: this.#site.run.secrets.scrubber,
        ...(memory && { claimMemory: memory.claim }),
      })
    return this.#code ? callUserCode(this.#code, reading) : reading()
  }

  /** While the step waits, it keeps neither its config nor a long text of it. */
  #forgetConfig(): void {
    this.#config.forget()
    this.recorder.shortenConfig()
  }

  /** Records the wait with its absolute due time (E12). The tables keep whole milliseconds; no wait ends early. */
  async #wait(outcome: BlockWait, memory: AttemptMemory): Promise<StepEnd | NextWait> {
    if ('until' in outcome) {
      const output = await this.#read(outcome.output, memory)
      if (output.kind === 'refused') return this.#refuse(output)
      const dueAt = Math.ceil(outcome.until)
      await this.recorder.wait({ kind: 'timer' }, dueAt, output.text)
      const { heapBytes } = output
      return { kind: 'timer', dueAt, output: heapBytes > FREELY_HELD_BYTES ? { heapBytes } : output }
    }
    if ('child' in outcome) {
      const wait = { kind: 'child', executionId: outcome.child } as const
      await this.recorder.wait(wait, null, null)
      return { kind: 'outside', wait, dueAt: null }
    }
    const { timeoutMs, timeoutHandle, ...awaited } = outcome.signal
    const { name, schema } = this.#site.run.secrets.scrubber.value(awaited)
    const wait = { kind: 'signal', name, schema, timeoutHandle } as const
    const dueAt = timeoutMs === null ? null : Math.ceil(this.#site.run.ports.clock.now() + timeoutMs)
    await this.recorder.wait(wait, dueAt, null)
    return { kind: 'outside', wait: knownSignalWait(wait), dueAt }
  }

  async #continueWaiting({ wait, dueAt, output }: RecordedStep): Promise<StepEnd | null> {
    this.recorder.shortenConfig()
    if (wait !== null && wait.kind !== 'timer') return this.#endWait(wait, dueAt)
    // Large outputs are not loaded with the record.
    const later = { heapBytes: OUTPUT_MAX_HEAP_BYTES }
    return this.#sitOut(dueAt ?? 0, output === undefined ? later : await this.#read(output))
  }

  /** Waits for what comes from outside. The memory for it is held until the step's end is recorded. */
  async #endWait(wait: OutsideWait, dueAt: number | null): Promise<StepEnd | null> {
    const { run, signal } = this.#site
    const memory = new ReadMemory(run.workingMemory, signal)
    try {
      return await this.#endWaitWithin(memory, wait, dueAt)
    } finally {
      memory.release()
    }
  }

  async #endWaitWithin(memory: ReadMemory, wait: OutsideWait, dueAt: number | null): Promise<StepEnd | null> {
    // The memory for what comes is taken last: what holds some of it waits for no memory of configs.
    const take = async (textBytes: number) => {
      await this.#restoreConfigText()
      await memory.take(textBytes)
    }
    const end: WaitEnd =
      wait.kind === 'child'
        ? await waitForChild(wait, this.#site, { take })
        : await waitForSignal(wait, this.#site, {
            dueAt: this.#inTime(dueAt ?? Number.POSITIVE_INFINITY),
            discard: async (...told) => {
              await this.recorder.discard(...told)
              // The wait continues, and `take` restored the text.
              this.recorder.shortenConfig()
            },
            memory: { take, release: () => memory.release() },
          })
    await this.#restoreConfigText()
    if (end.kind === 'failed') {
      memory.release()
      return this.#giveUpOrWait(end.failure)
    }
    const output = await this.#read(end.output)
    if (output.kind === 'refused') return this.#refuse(output)
    return this.#complete(output, [...end.handles], { signal: end.signal, isAwaited: true })
  }

  /** E6: the step's end if the failure is final, null once the next attempt is due. */
  async #giveUpOrWait(failure: StepFailure): Promise<StepEnd | null> {
    const { retry } = this.#node
    const { ports } = this.#site.run
    const decision = decideRetry({
      policy: retry,
      failure,
      attempt: this.recorder.attempt,
      isWanted: this.#mayRepeat(failure) && this.#config.wantsRetry(failure, this.recorder.attempt),
      random: ports.random(),
    })
    if (decision.kind === 'giveUp') return this.fail(failure)
    const dueAt = ports.clock.now() + decision.delayMs
    await this.recorder.retry(this.#scrubbed(failure), dueAt)
    await this.#waitForRetry(dueAt)
    return null
  }

  /** E13: a call of which nobody knows whether it happened is not made again unless the block or the node allows it. */
  #mayRepeat({ code }: StepFailure): boolean {
    const { block, onUnknown } = this.#node
    return block.repeat === 'safe' || onUnknown === 'retry' || !UNKNOWN_OUTCOME_CODES.includes(code)
  }

  /** A long text of the config is not kept during a wait: makes it again for the record of the step's end. */
  async #restoreConfigText(): Promise<void> {
    if (this.recorder.isConfigWhole) return
    try {
      await this.#config.resolveForRecord()
    } catch (reason) {
      // The wait has ended before the step was cut off; the journal decides whether its end is still recorded.
      if (!this.#site.signal.aborted) throw reason
    }
  }

  async #runLoop(): Promise<StepEnd> {
    try {
      return await this.#runLoopHolding()
    } finally {
      this.#config.release()
    }
  }

  async #runLoopHolding(): Promise<StepEnd> {
    await this.#site.run.untilResumed(this.#site.signal)
    const config = await this.#config.resolve()
    if (config.kind === 'failed') return this.fail(config.failure)
    this.recorder.start()
    const end = await runLoop(this.#node, this.#site, config.config)
    switch (end.kind) {
      case 'completed':
        return this.#complete(await this.#read(end.output), [DEFAULT_HANDLE])
      case 'failed':
        return this.fail(end.failure)
      case 'stopped':
        throw this.#site.signal.reason
    }
  }

  /** Waits for the instant at which a waiting step ends. A large output is read back after that. */
  async #sitOut(dueAt: number, output: ReadOutput | RefusedOutput | StoredOutput): Promise<StepEnd> {
    const { activity, signal } = this.#site
    await activity.waitUntil(this.#inTime(dueAt), signal)
    signal.throwIfAborted()
    await this.#restoreConfigText()
    if ('kind' in output) return this.#complete(output, [DEFAULT_HANDLE])
    return this.#completeStored(output)
  }

  async #completeStored({ heapBytes }: StoredOutput): Promise<StepEnd> {
    const { run, path, signal } = this.#site
    const memory = new ReadMemory(run.workingMemory, signal)
    try {
      await memory.takeHeap(heapBytes)
      const output = await this.#read(await run.outputs.readOnce(path))
      return await this.#complete(output, [DEFAULT_HANDLE], { isAwaited: true })
    } finally {
      memory.release()
    }
  }

  /** A wait that is as long as the step's time is ended by that alone: of two timers for one instant either may come first. */
  #inTime(dueAt: number): number {
    return dueAt < this.#deadline ? dueAt : Number.POSITIVE_INFINITY
  }

  async #waitForRetry(dueAt: number): Promise<void> {
    const { run, signal, activity } = this.#site
    const delayMs = dueAt - run.ports.clock.now()
    if (delayMs > LONG_RETRY_MS) await activity.waitUntil(this.#inTime(dueAt), signal)
    else await run.ports.clock.wait(Math.max(0, delayMs), signal)
    this.recorder.nextAttempt()
  }

  async #complete(
    output: ReadOutput | RefusedOutput,
    handles: readonly string[],
    options: CompleteOptions = {},
  ): Promise<StepEnd> {
    if (output.kind === 'refused') return this.#refuse(output)
    const unknown = handles.find((handle) => !this.#node.handles.includes(handle))
    if (unknown !== undefined) {
      const message = `The block left by a handle it does not have: "${unknown}".`
      return this.fail(finalFailure('OUTCOME_INVALID', message))
    }
    // What leaves no record cannot be read back: it needs memory until its item ends.
    const takenBytes =
      this.recorder.leavesNoRecord && output.heapBytes > FREELY_HELD_BYTES ? output.heapBytes : 0
    const untaken = takenBytes > 0 && (await this.#site.run.outputs.take(takenBytes, this.#site.signal))
    if (untaken) return this.fail(untaken)
    this.#countAsEnded()
    const recording = this.recorder.complete(output.text, handles, options)
    const { isStored } = recording instanceof Promise ? await recording : recording
    return { kind: 'completed', output: held(output, { isStored, takenBytes }), handles }
  }

  #refuse({ code, message }: RefusedOutput): Promise<StepEnd> {
    return this.fail(finalFailure(code, message))
  }

  /** What an error route is handed is what is recorded. */
  #scrubbed(failure: StepFailure): StepFailure {
    const { scrubber } = this.#site.run.secrets
    if (scrubber.isIdle) return failure
    const { message, details } = failure
    return {
      ...failure,
      message: scrubber.excerpt(message),
      ...(details === undefined ? {} : { details: scrubber.excerpts(details) }),
    }
  }

  /** Before the end is recorded, so that its own event shows the progress that it makes. */
  #countAsEnded(): void {
    if (this.#site.isTopLevel) this.#site.run.progress.report(this.#node.index, 1)
  }

  /** E5. */
  async fail(given: StepFailure): Promise<StepEnd> {
    const failure = this.#scrubbed(given)
    const { onError, defaultOutput } = this.#node
    const error = recordedError(failure)
    if (onError === 'fail') {
      await this.recorder.fail(failure, { handles: [], output: null })
      return { kind: 'failed', error: { ...error, path: this.#site.path } }
    }
    this.#countAsEnded()
    const output = deepFreeze(onError === 'route' ? errorOutput(error) : defaultOutput)
    const handles = [onError === 'route' ? ERROR_HANDLE : DEFAULT_HANDLE]
    const { isStored } = await this.recorder.fail(failure, { handles, output: JSON.stringify(output) })
    return {
      kind: 'completed',
      output: held({ value: output, heapBytes: null }, { isStored }),
      handles,
      hasFailed: true,
    }
  }
}

/** Whether the block's code reaches the outside as soon as it is called. A control block does so by its context alone. */
function actsOutside({ block }: PlanNode): boolean {
  return block.effect === 'external' && !block.isControl
}

function held(
  { value, heapBytes }: { readonly value: Json; readonly heapBytes: number | null },
  from: RecordedOutput & { readonly takenBytes?: number },
): StepOutput {
  return { kind: 'value', value, heapBytes, takenBytes: 0, ...from }
}

/** An output that is on record and not in memory. */
interface StoredOutput {
  readonly heapBytes: number
}

/** A wait for what comes from outside. */
type OutsideWait = Exclude<KnownWait, { kind: 'timer' }>

function isEnd(next: StepEnd | NextWait): next is StepEnd {
  return next.kind === 'completed' || next.kind === 'failed' || next.kind === 'stopped'
}

/** What follows an attempt that did not end its step. */
type NextWait =
  | { readonly kind: 'retry'; readonly failure: StepFailure }
  | {
      readonly kind: 'timer'
      readonly dueAt: number
      readonly output: ReadOutput | StoredOutput
    }
  | {
      readonly kind: 'outside'
      readonly wait: OutsideWait
      readonly dueAt: number | null
    }

const UNKNOWN_OUTCOME: StepFailure = {
  code: CALL_OUTCOME_UNKNOWN,
  message:
    'The worker was lost during the call: it may or may not have happened, and the block must not repeat it.',
  retryable: true,
}

/** Failures that do not say whether the call happened: nobody answered in time, or nobody said what went wrong. */
const UNKNOWN_OUTCOME_CODES: readonly string[] = [
  UNKNOWN_OUTCOME.code,
  ATTEMPT_TIMEOUT,
  HEARTBEAT_MISSED,
  BLOCK_FAILED,
  BLOCK_UNHANDLED_ERROR,
]
