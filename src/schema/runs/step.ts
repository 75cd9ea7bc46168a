import type { GraphQLResolveInfo } from 'graphql'
import type { StepChange } from '../../db/log/index.ts'
import {
  configKey,
  detailsKey,
  outputKey,
  stepDetails,
  waitSchemaKey,
  type ListedStep,
  type StepDetails,
} from '../../db/log-reads/index.ts'
import type { OpenWait, WaitShown } from '../../db/stores/index.ts'
import type { AttemptRecord, AttemptUsage, StepStatus } from '../../engine/record/index.ts'
import { globalId } from '../../lib/index.ts'
import { objectText, type JsonObject, type JsonText } from '../../lib/json/index.ts'
import { blockTypeAt } from '../catalogue/index.ts'
import { builder, inOrder, stepsById, type Context } from '../kit/index.ts'
import { FailureType } from './job.ts'
import { stepId } from './steps-of.ts'

export const StepStatusEnum = builder.enumType('StepStatus', {
  description: 'Where a step stands.',
  values: {
    PENDING: {
      description: 'Not begun. A node that has not begun has no step at all, so no step of a run shows this.',
    },
    RUNNING: { description: 'An attempt is being made.' },
    RETRYING: { description: 'An attempt failed; another will be made at `dueAt`.' },
    WAITING: { description: 'Waits until `dueAt`, holding nothing.' },
    COMPLETED: { description: 'Ended well.' },
    FAILED: { description: 'Failed for good; `handles` says whether the run went on.' },
    SKIPPED: { description: 'No live edge led to it.' },
    CANCELED: { description: 'Cut off, or never reached.' },
  } satisfies Record<StepStatus, { description: string }>,
})

export const WaitKindEnum = builder.enumType('WaitKind', {
  description: 'What a step waits for.',
  values: {
    TIMER: { value: 'timer', description: 'An instant.' },
    SIGNAL: { value: 'signal', description: 'A signal from outside: `signalExecution` sends one.' },
    CHILD: { value: 'child', description: 'The end of an execution that it has started.' },
    RETRY: { value: 'retry', description: 'Its next attempt, after one that failed.' },
  } satisfies Record<Uppercase<WaitShown['kind']>, { value: WaitShown['kind']; description: string }>,
})

export const WaitType = builder.objectRef<OpenWait>('StepWait').implement({
  description: 'Why a step waits.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'The step’s path.' }),
    kind: t.field({ type: WaitKindEnum, description: 'What for.', resolve: ({ wait }) => wait.kind }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When a timer ends, the next attempt is due, or the time for a signal is over; null: there is no such time.',
      resolve: ({ dueAt }) => dueAt,
    }),
    signal: t.string({
      nullable: true,
      description: 'The name of the signal.',
      resolve: ({ wait }) => (wait.kind === 'signal' ? wait.name : null),
    }),
    payloadSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'JSON Schema (2020-12) that the signal’s payload must satisfy; null: any.',
      resolve: ({ wait }) => (wait.kind === 'signal' ? wait.schema : null),
    }),
    childId: t.id({
      nullable: true,
      description: 'The execution whose end it waits for.',
      resolve: ({ wait }) => (wait.kind === 'child' ? globalId('Execution', wait.executionId) : null),
    }),
  }),
})

export const UsageType = builder.objectRef<AttemptUsage>('Usage').implement({
  description: 'What calls cost, as their providers told it.',
  fields: (t) => ({
    costUsd: t.float({
      nullable: true,
      description: 'In US dollars.',
      resolve: ({ costUsd }) => costUsd ?? null,
    }),
    quantities: t.field({
      type: 'JSON',
      description: 'Whatever else is counted, by name, such as `inputTokens`.',
      resolve: ({ quantities }) => quantities ?? {},
    }),
  }),
})

export const AttemptType = builder.objectRef<AttemptRecord>('Attempt').implement({
  description: 'One ended try of a step.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'From 1.' }),
    status: t.field({
      type: StepStatusEnum,
      description: 'COMPLETED, FAILED or CANCELED.',
      resolve: ({ status }) => status,
    }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When it began.',
      resolve: ({ startedAt }) => new Date(startedAt),
    }),
    finishedAt: t.field({
      type: 'DateTime',
      description: 'When it ended.',
      resolve: ({ finishedAt }) => new Date(finishedAt),
    }),
    blockVersion: t.string({
      nullable: true,
      description:
        'The version of the block that made it. Null where an earlier build recorded it, or its process ended before it did.',
      resolve: ({ blockVersion }) => blockVersion ?? null,
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description:
        'Why it failed; null unless it did. Of attempts before the last one only the code and the first 200 characters of the message ' +
        'are kept here, and of a last one, until the step ends, only details of at most 1,024 characters; the timeline has all of them.',
      resolve: ({ error }) => error ?? null,
    }),
    callMayHaveHappened: t.boolean({
      description: 'True when it was cut off after its call to the outside may have gone out.',
      resolve: ({ callMayHaveHappened }) => callMayHaveHappened ?? false,
    }),
    usage: t.field({
      type: UsageType,
      nullable: true,
      description: 'What it cost, as far as its block told.',
      resolve: ({ usage }) => usage ?? null,
    }),
  }),
})

export const StepType = builder.objectRef<ListedStep>('Step')

builder.node(StepType, {
  id: { resolve: ({ job, step }) => stepId(job.id, step.path) },
  loadWithoutCache: (id, context) => stepsById(context).load(id),
  description: 'One node in one execution.',
  fields: (t) => ({
    path: t.string({
      description: 'Such as `enrich`; inside a loop `post[3]/send`.',
      resolve: ({ step }) => step.path,
    }),
    nodeId: t.string({ description: 'The node.', resolve: ({ step }) => step.nodeId }),
    type: t.string({
      description: 'The node’s block type.',
      resolve: async ({ job, step }, _args, { batch, prisma, ownerId, values }, info) => {
        const definitionId = await batch('definitions of executions', null, async (ids) => {
          const rows = await prisma.execution.findMany({
            where: { ownerId, id: { in: [...ids] } },
            select: { id: true, definitionId: true },
          })
          return inOrder(ids, rows).map((row) => row?.definitionId ?? null)
        }).load(job.id)
        if (definitionId === null) return ''
        return blockTypeAt(await values.parsed('definition', definitionId, info), step.path)
      },
    }),
    status: t.field({
      type: StepStatusEnum,
      description: 'Where it stands.',
      resolve: ({ step }) => step.status,
    }),
    attempt: t.int({
      description: 'The newest attempt, from 1; 0 when there was none.',
      resolve: ({ step }) => step.attempt,
    }),
    attempts: t.field({
      type: [AttemptType],
      description: 'All ended attempts, in order.',
      resolve: async (step, _args, context, info) => (await detailsOf(step, context, info)).attempts,
    }),
    handles: t.stringList({
      description: 'The handles by which it was left.',
      resolve: ({ step }) => [...step.handles],
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The output of its only live predecessor, or an object by node id; the execution’s input at a root. Null at a root inside a loop: the loop’s items are not kept a second time.',
      resolve: async ({ job, step: { path, inputFrom: sources } }, _args, context, info) => {
        if (sources.length === 0)
          return path.includes('[') ? null : context.values.text('executionInput', job.id, info)
        const outputs = await Promise.all(
          sources.map(async (source) =>
            outputOf(await stepsById(context).load(stepId(job.id, source)), context, info),
          ),
        )
        if (sources.length === 1) return outputs[0] ?? null
        return objectText(
          sources.map((source, index) => [source.slice(source.lastIndexOf('/') + 1), outputs[index] ?? null]),
        )
      },
    }),
    config: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Its config, templates resolved; null until it ends or waits.',
      resolve: async ({ job, step, values }, _args, context, info) =>
        values && ((await context.values.loggedText(configKey(job, step.path, values), info)) ?? {}),
    }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it gave.',
      resolve: (step, _args, context, info) => outputOf(step, context, info),
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why it failed.',
      resolve: async (step, _args, context, info) => (await detailsOf(step, context, info)).error,
    }),
    dueAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When a waiting or retrying step goes on.',
      resolve: ({ step }) => dateOf(step.dueAt),
    }),
    waitsFor: t.field({
      type: WaitType,
      nullable: true,
      description: 'Why it waits; null unless it does.',
      resolve: async (one, _args, { values }, info) => {
        const { path, status, wait } = one.step
        const dueAt = dateOf(one.step.dueAt)
        if (status === 'RETRYING') return { path, wait: { kind: 'retry' as const }, dueAt }
        if (wait?.kind !== 'signal') return wait && { path, wait, dueAt }
        const { kind, name, timeoutHandle } = wait
        const schema = (await values.loggedJson(waitSchemaKey(one), info)) as JsonObject | null
        return { path, wait: { kind, name, timeoutHandle, schema }, dueAt }
      },
    }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its first attempt began.',
      resolve: ({ step }) => dateOf(step.startedAt),
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it ended.',
      resolve: ({ step }) => dateOf(step.finishedAt),
    }),
  }),
})

/** The attempts and the error of a step. */
async function detailsOf(
  one: ListedStep,
  { values }: Context,
  info: GraphQLResolveInfo,
): Promise<StepDetails> {
  const change = one.hasDetails ? null : await values.loggedJson(detailsKey(one), info)
  return change === null ? one.step : stepDetails(one.step, change as unknown as StepChange)
}

/** The output of a step; null where it has none. One that was reused is in the log of the execution that ran the step. */
async function outputOf(
  one: ListedStep | null,
  context: Context,
  info: GraphQLResolveInfo,
): Promise<JsonText | null> {
  if (!one) return null
  const { path, reusedFrom } = one.step
  const holder = reusedFrom === null ? one : await stepsById(context).load(stepId(reusedFrom, path))
  return holder && context.values.loggedText(outputKey(holder.job, path, holder.values), info)
}

function dateOf(at: number | null): Date | null {
  return at === null ? null : new Date(at)
}

export const StepConnection = builder.connectionObject(
  { type: StepType, name: 'StepConnection', description: 'A page of steps.' },
  { name: 'StepEdge', description: 'A step and its place in the list.' },
)
