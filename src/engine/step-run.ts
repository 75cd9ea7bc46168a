import { deepFreeze, type Json } from '../lib/json.ts'
import { DEFAULT_HANDLE, ERROR_HANDLE, type BlockOutcome } from './block.ts'
import { ATTEMPT_TIMEOUT, callBlock } from './call-block.ts'
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
import { RunStop } from './run-stop.ts'
import { StepRecorder } from './step-recorder.ts'
import { BLOCK_FAILED, errorOutput, finalFailure, recordedError, type StepFailure } from './step.ts'

/** A retry delay longer than this is a wait: the run may park meanwhile (E6). */
const LONG_RETRY_MS = 5_000
const LESS_OUTPUT = 'Return less, or set `output: "none"` on the loop.'
const MAX_CONFIG_ISSUES = 10

/** Takes one step from wherever its record says it is to its end. */
export async function runStep(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const step = new StepRun(node, site, site.run.request.recorded.steps.get(site.path))
  const close = site.activity.openWork()
  try {
    return await step.run()
  } catch (thrown) {
    const stop = RunStop.of(thrown)
    if (stop.stopCause.kind === 'fault') site.run.stop(stop)
    if (stop.isRecorded) step.recorder.cancel()
    return { kind: 'stopped' }
  } finally {
    close()
  }
}

class StepRun {
  readonly recorder: StepRecorder
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #recorded: RecordedStep | undefined
  #config: Json | undefined

  constructor(node: PlanNode, site: StepSite, recorded: RecordedStep | undefined) {
    this.#node = node
    this.#site = site
    this.#recorded = recorded
    this.recorder = new StepRecorder(node, site, recorded)
  }

  async run(): Promise<StepEnd> {
    if (this.#node.body) return this.#runLoop()
    const recorded = this.#recorded
    if (recorded?.status === 'WAITING') {
      const config = await this.#resolveConfig()
      if (config.kind === 'failed') return this.#fail(config.failure)
      return this.#sitOut(recorded.dueAt ?? 0, readOutput(recorded.output, LESS_OUTPUT))
    }
    if (recorded?.status === 'RETRYING') await this.#waitForRetry(recorded.dueAt ?? 0)
    if (recorded?.status === 'RUNNING' && this.#node.block.repeat === 'never') {
      await this.#resolveConfig() // for the record
      const end = await this.#giveUpOrWait(UNKNOWN_OUTCOME)
      if (end) return end
    }
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
    const { run, signal, order, input, scope, path, isTopLevel } = this.#site
    const { block, expressions, timeoutMs, index } = this.#node
    const release = await run.slots.acquire(order, signal)
    try {
      const config = await this.#resolveConfig()
      signal.throwIfAborted()
      if (config.kind === 'failed') return config
      await this.recorder.start()
      signal.throwIfAborted()
      this.recorder.calls()
      const end = await callBlock({
        block,
        config: config.config,
        input,
        scope,
        expressions,
        attempt: this.recorder.attempt,
        idempotencyKey: `${run.request.executionId}/${path}`,
        timeoutMs,
        heartbeatMs: block.heartbeatMs,
        clock: run.ports.clock,
        signal,
        random: run.ports.random,
        execution: { id: run.request.executionId, mode: run.request.mode, startedAt: new Date(run.startedAt).toISOString() },
        path,
        secrets: { get: () => { throw new Error('none') }, find: () => null },
        http: { send: () => Promise.reject(new Error('none')) },
        children: { start: () => Promise.reject(new Error('none')) },
        checkpoints: {},
        standIn: null,
        reports: {
          log: () => {},
          progress: (fraction) => isTopLevel && run.reportProgress(index, fraction),
          usage: () => {},
          stream: () => {},
          checkpoint: async () => {},
        },
      })
      if (end.kind === 'aborted') throw signal.reason
      return end
    } finally {
      release()
    }
  }

  async #takeOutcome(outcome: BlockOutcome): Promise<StepEnd> {
    if (outcome.kind === 'waiting' && !('until' in outcome)) throw new Error('none')
    const output = readOutput(outcome.output, LESS_OUTPUT)
    if (outcome.kind === 'completed')
      return this.#complete(output, [...(outcome.handles ?? [DEFAULT_HANDLE])])
    if (output.kind === 'refused') return this.#refuse(output)
    // The tables keep whole milliseconds, and no wait ends early.
    const dueAt = Math.ceil(outcome.until)
    await this.recorder.wait(dueAt, output)
    return this.#sitOut(dueAt, output)
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
    if (decision.kind === 'giveUp') return this.#fail(failure)
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
    const config = await this.#resolveConfig()
    if (config.kind === 'failed') return this.#fail(config.failure)
    await this.recorder.start()
    const end = await runLoop(this.#node, this.#site, config.config)
    switch (end.kind) {
      case 'completed':
        return this.#complete(readOutput(end.output, LESS_OUTPUT), [DEFAULT_HANDLE])
      case 'failed':
        return this.#fail(end.failure)
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
      this.#config ??= deepFreeze(renderConfig(this.#node.config, this.#site.scope))
    } catch (fault) {
      if (!(fault instanceof ExpressionError)) throw fault
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
      return expression.evaluate({ ...this.#site.scope, error, attempt: this.recorder.attempt }) === true
    } catch (fault) {
      if (fault instanceof ExpressionError) return false
      throw fault
    }
  }

  /** Waits for the instant at which a waiting step ends. */
  async #sitOut(dueAt: number, output: ReadOutput | RefusedOutput): Promise<StepEnd> {
    await this.#site.activity.waitUntil(dueAt, this.#site.signal)
    return this.#complete(output, [DEFAULT_HANDLE])
  }

  async #waitForRetry(dueAt: number): Promise<void> {
    const { run, signal, activity } = this.#site
    const delayMs = dueAt - run.ports.clock.now()
    if (delayMs > LONG_RETRY_MS) await activity.waitUntil(dueAt, signal)
    else await run.ports.clock.wait(Math.max(0, delayMs), signal)
    this.recorder.nextAttempt()
  }

  async #complete(output: ReadOutput | RefusedOutput, handles: readonly string[]): Promise<StepEnd> {
    if (output.kind === 'refused') return this.#refuse(output)
    const unknown = handles.find((handle) => !this.#node.handles.includes(handle))
    if (unknown !== undefined) {
      const message = `The block left by a handle it does not have: "${unknown}".`
      return this.#fail(finalFailure('OUTCOME_INVALID', message))
    }
    this.#countAsEnded()
    await this.recorder.complete(output.text, handles)
    return { kind: 'completed', output: output.value, handles }
  }

  #refuse({ code, message }: RefusedOutput): Promise<StepEnd> {
    return this.#fail(finalFailure(code, message))
  }

  /** Before the end is recorded, so that its own event shows the progress that it makes. */
  #countAsEnded(): void {
    if (this.#site.isTopLevel) this.#site.run.progress.report(this.#node.index, 1)
  }

  /** E5. */
  async #fail(failure: StepFailure): Promise<StepEnd> {
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

type ResolvedConfig =
  | { readonly kind: 'ok'; readonly config: unknown }
  | { readonly kind: 'failed'; readonly failure: StepFailure }

const UNKNOWN_OUTCOME: StepFailure = {
  code: 'CALL_OUTCOME_UNKNOWN',
  message:
    'The worker was lost during the call: it may or may not have happened, and the block must not repeat it.',
  retryable: true,
}

/** Failures that do not say whether the call happened: nobody answered in time, or nobody said what went wrong. */
const UNKNOWN_OUTCOME_CODES: readonly string[] = [UNKNOWN_OUTCOME.code, ATTEMPT_TIMEOUT, BLOCK_FAILED]

function failed(code: string, message: string): { kind: 'failed'; failure: StepFailure } {
  return { kind: 'failed', failure: finalFailure(code, message) }
}
