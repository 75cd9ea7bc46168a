/** Defines the errors and diagnostics that results hold, each with its code. */
export { DiagnosticType } from './diagnostic.ts'
export {
  AlreadyEndedError,
  IdempotencyConflictError,
  InputInvalidError,
  InputProblemType,
  InvalidArgumentError,
  NotEndedError,
  NotFoundError,
  NotPossibleError,
  problemsText,
  QuotaEnum,
  QuotaExceededError,
  refusedArgument,
  RevisionConflictError,
  ScheduleInvalidError,
  SecretKeyMissingError,
  SignalsFullError,
  ValidationFailedError,
  WorkflowArchivedError,
} from './errors.ts'
