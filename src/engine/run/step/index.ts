/** Takes one step from its recorded state to its end: config, attempts, retries, waits and loops. */
export { ATTEMPT_MAX_VISITS } from './call/index.ts'
export { loopConfigSchema } from './loop-run.ts'
export { STEP_CHECKPOINTS_MAX_COUNT, STEP_CHECKPOINTS_MAX_LENGTH } from './state/index.ts'
export { runStep } from './step-run.ts'
