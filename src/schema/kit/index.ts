/** Provides what all GraphQL types are built with: the builder, the context, errors, pages and batches. */
import './errors.ts'
export { badCursor, badInput } from './bad-input.ts'
export { inOrder, present } from './batch.ts'
export { builder, DEFAULT_PAGE, MAX_PAGE, type InputFields } from './builder.ts'
export { createContext, readAnew, readNextResult, type Context, type Services } from './context.ts'
export { DEFINITION_SHAPE, EXPRESSION_WORDS } from './definition-words.ts'
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
export { ExecutionModeEnum } from './execution-mode.ts'
export { rowId } from './global-id.ts'
export { JobStatusEnum } from './job-status.ts'
export { keysetConnection, pageOf, readPageArguments, type PageArguments } from './keyset-connection.ts'
export { KnownRow } from './known-row.ts'
export { leavable } from './leavable.ts'
export { OrderDirectionEnum } from './list-order.ts'
export { newestFirst, newestFirstPage } from './pages.ts'
export { stepsById } from './steps-by-id.ts'
