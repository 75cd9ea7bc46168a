/** Defines what is recorded of an execution: events, steps, statuses, progress, and the journal that commits them. */
export { Commit } from './commit.ts'
export {
  event,
  EVENT_KINDS,
  isQuietEvent,
  parseEvent,
  type EventDraft,
  type EventKind,
  type JobEvent,
} from './event.ts'
export { keptAttempts, withAttempt } from './attempts.ts'
export { endedUnbegun } from './ended-unbegun.ts'
export { Inbox, type Command, type CommandKind, type Signal } from './inbox.ts'
export { isTerminal, JOB_STATUSES, JOB_TYPES, type JobStatus, type JobType } from './job.ts'
export {
  EntryRefusedError,
  FenceLostError,
  NOTHING_RECORDED,
  ParkRefusedError,
  type CheckpointRecord,
  type CheckpointsSize,
  type EndedLoopItem,
  type JobChange,
  type JobEnd,
  type JournalEntry,
  type LoopItemPart,
  type LoopItemRecord,
  type OnDecided,
  type ReceivedSignal,
  type RecordedState,
  type RecordedStep,
  type RunJournal,
  type SignalUse,
  type StepRecord,
  type StepValuesRecord,
} from './journal.ts'
export { FIRST_PERCENT, ProgressMeter, SPAN_PERCENT } from './progress.ts'
export { canceledStep, type CutSteps } from './step-cancel.ts'
export {
  BLOCK_FAILED,
  CALL_OUTCOME_UNKNOWN,
  errorOutput,
  failureOf,
  finalFailure,
  itemPath,
  knownSignalWait,
  lastAttemptStart,
  recordedError,
  stepPath,
  type AttemptRecord,
  type AttemptUsage,
  type KnownWait,
  type Mask,
  type RecordedError,
  type StepFailure,
  type StepStatus,
  type StepWait,
} from './step.ts'
export {
  AttemptCode,
  BLOCK_UNHANDLED_ERROR,
  UNHANDLED_ERRORS_MAX_RECORDED,
  unhandledError,
  UnhandledErrorSink,
  unhandledFailure,
  type OnUnhandledError,
  type UnhandledError,
} from './unhandled-errors.ts'
