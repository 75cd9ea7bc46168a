import type { Quota, QuotaRefusal } from '../../db/stores/index.ts'
import type { Diagnostic } from '../../engine/definition/index.ts'
import type { InputProblem } from '../../engine/json-schema/index.ts'
import type { JobStatus } from '../../engine/record/index.ts'
import { quotaMessage } from '../../jobs/start/index.ts'
import { LumeError, type WorkflowId } from '../../lib/index.ts'
import { builder, JobStatusEnum } from '../kit/index.ts'
import { DiagnosticType } from './diagnostic.ts'

/** An error that is part of an answer; `path` leads to the argument that caused it. */
abstract class AnswerError extends LumeError {
  readonly path: readonly string[]

  constructor(code: string, message: string, path: readonly string[]) {
    super(code, message)
    this.path = path
  }
}

/** What an argument names is not there, or is another tenant's: the two are not told apart. */
export class NotFoundError extends AnswerError {
  constructor(what: string, path: readonly string[]) {
    super('NOT_FOUND', `There is no such ${what}.`, path)
  }
}

export class InvalidArgumentError extends AnswerError {
  constructor(message: string, path: readonly string[]) {
    super('INVALID_ARGUMENT', message, path)
  }
}

export class ValidationFailedError extends AnswerError {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[], path: readonly string[]) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length
    super(
      'VALIDATION_FAILED',
      `The definition cannot run: ${errors} ${errors === 1 ? 'error' : 'errors'}.`,
      path,
    )
    this.diagnostics = diagnostics
  }
}

export class InputInvalidError extends AnswerError {
  readonly problems: readonly InputProblem[]

  constructor(problems: readonly InputProblem[], path: readonly string[]) {
    const told = problems.slice(0, 3).map(({ pointer, message }) => `${pointer || '/'} ${message}`)
    super('INPUT_INVALID', `The input does not fit: ${told.join('; ')}.`, path)
    this.problems = problems
  }
}

export class RevisionConflictError extends AnswerError {
  readonly workflowId: WorkflowId
  readonly revision: number

  constructor({ id, revision }: { id: WorkflowId; revision: number }, path: readonly string[]) {
    super(
      'REVISION_CONFLICT',
      `Somebody else saved meanwhile: the revision is ${revision} now. Read it and merge.`,
      path,
    )
    this.workflowId = id
    this.revision = revision
  }
}

export class IdempotencyConflictError extends AnswerError {
  constructor(path: readonly string[]) {
    super(
      'IDEMPOTENCY_CONFLICT',
      'This key stands for another request, made less than 30 days ago. Use a new key.',
      path,
    )
  }
}

/** The job or execution has ended: nothing can change it any more. */
export class AlreadyEndedError extends AnswerError {
  constructor(path: readonly string[]) {
    super('ALREADY_ENDED', 'It has ended already.', path)
  }
}

/** It has not ended, and yet its status does not allow what was asked for. */
export class NotPossibleError extends AnswerError {
  readonly status: JobStatus

  constructor({ message, status }: { message: string; status: JobStatus }, path: readonly string[]) {
    super('NOT_POSSIBLE', message, path)
    this.status = status
  }
}

/** Signals that no step has used fill the execution's inbox. */
export class SignalsFullError extends AnswerError {
  constructor(message: string, path: readonly string[]) {
    super('SIGNALS_FULL', message, path)
  }
}

/** The server has no key to encrypt secrets with. */
export class SecretKeyMissingError extends AnswerError {
  constructor(message: string, path: readonly string[]) {
    super('SECRET_KEY_MISSING', message, path)
  }
}

/** An archived workflow can be neither executed nor published. */
export class WorkflowArchivedError extends AnswerError {
  constructor(path: readonly string[]) {
    super(
      'WORKFLOW_ARCHIVED',
      'The workflow is archived. Take it out first: `archiveWorkflow` with `archived: false`.',
      path,
    )
  }
}

/** The execution is still under way. */
export class NotEndedError extends AnswerError {
  constructor(path: readonly string[]) {
    super('NOT_ENDED', 'It has not ended yet: cancel it, or wait for its end.', path)
  }
}

/** The owner holds as much as its quota allows. */
export class QuotaExceededError extends AnswerError {
  readonly quota: Quota
  readonly limit: number
  readonly used: number

  constructor(refusal: QuotaRefusal, path: readonly string[]) {
    super('QUOTA_EXCEEDED', quotaMessage(refusal), path)
    this.quota = refusal.quota
    this.limit = refusal.limit
    this.used = refusal.used
  }
}

/** Problems of an argument as one text. */
export function problemsText(problems: readonly InputProblem[]): string {
  return problems.map(({ pointer, message }) => `${pointer} ${message}.`.trimStart()).join(' ')
}

/** What is wrong with one argument of a mutation's `input`. */
export function refusedArgument({
  argument,
  problems,
}: {
  readonly argument: string
  readonly problems: readonly InputProblem[]
}): InputInvalidError | InvalidArgumentError {
  return argument === 'input'
    ? new InputInvalidError(problems, ['input', argument])
    : new InvalidArgumentError(problemsText(problems), ['input', argument])
}

/** When a schedule is to occur cannot be read. */
export class ScheduleInvalidError extends AnswerError {
  readonly example: string

  constructor({ message, example }: { message: string; example: string }, path: readonly string[]) {
    super('SCHEDULE_INVALID', `${message} For example: "${example}".`, path)
    this.example = example
  }
}

const ErrorInterface = builder.interfaceRef<AnswerError>('Error').implement({
  description: 'What every error of an answer has.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'What is wrong and how to mend it, for people.' }),
    code: t.exposeString('code', { description: 'Stable, for programs.' }),
    path: t.exposeStringList('path', {
      description: 'Where the argument that caused it stands, such as `["input", "name"]`.',
    }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFound',
  description: 'What an argument names is not there.',
  interfaces: [ErrorInterface],
})

builder.objectType(InvalidArgumentError, {
  name: 'InvalidArgument',
  description: 'An argument cannot be used as it is.',
  interfaces: [ErrorInterface],
})

builder.objectType(ValidationFailedError, {
  name: 'ValidationFailed',
  description: 'The definition is not sound, so it cannot run.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    diagnostics: t.field({
      type: [DiagnosticType],
      description: 'All that is wrong with it.',
      resolve: ({ diagnostics }) => diagnostics,
    }),
  }),
})

export const InputProblemType = builder.objectRef<InputProblem>('InputProblem').implement({
  description: 'One way in which an input does not fit.',
  fields: (t) => ({
    pointer: t.exposeString('pointer', { description: 'JSON pointer into the input; empty for the whole.' }),
    message: t.exposeString('message', { description: 'What is wrong there.' }),
  }),
})

builder.objectType(InputInvalidError, {
  name: 'InputInvalid',
  description: 'The input does not satisfy the definition’s input schema, or cannot be stored.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    problems: t.field({
      type: [InputProblemType],
      description: 'All that is wrong with it.',
      resolve: ({ problems }) => problems,
    }),
  }),
})

builder.objectType(RevisionConflictError, {
  name: 'RevisionConflict',
  description: 'The workflow was changed since the expected revision.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    revision: t.exposeInt('revision', { description: 'The revision that it has now.' }),
    workflow: t.prismaField({
      type: 'Workflow',
      description:
        'The workflow as it is now, to merge with; its `revision` is newer still when somebody saved once more.',
      // The row of a workflow that was deleted meanwhile is still there.
      resolve: (query, { workflowId: id }, _args, { prisma, ownerId }) =>
        prisma.workflow.findFirstOrThrow({ ...query, where: { id, ownerId } }),
    }),
  }),
})

builder.objectType(IdempotencyConflictError, {
  name: 'IdempotencyConflict',
  description: 'The idempotency key stands for another request.',
  interfaces: [ErrorInterface],
})

builder.objectType(AlreadyEndedError, {
  name: 'AlreadyEnded',
  description: 'Nothing can change it any more.',
  interfaces: [ErrorInterface],
})

builder.objectType(NotPossibleError, {
  name: 'NotPossible',
  description: 'It has not ended, and yet its status does not allow what was asked for.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    status: t.expose('status', { type: JobStatusEnum, description: 'The status that it has now.' }),
  }),
})

builder.objectType(SignalsFullError, {
  name: 'SignalsFull',
  description: 'Signals that no step has used yet fill the inbox; the message says how many may lie there.',
  interfaces: [ErrorInterface],
})

builder.objectType(SecretKeyMissingError, {
  name: 'SecretKeyMissing',
  description: 'The server has no key to encrypt secrets with; the message names the setting.',
  interfaces: [ErrorInterface],
})

builder.objectType(WorkflowArchivedError, {
  name: 'WorkflowArchived',
  description: 'The workflow is archived, so it can be neither executed nor published.',
  interfaces: [ErrorInterface],
})

builder.objectType(NotEndedError, {
  name: 'NotEnded',
  description: 'What was asked for is possible only once it has ended.',
  interfaces: [ErrorInterface],
})

export const QuotaEnum = builder.enumType('QuotaName', {
  description:
    'What an owner may hold a bounded amount of. The operator sets the limits, the same for every owner.',
  values: {
    OPEN_EXECUTIONS: {
      description:
        'Executions that have not ended, child executions and jobs that were never started included.',
    },
    STORED_BYTES: {
      description:
        'Bytes of what executions store (inputs, variables, outputs, events, signals), of definitions and of drafts. Secrets and idempotency keys are not counted.',
    },
    WORKFLOWS: { description: 'Workflows that are not deleted, archived ones included.' },
    SCHEDULES: { description: 'Schedules that are not deleted, paused ones included.' },
    SECRETS: { description: 'Stored secrets, without those of the server’s environment.' },
    API_KEYS: { description: 'API keys that are neither revoked nor expired.' },
  } satisfies Record<Quota, { description: string }>,
})

builder.objectType(QuotaExceededError, {
  name: 'QuotaExceeded',
  description:
    'You hold as much as your quota allows; nothing was stored. The message says how to make room.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    quota: t.expose('quota', { type: QuotaEnum, description: 'The quota that is used up.' }),
    limit: t.exposeFloat('limit', { description: 'The most that the quota allows, in its unit.' }),
    used: t.exposeFloat('used', { description: 'What you use of it, in its unit, approximately.' }),
  }),
})

builder.objectType(ScheduleInvalidError, {
  name: 'ScheduleInvalid',
  description: 'A cron pattern, time zone or instant of a schedule cannot be used; the message says why.',
  interfaces: [ErrorInterface],
  fields: (t) => ({ example: t.exposeString('example', { description: 'A value that would do.' }) }),
})
