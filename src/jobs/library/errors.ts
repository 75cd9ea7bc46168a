import type { Diagnostic } from '../../engine/definition/index.ts'
import type { InputProblem } from '../../engine/json-schema/index.ts'
import type { Validation } from '../../engine/validate/index.ts'
import { LumeError, type JobId } from '../../lib/index.ts'
import { quotaMessage, type RetryResult, type StartResult } from '../start/index.ts'

/** A definition cannot run as it is. */
export class DefinitionUnsoundError extends LumeError {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error')
    const told = errors.slice(0, 3).map(({ pointer, message }) => `${pointer || '/'}: ${message}`)
    super(
      'DEFINITION_UNSOUND',
      `the definition cannot run: ${told.join(' ')}${errors.length > 3 ? ' …' : ''}`,
    )
    this.diagnostics = diagnostics
  }
}

/** An input does not fit what the definition asks for. */
export class InputInvalidError extends LumeError {
  readonly problems: readonly InputProblem[]

  constructor(problems: readonly InputProblem[]) {
    const told = problems.slice(0, 3).map(({ pointer, message }) => `${pointer || '/'}: ${message}`)
    super('INPUT_INVALID', `the input is not valid: ${told.join('; ')}`)
    this.problems = problems
  }
}

export function requireSound({ plan, diagnostics }: Validation): void {
  if (!plan) throw new DefinitionUnsoundError(diagnostics)
}

/** The id of a job that retries another, or the reason why there is none, thrown. */
export function retriedOrThrow(result: RetryResult): JobId {
  switch (result.kind) {
    case 'notFound':
      throw new LumeError('EXECUTION_NOT_FOUND', 'there is no such execution of this user')
    case 'notEnded':
      throw new LumeError('NOT_ENDED', 'the execution has not ended yet: cancel it, or wait for its end')
    case 'workflowArchived':
      throw new LumeError(
        'WORKFLOW_ARCHIVED',
        'the workflow of the execution is archived: take it out of the archive first',
      )
    case 'workflowNotFound':
      throw new LumeError('WORKFLOW_NOT_FOUND', 'the workflow of the execution was deleted')
    case 'invalid':
      throw new LumeError('RETRY_INVALID', `${result.argument}: ${result.message}`)
    default:
      return startedOrThrow(result)
  }
}

/** The id of a started job, or the reason why there is none, thrown. */
export function startedOrThrow(result: StartResult): JobId {
  switch (result.kind) {
    case 'started':
      return result.jobId
    case 'unsound':
      throw new DefinitionUnsoundError(result.diagnostics)
    case 'invalidInput':
      throw new InputInvalidError(result.problems)
    case 'idempotencyConflict':
      throw new LumeError(
        'IDEMPOTENCY_CONFLICT',
        `the idempotency key stands for another request, job ${result.jobId}`,
      )
    case 'quotaExceeded':
      throw new LumeError('QUOTA_EXCEEDED', quotaMessage(result))
  }
}
