import { TAGS_MAX } from '../../jobs/start/index.ts'
import { isJsonObject, plainJsonPieces } from '../../lib/json/index.ts'
import { inPieces } from '../../lib/turns/index.ts'
import { instantiate, type Template } from '../../workflows/index.ts'
import { graphOf, GraphType } from '../catalogue/index.ts'
import {
  InputInvalidError,
  InvalidArgumentError,
  NotFoundError,
  QuotaExceededError,
  ValidationFailedError,
} from '../errors/index.ts'
import { builder } from '../kit/index.ts'
import { createWorkflow, savedPayload } from './edit-workflow.ts'

const TemplateType = builder.objectRef<Template>('Template').implement({
  description: 'A definition with gaps, to make workflows from.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its name for programs, such as `lead-filter`; not a global id.' }),
    name: t.exposeString('name', { description: 'For people.' }),
    description: t.exposeString('description', { description: 'What its workflows do.' }),
    category: t.exposeString('category', { description: 'What it belongs to, such as `Leads`.' }),
    parameters: t.expose('parameters', {
      type: 'JSON',
      description:
        'JSON Schema (2020-12) of what fills the gaps, defaults included: a form may be made of it.',
    }),
    definition: t.expose('definition', {
      type: 'JSON',
      description: 'With its gaps: `{ "$param": "name" }`, and `${param.name}` inside strings.',
    }),
    graph: t.field({
      type: GraphType,
      description: 'The same, as typed nodes and edges.',
      resolve: ({ definition }) => graphOf(definition),
    }),
  }),
})

builder.queryFields((t) => ({
  templates: t.field({
    type: [TemplateType],
    description: 'What workflows can be made from, by id.',
    args: { category: t.arg.string({ description: 'Only those of this category.' }) },
    resolve: async (_root, { category }, { templates }) =>
      (await templates.list()).filter((template) => category == null || template.category === category),
  }),
  template: t.field({
    type: TemplateType,
    nullable: true,
    description: 'One template; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Such as `lead-filter`.' }) },
    resolve: (_root, { id }, { templates }) => templates.find(id),
  }),
}))

const CreateWorkflowFromTemplatePayload = savedPayload(
  'CreateWorkflowFromTemplatePayload',
  'A workflow was made from a template.',
)

const CreateWorkflowFromTemplateInput = builder.inputType('CreateWorkflowFromTemplateInput', {
  description: 'What to make, and from what.',
  fields: (t) => ({
    templateId: t.id({ required: true, description: 'Such as `lead-filter`.' }),
    name: t.string({ description: 'For people; default: the template’s name.' }),
    description: t.string({ description: 'For people; default: the template’s description.' }),
    tags: t.stringList({ description: 'Free words to find it by.', extensions: { acceptedItems: TAGS_MAX } }),
    parameters: t.field({
      type: 'JSON',
      description: 'An object that satisfies the template’s `parameters`. Values are put in as they are.',
    }),
    publish: t.boolean({ defaultValue: false, description: 'Publish it as version 1 in the same breath.' }),
  }),
})

builder.mutationField('createWorkflowFromTemplate', (t) =>
  t.field({
    type: CreateWorkflowFromTemplatePayload,
    description: 'Makes a workflow from a template. It is yours from then on: the template stays as it is.',
    args: {
      input: t.arg({ type: CreateWorkflowFromTemplateInput, required: true, description: 'What to make.' }),
    },
    errors: {
      types: [
        NotFoundError,
        InputInvalidError,
        InvalidArgumentError,
        ValidationFailedError,
        QuotaExceededError,
      ],
      union: {
        name: 'CreateWorkflowFromTemplateResult',
        description: 'The new workflow, or why there is none.',
      },
    },
    resolve: async (_root, { input }, context) => {
      const template = await context.templates.find(input.templateId)
      if (!template) throw new NotFoundError('template', ['input', 'templateId'])
      const instance = instantiate(template, await readParameters(input.parameters))
      if (instance.kind === 'misfit') throw new InputInvalidError(instance.problems, ['input', 'parameters'])
      const { name = template.name, description = template.description, tags, publish } = input
      return createWorkflow(
        context,
        { name, description, tags, publish, definition: instance.definition },
        'parameters',
      )
    },
  }),
)

async function readParameters(parameters: unknown) {
  const plain = await inPieces(plainJsonPieces(parameters ?? {}))
  if (plain.ok && isJsonObject(plain.value)) return plain.value
  const reason = plain.ok ? 'must be an object' : plain.problem.reason
  throw new InvalidArgumentError(`The parameters ${reason}.`, ['input', 'parameters'])
}
