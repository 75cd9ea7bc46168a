import {
  DEFAULT_HANDLE,
  OUTPUT_MAX_HEAP_BYTES,
  type BlockWait,
  type ReadOutput,
  type RefusedOutput,
} from '../../block/index.ts'
import { ReadMemory, type AttemptMemory } from '../../memory/index.ts'
import {
  BLOCK_FAILED,
  BLOCK_UNHANDLED_ERROR,
  CALL_OUTCOME_UNKNOWN,
  knownSignalWait,
  type KnownWait,
  type RecordedStep,
  type StepFailure,
} from '../../record/index.ts'
import type { StepEnd } from '../context/index.ts'
import { ATTEMPT_TIMEOUT, HEARTBEAT_MISSED } from './call/index.ts'
import { decideRetry } from './retry.ts'
import type { OpenStep } from './state/index.ts'
import {
  completeStep,
  failStep,
  FREELY_HELD_BYTES,
  readStepOutput,
  refuseOutput,
  scrubbed,
} from './step-end.ts'
import { waitForChild } from './wait-for-child.ts'
import { waitForSignal, type WaitEnd } from './wait-for-signal.ts'

/** A retry delay longer than this is a wait: the run may park meanwhile (E6). */
const LONG_RETRY_MS = 5_000

/** An output that is on record and not in memory. */
interface StoredOutput {
  readonly heapBytes: number
}

/** A wait for what comes from outside. */
type OutsideWait = Exclude<KnownWait, { kind: 'timer' }>

/** What follows an attempt that did not end its step. */
export type NextWait =
  | { readonly kind: 'retry'; readonly failure: StepFailure }
  | {
      readonly kind: 'timer'
      readonly dueAt: number
      readonly output: ReadOutput | StoredOutput
    }
  | {
      readonly kind: 'outside'
      readonly wait: OutsideWait
      readonly dueAt: number | null
    }

/** What a step fails with whose call was lost with its worker. */
export const UNKNOWN_OUTCOME: StepFailure = {
  code: CALL_OUTCOME_UNKNOWN,
  message:
    'The worker was lost during the call: it may or may not have happened, and the block must not repeat it.',
  retryable: true,
}

/** Failures that leave open whether the call happened: the answer did not come in time, or the cause is unknown. */
const UNKNOWN_OUTCOME_CODES: readonly string[] = [
  UNKNOWN_OUTCOME.code,
  ATTEMPT_TIMEOUT,
  HEARTBEAT_MISSED,
  BLOCK_FAILED,
  BLOCK_UNHANDLED_ERROR,
]

/** Records the wait with its absolute due time (E12). The tables keep whole milliseconds; no wait ends early. */
export async function beginWait(
  step: OpenStep,
  outcome: BlockWait,
  memory: AttemptMemory,
): Promise<StepEnd | NextWait> {
  const { recorder, site } = step
  if ('until' in outcome) {
    const output = await readStepOutput(step, outcome.output, memory)
    if (output.kind === 'refused') return refuseOutput(step, output)
    const dueAt = Math.ceil(outcome.until)
    await recorder.wait({ kind: 'timer' }, dueAt, output.text)
    forgetConfig(step)
    const { heapBytes } = output
    return { kind: 'timer', dueAt, output: heapBytes > FREELY_HELD_BYTES ? { heapBytes } : output }
  }
  if ('child' in outcome) {
    const wait = { kind: 'child', executionId: outcome.child } as const
    await recorder.wait(wait, null, null)
    forgetConfig(step)
    return { kind: 'outside', wait, dueAt: null }
  }
  const { timeoutMs, timeoutHandle, ...awaited } = outcome.signal
  const { name, schema } = site.run.secrets.scrubber.value(awaited)
  const wait = { kind: 'signal', name, schema, timeoutHandle } as const
  const dueAt = timeoutMs === null ? null : Math.ceil(site.run.ports.clock.now() + timeoutMs)
  await recorder.wait(wait, dueAt, null)
  forgetConfig(step)
  return { kind: 'outside', wait: knownSignalWait(wait), dueAt }
}

/** The wait that follows from an attempt, during which nothing of the attempt is kept. Null: another attempt follows. */
export function waitFor(step: OpenStep, next: NextWait): Promise<StepEnd | null> {
  if (next.kind !== 'retry') step.endAttempt()
  switch (next.kind) {
    case 'retry':
      return giveUpOrWait(step, next.failure)
    case 'timer':
      return sitOut(step, next.dueAt, next.output)
    case 'outside':
      return endWait(step, next.wait, next.dueAt)
  }
}

/** Continues the wait that is on record. Null: another attempt follows. */
export async function continueWaiting(
  step: OpenStep,
  { wait, dueAt, output }: RecordedStep,
): Promise<StepEnd | null> {
  step.recorder.shortenConfig()
  if (wait !== null && wait.kind !== 'timer') return endWait(step, wait, dueAt)
  // Large outputs are not loaded with the record.
  const later = { heapBytes: OUTPUT_MAX_HEAP_BYTES }
  return sitOut(step, dueAt ?? 0, output === undefined ? later : await readStepOutput(step, output))
}

/** E6: the step's end if the failure is final, null once the next attempt is due. */
export async function giveUpOrWait(step: OpenStep, failure: StepFailure): Promise<StepEnd | null> {
  const { node, recorder, config } = step
  const { ports } = step.site.run
  const decision = decideRetry({
    policy: node.retry,
    failure,
    attempt: recorder.attempt,
    isWanted: mayRepeat(step, failure) && config.wantsRetry(failure, recorder.attempt),
    random: ports.random(),
  })
  if (decision.kind === 'giveUp') return failStep(step, failure)
  const dueAt = ports.clock.now() + decision.delayMs
  await recorder.retry(scrubbed(step, failure), dueAt)
  step.endAttempt()
  await waitForRetry(step, dueAt)
  return null
}

/** Waits until the next attempt is due. */
export async function waitForRetry(step: OpenStep, dueAt: number): Promise<void> {
  const { run, signal, activity } = step.site
  const delayMs = dueAt - run.ports.clock.now()
  if (delayMs > LONG_RETRY_MS) await activity.waitUntil(step.inTime(dueAt), signal)
  else await run.ports.clock.wait(Math.max(0, delayMs), signal)
  step.recorder.nextAttempt()
}

/** E13: a call whose outcome is unknown is made again only where the block or the node allows it. */
function mayRepeat({ node }: OpenStep, { code }: StepFailure): boolean {
  return node.block.repeat === 'safe' || node.onUnknown === 'retry' || !UNKNOWN_OUTCOME_CODES.includes(code)
}

/** Waits for what comes from outside. The memory for it is held until the step's end is recorded. */
async function endWait(step: OpenStep, wait: OutsideWait, dueAt: number | null): Promise<StepEnd | null> {
  const { run, signal } = step.site
  const memory = new ReadMemory(run.workingMemory, signal)
  try {
    return await endWaitWithin(step, memory, { wait, dueAt })
  } finally {
    memory.release()
  }
}

async function endWaitWithin(
  step: OpenStep,
  memory: ReadMemory,
  { wait, dueAt }: { readonly wait: OutsideWait; readonly dueAt: number | null },
): Promise<StepEnd | null> {
  const { site, recorder } = step
  // The memory for what comes is taken last: what holds some of it waits for no memory of configs.
  const take = async (textBytes: number) => {
    await restoreConfigText(step)
    await memory.take(textBytes)
  }
  const end: WaitEnd =
    wait.kind === 'child'
      ? await waitForChild(wait, site, { take })
      : await waitForSignal(wait, site, {
          dueAt: step.inTime(dueAt ?? Number.POSITIVE_INFINITY),
          discard: async (signal, problems) => {
            await recorder.discard(signal, problems)
            // The wait continues, and `take` restored the text.
            recorder.shortenConfig()
          },
          memory: { take, release: () => memory.release() },
        })
  await restoreConfigText(step)
  if (end.kind === 'failed') {
    memory.release()
    return giveUpOrWait(step, end.failure)
  }
  const output = await readStepOutput(step, end.output)
  return completeStep(step, output, [...end.handles], { signal: end.signal, isAwaited: true })
}

/** Waits for the instant at which a waiting step ends. A large output is read back after that. */
async function sitOut(
  step: OpenStep,
  dueAt: number,
  output: ReadOutput | RefusedOutput | StoredOutput,
): Promise<StepEnd> {
  const { activity, signal } = step.site
  await activity.waitUntil(step.inTime(dueAt), signal)
  signal.throwIfAborted()
  await restoreConfigText(step)
  if ('kind' in output) return completeStep(step, output, [DEFAULT_HANDLE])
  return completeStored(step, output)
}

async function completeStored(step: OpenStep, { heapBytes }: StoredOutput): Promise<StepEnd> {
  const { run, path, signal } = step.site
  const memory = new ReadMemory(run.workingMemory, signal)
  try {
    await memory.takeHeap(heapBytes)
    const output = await readStepOutput(step, await run.outputs.readOnce(path))
    return await completeStep(step, output, [DEFAULT_HANDLE], { isAwaited: true })
  } finally {
    memory.release()
  }
}

/** While the step waits, it keeps neither its config nor a long text of it. */
function forgetConfig({ config, recorder }: OpenStep): void {
  config.forget()
  recorder.shortenConfig()
}

/** A long text of the config is not kept during a wait: makes it again for the record of the step's end. */
async function restoreConfigText({ config, recorder, site }: OpenStep): Promise<void> {
  if (recorder.isConfigWhole) return
  try {
    await config.resolveForRecord()
  } catch (reason) {
    // The wait has ended before the step was cut off; the journal decides whether its end is still recorded.
    if (!site.signal.aborted) throw reason
  }
}
