import type { SaveScheduleResult, ScheduleInput } from '../../jobs/schedules/index.ts'
import { TAGS_MAX } from '../../jobs/start/index.ts'
import { assertNever, globalId, readGlobalId, type ScheduleId, type WorkflowId } from '../../lib/index.ts'
import {
  DiagnosticType,
  InputInvalidError,
  InvalidArgumentError,
  NotFoundError,
  QuotaExceededError,
  ScheduleInvalidError,
  WorkflowArchivedError,
} from '../errors/index.ts'
import { builder, ExecutionModeEnum, rowId } from '../kit/index.ts'
import { ScheduleCatchUpEnum, ScheduleOverlapEnum } from './schedule.ts'

type SavedSchedule = Extract<SaveScheduleResult, { kind: 'saved' }>

function savedPayload(name: string, description: string) {
  return builder.objectRef<SavedSchedule>(name).implement({
    description,
    fields: (t) => ({
      schedule: t.prismaField({
        type: 'Schedule',
        description: 'The schedule as it is now.',
        resolve: (query, { id }, _args, { prisma, ownerId }) =>
          prisma.schedule.findFirstOrThrow({ ...query, where: { id, ownerId } }),
      }),
      diagnostics: t.field({
        type: [DiagnosticType],
        description:
          'All that is wrong now with the definition that it would start; with an error among them, no occurrence starts until that is mended.',
        resolve: ({ diagnostics }) => diagnostics,
      }),
    }),
  })
}

const CreateSchedulePayload = savedPayload('CreateSchedulePayload', 'A schedule was made.')
const UpdateSchedulePayload = savedPayload('UpdateSchedulePayload', 'A schedule was changed.')

const DeleteSchedulePayload = builder.simpleObject('DeleteSchedulePayload', {
  description: 'A schedule was deleted.',
  fields: (t) => ({ deletedId: t.id({ description: 'The global id that it had.' }) }),
})

const CRON_DESCRIPTION =
  'A cron pattern, such as `0 9 * * 1-5`: minute, hour, day of month, month, day of week; six fields begin with the second. Either this or `at`.'
const ZONE_DESCRIPTION =
  'An IANA name such as `Europe/Berlin`: where the pattern’s times of day are meant, summer time included.'

const CreateScheduleInput = builder.inputType('CreateScheduleInput', {
  description: 'A new schedule: what to start, and either `cron` or `at`.',
  fields: (t) => ({
    workflowId: t.id({ required: true, description: 'The global id of the workflow to start.' }),
    name: t.string({ defaultValue: 'Schedule', description: 'For people.' }),
    cron: t.string({ description: CRON_DESCRIPTION }),
    timeZone: t.string({ defaultValue: 'UTC', description: ZONE_DESCRIPTION }),
    at: t.field({ type: 'DateTime', description: 'The one instant at which it occurs, in the future.' }),
    version: t.int({ description: 'Run the version of this number; default: the newest one at that time.' }),
    draft: t.boolean({ defaultValue: false, description: 'Run the draft as it is at that time.' }),
    input: t.field({
      type: 'JSON',
      description:
        'The input of each execution; default null. It must fit the input schema of what would start now.',
    }),
    variables: t.field({ type: 'JSON', description: 'An object on top of the definition’s defaults.' }),
    mode: t.field({
      type: ExecutionModeEnum,
      defaultValue: 'production',
      description:
        'What its executions are meant for; not TEST, which goes with mocks, and a schedule takes none.',
    }),
    tags: t.stringList({
      description: 'Free words to find its executions by.',
      extensions: { acceptedItems: TAGS_MAX },
    }),
    priority: t.int({ defaultValue: 0, description: 'From -100 to 100, the higher the sooner.' }),
    overlap: t.field({
      type: ScheduleOverlapEnum,
      defaultValue: 'SKIP',
      description: 'What happens to an occurrence while an earlier one still runs.',
    }),
    catchUp: t.field({
      type: ScheduleCatchUpEnum,
      defaultValue: 'LAST',
      description: 'What happens to occurrences that were missed.',
    }),
    catchUpLimit: t.int({
      defaultValue: 10,
      description: 'How many missed occurrences ALL makes up for, from 1 to 100.',
    }),
    paused: t.boolean({ defaultValue: false, description: 'Make it, but start nothing yet.' }),
  }),
})

const UpdateScheduleInput = builder.inputType('UpdateScheduleInput', {
  description: 'Changes of a schedule; what is left out stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The schedule’s global id.' }),
    name: t.string({ description: 'For people.' }),
    cron: t.string({ description: `${CRON_DESCRIPTION} Takes the place of the other.` }),
    timeZone: t.string({ description: ZONE_DESCRIPTION }),
    at: t.field({ type: 'DateTime', description: 'The one instant at which it occurs, in place of `cron`.' }),
    version: t.int({ description: 'Run the version of this number; null: the newest one.' }),
    draft: t.boolean({ description: 'Run the draft as it is at that time.' }),
    input: t.field({
      type: 'JSON',
      description:
        'The input of each execution; may be set to null. It must fit the input schema of what would start now.',
    }),
    variables: t.field({ type: 'JSON', description: 'An object on top of the definition’s defaults.' }),
    mode: t.field({
      type: ExecutionModeEnum,
      description:
        'What its executions are meant for; not TEST, which goes with mocks, and a schedule takes none.',
    }),
    tags: t.stringList({
      description: 'All tags; replaces those it had.',
      extensions: { acceptedItems: TAGS_MAX },
    }),
    priority: t.int({ description: 'From -100 to 100, the higher the sooner.' }),
    overlap: t.field({ type: ScheduleOverlapEnum, description: 'What happens while an earlier one runs.' }),
    catchUp: t.field({ type: ScheduleCatchUpEnum, description: 'What happens to missed occurrences.' }),
    catchUpLimit: t.int({ description: 'How many missed occurrences ALL makes up for, from 1 to 100.' }),
    paused: t.boolean({
      description: 'True: pause it. False: take it up again; what came due meanwhile is not made up for.',
    }),
  }),
})

const DeleteScheduleInput = builder.inputType('DeleteScheduleInput', {
  description: 'Which schedule to delete.',
  fields: (t) => ({ id: t.id({ required: true, description: 'The schedule’s global id.' }) }),
})

const REFUSALS = [
  ScheduleInvalidError,
  InvalidArgumentError,
  InputInvalidError,
  NotFoundError,
  WorkflowArchivedError,
]

builder.mutationFields((t) => ({
  createSchedule: t.field({
    type: CreateSchedulePayload,
    description: 'Makes a schedule, which starts executions of a workflow by a cron pattern, or once.',
    args: { input: t.arg({ type: CreateScheduleInput, required: true, description: 'The new schedule.' }) },
    errors: {
      types: [...REFUSALS, QuotaExceededError],
      union: { name: 'CreateScheduleResult', description: 'The new schedule, or why there is none.' },
    },
    resolve: async (_root, { input: { workflowId, ...input } }, { schedules, ownerId }) => {
      const id = rowId(readGlobalId<WorkflowId>('Workflow', workflowId) ?? '') as WorkflowId
      return saved(await schedules.create({ ownerId, workflowId: id }, fieldsOf(input)))
    },
  }),
  updateSchedule: t.field({
    type: UpdateSchedulePayload,
    description: 'Changes a schedule, pauses it or takes it up again.',
    args: { input: t.arg({ type: UpdateScheduleInput, required: true, description: 'The changes.' }) },
    errors: {
      types: REFUSALS,
      union: {
        name: 'UpdateScheduleResult',
        description: 'The changed schedule, or why it stays as it was.',
      },
    },
    resolve: async (_root, { input: { id, ...input } }, { schedules, ownerId }) =>
      saved(await schedules.update({ ownerId, id: scheduleId(id) }, fieldsOf(input))),
  }),
  deleteSchedule: t.field({
    type: DeleteSchedulePayload,
    description: 'Deletes a schedule. Its executions stay, and those that run go on.',
    args: { input: t.arg({ type: DeleteScheduleInput, required: true, description: 'Which one.' }) },
    errors: {
      types: [NotFoundError],
      union: { name: 'DeleteScheduleResult', description: 'What came of a deletion.' },
    },
    resolve: async (_root, { input }, { schedules, ownerId }) => {
      const id = scheduleId(input.id)
      if (!(await schedules.delete({ ownerId, id }))) throw new NotFoundError('schedule', ['input', 'id'])
      return { deletedId: globalId('Schedule', id) }
    },
  }),
}))

function scheduleId(given: string): ScheduleId {
  return rowId(readGlobalId<ScheduleId>('Schedule', given) ?? '') as ScheduleId
}

type GivenFields = Omit<
  Partial<typeof UpdateScheduleInput.$inferInput & typeof CreateScheduleInput.$inferInput>,
  'id' | 'workflowId'
>

/** Null is "not given", except where it means something: no version, and an input that is null. */
function fieldsOf({ paused, at, version, input, ...given }: GivenFields): ScheduleInput {
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value != null))
  return {
    ...present,
    ...(at == null ? {} : { at: at.getTime() }),
    ...(paused == null ? {} : { isPaused: paused }),
    ...(version === undefined ? {} : { version }),
    ...(input === undefined ? {} : { input }),
  }
}

function saved(result: SaveScheduleResult): SavedSchedule {
  switch (result.kind) {
    case 'saved':
      return result
    case 'invalidSpec':
      throw new ScheduleInvalidError(result, ['input', result.argument])
    case 'invalid': {
      const path = ['input', result.argument]
      if (result.argument === 'input') throw new InputInvalidError(result.problems, path)
      const told = result.problems.map(({ pointer, message }) => `${pointer} ${message}`.trim()).join('; ')
      throw new InvalidArgumentError(`\`${result.argument}\`: ${told}.`, path)
    }
    case 'notFound':
      throw new NotFoundError('schedule', ['input', 'id'])
    case 'workflowNotFound':
      throw new NotFoundError('workflow', ['input', 'workflowId'])
    case 'noSuchVersion':
      throw new NotFoundError('version', ['input', 'version'])
    case 'archived':
      throw new WorkflowArchivedError(['input', 'workflowId'])
    case 'quotaExceeded':
      throw new QuotaExceededError(result, ['input'])
    default:
      return assertNever(result)
  }
}
