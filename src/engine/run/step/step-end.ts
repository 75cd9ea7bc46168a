import { deepFreeze, type Json } from '../../../lib/json/index.ts'
import type { Awaitable } from '../../../lib/turns/index.ts'
import {
  callUserCode,
  DEFAULT_HANDLE,
  ERROR_HANDLE,
  readLargeOutput,
  type ReadOutput,
  type RefusedOutput,
} from '../../block/index.ts'
import type { AttemptMemory, StepOutput } from '../../memory/index.ts'
import { errorOutput, finalFailure, recordedError, type StepFailure } from '../../record/index.ts'
import type { StepEnd } from '../context/index.ts'
import type { CompleteOptions, OpenStep, RecordedOutput } from './state/index.ts'

/** An output that leaves no record waits for memory if it takes more of it. */
export const FREELY_HELD_BYTES = 64 * 1024
const LESS_OUTPUT = 'Return less, or set `output: "none"` on the loop.'

/** Reads what a step completes with (E8); `memory`: where a large output waits for its part. */
export function readStepOutput(
  { code, site }: OpenStep,
  output: unknown,
  memory?: AttemptMemory,
): Awaitable<ReadOutput | RefusedOutput> {
  const { scrubber } = site.run.secrets
  const reading = () => readLargeOutput(output, { hint: LESS_OUTPUT, scrubber, memory })
  return code ? callUserCode(code, reading) : reading()
}

/** Records that a step completes, and returns its end. */
export function completeStep(
  step: OpenStep,
  output: ReadOutput | RefusedOutput,
  handles: readonly string[],
  options: CompleteOptions = {},
): Awaitable<StepEnd> {
  const { node, site, recorder } = step
  if (output.kind === 'refused') return refuseOutput(step, output)
  for (const handle of handles) {
    if (node.handles.includes(handle)) continue
    const message = `The block left by a handle it does not have: "${handle}".`
    return failStep(step, finalFailure('OUTCOME_INVALID', message))
  }
  // What leaves no record cannot be read back: it needs memory until its item ends.
  const takenBytes = recorder.leavesNoRecord && output.heapBytes > FREELY_HELD_BYTES ? output.heapBytes : 0
  const taking = takenBytes > 0 ? site.run.outputs.take(takenBytes, site.signal) : null
  const complete = () => {
    countAsEnded(step)
    const recording = recorder.complete(output.text, handles, options)
    const end = ({ isStored }: RecordedOutput): StepEnd => ({
      kind: 'completed',
      output: held(output, { isStored, takenBytes }),
      handles,
    })
    return recording instanceof Promise ? recording.then(end) : end(recording)
  }
  return taking ? taking.then((failure) => (failure ? failStep(step, failure) : complete())) : complete()
}

/** Fails a step whose output cannot be recorded. */
export function refuseOutput(step: OpenStep, { code, message }: RefusedOutput): Promise<StepEnd> {
  return failStep(step, finalFailure(code, message))
}

/** E5. */
export async function failStep(step: OpenStep, given: StepFailure): Promise<StepEnd> {
  const failure = scrubbed(step, given)
  const { node, site, recorder } = step
  const { onError, defaultOutput } = node
  const error = recordedError(failure)
  if (onError === 'fail') {
    await recorder.fail(failure, { handles: [], output: null })
    return { kind: 'failed', error: { ...error, path: site.path } }
  }
  countAsEnded(step)
  const output = deepFreeze(onError === 'route' ? errorOutput(error) : defaultOutput)
  const handles = [onError === 'route' ? ERROR_HANDLE : DEFAULT_HANDLE]
  const { isStored } = await recorder.fail(failure, { handles, output: JSON.stringify(output) })
  return {
    kind: 'completed',
    output: held({ value: output, heapBytes: null }, { isStored }),
    handles,
    hasFailed: true,
  }
}

/** What an error route is handed is what is recorded. */
export function scrubbed({ site }: OpenStep, failure: StepFailure): StepFailure {
  const { scrubber } = site.run.secrets
  if (scrubber.isIdle) return failure
  const { message, details } = failure
  return {
    ...failure,
    message: scrubber.excerpt(message),
    ...(details === undefined ? {} : { details: scrubber.excerpts(details) }),
  }
}

/** Before the end is recorded, so that its own event shows the progress that it makes. */
export function countAsEnded({ node, site }: OpenStep): void {
  if (site.isTopLevel) site.run.progress.report(node.index, 1)
}

/** An output as it is handed to the graph. */
export function held(
  { value, heapBytes }: { readonly value: Json; readonly heapBytes: number | null },
  { isStored, takenBytes = 0 }: RecordedOutput & { readonly takenBytes?: number },
): StepOutput {
  return { kind: 'value', value, heapBytes, isStored, takenBytes }
}
