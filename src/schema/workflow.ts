import type { WorkflowId } from '../lib/ids.ts'
import type { DeleteResult, SaveResult } from '../workflows/drafts.ts'
import { builder } from './builder.ts'
import { GraphType, graphOf } from './definition.ts'
import { DiagnosticType } from './diagnostic.ts'
import { InvalidArgumentError, NotFoundError, RevisionConflictError } from './errors.ts'
import { ExecutionConnection } from './execution.ts'
import { globalId, readGlobalId } from '../lib/global-id.ts'
import { rowId } from './global-id.ts'
import { newestFirst } from './pages.ts'

export const WorkflowType = builder.prismaNode('Workflow', {
  id: { field: 'id' },
  findUnique: (id, { ownerId }) => ({ id: rowId(id), ownerId, deletedAt: null }),
  nullable: true,
  description: 'The named thing that people edit.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'For people.' }),
    description: t.exposeString('description', { description: 'For people; may be empty.' }),
    tags: t.exposeStringList('tags', { description: 'Free words to find it by.' }),
    revision: t.exposeInt('revision', {
      description: 'Grows with every change; pass it as `expectedRevision`.',
    }),
    definition: t.expose('draft', { type: 'JSON', description: 'The draft, as it was saved.' }),
    graph: t.field({
      type: GraphType,
      description: 'The draft’s nodes and edges, typed.',
      select: { draft: true },
      resolve: ({ draft }) => graphOf(draft),
    }),
    diagnostics: t.field({
      type: [DiagnosticType],
      description: 'All that is wrong with the draft now.',
      select: { draft: true },
      resolve: ({ draft }, _args, { drafts }) => drafts.diagnose(draft),
    }),
    executions: t.prismaConnection(
      {
        type: 'Execution',
        cursor: 'id',
        description: 'Its runs, newest first.',
        totalCount: ({ id: workflowId }, _args, { prisma, ownerId }) =>
          prisma.execution.count({ where: { ownerId, workflowId } }),
        // A query of its own for each workflow, with a limit: a joint one would read all runs of all of them.
        resolve: (query, { id: workflowId }, _args, { prisma, ownerId }) =>
          prisma.execution.findMany(newestFirst(query, { ownerId, workflowId })),
      },
      ExecutionConnection,
    ),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
})

const WorkflowConnection = builder.connectionObject(
  { type: WorkflowType, name: 'WorkflowConnection', description: 'A page of workflows.' },
  { name: 'WorkflowEdge', description: 'A workflow and its place in the list.' },
)

builder.queryFields((t) => ({
  workflow: t.prismaField({
    type: 'Workflow',
    nullable: true,
    description: 'A workflow; null when there is none, or it is not yours.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (query, _root, { id }, { prisma, ownerId }) =>
      prisma.workflow.findFirst({
        ...query,
        where: { id: rowId(readGlobalId<WorkflowId>('Workflow', id) ?? ''), ownerId, deletedAt: null },
      }),
  }),
  workflows: t.prismaConnection(
    {
      type: 'Workflow',
      cursor: 'id',
      description: 'Your workflows, newest first.',
      totalCount: (_root, _args, { prisma, ownerId }) =>
        prisma.workflow.count({ where: { ownerId, deletedAt: null } }),
      resolve: (query, _root, _args, { prisma, ownerId }) =>
        prisma.workflow.findMany(newestFirst(query, { ownerId, deletedAt: null })),
    },
    WorkflowConnection,
  ),
}))

interface SavedWorkflow {
  readonly id: string
  readonly diagnostics: Extract<SaveResult, { kind: 'saved' }>['diagnostics']
}

function savedPayload(name: string, description: string) {
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
        resolve: ({ diagnostics }) => diagnostics,
      }),
    }),
  })
}

const CreateWorkflowPayload = savedPayload('CreateWorkflowPayload', 'A workflow was made.')
const UpdateWorkflowPayload = savedPayload('UpdateWorkflowPayload', 'A workflow was changed.')

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
    tags: t.stringList({ description: 'Free words to find it by.' }),
    definition: t.field({ type: 'JSON', description: 'The draft; may be unfinished or wrong.' }),
  }),
})

const UpdateWorkflowInput = builder.inputType('UpdateWorkflowInput', {
  description: 'Changes of a workflow; what is left out stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workflow’s global id.' }),
    expectedRevision: t.int({ description: 'Refuse when it has another revision by now.' }),
    name: t.string({ description: 'For people.' }),
    description: t.string({ description: 'For people.' }),
    tags: t.stringList({ description: 'All tags; replaces those it had.' }),
    definition: t.field({ type: 'JSON', description: 'The whole draft; replaces the one it had.' }),
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
      types: [InvalidArgumentError],
      union: { name: 'CreateWorkflowResult', description: 'The new workflow, or why there is none.' },
    },
    resolve: async (_root, { input }, { drafts, ownerId }) => saved(await drafts.create(ownerId, input)),
  }),
  updateWorkflow: t.field({
    type: UpdateWorkflowPayload,
    description: 'Changes a workflow’s draft, name, description or tags.',
    args: { input: t.arg({ type: UpdateWorkflowInput, required: true, description: 'The changes.' }) },
    errors: {
      types: [InvalidArgumentError, NotFoundError, RevisionConflictError],
      union: {
        name: 'UpdateWorkflowResult',
        description: 'The changed workflow, or why it stays as it was.',
      },
    },
    resolve: async (_root, { input }, { drafts, ownerId }) =>
      saved(await drafts.update({ ownerId, ...targetOf(input) }, input)),
  }),
  deleteWorkflow: t.field({
    type: DeleteWorkflowPayload,
    description: 'Deletes a workflow. Its executions stay, and those that run go on.',
    args: { input: t.arg({ type: DeleteWorkflowInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError, RevisionConflictError],
      union: { name: 'DeleteWorkflowResult', description: 'What came of a deletion.' },
    },
    resolve: async (_root, { input }, { drafts, ownerId }) => {
      const target = targetOf(input)
      const result = await drafts.delete({ ownerId, ...target })
      if (result.kind !== 'deleted') throw refusal(result)
      return { deletedId: globalId('Workflow', target.id) }
    },
  }),
}))

function targetOf({ id, expectedRevision }: { id: string; expectedRevision?: number | null | undefined }) {
  return {
    id: rowId(readGlobalId<WorkflowId>('Workflow', id) ?? '') as WorkflowId,
    expectedRevision: expectedRevision ?? null,
  }
}

function saved(result: SaveResult): SavedWorkflow {
  if (result.kind === 'invalid') throw new InvalidArgumentError(result.message, result.path)
  if (result.kind !== 'saved') throw refusal(result)
  return { id: result.workflow.id, diagnostics: result.diagnostics }
}

function refusal(result: Exclude<DeleteResult, { kind: 'deleted' }>): NotFoundError | RevisionConflictError {
  return result.kind === 'conflict'
    ? new RevisionConflictError(result.revision, ['input', 'expectedRevision'])
    : new NotFoundError('workflow', ['input', 'id'])
}
