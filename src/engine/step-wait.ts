import type { Json } from '../lib/json.ts'
import { DEFAULT_HANDLE } from './block.ts'
import type { StepSite } from './frame.ts'
import type { Signal } from './inbox.ts'
import { findInputProblems, type SchemaChecker } from './schema-checker.ts'
import { finalFailure, type StepFailure, type StepWait } from './step.ts'

/** How a wait for something from outside has ended. */
export type WaitEnd =
  | {
      readonly kind: 'completed'
      readonly output: Json
      readonly handles: readonly string[]
      /** The signal that ended it, used up by the record of this end. */
      readonly signal: { readonly number: number; readonly name: string } | null
    }
  | { readonly kind: 'failed'; readonly failure: StepFailure }

type SignalStepWait = Extract<StepWait, { kind: 'signal' }>
type ChildStepWait = Extract<StepWait, { kind: 'child' }>

/** Waits for a signal whose payload fits; first in, first out. Those that do not fit are discarded, and the wait goes on. */
export async function waitForSignal(
  wait: SignalStepWait,
  { run, path, activity, signal: stop }: StepSite,
  {
    dueAt,
    discard,
  }: { readonly dueAt: number; readonly discard: (signal: Signal, problems: string[]) => Promise<void> },
): Promise<WaitEnd> {
  const { name, schema, timeoutHandle } = wait
  let found: Signal | null = null
  const isOver = () => (found ??= run.inbox.takeSignal(name, path)) !== null
  while (isOver() || run.ports.clock.now() < dueAt) {
    try {
      await activity.waitUntil(dueAt, stop, isOver)
    } catch (reason) {
      // Cut off between the signal and the record of its use: in a pause, in a park, in the queue for a lane.
      if (found !== null) run.inbox.giveBack(found)
      throw reason
    }
    if (found === null) continue
    const taken: Signal = found
    const problems = await signalProblems(run.schemas, schema, taken.payload)
    if (stop.aborted) {
      // Cut off during the check: nothing is on record of the signal's use.
      run.inbox.giveBack(taken)
      throw stop.reason
    }
    if (problems.length === 0)
      return { kind: 'completed', output: taken.payload, handles: [DEFAULT_HANDLE], signal: taken }
    await discard(taken, problems)
    found = null
  }
  stop.throwIfAborted()
  if (timeoutHandle !== null)
    return { kind: 'completed', output: null, handles: [timeoutHandle], signal: null }
  return {
    kind: 'failed',
    failure: finalFailure('SIGNAL_TIMEOUT', `No signal "${name}" came in time.`),
  }
}

/** What is wrong with a signal's payload; empty when it fits. */
async function signalProblems(
  schemas: SchemaChecker,
  schema: SignalStepWait['schema'],
  payload: Json,
): Promise<string[]> {
  const problems = await findInputProblems(schemas, schema, payload)
  return problems.map(({ pointer, message }) => `${pointer} ${message}`.trimStart())
}

/** Waits for the end of a child execution: its output is the step's. */
export async function waitForChild(
  { executionId }: ChildStepWait,
  { run, activity, signal }: StepSite,
): Promise<WaitEnd> {
  for (;;) {
    const end = await run.ports.children.endOf(executionId)
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
