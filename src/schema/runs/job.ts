import { queryFromInfo } from '@pothos/plugin-prisma'
import type { JobStatus, JobType, RecordedError } from '../../engine/record/index.ts'
import { readGlobalId, type JobId } from '../../lib/index.ts'
import type { Job } from '../../db/jobs/index.ts'
import { JsonText } from '../../lib/json/index.ts'
import { builder, JobStatusEnum, KnownRow, rowId } from '../kit/index.ts'
import { keysetConnection } from '../pages/index.ts'
import { readRunFilter, readRunOrder, runFilterFields, RunOrderInput } from './run-filter.ts'

export const JobTypeEnum = builder.enumType('JobType', {
  description: 'What kind of work a job is.',
  values: {
    WORKFLOW: { description: 'Runs a workflow.' },
    SEARCH: { description: 'Searches people or profiles.' },
    UPLOAD_TO_META: { description: 'Uploads contacts to a Meta audience.' },
  } satisfies Record<JobType, { description: string }>,
})

export const FailureType = builder.objectRef<RecordedError>('Failure').implement({
  description: 'Why a job, an execution or a step failed.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Stable, for programs.' }),
    message: t.exposeString('message', { description: 'What went wrong, for people.' }),
    path: t.exposeString('path', { nullable: true, description: 'The step that it came from.' }),
    details: t.expose('details', { type: 'JSON', nullable: true, description: 'Facts that the block adds.' }),
  }),
})

/** A status as users see it: CANCELING from the moment a cancel is accepted (D8). */
export function shownStatus(job: {
  status: string
  cancelRequestedAt: Date | null
  finishedAt: Date | null
}) {
  const isCanceling = job.cancelRequestedAt !== null && job.finishedAt === null
  return (isCanceling ? 'CANCELING' : job.status) as JobStatus
}

/** A job as memory knows it. */
export class KnownJob extends KnownRow {
  readonly id: string
  readonly ownerId: string
  readonly type: string
  /** As users see it; a cancel is part of it. */
  readonly status: string
  readonly cancelRequestedAt = null
  readonly progress: number
  readonly priority: number
  readonly currentStep: string | null
  readonly completedNodes: number
  readonly totalNodes: number
  readonly lastSeq: number
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly error: RecordedError | null
  /** Undefined when only the database knows it. */
  readonly result: JsonText | null | undefined

  constructor(job: Job, output: string | null | undefined) {
    super()
    this.id = job.id
    this.ownerId = job.ownerId
    this.type = job.type
    this.status = job.status
    this.progress = job.progress
    this.priority = job.priority
    this.currentStep = job.currentStep
    this.completedNodes = job.completedNodes
    this.totalNodes = job.totalNodes
    this.lastSeq = job.lastSeq
    this.createdAt = job.createdAt
    this.startedAt = job.startedAt
    this.finishedAt = job.finishedAt
    this.error = job.error
    this.result = typeof output === 'string' ? new JsonText(output) : output
  }
}

export const STATUS_COLUMNS = { status: true, cancelRequestedAt: true, finishedAt: true } as const

export const JobNode = builder.prismaNode('Job', {
  id: { field: 'id' },
  findUnique: (id, { ownerId }) => ({ id: rowId(id), ownerId }),
  nullable: true,
  select: { id: true },
  description: 'A background unit of work that a user started. Every job has one execution.',
  fields: (t) => ({
    type: t.field({
      type: JobTypeEnum,
      description: 'What kind of work it is.',
      select: { type: true },
      resolve: ({ type }) => type as JobType,
    }),
    status: t.field({
      type: JobStatusEnum,
      description: 'Where it stands.',
      select: STATUS_COLUMNS,
      resolve: shownStatus,
    }),
    progress: t.exposeFloat('progress', {
      description: 'In percent; never falls, and is 100 only when COMPLETED.',
    }),
    priority: t.exposeInt('priority', {
      description: 'Among the jobs that want a worker: the higher, the sooner.',
    }),
    currentStep: t.exposeString('currentStep', {
      nullable: true,
      description: 'The path of the step that began last.',
    }),
    completedNodes: t.exposeInt('completedNodes', { description: 'How many top-level nodes have ended.' }),
    totalNodes: t.exposeInt('totalNodes', { description: 'How many top-level nodes there are.' }),
    lastSeq: t.exposeInt('lastSeq', { description: 'The number of the newest event.' }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why it failed.',
      select: { id: true },
      resolve: async (job, _args, { values }, info) =>
        job instanceof KnownJob
          ? job.error
          : ((await values.parsed('jobError', job.id, info)) as RecordedError | null),
    }),
    result: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The output, once COMPLETED.',
      select: { id: true },
      // A job and its execution share their id.
      resolve: (job, _args, { values }, info) =>
        job instanceof KnownJob && job.result !== undefined
          ? job.result
          : values.text('executionOutput', job.id, info),
    }),
    execution: t.relation('execution', { description: 'The run behind the job.', onNull: 'error' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a worker first took it up.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended, in whatever way.',
    }),
  }),
})

const JobConnection = builder.connectionObject(
  { type: JobNode, name: 'JobConnection', description: 'A page of jobs.' },
  { name: 'JobEdge', description: 'A job and its place in the list.' },
)

/** Which jobs a list shows, or a subscription tells of. */
export const JobFilter = builder.inputType('JobFilter', {
  description: 'Which jobs; all conditions must hold.',
  fields: (t) => ({
    type: t.field({ type: [JobTypeEnum], description: 'Of one of these types.' }),
    status: t.field({ type: [JobStatusEnum], description: 'In one of these states.' }),
    ...runFilterFields(t),
  }),
})

builder.queryFields((t) => ({
  job: t.prismaField({
    type: 'Job',
    nullable: true,
    description: 'A job; null when there is none, or it is not yours.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (query, _root, { id }, { prisma, ownerId }) =>
      prisma.job.findFirst({ ...query, where: { id: rowId(readGlobalId<JobId>('Job', id) ?? ''), ownerId } }),
  }),
  jobs: t.connection(
    {
      type: JobNode,
      description: 'Your jobs.',
      args: {
        filter: t.arg({ type: JobFilter, description: 'Only these.' }),
        orderBy: t.arg({ type: RunOrderInput, description: 'In this order; default: newest first.' }),
      },
      resolve: (_root, { filter: given, orderBy, ...args }, context, info) => {
        const { runList, prisma, ownerId } = context
        const filter = readRunFilter(given)
        const { field, ...order } = readRunOrder(orderBy)
        return keysetConnection({
          args,
          ...order,
          positions: (page) => runList.page(ownerId, filter, field, page),
          rows: (ids) =>
            prisma.job.findMany({
              ...queryFromInfo({ context, info, path: ['edges', 'node'] }),
              where: { ownerId, id: { in: [...ids] } },
            }),
          count: () => runList.count(ownerId, filter, field),
        })
      },
    },
    JobConnection,
  ),
}))
