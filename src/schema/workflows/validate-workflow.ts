import { isSound, type Diagnostic } from '../../engine/definition/index.ts'
import { readGlobalId, type WorkflowId } from '../../lib/index.ts'
import { DiagnosticType, InvalidArgumentError, NotFoundError } from '../errors/index.ts'
import { builder, DEFINITION_SHAPE } from '../kit/index.ts'

const ValidateWorkflowPayload = builder
  .objectRef<readonly Diagnostic[]>('ValidateWorkflowPayload')
  .implement({
    description: 'All that is wrong with a definition.',
    fields: (t) => ({
      valid: t.boolean({ description: 'True when it can run: there are no errors.', resolve: isSound }),
      diagnostics: t.field({
        type: [DiagnosticType],
        description: 'Errors and warnings.',
        resolve: (diagnostics) => diagnostics,
      }),
    }),
  })

const ValidateWorkflowInput = builder.inputType('ValidateWorkflowInput', {
  description: 'What to validate: exactly one of the two.',
  fields: (t) => ({
    definition: t.field({ type: 'JSON', description: `A definition in place. ${DEFINITION_SHAPE}` }),
    workflowId: t.id({ description: 'A stored workflow, whose draft is validated.' }),
  }),
})

builder.mutationField('validateWorkflow', (t) =>
  t.field({
    type: ValidateWorkflowPayload,
    description: 'Checks a definition without storing or running it. Changes nothing.',
    args: { input: t.arg({ type: ValidateWorkflowInput, required: true, description: 'What to validate.' }) },
    errors: {
      types: [InvalidArgumentError, NotFoundError],
      union: { name: 'ValidateWorkflowResult', description: 'The findings, or why nothing was validated.' },
    },
    resolve: async (_root, { input: { definition, workflowId } }, { readDefinition, drafts, ownerId }) => {
      if ((definition == null) === (workflowId == null)) {
        throw new InvalidArgumentError('Give either `definition` or `workflowId`.', ['input'])
      }
      if (definition != null) return (await readDefinition(definition)).diagnostics
      const id = readGlobalId<WorkflowId>('Workflow', workflowId ?? '')
      const diagnostics = id && (await drafts.validate({ ownerId, id }))
      if (!diagnostics) throw new NotFoundError('workflow', ['input', 'workflowId'])
      return diagnostics
    },
  }),
)
