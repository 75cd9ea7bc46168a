import { queryFromInfo } from '@pothos/plugin-prisma'
import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'
import { TAGS_MAX, type RetryResult, type RetryVersion } from '../../jobs/start/index.ts'
import { readGlobalId, type JobId } from '../../lib/index.ts'
import {
  IdempotencyConflictError,
  InputInvalidError,
  InvalidArgumentError,
  NotEndedError,
  NotFoundError,
  QuotaExceededError,
  refusedArgument,
  ValidationFailedError,
  WorkflowArchivedError,
} from '../errors/index.ts'
import { builder, present } from '../kit/index.ts'
import { newestFirstPage } from '../pages/index.ts'
import { countUnder, ExecutionConnection, executionRows, ExecutionType, StepType } from '../runs/index.ts'
import { runFields, warningFields, type Started } from './started.ts'

function readText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new GraphQLError('A RetryFrom is FAILED, START, or a step’s path.')
}

/** The words may be written like those of an enum, a path like a text. */
builder.addScalarType(
  'RetryFrom',
  new GraphQLScalarType<string, string>({
    name: 'RetryFrom',
    serialize: readText,
    parseValue: readText,
    parseLiteral: (literal) =>
      readText(literal.kind === Kind.STRING || literal.kind === Kind.ENUM ? literal.value : null),
  }),
  {
    description:
      'Where a retry begins. `FAILED`: what did not complete runs. `START`: everything does. A step’s path, such as `enrich` or `post[3]/send`: that step, or that item of a loop, and everything downstream of it.',
  },
)

builder.prismaObjectFields(ExecutionType, (t) => ({
  retryOf: t.relation('retryOf', {
    nullable: true,
    description: 'The execution that this one retries; null when it is no retry.',
  }),
  retryFrom: t.expose('retryFrom', {
    type: 'RetryFrom',
    nullable: true,
    description: 'Where the retry begins; null when it is no retry.',
  }),
  retries: t.prismaConnection(
    {
      type: ExecutionType,
      cursor: 'id',
      description: 'The executions that retry this one, newest first.',
      totalCount: ({ id }, _args, context) => countUnder(context, { kind: 'original', id }),
      resolve: async ({ cursor, take, skip: _skip, ...query }, { id }, _args, context) => {
        const { batch, runList, ownerId } = context
        const page = newestFirstPage({ cursor, take })
        const retries = batch('retries of', page, (ids) => runList.retriesOf(ownerId, ids, page))
        const positions = await retries.load(id)
        return present(await executionRows(context, query).loadMany(positions.map((position) => position.id)))
      },
    },
    ExecutionConnection,
  ),
}))

builder.objectField(StepType, 'reusedFrom', (t) =>
  t.field({
    type: ExecutionType,
    nullable: true,
    description:
      'The execution that ran the step and holds its output, when this one took it over; null: it was run here.',
    resolve: ({ step: { reusedFrom } }, _args, context, info) =>
      reusedFrom === null ? null : executionRows(context, queryFromInfo({ context, info })).load(reusedFrom),
  }),
)

const RetryVersionEnum = builder.enumType('RetryVersion', {
  description: 'Which definition a retry runs.',
  values: {
    SAME: { description: 'That of the execution that it retries.' },
    LATEST: { description: 'The one that a start of its workflow would run now.' },
  } satisfies Record<RetryVersion, { description: string }>,
})

const RetryExecutionInput = builder.inputType('RetryExecutionInput', {
  description: 'Which ended execution to run once more, and how.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The execution’s global id.' }),
    from: t.field({ type: 'RetryFrom', description: 'Where to begin; default FAILED.' }),
    version: t.field({
      type: RetryVersionEnum,
      defaultValue: 'SAME',
      description: 'Which definition to run.',
    }),
    patchInput: t.field({
      type: 'JSON',
      description:
        'A JSON Merge Patch (RFC 7396) of the input: members merge, null removes, anything else replaces. Default: the same input.',
    }),
    patchOutputs: t.field({
      type: 'JSON',
      description:
        'Outputs by step path: each of these steps counts as completed with its value and is not run. Only steps of the definition itself, none inside a loop.',
    }),
    tags: t.stringList({
      description: 'Free words to find it by; default: the original’s.',
      extensions: { acceptedItems: TAGS_MAX },
    }),
    priority: t.int({
      description: 'From -100 to 100, the higher the sooner; default: the original’s.',
    }),
    idempotencyKey: t.string({
      description: 'The same key with the same request gives the same execution for 30 days.',
    }),
  }),
})

const RetryExecutionPayload = builder.objectRef<Started>('RetryExecutionPayload').implement({
  description: 'A retry was accepted: a new execution, safe from any crash from now on.',
  fields: (t) => ({
    ...runFields(t, {
      execution: 'The new execution; `retryOf` leads to the one that it retries.',
      job: 'The job to watch.',
    }),
    deduplicated: t.exposeBoolean('deduplicated', {
      description: 'True when the idempotency key had started this retry before.',
    }),
    ...warningFields(t),
  }),
})

builder.mutationFields((t) => ({
  retryExecution: t.field({
    type: RetryExecutionPayload,
    description:
      'Runs an ended execution once more, as a new one: what completed and would be given the same is not run again.',
    args: { input: t.arg({ type: RetryExecutionInput, required: true, description: 'Which and how.' }) },
    errors: {
      types: [
        NotFoundError,
        NotEndedError,
        ValidationFailedError,
        InputInvalidError,
        InvalidArgumentError,
        WorkflowArchivedError,
        IdempotencyConflictError,
        QuotaExceededError,
      ],
      union: { name: 'RetryExecutionResult', description: 'The retry, or why there is none.' },
    },
    resolve: async (_root, { input }, { retry, ownerId }) => {
      const id = readGlobalId<JobId>('Execution', input.id)
      if (!id) throw notFound()
      const { from, version, patchInput, patchOutputs, tags, priority, idempotencyKey } = input
      return retried(
        await retry({
          ownerId,
          id,
          from: from ?? 'FAILED',
          version: version ?? 'SAME',
          patchInput: patchInput ?? undefined,
          patchOutputs: patchOutputs ?? undefined,
          tags: tags ?? null,
          priority: priority ?? null,
          idempotencyKey: idempotencyKey ?? null,
        }),
      )
    },
  }),
}))

function retried(result: RetryResult): Started {
  switch (result.kind) {
    case 'started':
      return result
    case 'notFound':
      throw notFound()
    case 'notEnded':
      throw new NotEndedError(['input', 'id'])
    case 'workflowArchived':
      throw new WorkflowArchivedError(['input', 'id'])
    case 'workflowNotFound':
      throw new NotFoundError('workflow', ['input', 'id'])
    case 'invalid':
      throw new InvalidArgumentError(result.message, ['input', result.argument])
    case 'unsound':
      throw new ValidationFailedError(result.diagnostics, ['input', 'version'])
    case 'invalidInput':
      throw result.argument === 'input'
        ? new InputInvalidError(result.problems, ['input', 'patchInput'])
        : refusedArgument(result)
    case 'idempotencyConflict':
      throw new IdempotencyConflictError(['input', 'idempotencyKey'])
    case 'quotaExceeded':
      throw new QuotaExceededError(result, ['input'])
  }
}

function notFound(): NotFoundError {
  return new NotFoundError('execution', ['input', 'id'])
}
