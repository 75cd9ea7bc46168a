import { messageOf } from '../../../lib/index.ts'
import { FenceLostError, type RecordedError } from '../../record/index.ts'

/** Why a run, or one graph in it, stops before its end. Used as the reason of abort signals. */
export type StopCause =
  /** A user's cancel: steps that run are recorded as CANCELED. */
  | { readonly kind: 'cancel' }
  /** A step, an item or the deadline failed: its siblings are recorded as CANCELED. */
  | { readonly kind: 'fail'; readonly error: RecordedError }
  /** Another worker holds the job, or this one shuts down: nothing more is recorded. */
  | { readonly kind: 'yield' }
  /** The run parks: nothing is running. */
  | { readonly kind: 'park'; readonly wakeAt: number | null }
  /** The journal or the engine itself failed. */
  | { readonly kind: 'fault'; readonly fault: unknown }

export class RunStop extends Error {
  override readonly name = 'RunStop'
  readonly stopCause: StopCause

  constructor(stopCause: StopCause) {
    super(`the run stops: ${stopCause.kind}`)
    this.stopCause = stopCause
  }

  /** Reads what was thrown in the middle of a run. */
  static of(thrown: unknown): RunStop {
    if (thrown instanceof RunStop) return thrown
    if (thrown instanceof FenceLostError) return new RunStop({ kind: 'yield' })
    return new RunStop({ kind: 'fault', fault: thrown })
  }

  /** True when what is cut off should be recorded as canceled. */
  get isRecorded(): boolean {
    return this.stopCause.kind === 'cancel' || this.stopCause.kind === 'fail'
  }

  get error(): RecordedError | null {
    switch (this.stopCause.kind) {
      case 'fail':
        return this.stopCause.error
      case 'fault':
        return { code: 'ENGINE_FAULT', message: messageOf(this.stopCause.fault) }
      default:
        return null
    }
  }
}
