import type { RecordedStep } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'

/** Identifies the rows of a job's execution. */
export interface JobKey {
  readonly id: JobId
  readonly ownerId: OwnerId
}

/** A step on record without its large values. */
export type StepState = Omit<RecordedStep, 'output' | 'hasCheckpoints'>

/** Attempts with more text than this are loaded without the details of their errors, in bytes of JSON text. */
export const PLAIN_ATTEMPTS_MAX_BYTES = 2_048

/**
 * The outputs that are loaded with the steps on record, as bytes of JSON text of one execution: what most executions have, so that
 * they need no further statement. The rest is read when a step needs it.
 */
export const LOADED_OUTPUTS_MAX_BYTES = 64 * 1024
