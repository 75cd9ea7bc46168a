import type { StartResult } from '../../jobs/start/index.ts'
import {
  IdempotencyConflictError,
  InputInvalidError,
  InvalidArgumentError,
  NotFoundError,
  QuotaExceededError,
  refusedArgument,
  ValidationFailedError,
  WorkflowArchivedError,
} from '../errors/index.ts'
import { builder } from '../kit/index.ts'
import { startDefinitionSource } from './definition-source.ts'
import { readStartFields, startFields, workflowFields } from './start-fields.ts'
import { runFields, warningFields, type Started } from './started.ts'

const ExecuteWorkflowPayload = builder.objectRef<Started>('ExecuteWorkflowPayload').implement({
  description: 'A start was accepted: it is safe from any crash from now on.',
  fields: (t) => ({
    ...runFields(t, { job: 'The job to watch.', execution: 'The run behind it.' }),
    deduplicated: t.exposeBoolean('deduplicated', {
      description: 'True when the idempotency key had started this execution before.',
    }),
    ...warningFields(t),
  }),
})

const ExecuteWorkflowInput = builder.inputType('ExecuteWorkflowInput', {
  description: 'What to run: exactly one of `workflowId` and `definition`.',
  fields: (t) => ({
    ...workflowFields(t),
    ...startFields(t),
  }),
})

builder.mutationFields((t) => ({
  executeWorkflow: t.field({
    type: ExecuteWorkflowPayload,
    description:
      'Starts a run and answers at once; watch it with the subscription `jobEvents`. Of a stored workflow it runs the newest version unless it is told `version` or `draft`, or none is published; `simulateWorkflow` takes the draft.',
    args: { input: t.arg({ type: ExecuteWorkflowInput, required: true, description: 'What to run.' }) },
    errors: {
      types: [
        ValidationFailedError,
        InputInvalidError,
        InvalidArgumentError,
        NotFoundError,
        WorkflowArchivedError,
        IdempotencyConflictError,
        QuotaExceededError,
      ],
      union: { name: 'ExecuteWorkflowResult', description: 'The started run, or why there is none.' },
    },
    resolve: (_root, { input }, context) => {
      const { start, ownerId } = context
      const starting = startDefinitionSource(input, context, {
        start: (source) =>
          start({
            ownerId,
            type: 'WORKFLOW',
            ...source,
            ...readStartFields(input),
            input: input.input ?? null,
            variables: input.variables ?? {},
          }),
      })
      return starting.then((result) =>
        started(result, input.workflowId == null ? 'definition' : 'workflowId'),
      )
    },
  }),
}))

function started(result: StartResult, source: string): Started {
  switch (result.kind) {
    case 'started':
      return result
    case 'unsound':
      throw new ValidationFailedError(result.diagnostics, ['input', source])
    case 'invalidInput':
      throw refusedArgument(result)
    case 'idempotencyConflict':
      throw new IdempotencyConflictError(['input', 'idempotencyKey'])
    case 'quotaExceeded':
      throw new QuotaExceededError(result, ['input'])
  }
}
