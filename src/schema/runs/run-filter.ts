import type { RunFilter, RunOrder } from '../../db/lists/index.ts'
import type { ExecutionMode } from '../../engine/block/index.ts'
import type { JobStatus, JobType } from '../../engine/record/index.ts'
import { readGlobalId, type Id, type ScheduleId, type WorkflowId } from '../../lib/index.ts'
import { isStorableText } from '../../lib/json/index.ts'
import { badInput, builder, ExecutionModeEnum, rowId, type InputFields } from '../kit/index.ts'
import { OrderDirectionEnum } from '../pages/index.ts'

const RunOrderFieldEnum = builder.enumType('RunOrderField', {
  description: 'What a list of jobs or executions is ordered by.',
  values: {
    CREATED_AT: { description: 'When it was accepted.' },
    FINISHED_AT: { description: 'When it ended; what has not ended is left out.' },
  } satisfies Record<RunOrder, unknown>,
})

export const RunOrderInput = builder.inputType('RunOrder', {
  description: 'The order of a list of jobs or executions.',
  fields: (t) => ({
    field: t.field({ type: RunOrderFieldEnum, required: true, description: 'By what.' }),
    direction: t.field({ type: OrderDirectionEnum, defaultValue: 'DESC', description: 'Which way.' }),
  }),
})

/** What filters of jobs and of executions have in common, as GraphQL gives it. */
export interface RunFilterArguments {
  readonly workflowId?: string | null | undefined
  readonly scheduleId?: string | null | undefined
  readonly type?: readonly JobType[] | null | undefined
  readonly status?: readonly JobStatus[] | null | undefined
  readonly mode?: readonly ExecutionMode[] | null | undefined
  readonly tags?: readonly string[] | null | undefined
  readonly createdAfter?: Date | null | undefined
  readonly createdBefore?: Date | null | undefined
  readonly finishedAfter?: Date | null | undefined
  readonly finishedBefore?: Date | null | undefined
  readonly errorText?: string | null | undefined
}

/** Maximum number of tags that one list is filtered by. */
export const FILTER_TAGS_MAX = 10
export const TEXT_MAX_LENGTH = 200

/** Their fields, but for those whose types the filters do not share. */
export const runFilterFields = (t: InputFields) => ({
  workflowId: t.id({ description: 'Of this workflow.' }),
  mode: t.field({ type: [ExecutionModeEnum], description: 'In one of these modes.' }),
  tags: t.stringList({
    description: 'With all of these tags.',
    extensions: { acceptedItems: FILTER_TAGS_MAX },
  }),
  createdAfter: t.field({ type: 'DateTime', description: 'Accepted then or later.' }),
  createdBefore: t.field({ type: 'DateTime', description: 'Accepted earlier.' }),
  finishedAfter: t.field({ type: 'DateTime', description: 'Ended then or later.' }),
  finishedBefore: t.field({ type: 'DateTime', description: 'Ended earlier.' }),
  errorText: t.string({
    description: `Failed with this in the error’s code or message, capitals or not; at most ${TEXT_MAX_LENGTH} characters.`,
  }),
})

export function readRunFilter(filter: RunFilterArguments | null | undefined): RunFilter {
  const { workflowId, scheduleId, type, status, mode, tags, errorText } = filter ?? {}
  return {
    workflowId: rowOf<WorkflowId>('Workflow', workflowId),
    scheduleId: rowOf<ScheduleId>('Schedule', scheduleId),
    types: type ?? null,
    statuses: status ?? null,
    modes: mode ?? null,
    tags: readTags(tags),
    created: { after: filter?.createdAfter ?? null, before: filter?.createdBefore ?? null },
    finished: { after: filter?.finishedAfter ?? null, before: filter?.finishedBefore ?? null },
    errorText: readText(errorText, 'errorText'),
  }
}

/** The row that a filter names; one that there is not matches nothing. */
function rowOf<T extends Id<string>>(type: string, id: string | null | undefined): T | null {
  return id == null ? null : (rowId(readGlobalId<T>(type, id) ?? '') as T)
}

/** Tags that a list is filtered by. */
export function readTags(tags: readonly string[] | null | undefined): readonly string[] {
  if ((tags?.length ?? 0) > FILTER_TAGS_MAX) throw badInput(`\`tags\` holds at most ${FILTER_TAGS_MAX} tags.`)
  if (tags?.some((tag) => !isStorableText(tag))) throw badInput('`tags` holds a character that no tag has.')
  return [...new Set(tags)]
}

/** A text that a list is searched for; blank is no condition. */
export function readText(text: string | null | undefined, name: string): string | null {
  if (text == null || text.trim() === '') return null
  if (text.length > TEXT_MAX_LENGTH || !isStorableText(text))
    throw badInput(`\`${name}\` has at most ${TEXT_MAX_LENGTH} characters.`)
  return text.trim()
}

export type RunOrderArgument =
  | { readonly field: RunOrder; readonly direction?: 'ASC' | 'DESC' | null | undefined }
  | null
  | undefined

export function readRunOrder(orderBy: RunOrderArgument) {
  const { field = 'CREATED_AT', direction } = orderBy ?? {}
  return { field, isDescending: direction !== 'ASC', order: { name: field, type: 'timestamptz' } } as const
}
