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

export const ATTEMPT_TIMEOUT = 'ATTEMPT_TIMEOUT'

/** How long an aborted block may take to settle before it is left behind (E5). */
const GRACE_MS = 5_000

/**
 * Makes one attempt and always comes back (E7): when the block returns or throws, when its time is up, or within the
 * grace after the signal aborts. Whatever the block does later changes nothing.
 */
export function callBlock(call: BlockCall): Promise<CallEnd> {
  const { block, clock, signal, timeoutMs } = call
  return new Promise((resolve) => {
    const context = openContext(call)
    let stopTimer = clock.after(timeoutMs, () => {
      const message = `The attempt took longer than ${timeoutMs} ms.`
      settle({ kind: 'failed', failure: { code: ATTEMPT_TIMEOUT, message, retryable: true } })
      context.abort(new Error(message))
    })
    const onAbort = () => {
      context.abort(signal.reason)
      stopTimer()
      stopTimer = clock.after(GRACE_MS, () => settle({ kind: 'aborted' }))
    }
    const settle = (end: CallEnd) => {
      stopTimer()
      signal.removeEventListener('abort', onAbort)
      context.close()
      resolve(signal.aborted ? { kind: 'aborted' } : end)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    void invoke(block, context.view).then(settle)
  })
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
  return value.kind === 'waiting' && 'until' in value && isInstant(value.until)
}

/** Within the range of dates: an instant is shown as one. */
function isInstant(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime())
}

function isTexts(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}

interface OpenContext {
  readonly view: BlockContext
  abort(reason: unknown): void
  /** From then on nothing that the block does through the view has an effect. */
  close(): void
}

function openContext(call: BlockCall): OpenContext {
  let isOpen = true
  // Most blocks never look at the signal; it is made for those that do.
  let controller: AbortController | null = null
  let aborted: { readonly reason: unknown } | null = null
  const view: BlockContext = {
    config: call.config,
    input: call.input,
    attempt: call.attempt,
    idempotencyKey: call.idempotencyKey,
    clock: call.clock,
    get signal() {
      if (controller) return controller.signal
      controller = new AbortController()
      if (aborted) controller.abort(aborted.reason)
      return controller.signal
    },
    evaluate(source: string, bindings: JsonObject = {}): Json {
      const expression = call.expressions.get(source)
      if (!expression) throw new Error('the block does not declare this expression')
      return expression.evaluate({ ...call.scope, ...bindings })
    },
    progress(fraction) {
      if (isOpen && fraction >= 0 && fraction <= 1) call.onProgress(fraction)
    },
  }
  return {
    view,
    abort(reason) {
      aborted ??= { reason }
      controller?.abort(reason)
    },
    close() {
      isOpen = false
    },
  }
}
