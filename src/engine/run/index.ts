/** Runs one execution to its end or to its next wait, on ports that its caller provides. */
export {
  NEW_RUN,
  RecordedSteps,
  RunStop,
  type ChildEnd,
  type ChildExecutions,
  type HttpPort,
  type RunPorts,
  type RunRequest,
  type SecretSource,
  type StandIn,
  type StandInCall,
} from './context/index.ts'
export { endEntry, recordEnd, type LastEntry, type RunEnd } from './run-end.ts'
export { runExecution, type RunSignals } from './run.ts'
export {
  ATTEMPT_MAX_VISITS,
  loopConfigSchema,
  STEP_CHECKPOINTS_MAX_COUNT,
  STEP_CHECKPOINTS_MAX_LENGTH,
} from './step/index.ts'
