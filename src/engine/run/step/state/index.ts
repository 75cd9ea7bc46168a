/** Holds what the attempts, waits and end of one step share: its config, record, checkpoints and deadline. */
export { OpenStep } from './open-step.ts'
export {
  STEP_CHECKPOINTS_MAX_COUNT,
  STEP_CHECKPOINTS_MAX_LENGTH,
  type StepCheckpoints,
} from './step-checkpoints.ts'
export type { StepConfig } from './step-config.ts'
export { boundInTime, StepTimeout } from './step-deadline.ts'
export type { CompleteOptions, RecordedOutput } from './step-recorder.ts'
