/** Calls the block of a step once: its context, its time limits, and what it reports meanwhile. */
export { ATTEMPT_MAX_VISITS } from './attempt-context.ts'
export { ATTEMPT_TIMEOUT, callBlock, HEARTBEAT_MISSED } from './call-block.ts'
export { StepCall } from './step-call.ts'
