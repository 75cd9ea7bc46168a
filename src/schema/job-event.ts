import { EVENT_KINDS, type EventKind, type JobEvent } from '../engine/event.ts'
import type { JobId } from '../lib/ids.ts'
import { builder } from './builder.ts'
import { globalId } from './global-id.ts'
import { FailureType, JobNode } from './job.ts'

/** An event with the job that it belongs to, which makes its id. */
export type ShownEvent = JobEvent & { readonly jobId: JobId }
type Shown<Kind extends EventKind> = Extract<ShownEvent, { readonly kind: Kind }>

export const JobEventKindEnum = builder.enumType('JobEventKind', {
  description: 'What an event tells.',
  values: EVENT_KINDS,
})

export const JobEventInterface = builder.interfaceRef<ShownEvent>('JobEvent').implement({
  description: 'One numbered fact of a job’s past.',
  resolveType: ({ kind }) => TYPE_NAMES[kind],
  fields: (t) => ({
    id: t.id({
      description: 'A global id.',
      resolve: ({ jobId, seq }) => globalId('JobEvent', `${jobId}:${seq}`),
    }),
    seq: t.exposeInt('seq', { description: 'Its number in the job’s timeline: from 1, without gaps.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    kind: t.field({ type: JobEventKindEnum, description: 'What it tells.', resolve: ({ kind }) => kind }),
    progress: t.exposeFloat('progress', { description: 'The job’s progress then, in percent.' }),
  }),
})

type StepKind = Extract<EventKind, `STEP_${string}`>

const StepEventInterface = builder.interfaceRef<Shown<StepKind>>('StepEvent').implement({
  description: 'An event of one step.',
  interfaces: [JobEventInterface],
  resolveType: ({ kind }) => TYPE_NAMES[kind],
  fields: (t) => ({
    path: t.string({
      description: 'The step’s path, such as `enrich` or `post[3]/send`.',
      resolve: ({ body }) => body.path,
    }),
    nodeId: t.string({ description: 'The node.', resolve: ({ body }) => body.nodeId }),
    attempt: t.int({
      description: 'The attempt, from 1; 0 when there was none.',
      resolve: ({ body }) => body.attempt,
    }),
  }),
})

/** `STEP_COMPLETED` is told by the type `StepCompletedEvent`. */
const TYPE_NAMES = Object.fromEntries(
  EVENT_KINDS.map((kind) => [
    kind,
    `${kind.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Event`,
  ]),
) as Record<EventKind, string>

function eventRef<Kind extends EventKind>(kind: Kind) {
  return builder.objectRef<Shown<Kind>>(TYPE_NAMES[kind])
}

eventRef('JOB_QUEUED').implement({ description: 'The job wants a worker.', interfaces: [JobEventInterface] })
eventRef('JOB_STARTED').implement({
  description: 'A worker took the job up for the first time.',
  interfaces: [JobEventInterface],
})
eventRef('JOB_CANCELING').implement({
  description: 'The worker obeys a cancel.',
  interfaces: [JobEventInterface],
})
eventRef('JOB_COMPLETED').implement({
  description: 'The job ended well. Nothing follows.',
  interfaces: [JobEventInterface],
})
eventRef('JOB_CANCELED').implement({
  description: 'The job ended by a cancel. Nothing follows.',
  interfaces: [JobEventInterface],
})

eventRef('JOB_RECOVERED').implement({
  description: 'A worker was lost and another one goes on.',
  interfaces: [JobEventInterface],
  fields: (t) => ({
    recoveries: t.int({
      description: 'How often in a row, without a step ending between.',
      resolve: ({ body }) => body.recoveries,
    }),
  }),
})

eventRef('JOB_WAITING').implement({
  description: 'Only waits are left: no worker is held.',
  interfaces: [JobEventInterface],
  fields: (t) => ({
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it goes on at the latest.',
      resolve: ({ body }) => (body.until === null ? null : new Date(body.until)),
    }),
  }),
})

eventRef('JOB_PROGRESS').implement({
  description: 'A handler function reported its progress.',
  interfaces: [JobEventInterface],
  fields: (t) => ({
    message: t.string({
      nullable: true,
      description: 'What it says of it.',
      resolve: ({ body }) => body.message,
    }),
  }),
})

eventRef('JOB_FAILED').implement({
  description: 'The job ended with an error. Nothing follows.',
  interfaces: [JobEventInterface],
  fields: (t) => ({
    error: t.field({ type: FailureType, description: 'Why.', resolve: ({ body }) => body.error }),
  }),
})

eventRef('STEP_STARTED').implement({
  description: 'An attempt of an external step, or a loop, began.',
  interfaces: [JobEventInterface, StepEventInterface],
})
eventRef('STEP_SKIPPED').implement({
  description: 'No live edge leads to the step: it will not run.',
  interfaces: [JobEventInterface, StepEventInterface],
})

eventRef('STEP_COMPLETED').implement({
  description: 'The step ended well.',
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    handles: t.stringList({
      description: 'The handles by which it was left.',
      resolve: ({ body }) => body.handles,
    }),
    durationMs: t.float({
      description: 'From its start to its end, retries and waits included.',
      resolve: ({ body }) => body.durationMs,
    }),
  }),
})

const HandledByEnum = builder.enumType('OnError', {
  description: 'What a failed step leads to.',
  values: {
    FAIL: { value: 'fail', description: 'The execution fails, or the loop’s item does.' },
    CONTINUE: { value: 'continue', description: 'The run goes on with the node’s default output.' },
    ROUTE: { value: 'route', description: 'The run goes on by the handle `error`.' },
  } as const,
})

eventRef('STEP_FAILED').implement({
  description: 'The step failed for good.',
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    error: t.field({ type: FailureType, description: 'Why.', resolve: ({ body }) => body.error }),
    handledBy: t.field({
      type: HandledByEnum,
      description: 'What it leads to.',
      resolve: ({ body }) => body.handledBy,
    }),
  }),
})

eventRef('STEP_RETRYING').implement({
  description: 'An attempt failed and another will be made.',
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    error: t.field({ type: FailureType, description: 'Why.', resolve: ({ body }) => body.error }),
    nextAttemptAt: t.field({
      type: 'DateTime',
      description: 'When.',
      resolve: ({ body }) => new Date(body.nextAttemptAt),
    }),
  }),
})

eventRef('STEP_WAITING').implement({
  description: 'The step waits and holds nothing.',
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    until: t.field({
      type: 'DateTime',
      description: 'Until when.',
      resolve: ({ body }) => new Date(body.until),
    }),
  }),
})

eventRef('STEP_CANCELED').implement({
  description: 'The step was cut off.',
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    callMayHaveHappened: t.boolean({
      description: 'True when its call to the outside may have gone out.',
      resolve: ({ body }) => body.callMayHaveHappened,
    }),
  }),
})

eventRef('LOOP_ITEM_COMPLETED').implement({
  description: 'One item of a loop ended well.',
  interfaces: [JobEventInterface],
  fields: (t) => ({
    path: t.string({ description: 'The item’s path, such as `post[3]`.', resolve: ({ body }) => body.path }),
    nodeId: t.string({ description: 'The loop’s node.', resolve: ({ body }) => body.nodeId }),
    index: t.int({ description: 'The item’s place, from 0.', resolve: ({ body }) => body.index }),
  }),
})

eventRef('LOOP_ITEM_FAILED').implement({
  description: 'One item of a loop failed.',
  interfaces: [JobEventInterface],
  fields: (t) => ({
    path: t.string({ description: 'The item’s path, such as `post[3]`.', resolve: ({ body }) => body.path }),
    nodeId: t.string({ description: 'The loop’s node.', resolve: ({ body }) => body.nodeId }),
    index: t.int({ description: 'The item’s place, from 0.', resolve: ({ body }) => body.index }),
    error: t.field({ type: FailureType, description: 'Why.', resolve: ({ body }) => body.error }),
  }),
})

/** A page of a timeline. */
export interface EventPage {
  readonly events: readonly ShownEvent[]
  readonly cursor: number
  readonly hasMore: boolean
}

const EventPageType = builder.objectRef<EventPage>('JobEventPage').implement({
  description: 'A page of a timeline, for those who poll.',
  fields: (t) => ({
    events: t.field({ type: [JobEventInterface], description: 'In order.', resolve: ({ events }) => events }),
    cursor: t.exposeInt('cursor', { description: 'Go on with `after: cursor`.' }),
    hasMore: t.exposeBoolean('hasMore', { description: 'True when more events are there now.' }),
  }),
})

const MAX_PAGE = 1_000
const DEFAULT_PAGE = 100

builder.prismaObjectField(JobNode, 'events', (t) =>
  t.field({
    type: EventPageType,
    description: 'The timeline by pages; the subscription `jobEvents` follows it live.',
    args: {
      after: t.arg.int({ defaultValue: 0, description: 'Begin after this number; 0: from the start.' }),
      first: t.arg.int({
        defaultValue: DEFAULT_PAGE,
        description: `How many at the most, up to ${MAX_PAGE}.`,
      }),
    },
    select: { id: true },
    resolve: async ({ id }, { after, first }, { events, ownerId }) => {
      const jobId = id as JobId
      const limit = Math.max(0, Math.min(first ?? DEFAULT_PAGE, MAX_PAGE))
      const page = await events.after({ id: jobId, ownerId }, after ?? 0, limit + 1)
      const shown = page.slice(0, limit).map((event) => ({ ...event, jobId }))
      return { events: shown, cursor: shown.at(-1)?.seq ?? after ?? 0, hasMore: page.length > limit }
    },
  }),
)
