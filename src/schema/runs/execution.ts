import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import type { RunFilter } from '../../db/lists/index.ts'
import type { ExecutionMode } from '../../engine/block/index.ts'
import type { RecordedError } from '../../engine/record/index.ts'
import { readGlobalId, type ExecutionId } from '../../lib/index.ts'
import { graphOf, GraphType } from '../catalogue/index.ts'
import { builder, ExecutionModeEnum, JobStatusEnum, rowId, type Context } from '../kit/index.ts'
import { keysetConnection, type PageArguments } from '../pages/index.ts'
import { FailureType, shownStatus, STATUS_COLUMNS } from './job.ts'
import {
  readRunFilter,
  readRunOrder,
  runFilterFields,
  RunOrderInput,
  type RunOrderArgument,
} from './run-filter.ts'
import { StepConnection, StepType, UsageType } from './step.ts'
import { stepsOf } from './steps-of.ts'

const BlockWaitType = builder.simpleObject('BlockWait', {
  description:
    'The wait for a worker that has the block types of a definition. If none is there for `LUME_BLOCK_WAIT_MS`, the execution fails with `BLOCK_TYPE_MISSING`.',
  fields: (t) => ({
    types: t.stringList({ description: 'The block types that the worker lacked, in order.' }),
    since: t.field({ type: 'DateTime', description: 'When a worker first left the execution to others.' }),
  }),
})

export const ExecutionType = builder.prismaNode('Execution', {
  id: { field: 'id' },
  findUnique: (id, { ownerId }) => ({ id: rowId(id), ownerId }),
  nullable: true,
  select: { id: true },
  description: 'One run of a definition.',
  fields: (t) => ({
    status: t.field({
      type: JobStatusEnum,
      description: 'Where it stands: its job’s status.',
      select: { job: { select: STATUS_COLUMNS } },
      resolve: ({ job }) => shownStatus(job),
    }),
    blockWait: t.field({
      type: BlockWaitType,
      nullable: true,
      description:
        'What it waits for because a worker that took it up lacks its block types; null where no worker lacked one.',
      select: { job: { select: { finishedAt: true, blockWait: { select: { types: true, since: true } } } } },
      resolve: ({ job }) =>
        job.finishedAt === null && job.blockWait
          ? { types: job.blockWait.types.split(' '), since: job.blockWait.since }
          : null,
    }),
    progress: t.float({
      description: 'Its job’s progress, in percent.',
      select: { job: { select: { progress: true } } },
      resolve: ({ job }) => job.progress,
    }),
    costUsd: t.float({
      description:
        'What its calls have cost, as far as their blocks told, in US dollars; calls of its children count there.',
      select: { job: { select: { costUsd: true } } },
      resolve: ({ job }) => job.costUsd,
    }),
    usage: t.field({
      type: UsageType,
      description:
        'What all ended attempts of its own steps have cost together, in money, tokens, credits and whatever else is counted; steps that it reused cost nothing.',
      select: { id: true },
      resolve: ({ id }, _args, { batch, usages, ownerId }) =>
        batch('usage', null, (ids) => usages.of(ownerId, ids)).load(id),
    }),
    mode: t.field({
      type: ExecutionModeEnum,
      description: 'What the run is meant for.',
      select: { mode: true },
      resolve: ({ mode }) => mode as ExecutionMode,
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it was started with.',
      select: { id: true },
      resolve: ({ id }, _args, { values }, info) => values.text('executionInput', id, info),
    }),
    variables: t.field({
      type: 'JSON',
      description: 'The definition’s defaults with the start’s own on top.',
      select: { id: true },
      resolve: async ({ id }, _args, { values }, info) =>
        (await values.text('executionVariables', id, info)) ?? {},
    }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it gave, once COMPLETED.',
      select: { id: true },
      resolve: ({ id }, _args, { values }, info) => values.text('executionOutput', id, info),
    }),
    metadata: t.field({
      type: 'JSON',
      description: 'Free data that its starter gave it.',
      select: { id: true },
      resolve: async ({ id }, _args, { values }, info) =>
        (await values.text('executionMetadata', id, info)) ?? {},
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why it failed.',
      select: { id: true },
      resolve: async ({ id }, _args, { values }, info) =>
        (await values.parsed('jobError', id, info)) as RecordedError | null,
    }),
    definition: t.field({
      type: 'JSON',
      description: 'The definition that it runs, as it was at the start.',
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
    workflow: t.relation('workflow', {
      nullable: true,
      description:
        'The stored workflow that it runs, also when that was deleted since; null for an inline definition.',
    }),
    version: t.relation('version', {
      nullable: true,
      description: 'The version that it runs; null for a draft and for an inline definition.',
    }),
    tags: t.stringList({
      description: 'Free words that it was started with, in order.',
      select: { tags: { select: { tag: true }, orderBy: { tag: 'asc' } } },
      resolve: ({ tags }) => tags.map(({ tag }) => tag),
    }),
    priority: t.int({
      description: 'Among the jobs that want a worker: the higher, the sooner.',
      select: { job: { select: { priority: true } } },
      resolve: ({ job }) => job.priority,
    }),
    runAt: t.expose('runAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The instant before which no worker takes it up; null: at once.',
    }),
    job: t.relation('job', { description: 'The job that it belongs to.' }),
    steps: t.connection(
      {
        type: StepType,
        description: 'Its steps on record, in the definition’s order; outputs are read only when asked for.',
        select: { id: true },
        resolve: ({ id }, args, context) => stepsOf(id, args, context),
      },
      StepConnection,
    ),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When a worker first took it up.',
      select: { job: { select: { startedAt: true } } },
      resolve: ({ job }) => job.startedAt,
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it ended, in whatever way.',
      select: { job: { select: { finishedAt: true } } },
      resolve: ({ job }) => job.finishedAt,
    }),
  }),
})

export const ExecutionConnection = builder.connectionObject(
  { type: ExecutionType, name: 'ExecutionConnection', description: 'A page of executions.' },
  { name: 'ExecutionEdge', description: 'An execution and its place in the list.' },
)

const ExecutionFilter = builder.inputType('ExecutionFilter', {
  description: 'Which executions; all conditions must hold.',
  fields: (t) => ({
    status: t.field({ type: [JobStatusEnum], description: 'In one of these states.' }),
    scheduleId: t.id({ description: 'Started by this schedule.' }),
    ...runFilterFields(t),
  }),
})

builder.queryFields((t) => ({
  execution: t.prismaField({
    type: 'Execution',
    nullable: true,
    description: 'An execution; null when there is none, or it is not yours.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (query, _root, { id }, { prisma, ownerId }) =>
      prisma.execution.findFirst({
        ...query,
        where: { id: rowId(readGlobalId<ExecutionId>('Execution', id) ?? ''), ownerId },
      }),
  }),
  executions: t.connection(
    {
      type: ExecutionType,
      description: 'Your executions.',
      args: {
        filter: t.arg({ type: ExecutionFilter, description: 'Only these.' }),
        orderBy: t.arg({ type: RunOrderInput, description: 'In this order; default: newest first.' }),
      },
      resolve: (_root, { filter, orderBy, ...args }, context, info) =>
        executionsOf(readRunFilter(filter), args, { context, info, orderBy }),
    },
    ExecutionConnection,
  ),
}))

/** A page of executions. */
export function executionsOf(
  filter: RunFilter,
  args: PageArguments,
  { context, info, orderBy }: { context: Context; info: GraphQLResolveInfo; orderBy?: RunOrderArgument },
) {
  const { runList, prisma, ownerId } = context
  const { field, ...order } = readRunOrder(orderBy)
  return keysetConnection({
    args,
    ...order,
    positions: (page) => runList.page(ownerId, filter, field, page),
    rows: (ids) =>
      prisma.execution.findMany({
        ...queryFromInfo({ context, info, path: ['edges', 'node'] }),
        where: { ownerId, id: { in: [...ids] } },
      }),
    count: () => runList.count(ownerId, filter, field),
  })
}
