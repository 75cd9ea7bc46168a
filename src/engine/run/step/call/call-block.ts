import { afterInTime, onAbort } from '../../../../lib/async/index.ts'
import {
  callUserCode,
  readOutcome,
  type Block,
  type BlockContext,
  type BlockOutcome,
} from '../../../block/index.ts'
import {
  failureOf,
  unhandledFailure,
  type AttemptCode,
  type Mask,
  type StepFailure,
} from '../../../record/index.ts'
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
  return new Promise((resolve) => new OpenCall(call, resolve).begin())
}

class OpenCall {
  readonly #call: BlockCall
  readonly #resolve: (end: CallEnd) => void
  readonly #context: AttemptContext
  #stopTimer = () => {}
  #stopHeartbeat = () => {}
  #unfollow = () => {}
  #lastAliveAt = 0

  constructor(call: BlockCall, resolve: (end: CallEnd) => void) {
    this.#call = call
    this.#resolve = resolve
    this.#context = new AttemptContext(call, () => this.#isAlive())
  }

  begin(): void {
    const { clock, code, signal, timeoutMs, heartbeatMs } = this.#call
    this.#stopTimer = afterInTime(clock, timeoutMs, () =>
      this.#giveUp(ATTEMPT_TIMEOUT, `The attempt took longer than ${timeoutMs} ms.`),
    )
    if (heartbeatMs !== null) {
      this.#isAlive()
      this.#stopHeartbeat = this.#listen(heartbeatMs)
    }
    this.#unfollow = onAbort(signal, () => this.#cutOff())
    code.open((error) => this.#leftUnhandled(error))
    callUserCode(code, () => this.#invoke())
  }

  /** In the block's name: to read its outcome, or what it throws, may run getters of the block. */
  #invoke(): void {
    const { block, standIn, mask } = this.#call
    const refuse = (thrown: unknown) => this.#settle({ kind: 'failed', failure: failureOf(thrown, mask) })
    try {
      const run = standIn ?? block.run
      if (run === 'loop') throw new Error(`the block ${block.type} is run by the engine`)
      Promise.resolve(run(this.#context)).then((returned) => this.#settle(this.#read(returned)), refuse)
    } catch (thrown) {
      refuse(thrown)
    }
  }

  #read(returned: unknown): CallEnd {
    const { block, mask } = this.#call
    try {
      const outcome = readOutcome(returned)
      if (outcome) return { kind: 'outcome', outcome }
    } catch (thrown) {
      return { kind: 'failed', failure: failureOf(thrown, mask) }
    }
    const message = `The block ${block.type} returned something that is not an outcome; return \`completed(output)\`.`
    return { kind: 'failed', failure: { code: 'OUTCOME_INVALID', message, retryable: false } }
  }

  #settle(end: CallEnd): void {
    this.#stopTimer()
    this.#stopHeartbeat()
    this.#unfollow()
    AttemptContext.close(this.#context)
    this.#call.code.close()
    this.#resolve(this.#call.signal.aborted ? { kind: 'aborted' } : end)
  }

  #giveUp(code: string, message: string): void {
    this.#settle({ kind: 'failed', failure: { code, message, retryable: true } })
    this.#abort(new Error(message))
  }

  /** Returns whether the error fails the attempt. */
  #leftUnhandled(error: unknown): boolean {
    const { signal, mask } = this.#call
    // While it is being aborted the attempt has its outcome; the block still has the grace to settle.
    if (signal.aborted) return false
    this.#settle({ kind: 'failed', failure: unhandledFailure(error, mask) })
    this.#abort(error)
    return true
  }

  /** The signal aborts: the block has the grace to settle. */
  #cutOff(): void {
    const { clock, signal } = this.#call
    this.#abort(signal.reason)
    this.#stopTimer()
    this.#stopTimer = clock.after(GRACE_MS, () => this.#settle({ kind: 'aborted' }))
  }

  /** What listens to the context's signal is the block's code: Node reports what a listener throws as an uncaught exception. */
  #abort(reason: unknown): void {
    callUserCode(this.#call.code, () => AttemptContext.abort(this.#context, reason))
  }

  #isAlive(): void {
    this.#lastAliveAt = this.#call.clock.now()
  }

  /** Looks again when the last sign of life will have been too long ago. */
  #listen(everyMs: number): () => void {
    const { clock } = this.#call
    let stop = () => {}
    const look = () => {
      const silentMs = clock.now() - this.#lastAliveAt
      if (silentMs < everyMs) stop = afterInTime(clock, everyMs - silentMs, look)
      else this.#giveUp(HEARTBEAT_MISSED, `The attempt gave no sign of life for ${everyMs} ms.`)
    }
    stop = afterInTime(clock, everyMs, look)
    return () => stop()
  }
}
