import { TAGS_MAX } from '../../jobs/start/index.ts'
import { globalId } from '../../lib/index.ts'
import type { DraftInput, RefusedChange, SaveResult } from '../../workflows/index.ts'
import {
  DiagnosticType,
  InvalidArgumentError,
  NotFoundError,
  QuotaExceededError,
  RevisionConflictError,
  ValidationFailedError,
} from '../errors/index.ts'
import { builder, DEFINITION_SHAPE, type Context } from '../kit/index.ts'
import { workflowTarget } from './workflow-target.ts'
import { published } from './workflow-version.ts'

export interface SavedWorkflow {
  readonly id: string
  /** Resolved only for clients that select the diagnostics: a draft is not validated otherwise. */
  readonly diagnostics: Extract<SaveResult, { kind: 'saved' }>['diagnostics']
}

export function savedPayload(name: string, description: string) {
  return builder.objectRef<SavedWorkflow>(name).implement({
    description,
    fields: (t) => ({
      workflow: t.prismaField({
        type: 'Workflow',
        description: 'The workflow as it is now.',
        resolve: (query, { id }, _args, { prisma, ownerId }) =>
          prisma.workflow.findFirstOrThrow({ ...query, where: { id, ownerId } }),
      }),
      diagnostics: t.field({
        type: [DiagnosticType],
        description: 'All that is wrong with the draft; it was saved all the same.',
        resolve: (workflow) => workflow.diagnostics(),
      }),
    }),
  })
}

const CreateWorkflowPayload = savedPayload('CreateWorkflowPayload', 'A workflow was made.')
const UpdateWorkflowPayload = savedPayload('UpdateWorkflowPayload', 'A workflow was changed.')

const DuplicateWorkflowPayload = savedPayload('DuplicateWorkflowPayload', 'A copy was made.')

const ArchiveWorkflowPayload = builder.objectRef<string>('ArchiveWorkflowPayload').implement({
  description: 'A workflow was put into the archive or taken out.',
  fields: (t) => ({
    workflow: t.prismaField({
      type: 'Workflow',
      description: 'The workflow as it is now.',
      resolve: (query, id, _args, { prisma, ownerId }) =>
        prisma.workflow.findFirstOrThrow({ ...query, where: { id, ownerId } }),
    }),
  }),
})

const DeleteWorkflowPayload = builder.simpleObject('DeleteWorkflowPayload', {
  description: 'A workflow was deleted.',
  fields: (t) => ({ deletedId: t.id({ description: 'The global id that it had.' }) }),
})

const CreateWorkflowInput = builder.inputType('CreateWorkflowInput', {
  description: 'A new workflow.',
  fields: (t) => ({
    name: t.string({
      description: 'For people; default: the definition’s `name`, else "Untitled workflow".',
    }),
    description: t.string({ description: 'For people.' }),
    tags: t.stringList({ description: 'Free words to find it by.', extensions: { acceptedItems: TAGS_MAX } }),
    definition: t.field({
      type: 'JSON',
      description: `The draft; may be unfinished or wrong, unless it is published. ${DEFINITION_SHAPE}`,
    }),
    publish: t.boolean({
      defaultValue: false,
      description: 'Publish it as version 1 in the same breath; nothing is made when it cannot run.',
    }),
  }),
})

const UpdateWorkflowInput = builder.inputType('UpdateWorkflowInput', {
  description: 'Changes of a workflow; what is left out stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workflow’s global id.' }),
    expectedRevision: t.int({
      description:
        'Refuse when it has another revision by now, unless all that is sent stands there already: then nothing is changed.',
    }),
    name: t.string({ description: 'For people.' }),
    description: t.string({ description: 'For people.' }),
    tags: t.stringList({
      description: 'All tags; replaces those it had.',
      extensions: { acceptedItems: TAGS_MAX },
    }),
    definition: t.field({
      type: 'JSON',
      description: `The whole draft; replaces the one it had. ${DEFINITION_SHAPE}`,
    }),
  }),
})

const DuplicateWorkflowInput = builder.inputType('DuplicateWorkflowInput', {
  description: 'What to copy.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workflow’s global id.' }),
    name: t.string({ description: 'The name of the copy; default: "Copy of" and the name of the original.' }),
  }),
})

const ArchiveWorkflowInput = builder.inputType('ArchiveWorkflowInput', {
  description: 'Which workflow to archive, or to take out again.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workflow’s global id.' }),
    archived: t.boolean({ defaultValue: true, description: 'False: take it out.' }),
    expectedRevision: t.int({ description: 'Refuse when it has another revision by now.' }),
  }),
})

const DeleteWorkflowInput = builder.inputType('DeleteWorkflowInput', {
  description: 'Which workflow to delete.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workflow’s global id.' }),
    expectedRevision: t.int({ description: 'Refuse when it has another revision by now.' }),
  }),
})

builder.mutationFields((t) => ({
  createWorkflow: t.field({
    type: CreateWorkflowPayload,
    description: 'Makes a workflow. Any JSON object is accepted as a draft; what is wrong with it is told.',
    args: { input: t.arg({ type: CreateWorkflowInput, required: true, description: 'The new workflow.' }) },
    errors: {
      types: [InvalidArgumentError, ValidationFailedError, QuotaExceededError],
      union: { name: 'CreateWorkflowResult', description: 'The new workflow, or why there is none.' },
    },
    resolve: (_root, { input }, context) => createWorkflow(context, input, 'definition'),
  }),
  updateWorkflow: t.field({
    type: UpdateWorkflowPayload,
    description: 'Changes a workflow’s draft, name, description or tags.',
    args: { input: t.arg({ type: UpdateWorkflowInput, required: true, description: 'The changes.' }) },
    errors: {
      types: [InvalidArgumentError, NotFoundError, RevisionConflictError, QuotaExceededError],
      union: {
        name: 'UpdateWorkflowResult',
        description: 'The changed workflow, or why it stays as it was.',
      },
    },
    resolve: async (_root, { input }, { drafts, ownerId }) =>
      saved(await drafts.update({ ownerId, ...workflowTarget(input) }, input)),
  }),
  duplicateWorkflow: t.field({
    type: DuplicateWorkflowPayload,
    description:
      'Makes a workflow with the draft, description and tags of another; versions and runs are not copied.',
    args: { input: t.arg({ type: DuplicateWorkflowInput, required: true, description: 'What to copy.' }) },
    errors: {
      types: [InvalidArgumentError, NotFoundError, QuotaExceededError],
      union: { name: 'DuplicateWorkflowResult', description: 'The copy, or why there is none.' },
    },
    resolve: async (_root, { input }, { drafts, ownerId }) => {
      const { id } = workflowTarget(input)
      return saved(await drafts.duplicate({ ownerId, id }, { name: input.name ?? null }))
    },
  }),
  archiveWorkflow: t.field({
    type: ArchiveWorkflowPayload,
    description:
      'Archives a workflow: it leaves the lists and can be neither executed nor published, while its runs go on. Takes it out again with `archived: false`.',
    args: { input: t.arg({ type: ArchiveWorkflowInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError, RevisionConflictError],
      union: { name: 'ArchiveWorkflowResult', description: 'The workflow, or why it stays where it was.' },
    },
    resolve: async (_root, { input }, { drafts, ownerId }) => {
      const target = workflowTarget(input)
      const result = await drafts.archive({ ownerId, ...target }, input.archived ?? true)
      if (result.kind !== 'archived') throw refusal(result)
      return target.id
    },
  }),
  deleteWorkflow: t.field({
    type: DeleteWorkflowPayload,
    description:
      'Deletes a workflow. Its executions stay, and those that run go on. Its schedules stay, too, and start nothing any more: each occurrence is recorded as FAILED with WORKFLOW_NOT_FOUND until the schedule is deleted or paused.',
    args: { input: t.arg({ type: DeleteWorkflowInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError, RevisionConflictError],
      union: { name: 'DeleteWorkflowResult', description: 'What came of a deletion.' },
    },
    resolve: async (_root, { input }, { drafts, ownerId }) => {
      const target = workflowTarget(input)
      const result = await drafts.delete({ ownerId, ...target })
      if (result.kind !== 'deleted') throw refusal(result)
      return { deletedId: globalId('Workflow', target.id) }
    },
  }),
}))

/** Stores a workflow and, where it is wanted, publishes it. `source` names the argument that the definition came from. */
export async function createWorkflow(
  { drafts, publishing, ownerId }: Pick<Context, 'drafts' | 'publishing' | 'ownerId'>,
  { publish, ...input }: DraftInput & { readonly publish?: boolean | null | undefined },
  source: string,
): Promise<SavedWorkflow> {
  if (!publish) return saved(await drafts.create(ownerId, input))
  const { id, diagnostics } = published(await publishing.create(ownerId, input), source)
  return { id, diagnostics: async () => diagnostics }
}

function saved(result: SaveResult): SavedWorkflow {
  if (result.kind === 'invalid') throw new InvalidArgumentError(result.message, result.path)
  if (result.kind === 'quotaExceeded') throw new QuotaExceededError(result, ['input'])
  if (result.kind !== 'saved') throw refusal(result)
  return result
}

function refusal(result: RefusedChange): NotFoundError | RevisionConflictError {
  return result.kind === 'conflict'
    ? new RevisionConflictError(result, ['input', 'expectedRevision'])
    : new NotFoundError('workflow', ['input', 'id'])
}
