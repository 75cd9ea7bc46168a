import { queryFromInfo } from '@pothos/plugin-prisma'
import type { ShownOccurrence } from '../../db/lists/index.ts'
import type { CatchUp, Outcome, Overlap } from '../../db/stores/index.ts'
import type { ExecutionMode } from '../../engine/block/index.ts'
import { occurrencesAfter, specOf } from '../../jobs/schedules/index.ts'
import { withPauses, yieldToEventLoop } from '../../lib/turns/index.ts'
import { readGlobalId, type ScheduleId, type WorkflowId } from '../../lib/index.ts'
import { badInput, builder, ExecutionModeEnum, inOrder, present, rowId } from '../kit/index.ts'
import { keysetConnection } from '../pages/index.ts'
import { ExecutionConnection, executionRows, executionsUnder, ExecutionType } from '../runs/index.ts'
import { WorkflowType } from '../workflows/index.ts'

export const ScheduleOverlapEnum = builder.enumType('ScheduleOverlap', {
  description: 'What happens to an occurrence that comes due while an earlier one still runs.',
  values: {
    SKIP: { description: 'It is left out.' },
    QUEUE: { description: 'It waits for its turn, one at most; more are left out.' },
    ALLOW: { description: 'It starts all the same.' },
    CANCEL_PREVIOUS: { description: 'It starts, and what runs is canceled.' },
  } satisfies Record<Overlap, unknown>,
})

export const ScheduleCatchUpEnum = builder.enumType('ScheduleCatchUp', {
  description: 'What happens to occurrences that were missed: more than a minute late, as after a downtime.',
  values: {
    NONE: { description: 'They are left out.' },
    LAST: { description: 'The newest starts, unless one that is on time makes up for it.' },
    ALL: { description: 'The newest of them start, as many as `catchUpLimit` says.' },
  } satisfies Record<CatchUp, unknown>,
})

const ScheduleOutcomeEnum = builder.enumType('ScheduleOutcome', {
  description: 'What became of an occurrence.',
  values: {
    STARTED: { description: 'It has an execution.' },
    QUEUED: { description: 'It waits until the one before it has ended.' },
    SKIPPED: { description: 'A policy left it out; `reason` is MISSED or OVERLAP.' },
    FAILED: { description: 'It could not be started; `reason` and `message` say why.' },
  } satisfies Record<Outcome, unknown>,
})

const ScheduleOccurrenceType = builder.objectRef<ShownOccurrence>('ScheduleOccurrence').implement({
  description: 'One instant at which a schedule came due, and what became of it. It starts at most once.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'The instant that it is for.' }),
    outcome: t.expose('outcome', { type: ScheduleOutcomeEnum, description: 'What became of it.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why it did not start, for programs, such as OVERLAP or WORKFLOW_ARCHIVED.',
    }),
    message: t.exposeString('message', {
      nullable: true,
      description: 'Why it did not start, for people.',
    }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When this was decided.' }),
    execution: t.prismaField({
      type: ExecutionType,
      nullable: true,
      description: 'The run that it started.',
      resolve: (query, { executionId }, _args, context) => {
        if (executionId === null) return null
        return executionRows(context, query).load(executionId)
      },
    }),
  }),
})

interface ScheduleFailure {
  readonly code: string
  readonly message: string
  readonly at: string
}

const ScheduleFailureType = builder.objectRef<ScheduleFailure>('ScheduleFailure').implement({
  description: 'Why the last start of a schedule failed.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'For programs, such as WORKFLOW_ARCHIVED.' }),
    message: t.exposeString('message', { description: 'For people.' }),
    at: t.field({
      type: 'DateTime',
      description: 'When it was tried.',
      resolve: ({ at }) => new Date(at),
    }),
  }),
})

const OCCURRENCES_MAX = 100
const SPEC_COLUMNS = { cron: true, timeZone: true, at: true } as const

export const ScheduleType = builder.prismaNode('Schedule', {
  id: { field: 'id' },
  findUnique: (id, { ownerId }) => ({ id: rowId(id), ownerId, deletedAt: null }),
  nullable: true,
  select: { id: true },
  description: 'When to start executions of a workflow.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'For people.' }),
    workflow: t.relation('workflow', {
      description: 'What it starts, also when that was archived or deleted since.',
    }),
    version: t.exposeInt('version', {
      nullable: true,
      description: 'The number of the version that it runs; null: the newest one, or the draft.',
    }),
    draft: t.exposeBoolean('isDraft', { description: 'True when it runs the draft as it is then.' }),
    cron: t.exposeString('cron', {
      nullable: true,
      description: 'The pattern by which it repeats; null when it occurs once.',
    }),
    timeZone: t.exposeString('timeZone', { description: 'Where the pattern’s times of day are meant.' }),
    at: t.expose('at', {
      type: 'DateTime',
      nullable: true,
      description: 'The instant at which it occurs once; null when it repeats.',
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The input of its executions.',
      select: { id: true },
      resolve: ({ id }, _args, { values }, info) => values.text('scheduleInput', id, info),
    }),
    variables: t.field({
      type: 'JSON',
      description: 'The variables of its executions.',
      select: { id: true },
      resolve: async ({ id }, _args, { values }, info) =>
        (await values.text('scheduleVariables', id, info)) ?? {},
    }),
    mode: t.field({
      type: ExecutionModeEnum,
      description: 'What its executions are meant for.',
      select: { mode: true },
      resolve: ({ mode }) => mode as ExecutionMode,
    }),
    tags: t.exposeStringList('tags', { description: 'The tags of its executions.' }),
    priority: t.exposeInt('priority', { description: 'The priority of its executions.' }),
    overlap: t.field({
      type: ScheduleOverlapEnum,
      description: 'What happens to an occurrence while an earlier one still runs.',
      select: { overlap: true },
      resolve: ({ overlap }) => overlap as Overlap,
    }),
    catchUp: t.field({
      type: ScheduleCatchUpEnum,
      description: 'What happens to occurrences that were missed.',
      select: { catchUp: true },
      resolve: ({ catchUp }) => catchUp as CatchUp,
    }),
    catchUpLimit: t.exposeInt('catchUpLimit', {
      description: 'How many missed occurrences ALL makes up for.',
    }),
    paused: t.exposeBoolean('isPaused', { description: 'True while it starts nothing.' }),
    nextAt: t.expose('nextAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Its next occurrence; null while it is paused and when there is none any more.',
    }),
    nextRuns: t.field({
      type: ['DateTime'],
      description: 'Its next occurrences, as if it were not paused.',
      args: {
        first: t.arg.int({ defaultValue: 5, description: `How many, up to ${OCCURRENCES_MAX}; default 5.` }),
      },
      select: SPEC_COLUMNS,
      resolve: async ({ cron, timeZone, at }, { first }, { clock }) => {
        const spec = specOf({ cron, timeZone, at: at?.getTime() ?? null })
        const search = occurrencesAfter(spec, clock.now(), countOf(first ?? 5))
        // One operation may ask this of hundreds of schedules.
        await yieldToEventLoop()
        return (await withPauses(search)).map((instant) => new Date(instant))
      },
    }),
    lastOccurrences: t.field({
      type: [ScheduleOccurrenceType],
      description: 'What became of its last occurrences, newest first; what was left out stands there, too.',
      args: {
        first: t.arg.int({
          defaultValue: 10,
          description: `How many, up to ${OCCURRENCES_MAX}; default 10.`,
        }),
      },
      resolve: ({ id }, { first }, { batch, scheduleList, ownerId }) => {
        const limit = countOf(first ?? 10)
        return batch('occurrences', limit, (ids) => scheduleList.lastOccurrences(ownerId, ids, limit)).load(
          id,
        )
      },
    }),
    error: t.field({
      type: ScheduleFailureType,
      nullable: true,
      description: 'Why its last start failed; null once one succeeds.',
      select: { error: true },
      resolve: ({ error }) => error as ScheduleFailure | null,
    }),
    executions: t.connection(
      {
        type: ExecutionType,
        description: 'The runs that it started, newest first.',
        resolve: ({ id }, args, context, info) =>
          executionsUnder({ kind: 'schedule', id }, args, { context, info, isDescending: true }),
      },
      ExecutionConnection,
    ),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last changed.' }),
  }),
})

function countOf(first: number): number {
  if (first < 0) throw badInput('`first` must not be negative.')
  return Math.min(first, OCCURRENCES_MAX)
}

const ScheduleConnection = builder.connectionObject(
  { type: ScheduleType, name: 'ScheduleConnection', description: 'A page of schedules.' },
  { name: 'ScheduleEdge', description: 'A schedule and its place in the list.' },
)

const ScheduleFilterInput = builder.inputType('ScheduleFilter', {
  description: 'Which schedules; all conditions must hold.',
  fields: (t) => ({
    workflowId: t.id({ description: 'Of this workflow.' }),
    paused: t.boolean({ description: 'True: those that are paused. False: those that are not.' }),
  }),
})

const CREATED_AT = { name: 'CREATED_AT', type: 'timestamptz' } as const

builder.queryFields((t) => ({
  schedule: t.prismaField({
    type: 'Schedule',
    nullable: true,
    description: 'A schedule; null when there is none, or it is not yours.',
    args: { id: t.arg.id({ required: true, description: 'Its global id.' }) },
    resolve: (query, _root, { id }, { prisma, ownerId }) =>
      prisma.schedule.findFirst({
        ...query,
        where: { id: rowId(readGlobalId<ScheduleId>('Schedule', id) ?? ''), ownerId, deletedAt: null },
      }),
  }),
  schedules: t.connection(
    {
      type: ScheduleType,
      description: 'Your schedules, newest first.',
      args: { filter: t.arg({ type: ScheduleFilterInput, description: 'Only these.' }) },
      resolve: (_root, { filter: given, ...args }, context, info) => {
        const { scheduleList, prisma, ownerId } = context
        const filter = {
          workflowId:
            given?.workflowId == null
              ? null
              : (rowId(readGlobalId<WorkflowId>('Workflow', given.workflowId) ?? '') as WorkflowId),
          isPaused: given?.paused ?? null,
        }
        return keysetConnection({
          args,
          order: CREATED_AT,
          isDescending: true,
          positions: (page) => scheduleList.page(ownerId, filter, page),
          rows: (ids) =>
            prisma.schedule.findMany({
              ...queryFromInfo({ context, info, path: ['edges', 'node'] }),
              where: { ownerId, id: { in: [...ids] } },
            }),
          count: () => scheduleList.count(ownerId, filter),
        })
      },
    },
    ScheduleConnection,
  ),
}))

builder.prismaObjectField(WorkflowType, 'schedules', (t) =>
  t.connection(
    {
      type: ScheduleType,
      description: 'When it is to be started, newest schedule first.',
      resolve: ({ id }, args, context, info) => {
        const { batch, scheduleList, prisma, ownerId } = context
        const query = queryFromInfo({ context, info, path: ['edges', 'node'] })
        const rows = batch('schedules', query, async (ids) =>
          inOrder(
            ids,
            await prisma.schedule.findMany({ ...query, where: { ownerId, id: { in: [...ids] } } }),
          ),
        )
        return keysetConnection({
          args,
          order: CREATED_AT,
          isDescending: true,
          positions: (page) =>
            batch('schedules of', page, (ids) => scheduleList.pagesOf(ownerId, ids, page)).load(id),
          rows: (ids) => rows.loadMany(ids).then(present),
          count: () =>
            batch('count of schedules', null, (ids) => scheduleList.countsOf(ownerId, ids)).load(id),
        })
      },
    },
    ScheduleConnection,
  ),
)

builder.prismaObjectField(ExecutionType, 'schedule', (t) =>
  t.relation('schedule', {
    nullable: true,
    description: 'The schedule that started it, also when that was deleted since; null for any other start.',
  }),
)
builder.prismaObjectField(ExecutionType, 'scheduledFor', (t) =>
  t.expose('scheduledFor', {
    type: 'DateTime',
    nullable: true,
    description: 'The occurrence of its schedule that it is the run of; null for any other start.',
  }),
)
