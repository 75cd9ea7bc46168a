import { withAttempt } from './attempts.ts'
import { event } from './event.ts'
import type { JournalEntry, StepRecord } from './journal.ts'
import type { AttemptRecord } from './step.ts'

/** What is recorded of steps that are cut off. */
export type CutSteps = Required<Pick<JournalEntry, 'events' | 'steps'>>

export interface StepCancel {
  readonly at: number
  /** When the attempt that is cut off began; null when none was under way. */
  readonly attemptStartedAt: number | null
  /** The version of the block that made this attempt; null where it is not known. */
  readonly blockVersion: string | null
  /** E5. */
  readonly callMayHaveHappened: boolean
}

/** E5: what is recorded of a step that is cut off before its end. */
export function canceledStep(
  step: StepRecord,
  { at, attemptStartedAt, blockVersion, callMayHaveHappened }: StepCancel,
): CutSteps {
  const { path, nodeId, attempt } = step
  const cut: AttemptRecord | null =
    attemptStartedAt === null
      ? null
      : {
          number: attempt,
          status: 'CANCELED',
          startedAt: new Date(attemptStartedAt).toISOString(),
          finishedAt: new Date(at).toISOString(),
          ...(blockVersion === null ? {} : { blockVersion }),
          ...(callMayHaveHappened ? { callMayHaveHappened } : {}),
        }
  return {
    events: [event('STEP_CANCELED', at, { path, nodeId, attempt, callMayHaveHappened })],
    steps: [
      {
        ...step,
        status: 'CANCELED',
        attempts: cut ? withAttempt(step.attempts, cut) : step.attempts,
        handles: [],
        dueAt: null,
        wait: null,
        error: null,
        reusedFrom: null,
        finishedAt: at,
      },
    ],
  }
}
