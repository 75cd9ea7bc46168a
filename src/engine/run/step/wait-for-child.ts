import { DEFAULT_HANDLE } from '../../block/index.ts'
import type { ReadMemory } from '../../memory/index.ts'
import type { KnownWait, StepFailure } from '../../record/index.ts'
import type { StepSite } from '../context/index.ts'
import type { WaitEnd } from './wait-for-signal.ts'

type ChildStepWait = Extract<KnownWait, { kind: 'child' }>

/** Waits for the end of a child execution: its output is the step's. The caller releases the memory that is taken for it. */
export async function waitForChild(
  { executionId }: ChildStepWait,
  { run, activity, signal }: StepSite,
  memory: Pick<ReadMemory, 'take'>,
): Promise<WaitEnd> {
  for (;;) {
    const end = await run.ports.children.endOf(executionId, (textBytes) => memory.take(textBytes))
    switch (end?.status) {
      case undefined:
        break
      case 'COMPLETED':
        return { kind: 'completed', output: end.output, handles: [DEFAULT_HANDLE], signal: null }
      case 'FAILED':
      case 'CANCELED': {
        const { code, message } = end.error
        const failure: StepFailure = {
          code: 'CHILD_FAILED',
          message: `The execution that was called ended ${end.status}: ${message}`,
          retryable: true,
          details: { executionId, status: end.status, code },
        }
        return { kind: 'failed', failure }
      }
    }
    await activity.waitUntil(Number.POSITIVE_INFINITY, signal, () => run.inbox.hasEnded(executionId))
    signal.throwIfAborted()
  }
}
