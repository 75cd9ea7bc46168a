import { deepFreeze } from '../../../lib/json/index.ts'
import type { StepOutput } from '../../memory/index.ts'
import type { RecordedError, RecordedStep } from '../../record/index.ts'

export type StepEnd =
  /** The step is left by `handles`; `hasFailed`: it failed, and its node continues all the same. */
  | {
      readonly kind: 'completed'
      readonly output: StepOutput
      readonly handles: readonly string[]
      readonly hasFailed?: true
    }
  | { readonly kind: 'failed'; readonly error: RecordedError }
  | { readonly kind: 'stopped' }

/** How a step ended, if that is on record; such an end is never made again (E12). */
export function recordedEnd(step: RecordedStep | undefined): StepEnd | null {
  switch (step?.status) {
    case 'COMPLETED':
      return { kind: 'completed', output: recordedOutput(step), handles: step.handles }
    case 'SKIPPED':
      return { kind: 'completed', output: NO_OUTPUT, handles: [] }
    case 'FAILED': {
      const error = step.error ?? { code: 'STEP_FAILED', message: 'The step failed.' }
      return step.handles.length > 0
        ? { kind: 'completed', output: recordedOutput(step), handles: step.handles, hasFailed: true }
        : { kind: 'failed', error: { ...error, path: step.path } }
    }
    case 'CANCELED':
      return { kind: 'stopped' }
    default:
      return null
  }
}

const NO_OUTPUT: StepOutput = { kind: 'value', value: null, heapBytes: 0, isStored: false, takenBytes: 0 }

function recordedOutput({ output }: RecordedStep): StepOutput {
  if (output === undefined) return { kind: 'stored' }
  return { kind: 'value', value: deepFreeze(output), heapBytes: null, isStored: true, takenBytes: 0 }
}
