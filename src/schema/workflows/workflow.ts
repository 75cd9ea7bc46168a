import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import { WORKFLOW_ORDERS, type WorkflowFilter, type WorkflowOrder } from '../../db/lists/index.ts'
import { readGlobalId, type WorkflowId } from '../../lib/index.ts'
import { draftHash } from '../../workflows/index.ts'
import { graphOf, GraphType } from '../catalogue/index.ts'
import { DiagnosticType } from '../errors/index.ts'
import { builder, present, rowId, type Context } from '../kit/index.ts'
import { keysetConnection, OrderDirectionEnum } from '../pages/index.ts'
import {
  DAYS_DESCRIPTION,
  ExecutionConnection,
  executionsUnder,
  ExecutionType,
  FILTER_TAGS_MAX,
  newestUnder,
  NO_COUNTS,
  readDays,
  readTags,
  readText,
  RunStatsType,
  TEXT_MAX_LENGTH,
} from '../runs/index.ts'
import { definitionOf, versionOf, versionRows } from './version-reads.ts'
import { diffOf, WorkflowDiffType } from './workflow-diff.ts'
import { WorkflowVersionConnection, WorkflowVersionType } from './workflow-version.ts'

export const WorkflowType = builder.prismaNode('Workflow', {
  id: { field: 'id' },
  findUnique: (id, { ownerId }) => ({ id: rowId(id), ownerId, deletedAt: null }),
  nullable: true,
  select: { id: true },
  description: 'The named thing that people edit.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'For people.' }),
    description: t.exposeString('description', { description: 'For people; may be empty.' }),
    tags: t.exposeStringList('tags', { description: 'Free words to find it by.' }),
    revision: t.exposeInt('revision', {
      description:
        'Grows with every change, and not when a save changes nothing; pass it as `expectedRevision`.',
    }),
    definition: t.field({
      type: 'JSON',
      description: 'The draft, as it was saved.',
      select: { id: true },
      resolve: ({ id }, _args, { values }, info) => values.text('draft', id, info),
    }),
    graph: t.field({
      type: GraphType,
      description: 'The draft’s nodes and edges, typed.',
      select: { id: true },
      resolve: async ({ id }, _args, { values }, info) => graphOf(await values.parsed('draft', id, info)),
    }),
    diagnostics: t.field({
      type: [DiagnosticType],
      description: 'All that is wrong with the draft now.',
      select: { id: true },
      resolve: async ({ id }, _args, { values, readDefinition }, info) =>
        (await readDefinition(await values.parsed('draft', id, info))).diagnostics,
    }),
    publishedVersion: t.relation('publishedVersion', {
      nullable: true,
      description:
        'The newest version, which executions run unless they ask for another; null when there is none.',
    }),
    hasUnpublishedChanges: t.boolean({
      description: 'True when the draft is not what the newest version holds, or there is no version.',
      select: {
        id: true,
        revision: true,
        draftHash: true,
        publishedVersion: { select: { definition: { select: { hash: true } } } },
      },
      resolve: async ({ id, revision, draftHash: stored, publishedVersion }, _args, context, info) => {
        if (publishedVersion === null) return true
        const hash = stored ?? (await computedHash(context, { id, revision }, info))
        return publishedVersion.definition.hash !== hash
      },
    }),
    version: t.prismaField({
      type: 'WorkflowVersion',
      nullable: true,
      description: 'One version; null when there is none of that number.',
      args: { number: t.arg.int({ required: true, description: 'From 1.' }) },
      resolve: (query, { id: workflowId }, { number }, context) =>
        versionOf(context, { workflowId, number }, query),
    }),
    versions: t.connection(
      {
        type: WorkflowVersionType,
        description: 'All versions, newest first.',
        resolve: ({ id }, args, context, info) => {
          const { batch, versions, ownerId } = context
          const rows = versionRows(context, queryFromInfo({ context, info, path: ['edges', 'node'] }))
          return keysetConnection({
            args,
            order: { name: 'NUMBER', type: 'int' },
            isDescending: true,
            positions: (page) =>
              batch('versions of', page, (ids) => versions.pagesOf(ownerId, ids, page)).load(id),
            rows: (ids) => rows.loadMany(ids).then(present),
            count: () => batch('count of versions', null, (ids) => versions.countsOf(ownerId, ids)).load(id),
          })
        },
      },
      WorkflowVersionConnection,
    ),
    diff: t.field({
      type: WorkflowDiffType,
      nullable: true,
      description:
        'What leads from one of its definitions to another; null when it has no version of a number. An error of the code `DIFF_TOO_LARGE` when the paths and pointers of the differences have more than 16,777,216 characters together.',
      args: {
        from: t.arg.int({ description: 'The number of the earlier version; default: the draft.' }),
        to: t.arg.int({ description: 'The number of the later version; default: the draft.' }),
      },
      select: { id: true },
      resolve: async ({ id: workflowId }, { from = null, to = null }, context, info) => {
        const read = (number: number | null) =>
          number === null
            ? context.values.parsed('draft', workflowId, info)
            : definitionOf(context, { workflowId, number }, info)
        const [before, after] = await Promise.all([read(from), read(to)])
        if (before === null || after === null) return null
        return { from, to, diff: await diffOf(context, before, after) }
      },
    }),
    executions: t.connection(
      {
        type: ExecutionType,
        description: 'Its runs, newest first.',
        resolve: ({ id }, args, context, info) =>
          executionsUnder({ kind: 'workflow', id }, args, { context, info, isDescending: true }),
      },
      ExecutionConnection,
    ),
    lastExecution: t.prismaField({
      type: 'Execution',
      nullable: true,
      description: 'The newest run; null when there is none.',
      resolve: (query, { id }, _args, context) => newestUnder(context, { kind: 'workflow', id }, query),
    }),
    stats: t.field({
      type: RunStatsType,
      description: 'Statistics of its runs, in every mode and of every version.',
      args: { days: t.arg.int({ description: DAYS_DESCRIPTION }) },
      resolve: async ({ id }, { days: given }, context) => {
        const { batch, counts, ownerId } = context
        const days = readDays(given)
        const loader = batch('stats', days, async (subjects) => {
          const bySubject = await counts.counts(ownerId, { subjects, days })
          return subjects.map((subject) => bySubject.get(subject) ?? NO_COUNTS)
        })
        return {
          counts: await loader.load(id),
          lastRunAt: async () =>
            (await newestUnder(context, { kind: 'workflow', id }, LAST_RUN_AT))?.createdAt ?? null,
        }
      },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last changed, published or archived.',
    }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was archived; null when it is not.',
    }),
  }),
})

/** The hash of a draft whose hash is not stored; stores it, so that the next read finds it. */
async function computedHash(
  { values, draftHashes }: Context,
  workflow: { readonly id: string; readonly revision: number },
  info: GraphQLResolveInfo,
): Promise<string> {
  const hash = await draftHash(await values.parsed('draft', workflow.id, info))
  await draftHashes.store(workflow, hash)
  return hash
}

const LAST_RUN_AT = { select: { id: true, createdAt: true } } as const

const WorkflowConnection = builder.connectionObject(
  { type: WorkflowType, name: 'WorkflowConnection', description: 'A page of workflows.' },
  { name: 'WorkflowEdge', description: 'A workflow and its place in the list.' },
)

const WorkflowFilterInput = builder.inputType('WorkflowFilter', {
  description: 'Which workflows; all conditions must hold.',
  fields: (t) => ({
    text: t.string({
      description: `In the name or the description, capitals or not; at most ${TEXT_MAX_LENGTH} characters.`,
    }),
    tags: t.stringList({
      description: 'With all of these tags.',
      extensions: { acceptedItems: FILTER_TAGS_MAX },
    }),
    archived: t.boolean({
      defaultValue: false,
      description: 'True: those that are archived, and no others.',
    }),
    published: t.boolean({ description: 'True: those with a version. False: those without.' }),
  }),
})

const WorkflowOrderFieldEnum = builder.enumType('WorkflowOrderField', {
  description: 'What a list of workflows is ordered by.',
  values: {
    CREATED_AT: { description: 'When it was made.' },
    UPDATED_AT: { description: 'When it was last changed, published or archived.' },
    NAME: { description: 'By name, capitals or not.' },
  } satisfies Record<WorkflowOrder, unknown>,
})

const WorkflowOrderInput = builder.inputType('WorkflowOrder', {
  description: 'The order of a list of workflows.',
  fields: (t) => ({
    field: t.field({ type: WorkflowOrderFieldEnum, required: true, description: 'By what.' }),
    direction: t.field({ type: OrderDirectionEnum, defaultValue: 'DESC', description: 'Which way.' }),
  }),
})

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
  workflows: t.connection(
    {
      type: WorkflowType,
      description: 'Your workflows; those that are archived only when asked for.',
      args: {
        filter: t.arg({ type: WorkflowFilterInput, description: 'Only these.' }),
        orderBy: t.arg({ type: WorkflowOrderInput, description: 'In this order; default: newest first.' }),
      },
      resolve: (_root, { filter: given, orderBy, ...args }, context, info) => {
        const { workflowList, prisma, ownerId } = context
        const filter = readFilter(given)
        const { field, direction } = orderBy ?? { field: 'CREATED_AT', direction: 'DESC' }
        return keysetConnection({
          args,
          order: { name: field, type: WORKFLOW_ORDERS[field].type },
          isDescending: direction !== 'ASC',
          positions: (page) => workflowList.page(ownerId, filter, field, page),
          rows: (ids) =>
            prisma.workflow.findMany({
              ...queryFromInfo({ context, info, path: ['edges', 'node'] }),
              where: { ownerId, id: { in: [...ids] } },
            }),
          count: () => workflowList.count(ownerId, filter),
        })
      },
    },
    WorkflowConnection,
  ),
}))

function readFilter(filter: typeof WorkflowFilterInput.$inferInput | null | undefined): WorkflowFilter {
  return {
    text: readText(filter?.text, 'text'),
    tags: readTags(filter?.tags),
    archived: filter?.archived ?? false,
    published: filter?.published ?? null,
  }
}
