import { deepFreeze, type Json } from '../lib/json.ts'
import { toPlainJson } from '../lib/plain-json.ts'
import { DEFAULT_HANDLE, ERROR_HANDLE, type BlockOutcome } from './block.ts'
import { callBlock } from './call-block.ts'
import { renderConfig } from './config-template.ts'
import { ExpressionError } from './expression.ts'
import type { StepSite } from './frame.ts'
import type { RecordedStep } from './journal.ts'
import { runLoop } from './loop-run.ts'
import type { PlanNode } from './plan.ts'
import { decideRetry } from './retry.ts'
import { RunStop } from './run-stop.ts'
import { StepRecorder } from './step-recorder.ts'
import { errorOutput, recordedError, type RecordedError, type StepFailure } from './step.ts'

export type StepEnd =
  /** The step is left by `handles`; `error` is set when it failed and its node goes on all the same. */
  | {
      readonly kind: 'completed'
      readonly output: Json
      readonly handles: readonly string[]
      readonly error?: RecordedError
    }
  | { readonly kind: 'failed'; readonly error: RecordedError }
  | { readonly kind: 'stopped' }

/** A step's output, as JSON text of UTF-8 bytes (D6). */
const OUTPUT_MAX_BYTES = 4 * 1024 * 1024
/** A retry delay longer than this is a wait: the run may park meanwhile (E6). */
const LONG_RETRY_MS = 5_000

/** Takes one step from wherever its record says it is to its end. A recorded end is never made again (E12). */
export async function runStep(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const recorded = site.run.request.recorded.steps.get(site.path)
  const end = recorded && recordedEnd(recorded)
  if (end) return end
  const step = new StepRun(node, site, recorded)
  const closeLeaf = node.body ? () => {} : site.run.openLeaf()
  try {
    return await step.run()
  } catch (thrown) {
    const stop = RunStop.of(thrown)
    if (stop.stopCause.kind === 'fault') site.run.stop(stop)
    if (stop.isRecorded) step.recorder.cancel()
    return { kind: 'stopped' }
  } finally {
    closeLeaf()
  }
}

function recordedEnd({ status, output, handles, error, path }: RecordedStep): StepEnd | null {
  switch (status) {
    case 'COMPLETED':
      return { kind: 'completed', output, handles }
    case 'FAILED': {
      const cause = error ?? { code: 'STEP_FAILED', message: 'The step failed.', path }
      return handles.length > 0
        ? { kind: 'completed', output, handles, error: cause }
        : { kind: 'failed', error: { ...cause, path } }
    }
    case 'CANCELED':
      return { kind: 'stopped' }
    default:
      return null
  }
}

class StepRun {
  readonly recorder: StepRecorder
  readonly #node: PlanNode
  readonly #site: StepSite
  readonly #recorded: RecordedStep | undefined

  constructor(node: PlanNode, site: StepSite, recorded: RecordedStep | undefined) {
    this.#node = node
    this.#site = site
    this.#recorded = recorded
    this.recorder = new StepRecorder(node, site, recorded)
  }

  async run(): Promise<StepEnd> {
    const config = this.#resolveConfig()
    if (config.kind === 'failed') return this.#fail(config.failure)
    if (this.#node.body) return this.#runLoop(config.config)
    const recorded = this.#recorded
    if (recorded?.status === 'WAITING') return this.#sitOut(recorded.dueAt ?? 0, readOutput(recorded.output))
    if (recorded?.status === 'RUNNING' && this.#node.block.repeat === 'never')
      return this.#fail(UNKNOWN_OUTCOME)
    if (recorded?.status === 'RETRYING') await this.#waitForRetry(recorded.dueAt ?? 0)
    return this.#attempts(config.config)
  }

  async #attempts(config: unknown): Promise<StepEnd> {
    const { retry } = this.#node
    for (;;) {
      const end = await this.#attempt(config)
      if (end.kind === 'outcome') {
        const read = this.#readOutcome(end.outcome)
        if (read.kind === 'failed') return this.#fail(read.failure)
        if (read.waitUntil === null) return this.#complete(read.output, read.handles)
        await this.recorder.wait(read.waitUntil, read.output)
        return this.#sitOut(read.waitUntil, read.output)
      }
      const decision = decideRetry({
        policy: retry,
        failure: end.failure,
        attempt: this.recorder.attempt,
        isWanted: this.#wantsRetry(end.failure),
        random: this.#site.run.ports.random(),
      })
      if (decision.kind === 'giveUp') return this.#fail(end.failure)
      const dueAt = this.#site.run.ports.clock.now() + decision.delayMs
      await this.recorder.retry(end.failure, dueAt)
      await this.#waitForRetry(dueAt)
    }
  }

  /** One attempt in one of the execution's places. */
  async #attempt(config: unknown) {
    const { run, signal, order, input, scope, path, isTopLevel } = this.#site
    const { block, expressions, timeoutMs, index } = this.#node
    const release = await run.slots.acquire(order, signal)
    try {
      await this.recorder.start()
      const end = await callBlock({
        block,
        config,
        input,
        scope,
        expressions,
        attempt: this.recorder.attempt,
        idempotencyKey: `${run.request.executionId}/${path}`,
        timeoutMs,
        clock: run.ports.clock,
        signal,
        onProgress: (fraction) => isTopLevel && run.progress.report(index, Math.min(fraction, 0.99)),
      })
      if (end.kind === 'aborted') throw signal.reason
      return end
    } finally {
      release()
    }
  }

  async #runLoop(config: unknown): Promise<StepEnd> {
    await this.recorder.start()
    const end = await runLoop(this.#node, this.#site, config)
    switch (end.kind) {
      case 'completed': {
        const read = readOutput(end.output)
        return read.kind === 'failed' ? this.#fail(read.failure) : this.#complete(read, [DEFAULT_HANDLE])
      }
      case 'failed':
        return this.#fail(end.failure)
      case 'stopped':
        throw this.#site.signal.reason
    }
  }

  #resolveConfig(): { kind: 'ok'; config: unknown } | { kind: 'failed'; failure: StepFailure } {
    try {
      const resolved = renderConfig(this.#node.config, this.#site.scope)
      this.recorder.configIs(resolved)
      const parsed = this.#node.block.config.safeParse(resolved)
      if (parsed.success) return { kind: 'ok', config: parsed.data }
      const issues = parsed.error.issues.map(
        ({ path, message }) => `${path.join('.') || 'config'}: ${message}`,
      )
      return failed('CONFIG_INVALID', `The config, filled in, does not fit the block: ${issues.join('; ')}`)
    } catch (fault) {
      if (!(fault instanceof ExpressionError)) throw fault
      return failed(fault.code, fault.message)
    }
  }

  #readOutcome(outcome: BlockOutcome) {
    const read = readOutput(outcome.output)
    if (read.kind === 'failed') return read
    const handles = outcome.kind === 'completed' ? (outcome.handles ?? [DEFAULT_HANDLE]) : [DEFAULT_HANDLE]
    const unknown = handles.find((handle) => !this.#node.handles.includes(handle))
    if (unknown !== undefined)
      return failed('OUTCOME_INVALID', `The block left by a handle it does not have: "${unknown}".`)
    return {
      kind: 'ok' as const,
      output: read,
      handles,
      waitUntil: outcome.kind === 'waiting' ? outcome.until : null,
    }
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
  async #sitOut(dueAt: number, output: OutputReading): Promise<StepEnd> {
    await this.#site.run.waitUntil(dueAt, this.#site.signal)
    return output.kind === 'failed' ? this.#fail(output.failure) : this.#complete(output, [DEFAULT_HANDLE])
  }

  async #waitForRetry(dueAt: number): Promise<void> {
    const { run, signal } = this.#site
    const delayMs = dueAt - run.ports.clock.now()
    if (delayMs > LONG_RETRY_MS) await run.waitUntil(dueAt, signal)
    else await run.ports.clock.wait(Math.max(0, delayMs), signal)
    this.recorder.nextAttempt()
  }

  async #complete(output: ReadOutput, handles: readonly string[]): Promise<StepEnd> {
    this.#countAsEnded()
    await this.recorder.complete(output.text, handles)
    return { kind: 'completed', output: output.value, handles }
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

const UNKNOWN_OUTCOME: StepFailure = {
  code: 'CALL_OUTCOME_UNKNOWN',
  message:
    'The worker was lost during the call: it may or may not have happened, and the block must not repeat it.',
  retryable: false,
}

type OutputReading = ReadOutput | { readonly kind: 'failed'; readonly failure: StepFailure }

interface ReadOutput {
  readonly kind: 'output'
  readonly text: string
  readonly value: Json
}

/** E8: what flows on is exactly what is recorded. */
function readOutput(output: unknown): OutputReading {
  const plain = toPlainJson(output ?? null)
  if (!plain.ok) {
    const { pointer, reason } = plain.problem
    return failed('OUTPUT_INVALID', `The output is not plain JSON: the value at "${pointer}" ${reason}.`)
  }
  const bytes = Buffer.byteLength(plain.text)
  if (bytes > OUTPUT_MAX_BYTES) {
    const hint = 'Return less, or set `output: "none"` on the loop.'
    return failed(
      'OUTPUT_TOO_LARGE',
      `The output has ${bytes} bytes; ${OUTPUT_MAX_BYTES} are allowed. ${hint}`,
    )
  }
  return { kind: 'output', text: plain.text, value: deepFreeze(plain.value) }
}

function failed(code: string, message: string): { kind: 'failed'; failure: StepFailure } {
  return { kind: 'failed', failure: { code, message, retryable: false } }
}
