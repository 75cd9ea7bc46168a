import { followingController } from '../lib/abort.ts'
import { LumeError } from '../lib/errors.ts'
import { deepFreeze, type Json } from '../lib/json.ts'
import { DEFAULT_HANDLE, ERROR_HANDLE, type BlockOutcome, type BlockWait } from './block.ts'
import { ATTEMPT_TIMEOUT, callBlock, HEARTBEAT_MISSED, type CallEnd } from './call-block.ts'
import { renderConfig } from './config-template.ts'
import { ExpressionError } from './expression.ts'
import type { StepSite } from './frame.ts'
import type { RecordedStep } from './journal.ts'
import { runLoop } from './loop-run.ts'
import { readOutput, type ReadOutput, type RefusedOutput } from './output.ts'
import type { PlanNode } from './plan.ts'
import { readConfig } from './read-config.ts'
import type { StepEnd } from './recorded-end.ts'
import { decideRetry } from './retry.ts'
import { isReusable, isSameCall, type OriginalStep } from './reuse/original.ts'
import { RunStop } from './run-stop.ts'
import { StepRecorder } from './step-recorder.ts'
import { StepReports } from './step-reports.ts'
import { waitForChild, waitForSignal, type WaitEnd } from './step-wait.ts'
import {
  BLOCK_FAILED,
  CALL_OUTCOME_UNKNOWN,
  errorOutput,
  finalFailure,
  recordedError,
  type StepFailure,
  type StepWait,
} from './step.ts'

/** A retry delay longer than this is a wait: the run may park meanwhile (E6). */
const LONG_RETRY_MS = 5_000
const LESS_OUTPUT = 'Return less, or set `output: "none"` on the loop.'
const MAX_CONFIG_ISSUES = 10

/** Takes one step from wherever its record says it is to its end. */
export async function runStep(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const close = site.activity.openWork()
  try {
    return await (node.stepTimeoutMs === null ? runInTime(node, site) : runWithDeadline(node, site))
  } finally {
    close()
  }
}

async function runInTime(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const step = new StepRun(node, site)
  try {
    return await step.run().catch((thrown: unknown) => {
      if (thrown instanceof StepTimeout) return step.fail(thrown.failure)
      throw thrown
    })
  } catch (thrown) {
    const stop = RunStop.of(thrown)
    if (stop.stopCause.kind === 'fault') site.run.stop(stop)
    if (stop.isRecorded) await step.cancel()
    return { kind: 'stopped' }
  }
}

/** The step's time runs from its first attempt on, through waits and crashes. */
async function runWithDeadline(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const { controller, unfollow } = followingController(site.signal)
  const { clock } = site.run.ports
  const leftMs = deadlineOf(node, site) - clock.now()
  const stop = () => controller.abort(new StepTimeout(node.stepTimeoutMs ?? 0))
  // At once where it is over already: what is due at the same moment must not come first.
  if (leftMs <= 0) stop()
  const unwatch = clock.after(Math.max(0, leftMs), stop)
  try {
    return await runInTime(node, { ...site, signal: controller.signal })
  } finally {
    unwatch()
    unfollow()
  }
}

/** When the time for all attempts of a step is over; infinite when the node sets none. */
function deadlineOf({ stepTimeoutMs }: PlanNode, { run, path }: StepSite): number {
  if (stepTimeoutMs === null) return Number.POSITIVE_INFINITY
  return (run.request.recorded.steps.get(path)?.startedAt ?? run.ports.clock.now()) + stepTimeoutMs
}

/** The time for all attempts of a step is over. */
class StepTimeout extends Error {
  readonly failure: StepFailure

  constructor(timeoutMs: number) {
    super(`The step took longer than ${timeoutMs} ms.`)
    this.failure = finalFailure('STEP_TIMEOUT', this.message)
  }
}

class StepRun {
  readonly recorder: StepRecorder
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #recorded: RecordedStep | undefined
  readonly #checkpoints: Map<string, Json>
  readonly #deadline: number
  #config: Json | undefined

  constructor(node: PlanNode, site: StepSite) {
    const recorded = site.run.request.recorded.steps.get(site.path)
    this.#node = node
    this.#site = site
    this.#recorded = recorded
    this.#deadline = deadlineOf(node, site)
    this.#checkpoints = new Map(Object.entries(recorded?.checkpoints ?? {}))
    this.recorder = new StepRecorder(node, site, recorded)
  }

  /** Cut off: a child that it waits for is canceled first, so that none is forgotten. */
  async cancel(): Promise<void> {
    const { waitsFor } = this.recorder
    if (waitsFor?.kind === 'child') await this.#site.run.ports.children.cancel(waitsFor.executionId)
    this.recorder.cancel()
  }

  async run(): Promise<StepEnd> {
    const taken = this.#before ? await this.#takeOver(this.#before) : null
    if (taken) return taken
    if (this.#node.body) return this.#runLoop()
    const recorded = this.#recorded
    if (recorded?.status === 'WAITING') {
      const config = await this.#resolveConfig()
      if (config.kind === 'failed') return this.fail(config.failure)
      return (await this.#goOnWaiting(recorded)) ?? this.#attempts()
    }
    if (recorded?.status === 'RETRYING') await this.#waitForRetry(recorded.dueAt ?? 0)
    if (recorded?.status === 'RUNNING' && this.#isLostCall) {
      await this.#resolveConfig() // for the record
      const end = await this.#giveUpOrWait(UNKNOWN_OUTCOME)
      if (end) return end
    }
    return this.#attempts()
  }

  /** What the execution that this one retries left of the step; nothing once the step has begun here. */
  get #before(): OriginalStep | undefined {
    return this.#recorded ? undefined : this.#site.run.request.original?.steps.get(this.#site.path)
  }

  /** A retry: the step's end, if it need not run again; null if it must, by the key of the call that is made again. */
  async #takeOver(before: OriginalStep): Promise<StepEnd | null> {
    const { run, signal, path, input } = this.#site
    const { original } = run.request
    await run.untilResumed(signal)
    const read = await this.#resolveConfig()
    signal.throwIfAborted()
    if (before.kind === 'patched') {
      const output = this.#read(before.output)
      if (output.kind === 'refused') return this.#refuse(output)
      return this.#standIn(before.handles, output.value, { output: output.text })
    }
    if (!original || read.kind === 'failed' || this.#config === undefined) return null
    const config = this.#config
    const step = {
      node: this.#node,
      path,
      input,
      scope: this.#scope(),
      config,
      configText: this.recorder.config,
    }
    if (before.kind === 'unknown') {
      if (isSameCall(before, step)) this.recorder.keepCallKey(before.callKey)
      return null
    }
    const { handles, output, holder } = before
    return isReusable(original, before, step) ? this.#standIn(handles, output, { holder }) : null
  }

  #standIn(
    handles: readonly string[],
    output: Json,
    from: { readonly holder: string } | { readonly output: string },
  ): StepEnd {
    this.#countAsEnded()
    this.recorder.reuse(handles, from)
    return { kind: 'completed', output, handles }
  }

  /** E13: a lost attempt that recorded a checkpoint is gone on with, not lost. */
  get #isLostCall(): boolean {
    return this.#node.block.repeat === 'never' && this.#checkpoints.size === 0
  }

  async #attempts(): Promise<StepEnd> {
    for (;;) {
      const attempt = await this.#attempt()
      const end =
        attempt.kind === 'outcome'
          ? await this.#takeOutcome(attempt.outcome)
          : await this.#giveUpOrWait(attempt.failure)
      if (end) return end
    }
  }

  /** One attempt in one of the execution's places. */
  async #attempt() {
    const { signal } = this.#site
    const release = await this.#takePlace()
    try {
      const config = await this.#resolveConfig()
      signal.throwIfAborted()
      if (config.kind === 'failed') return config
      await this.recorder.start()
      signal.throwIfAborted()
      this.recorder.calls()
      const end = await this.#call(config.config)
      if (end.kind === 'aborted') throw signal.reason
      return end
    } finally {
      release()
    }
  }

  /** A place, and no pause. */
  async #takePlace(): Promise<() => void> {
    const { run, signal, order } = this.#site
    for (;;) {
      await run.untilResumed(signal)
      const release = await run.slots.acquire(order, signal)
      if (!run.isPaused) return release
      release()
    }
  }

  async #call(config: unknown): Promise<CallEnd> {
    const { run, signal, input, path, isTopLevel } = this.#site
    const { block, expressions, timeoutMs, heartbeatMs, secretNames, index, id: nodeId } = this.#node
    const { attempt } = this.recorder
    const { ports, request } = run
    const { standIn } = ports
    const { scrubber } = run.secrets
    const reports = new StepReports(this.#site, {
      nodeId,
      attempt,
      checkpoints: this.#checkpoints,
      onProgress: (fraction) => isTopLevel && run.reportProgress(index, fraction),
    })
    const isReal = standIn === null || block.isControl || block.effect === 'pure'
    const end = await callBlock({
      block,
      config,
      input,
      scope: this.#scope(),
      expressions,
      attempt,
      idempotencyKey: this.recorder.callKey,
      path,
      execution: () => ({
        id: request.executionId,
        mode: request.mode,
        startedAt: new Date(run.startedAt).toISOString(),
      }),
      timeoutMs,
      heartbeatMs,
      signal,
      clock: ports.clock,
      random: ports.random,
      http: ports.http,
      children: () => ({
        start: ({ input: given, variables, ...child }) =>
          ports.children.start({
            ...child,
            // They are recorded as the child's.
            input: scrubber.value(given),
            variables: scrubber.value(variables),
            parentId: request.executionId,
            path,
          }),
      }),
      secrets: () => run.secrets.view(secretNames),
      checkpoints: () => Object.fromEntries(this.#checkpoints),
      reports,
      mask: (text) => scrubber.text(text),
      standIn: isReal ? null : (context) => standIn({ node: this.#node, path, attempt, context }),
    })
    this.recorder.usageIs(reports.close())
    return end
  }

  /** What the step's templates and expressions see. */
  #scope(): StepSite['scope'] {
    const { scope, run } = this.#site
    const { secretNames } = this.#node
    return secretNames.length === 0 ? scope : { ...scope, secrets: run.secrets.scope(secretNames) }
  }

  async #takeOutcome(outcome: BlockOutcome): Promise<StepEnd | null> {
    if (outcome.kind === 'waiting') return this.#wait(outcome)
    return this.#complete(this.#read(outcome.output), [...(outcome.handles ?? [DEFAULT_HANDLE])])
  }

  #read(output: unknown): ReadOutput | RefusedOutput {
    return readOutput(output, { hint: LESS_OUTPUT, scrubber: this.#site.run.secrets.scrubber })
  }

  /** Records the wait with its absolute due time (E12), then waits. The tables keep whole milliseconds; none ends early. */
  async #wait(outcome: BlockWait): Promise<StepEnd | null> {
    if ('until' in outcome) {
      const output = this.#read(outcome.output)
      if (output.kind === 'refused') return this.#refuse(output)
      const dueAt = Math.ceil(outcome.until)
      await this.recorder.wait({ kind: 'timer' }, dueAt, output.text)
      return this.#sitOut(dueAt, output)
    }
    if ('child' in outcome) {
      const wait = { kind: 'child', executionId: outcome.child } as const
      await this.recorder.wait(wait, null, null)
      return this.#endWait(wait, null)
    }
    const { timeoutMs, timeoutHandle, ...awaited } = outcome.signal
    const { name, schema } = this.#site.run.secrets.scrubber.value(awaited)
    const wait = { kind: 'signal', name, schema, timeoutHandle } as const
    const dueAt = timeoutMs === null ? null : Math.ceil(this.#site.run.ports.clock.now() + timeoutMs)
    await this.recorder.wait(wait, dueAt, null)
    return this.#endWait(wait, dueAt)
  }

  #goOnWaiting({ wait, dueAt, output }: RecordedStep): Promise<StepEnd | null> {
    return wait === null || wait.kind === 'timer'
      ? this.#sitOut(dueAt ?? 0, this.#read(output))
      : this.#endWait(wait, dueAt)
  }

  /** Waits for what comes from outside. */
  async #endWait(wait: Exclude<StepWait, { kind: 'timer' }>, dueAt: number | null): Promise<StepEnd | null> {
    const until = Math.min(dueAt ?? Number.POSITIVE_INFINITY, this.#deadline)
    const end: WaitEnd =
      wait.kind === 'child'
        ? await waitForChild(wait, this.#site, until)
        : await waitForSignal(wait, this.#site, {
            dueAt: until,
            discard: (...told) => this.recorder.discard(...told),
          })
    if (end.kind === 'failed') return this.#giveUpOrWait(end.failure)
    const output = this.#read(end.output)
    if (output.kind === 'refused') return this.#refuse(output)
    return this.#complete(output, [...end.handles], end.signal)
  }

  /** E6: the step's end if the failure is final, null once the next attempt is due. */
  async #giveUpOrWait(failure: StepFailure): Promise<StepEnd | null> {
    const { retry } = this.#node
    const { ports } = this.#site.run
    const decision = decideRetry({
      policy: retry,
      failure,
      attempt: this.recorder.attempt,
      isWanted: this.#mayRepeat(failure) && this.#wantsRetry(failure),
      random: ports.random(),
    })
    if (decision.kind === 'giveUp') return this.fail(failure)
    const dueAt = ports.clock.now() + decision.delayMs
    await this.recorder.retry(failure, dueAt)
    await this.#waitForRetry(dueAt)
    return null
  }

  /** E13: a call of which nobody knows whether it happened is not made again unless the block or the node allows it. */
  #mayRepeat({ code }: StepFailure): boolean {
    const { block, onUnknown } = this.#node
    return block.repeat === 'safe' || onUnknown === 'retry' || !UNKNOWN_OUTCOME_CODES.includes(code)
  }

  async #runLoop(): Promise<StepEnd> {
    await this.#site.run.untilResumed(this.#site.signal)
    const config = await this.#resolveConfig()
    if (config.kind === 'failed') return this.fail(config.failure)
    await this.recorder.start()
    const end = await runLoop(this.#node, this.#site, config.config)
    switch (end.kind) {
      case 'completed':
        return this.#complete(this.#read(end.output), [DEFAULT_HANDLE])
      case 'failed':
        return this.fail(end.failure)
      case 'stopped':
        throw this.#site.signal.reason
    }
  }

  /**
   * Filled in once per step: what a config is made of does not change. Frozen, since parts of it are the plan's, which all
   * executions share; parsed anew for every attempt, which owns what it gets.
   */
  async #resolveConfig(): Promise<ResolvedConfig> {
    await this.#site.run.breath.draw()
    try {
      await this.#site.run.secrets.open(this.#node.secretNames)
      this.#config ??= deepFreeze(renderConfig(this.#node.config, this.#scope()))
    } catch (fault) {
      // Besides expressions, a secret that is there and cannot be read.
      if (!(fault instanceof ExpressionError || fault instanceof LumeError)) throw fault
      return failed(fault.code, fault.message)
    }
    this.recorder.configIs(this.#config)
    const read = readConfig(this.#node.block, this.#config)
    if (read.ok) return { kind: 'ok', config: read.config }
    const issues = read.issues
      .slice(0, MAX_CONFIG_ISSUES)
      .map(({ path, message }) => `${path.join('.') || 'config'}: ${message}`)
    return failed('CONFIG_INVALID', `The config, filled in, does not fit the block: ${issues.join('; ')}`)
  }

  #wantsRetry(failure: StepFailure): boolean {
    const { retryIf } = this.#node.retry
    const expression = retryIf === undefined ? undefined : this.#node.expressions.get(retryIf)
    if (!expression) return true
    const { code, message, retryable, details } = failure
    try {
      const error = { code, message, retryable, details: details ?? {} }
      return expression.evaluate({ ...this.#scope(), error, attempt: this.recorder.attempt }) === true
    } catch (fault) {
      if (fault instanceof ExpressionError) return false
      throw fault
    }
  }

  /** Waits for the instant at which a waiting step ends. */
  async #sitOut(dueAt: number, output: ReadOutput | RefusedOutput): Promise<StepEnd> {
    const { activity, signal } = this.#site
    await activity.waitUntil(Math.min(dueAt, this.#deadline), signal)
    signal.throwIfAborted()
    return this.#complete(output, [DEFAULT_HANDLE])
  }

  async #waitForRetry(dueAt: number): Promise<void> {
    const { run, signal, activity } = this.#site
    const delayMs = dueAt - run.ports.clock.now()
    if (delayMs > LONG_RETRY_MS) await activity.waitUntil(dueAt, signal)
    else await run.ports.clock.wait(Math.max(0, delayMs), signal)
    this.recorder.nextAttempt()
  }

  async #complete(
    output: ReadOutput | RefusedOutput,
    handles: readonly string[],
    signal: WaitedSignal | null = null,
  ): Promise<StepEnd> {
    if (output.kind === 'refused') return this.#refuse(output)
    const unknown = handles.find((handle) => !this.#node.handles.includes(handle))
    if (unknown !== undefined) {
      const message = `The block left by a handle it does not have: "${unknown}".`
      return this.fail(finalFailure('OUTCOME_INVALID', message))
    }
    this.#countAsEnded()
    await this.recorder.complete(output.text, handles, signal)
    return { kind: 'completed', output: output.value, handles }
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
      message: scrubber.text(message),
      ...(details === undefined ? {} : { details: scrubber.value(details) }),
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
    await this.recorder.fail(failure, { handles, output: JSON.stringify(output) })
    return { kind: 'completed', output, handles, error }
  }
}

/** The signal that ended a wait. */
type WaitedSignal = { readonly number: number; readonly name: string }

type ResolvedConfig =
  | { readonly kind: 'ok'; readonly config: unknown }
  | { readonly kind: 'failed'; readonly failure: StepFailure }

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
]

function failed(code: string, message: string): { kind: 'failed'; failure: StepFailure } {
  return { kind: 'failed', failure: finalFailure(code, message) }
}
