import type { Json } from '../../lib/json/index.ts'
import type { PublishResult } from '../../workflows/index.ts'
import { graphOf, GraphType } from '../catalogue/index.ts'
import {
  DiagnosticType,
  InvalidArgumentError,
  NotFoundError,
  QuotaExceededError,
  RevisionConflictError,
  ValidationFailedError,
  WorkflowArchivedError,
} from '../errors/index.ts'
import { builder, rowId } from '../kit/index.ts'
import { ExecutionConnection, executionsUnder, ExecutionType } from '../runs/index.ts'
import { definitionOf } from './version-reads.ts'
import { diffOf, WorkflowDiffType } from './workflow-diff.ts'
import { workflowTarget } from './workflow-target.ts'

export const WorkflowVersionType = builder.prismaNode('WorkflowVersion', {
  id: { field: 'id' },
  findUnique: (id, { ownerId }) => ({ id: rowId(id), ownerId, workflow: { deletedAt: null } }),
  nullable: true,
  select: { id: true },
  description: 'A published definition; never changes.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'From 1 in its workflow.' }),
    note: t.exposeString('note', { description: 'What its publisher said about it; may be empty.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was published.' }),
    definition: t.field({
      type: 'JSON',
      description: 'What it holds.',
      select: { definitionId: true },
      resolve: ({ definitionId }, _args, { values }, info) => values.text('definition', definitionId, info),
    }),
    graph: t.field({
      type: GraphType,
      description: 'The same, as typed nodes and edges.',
      select: { definitionId: true },
      resolve: async ({ definitionId }, _args, { values }, info) =>
        graphOf(await values.parsed('definition', definitionId, info)),
    }),
    workflow: t.relation('workflow', { description: 'The workflow that it is a version of.' }),
    executions: t.connection(
      {
        type: ExecutionType,
        description: 'The runs of this version, newest first.',
        resolve: ({ id }, args, context, info) =>
          executionsUnder({ kind: 'version', id }, args, { context, info, isDescending: true }),
      },
      ExecutionConnection,
    ),
    diff: t.field({
      type: WorkflowDiffType,
      nullable: true,
      description:
        'What leads to this version from another one; null when there is no version of that number. An error of the code `DIFF_TOO_LARGE` when the paths and pointers of the differences have more than 16,777,216 characters together.',
      args: { against: t.arg.int({ description: 'The other version; default: the one before.' }) },
      select: { workflowId: true, number: true, definitionId: true },
      resolve: async ({ workflowId, number, definitionId }, { against }, context, info) => {
        const from = against ?? number - 1
        const before = from === 0 ? NOTHING : await definitionOf(context, { workflowId, number: from }, info)
        if (before === null) return null
        const after = await context.values.parsed('definition', definitionId, info)
        const diff = await diffOf(context, before, after)
        return { from: from === 0 ? null : from, to: number, diff }
      },
    }),
  }),
})

/** What stands before the first version. */
const NOTHING: Json = {}

export const WorkflowVersionConnection = builder.connectionObject(
  { type: WorkflowVersionType, name: 'WorkflowVersionConnection', description: 'A page of versions.' },
  { name: 'WorkflowVersionEdge', description: 'A version and its place in the list.' },
)

type Published = Extract<PublishResult, { kind: 'published' }>

function publishedPayload(name: string, description: string) {
  return builder.objectRef<Published>(name).implement({
    description,
    fields: (t) => ({
      workflow: t.prismaField({
        type: 'Workflow',
        description: 'The workflow as it is now.',
        resolve: (query, { id }, _args, { prisma, ownerId }) =>
          prisma.workflow.findFirstOrThrow({ ...query, where: { id, ownerId } }),
      }),
      version: t.prismaField({
        type: 'WorkflowVersion',
        description: 'Its newest version.',
        resolve: (query, { id, number }, _args, { prisma, ownerId }) =>
          prisma.workflowVersion.findFirstOrThrow({ ...query, where: { workflowId: id, number, ownerId } }),
      }),
      unchanged: t.boolean({
        description: 'True when the newest version held this definition already, so that no other was made.',
        resolve: ({ isUnchanged }) => isUnchanged,
      }),
      diagnostics: t.field({
        type: [DiagnosticType],
        description: 'The warnings of what was published.',
        resolve: ({ diagnostics }) => diagnostics,
      }),
    }),
  })
}

const PublishWorkflowPayload = publishedPayload('PublishWorkflowPayload', 'The draft is published.')
const RollbackWorkflowPayload = publishedPayload(
  'RollbackWorkflowPayload',
  'An old version is the newest again.',
)

const PublishWorkflowInput = builder.inputType('PublishWorkflowInput', {
  description: 'Which draft to publish.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workflow’s global id.' }),
    expectedRevision: t.int({ description: 'Refuse when it has another revision by now.' }),
    note: t.string({ description: 'What to say about the version.' }),
  }),
})

const RollbackWorkflowInput = builder.inputType('RollbackWorkflowInput', {
  description: 'Which version to go back to.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The workflow’s global id.' }),
    version: t.int({ required: true, description: 'The number of the old version.' }),
    expectedRevision: t.int({
      description: 'Refuse when it has another revision by now: the draft is written over.',
    }),
    note: t.string({ description: 'What to say about the new version; default: which one it restores.' }),
  }),
})

const REFUSALS = [
  ValidationFailedError,
  InvalidArgumentError,
  NotFoundError,
  RevisionConflictError,
  WorkflowArchivedError,
]

builder.mutationFields((t) => ({
  publishWorkflow: t.field({
    type: PublishWorkflowPayload,
    description:
      'Makes the draft the next version, which executions run from then on unless they ask for another.',
    args: { input: t.arg({ type: PublishWorkflowInput, required: true, description: 'Which draft.' }) },
    errors: {
      types: REFUSALS,
      union: { name: 'PublishWorkflowResult', description: 'The new version, or why there is none.' },
    },
    resolve: async (_root, { input }, { publishing, ownerId }) =>
      published(await publishing.publish({ ownerId, ...workflowTarget(input) }, input.note ?? '')),
  }),
  rollbackWorkflow: t.field({
    type: RollbackWorkflowPayload,
    description: 'Makes a new version that equals an old one, and puts it into the draft, too.',
    args: { input: t.arg({ type: RollbackWorkflowInput, required: true, description: 'Which version.' }) },
    errors: {
      types: REFUSALS,
      union: { name: 'RollbackWorkflowResult', description: 'The new version, or why there is none.' },
    },
    resolve: async (_root, { input }, { publishing, ownerId }) => {
      const { version: number, note } = input
      return published(
        await publishing.rollback(
          { ownerId, ...workflowTarget(input) },
          { number, note: note ?? `Restores version ${number}.` },
        ),
      )
    },
  }),
}))

/** A publication, or why there is none, thrown. `source` names the argument that the definition came from. */
export function published(result: PublishResult, source = 'id'): Published {
  switch (result.kind) {
    case 'published':
      return result
    case 'invalid':
      throw new InvalidArgumentError(result.message, result.path)
    case 'unsound':
      throw new ValidationFailedError(result.diagnostics, ['input', source])
    case 'notFound':
      throw new NotFoundError('workflow', ['input', 'id'])
    case 'noSuchVersion':
      throw new NotFoundError('version', ['input', 'version'])
    case 'conflict':
      throw new RevisionConflictError(result, ['input', 'expectedRevision'])
    case 'archived':
      throw new WorkflowArchivedError(['input', 'id'])
    case 'quotaExceeded':
      throw new QuotaExceededError(result, ['input'])
  }
}
