import { afterInTime } from '../../../lib/async/index.ts'
import {
  callUserCode,
  readOutcome,
  type Block,
  type BlockContext,
  type BlockOutcome,
} from '../../block/index.ts'
import {
  failureOf,
  unhandledFailure,
  type AttemptCode,
  type Mask,
  type StepFailure,
} from '../../record/index.ts'
import { AttemptContext, type AttemptWorld } from './attempt-context.ts'

export interface BlockCall extends AttemptWorld {
  readonly block: Block
  /** What the errors that the block leaves unhandled are attributed to. */
  readonly code: AttemptCode
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
 * Makes one attempt and always comes back (E7): when the block returns or throws, when it leaves an error unhandled, when
 * its time is up, or within the grace after the signal aborts. Whatever the block does later changes nothing.
 */
export function callBlock(call: BlockCall): Promise<CallEnd> {
  const { clock, signal, timeoutMs, heartbeatMs, code, mask } = call
  return new Promise((resolve) => {
    let lastAliveAt = clock.now()
    const context = new AttemptContext(call, () => (lastAliveAt = clock.now()))
    // What listens to the signal is the block's code: Node reports what a listener throws as an uncaught exception.
    const abort = (reason: unknown) => callUserCode(code, () => AttemptContext.abort(context, reason))
    const giveUp = (failureCode: string, message: string) => {
      settle({ kind: 'failed', failure: { code: failureCode, message, retryable: true } })
      abort(new Error(message))
    }
    let stopTimer = afterInTime(clock, timeoutMs, () =>
      giveUp(ATTEMPT_TIMEOUT, `The attempt took longer than ${timeoutMs} ms.`),
    )
    const stopListening = heartbeatMs === null ? () => {} : listen(heartbeatMs)
    const onAbort = () => {
      abort(signal.reason)
      stopTimer()
      stopTimer = clock.after(GRACE_MS, () => settle({ kind: 'aborted' }))
    }
    const settle = (end: CallEnd) => {
      stopTimer()
      stopListening()
      signal.removeEventListener('abort', onAbort)
      AttemptContext.close(context)
      code.close()
      resolve(signal.aborted ? { kind: 'aborted' } : end)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    code.open((error) => {
      // While it is being aborted the attempt has its outcome; the block still has the grace to settle.
      if (signal.aborted) return false
      settle({ kind: 'failed', failure: unhandledFailure(error, mask) })
      abort(error)
      return true
    })
    void callUserCode(code, () => invoke(call, context)).then(settle)

    /** Looks again when the last sign of life will have been too long ago. */
    function listen(everyMs: number): () => void {
      let stop = () => {}
      const look = () => {
        const silentMs = clock.now() - lastAliveAt
        if (silentMs < everyMs) stop = afterInTime(clock, everyMs - silentMs, look)
        else giveUp(HEARTBEAT_MISSED, `The attempt gave no sign of life for ${everyMs} ms.`)
      }
      stop = afterInTime(clock, everyMs, look)
      return () => stop()
    }
  })
}

async function invoke({ block, standIn, mask }: BlockCall, context: BlockContext): Promise<CallEnd> {
  const { type, run } = block
  if (run === 'loop') throw new Error(`the block ${type} is run by the engine`)
  try {
    const outcome = readOutcome(await (standIn ?? run)(context))
    if (outcome) return { kind: 'outcome', outcome }
    const message = `The block ${type} returned something that is not an outcome; return \`completed(output)\`.`
    return { kind: 'failed', failure: { code: 'OUTCOME_INVALID', message, retryable: false } }
  } catch (thrown) {
    return { kind: 'failed', failure: failureOf(thrown, mask) }
  }
}
