import type { Block, BlockContext, BlockOutcome, SignalWait } from './block.ts'
import { AttemptContext, type AttemptWorld } from './attempt-context.ts'
import { failureOf, type Mask, type StepFailure } from './step.ts'

export interface BlockCall extends AttemptWorld {
  readonly block: Block
  readonly timeoutMs: number
  readonly heartbeatMs: number | null
  readonly signal: AbortSignal
  /** What is done in the block's place, where the world must not be touched; null: the block itself works. */
  readonly standIn: ((context: BlockContext) => Promise<BlockOutcome>) | null
  readonly mask: Mask
}

export type CallEnd =
  | { readonly kind: 'outcome'; readonly outcome: BlockOutcome }
  | { readonly kind: 'failed'; readonly failure: StepFailure }
  /** The signal aborted; the block may or may not have settled within the grace. */
  | { readonly kind: 'aborted' }

export const ATTEMPT_TIMEOUT = 'ATTEMPT_TIMEOUT'
export const HEARTBEAT_MISSED = 'HEARTBEAT_MISSED'

/** How long an aborted block may take to settle before it is left behind (E5). */
const GRACE_MS = 5_000

/**
 * Makes one attempt and always comes back (E7): when the block returns or throws, when its time is up, or within the
 * grace after the signal aborts. Whatever the block does later changes nothing.
 */
export function callBlock(call: BlockCall): Promise<CallEnd> {
  const { clock, signal, timeoutMs, heartbeatMs } = call
  return new Promise((resolve) => {
    let lastAliveAt = clock.now()
    const context = new AttemptContext(call, () => (lastAliveAt = clock.now()))
    const giveUp = (code: string, message: string) => {
      settle({ kind: 'failed', failure: { code, message, retryable: true } })
      AttemptContext.abort(context, new Error(message))
    }
    let stopTimer = clock.after(timeoutMs, () =>
      giveUp(ATTEMPT_TIMEOUT, `The attempt took longer than ${timeoutMs} ms.`),
    )
    const stopListening = heartbeatMs === null ? () => {} : listen(heartbeatMs)
    const onAbort = () => {
      AttemptContext.abort(context, signal.reason)
      stopTimer()
      stopTimer = clock.after(GRACE_MS, () => settle({ kind: 'aborted' }))
    }
    const settle = (end: CallEnd) => {
      stopTimer()
      stopListening()
      signal.removeEventListener('abort', onAbort)
      AttemptContext.close(context)
      resolve(signal.aborted ? { kind: 'aborted' } : end)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    void invoke(call, context).then(settle)

    /** Looks again when the last sign of life will have been too long ago. */
    function listen(everyMs: number): () => void {
      let stop = () => {}
      const look = () => {
        const silentMs = clock.now() - lastAliveAt
        if (silentMs < everyMs) stop = clock.after(everyMs - silentMs, look)
        else giveUp(HEARTBEAT_MISSED, `The attempt gave no sign of life for ${everyMs} ms.`)
      }
      stop = clock.after(everyMs, look)
      return () => stop()
    }
  })
}

async function invoke({ block, standIn, mask }: BlockCall, context: BlockContext): Promise<CallEnd> {
  const { type, run } = block
  if (run === 'loop') throw new Error(`the block ${type} is run by the engine`)
  try {
    const outcome = await (standIn ?? run)(context)
    if (isOutcome(outcome)) return { kind: 'outcome', outcome }
    const message = `The block ${type} returned something that is not an outcome; return \`completed(output)\`.`
    return { kind: 'failed', failure: { code: 'OUTCOME_INVALID', message, retryable: false } }
  } catch (thrown) {
    return { kind: 'failed', failure: failureOf(thrown, mask) }
  }
}

function isOutcome(value: unknown): value is BlockOutcome {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false
  if (value.kind === 'completed') return !('handles' in value) || isTexts(value.handles)
  if (value.kind !== 'waiting') return false
  if ('signal' in value) return isSignalWait(value.signal)
  if ('child' in value) return typeof value.child === 'string'
  return 'until' in value && isInstant(value.until)
}

function isSignalWait(value: unknown): value is SignalWait {
  if (typeof value !== 'object' || value === null) return false
  const { name, timeoutMs } = value as Partial<SignalWait>
  return typeof name === 'string' && (timeoutMs === null || (typeof timeoutMs === 'number' && timeoutMs >= 0))
}

/** Within the range of dates: an instant is shown as one. */
function isInstant(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime())
}

function isTexts(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'))
}
