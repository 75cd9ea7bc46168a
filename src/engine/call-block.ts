import { followingController } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import type { Block, BlockContext, BlockOutcome } from './block.ts'
import type { Expression, Scope } from './expression.ts'
import { failureOf, type StepFailure } from './step.ts'

export interface BlockCall {
  readonly block: Block
  readonly config: unknown
  readonly input: Json
  readonly scope: Scope
  readonly expressions: ReadonlyMap<string, Expression>
  readonly attempt: number
  readonly idempotencyKey: string
  readonly timeoutMs: number
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onProgress: (fraction: number) => void
}

export type CallEnd =
  | { readonly kind: 'outcome'; readonly outcome: BlockOutcome }
  | { readonly kind: 'failed'; readonly failure: StepFailure }
  /** The signal aborted; the block may or may not have settled within the grace. */
  | { readonly kind: 'aborted' }

/** How long an aborted block may take to settle before it is left behind (E5). */
const GRACE_MS = 5_000

/**
 * Makes one attempt and always comes back (E7): when the block returns or throws, when its time is up, or within the
 * grace after the signal aborts. Whatever the block does later changes nothing.
 */
export async function callBlock(call: BlockCall): Promise<CallEnd> {
  const { block, clock, signal, timeoutMs } = call
  const attempt = followingController(signal)
  const timers = new AbortController()
  const context = openContext(call, attempt.controller.signal)
  try {
    const aborted = abortOf(attempt.controller.signal)
      .then(() => clock.wait(GRACE_MS, timers.signal))
      .then((): CallEnd => ({ kind: 'aborted' }))
    const timedOut = clock.wait(timeoutMs, timers.signal).then((): CallEnd => {
      const message = `The attempt took longer than ${timeoutMs} ms.`
      return { kind: 'failed', failure: { code: 'ATTEMPT_TIMEOUT', message, retryable: true } }
    })
    for (const timer of [aborted, timedOut]) timer.catch(() => {}) // both end with the attempt
    const end = await Promise.race([invoke(block, context.view), aborted, timedOut])
    return signal.aborted ? { kind: 'aborted' } : end
  } finally {
    context.close()
    timers.abort(new Error('the attempt has ended'))
    attempt.unfollow()
    attempt.controller.abort(new Error('the attempt has ended'))
  }
}

async function invoke({ run, type }: Block, context: BlockContext): Promise<CallEnd> {
  if (run === 'loop') throw new Error(`the block ${type} is run by the engine`)
  try {
    const outcome = await run(context)
    if (isOutcome(outcome)) return { kind: 'outcome', outcome }
    const message = `The block ${type} returned something that is not an outcome; return \`completed(output)\`.`
    return { kind: 'failed', failure: { code: 'OUTCOME_INVALID', message, retryable: false } }
  } catch (thrown) {
    return { kind: 'failed', failure: failureOf(thrown) }
  }
}

function isOutcome(value: unknown): value is BlockOutcome {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  if (value.kind === 'completed') return !('handles' in value) || isTexts(value.handles)
  return value.kind === 'waiting' && 'until' in value && Number.isFinite(value.until)
}

function isTexts(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}

/** The block's view of the engine: dead once closed. */
function openContext(call: BlockCall, signal: AbortSignal): { view: BlockContext; close: () => void } {
  let isOpen = true
  const view: BlockContext = {
    config: call.config,
    input: call.input,
    signal,
    attempt: call.attempt,
    idempotencyKey: call.idempotencyKey,
    clock: call.clock,
    evaluate(source: string, bindings: JsonObject = {}): Json {
      const expression = call.expressions.get(source)
      if (!expression) throw new Error('the block does not declare this expression')
      return expression.evaluate({ ...call.scope, ...bindings })
    },
    progress(fraction) {
      if (isOpen && fraction >= 0 && fraction <= 1) call.onProgress(fraction)
    },
  }
  return { view, close: () => (isOpen = false) }
}

/** Resolves when the signal aborts. */
function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
