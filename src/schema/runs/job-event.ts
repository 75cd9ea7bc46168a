import type { LogLevel } from '../../engine/block/index.ts'
import { EVENT_KINDS, isQuietEvent, type EventKind, type JobEvent } from '../../engine/record/index.ts'
import { globalId, type JobId } from '../../lib/index.ts'
import { badInput, builder, type Context } from '../kit/index.ts'
import { ExecutionType } from './execution.ts'
import { FailureType, JobNode } from './job.ts'
import { UsageType, WaitKindEnum } from './step.ts'

/** An event with the job that it belongs to, which makes its id. */
export type ShownEvent = JobEvent & { readonly jobId: JobId }
type Shown<Kind extends EventKind> = Extract<ShownEvent, { readonly kind: Kind }>

/** What each kind of event tells: the words of the enum and of the types. */
const DESCRIPTIONS: Readonly<Record<EventKind, string>> = {
  JOB_QUEUED: 'The job wants a worker.',
  JOB_STARTED: 'A worker took the job up for the first time.',
  JOB_RECOVERED: 'A worker was lost and another one goes on.',
  JOB_WAITING: 'Only waits are left: no worker is held.',
  JOB_PAUSED: 'The job was asked to pause, and nothing of it runs any more.',
  JOB_RESUMED: 'The job goes on after a pause.',
  JOB_PROGRESS: 'A handler function reported its progress.',
  JOB_CANCELING: 'The worker obeys a cancel.',
  JOB_COMPLETED: 'The job ended well. Nothing follows.',
  JOB_FAILED: 'The job ended with an error. Nothing follows.',
  JOB_CANCELED: 'The job ended by a cancel. Nothing follows.',
  STEP_STARTED: 'An attempt of an external step, or a loop, began.',
  STEP_COMPLETED: 'The step ended well.',
  STEP_FAILED: 'The step failed for good.',
  STEP_RETRYING: 'An attempt failed and another will be made.',
  STEP_WAITING: 'The step waits and holds nothing.',
  STEP_LOG: 'A block wrote a line.',
  STEP_PROGRESS: 'A block says what it is at.',
  STEP_STREAM:
    'A piece of text that a block hands out as it comes; told only to those who ask for this kind.',
  SIGNAL_RECEIVED: 'A waiting step took a signal.',
  SIGNAL_DISCARDED: 'A signal did not fit the wait that it would have ended, and was thrown away.',
  STEP_SKIPPED: 'No live edge leads to the step: it will not run.',
  STEP_CANCELED: 'The step was cut off.',
  LOOP_ITEM_COMPLETED: 'One item of a loop ended well.',
  LOOP_ITEM_FAILED: 'One item of a loop failed.',
}

export const JobEventKindEnum = builder.enumType('JobEventKind', {
  description: 'What an event tells.',
  values: Object.fromEntries(
    EVENT_KINDS.map((kind) => [kind, { description: DESCRIPTIONS[kind] }]),
  ) as Record<EventKind, { description: string }>,
})

export const JobEventInterface = builder.interfaceRef<ShownEvent>('JobEvent').implement({
  description: 'One numbered fact of a job’s past.',
  resolveType: ({ kind }) => TYPE_NAMES[kind],
  fields: (t) => ({
    id: t.id({
      description: 'Unique among all events, for caches.',
      resolve: ({ jobId, seq }) => globalId('JobEvent', `${jobId}:${seq}`),
    }),
    seq: t.exposeInt('seq', { description: 'Its number in the job’s timeline: from 1, without gaps.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    kind: t.field({ type: JobEventKindEnum, description: 'What it tells.', resolve: ({ kind }) => kind }),
    progress: t.exposeFloat('progress', { description: 'The job’s progress then, in percent.' }),
  }),
})

type StepKind = Extract<EventKind, `STEP_${string}` | `SIGNAL_${string}`>

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

// Fields of one name are nullable in all events or in none: GraphQL refuses to merge them in one selection otherwise.

for (const kind of [
  'JOB_QUEUED',
  'JOB_STARTED',
  'JOB_PAUSED',
  'JOB_RESUMED',
  'JOB_CANCELING',
  'JOB_COMPLETED',
  'JOB_CANCELED',
] as const) {
  eventRef(kind).implement({ description: DESCRIPTIONS[kind], interfaces: [JobEventInterface] })
}

for (const kind of ['STEP_STARTED', 'STEP_SKIPPED'] as const) {
  eventRef(kind).implement({
    description: DESCRIPTIONS[kind],
    interfaces: [JobEventInterface, StepEventInterface],
  })
}

eventRef('JOB_RECOVERED').implement({
  description: DESCRIPTIONS.JOB_RECOVERED,
  interfaces: [JobEventInterface],
  fields: (t) => ({
    recoveries: t.int({
      description: 'How often in a row, without a step ending between.',
      resolve: ({ body }) => body.recoveries,
    }),
  }),
})

eventRef('JOB_WAITING').implement({
  description: DESCRIPTIONS.JOB_WAITING,
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
  description: DESCRIPTIONS.JOB_PROGRESS,
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
  description: DESCRIPTIONS.JOB_FAILED,
  interfaces: [JobEventInterface],
  fields: (t) => ({
    error: t.field({ type: FailureType, description: 'Why.', resolve: ({ body }) => body.error }),
  }),
})

eventRef('STEP_COMPLETED').implement({
  description: DESCRIPTIONS.STEP_COMPLETED,
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
    reused: t.boolean({
      description: 'True when it was not run: its output is that of the execution that this one retries.',
      resolve: ({ body }) => body.reused ?? false,
    }),
    usage: t.field({
      type: UsageType,
      nullable: true,
      description: 'What the attempt cost, as far as its block told.',
      resolve: ({ body }) => body.usage ?? null,
    }),
  }),
})

export const HandledByEnum = builder.enumType('OnError', {
  description: 'What a failed step leads to.',
  values: {
    FAIL: { value: 'fail', description: 'The execution fails, or the loop’s item does.' },
    CONTINUE: { value: 'continue', description: 'The run goes on with the node’s default output.' },
    ROUTE: { value: 'route', description: 'The run goes on by the handle `error`.' },
  } as const,
})

eventRef('STEP_FAILED').implement({
  description: DESCRIPTIONS.STEP_FAILED,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    error: t.field({ type: FailureType, description: 'Why.', resolve: ({ body }) => body.error }),
    handledBy: t.field({
      type: HandledByEnum,
      description: 'What it leads to.',
      resolve: ({ body }) => body.handledBy,
    }),
    usage: t.field({
      type: UsageType,
      nullable: true,
      description: 'What the attempt cost, as far as its block told.',
      resolve: ({ body }) => body.usage ?? null,
    }),
  }),
})

eventRef('STEP_RETRYING').implement({
  description: DESCRIPTIONS.STEP_RETRYING,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    error: t.field({ type: FailureType, description: 'Why.', resolve: ({ body }) => body.error }),
    nextAttemptAt: t.field({
      type: 'DateTime',
      description: 'When.',
      resolve: ({ body }) => new Date(body.nextAttemptAt),
    }),
    usage: t.field({
      type: UsageType,
      nullable: true,
      description: 'What the attempt cost, as far as its block told.',
      resolve: ({ body }) => body.usage ?? null,
    }),
  }),
})

eventRef('STEP_WAITING').implement({
  description: DESCRIPTIONS.STEP_WAITING,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it goes on at the latest; null where only something from outside ends it.',
      resolve: ({ body }) => (body.until === null ? null : new Date(body.until)),
    }),
    waitsFor: t.field({
      type: WaitKindEnum,
      description: 'What it waits for.',
      resolve: ({ body }) => body.waitsFor,
    }),
    signal: t.string({
      nullable: true,
      description: 'The signal that ends it; answer by `signalExecution`.',
      resolve: ({ body }) => body.signal ?? null,
    }),
    childId: t.id({
      nullable: true,
      description: 'The execution whose end it waits for.',
      resolve: ({ body }) => (body.childId === undefined ? null : globalId('Execution', body.childId)),
    }),
  }),
})

export const LogLevelEnum = builder.enumType('LogLevel', {
  description: 'How much a line matters.',
  values: {
    DEBUG: { value: 'debug', description: 'For whoever writes the block.' },
    INFO: { value: 'info', description: 'What goes on.' },
    WARN: { value: 'warn', description: 'Somebody may want to know.' },
    ERROR: { value: 'error', description: 'Something went wrong.' },
  } satisfies Record<Uppercase<LogLevel>, { value: LogLevel; description: string }>,
})

eventRef('STEP_LOG').implement({
  description: DESCRIPTIONS.STEP_LOG,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    level: t.field({
      type: LogLevelEnum,
      description: 'How much it matters.',
      resolve: ({ body }) => body.level,
    }),
    message: t.string({ nullable: true, description: 'What it says.', resolve: ({ body }) => body.message }),
    fields: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Facts beside it.',
      resolve: ({ body }) => body.fields ?? null,
    }),
  }),
})

eventRef('STEP_PROGRESS').implement({
  description: DESCRIPTIONS.STEP_PROGRESS,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    fraction: t.float({ description: 'The step’s own, from 0 to 1.', resolve: ({ body }) => body.fraction }),
    message: t.string({ nullable: true, description: 'What it says.', resolve: ({ body }) => body.message }),
  }),
})

eventRef('STEP_STREAM').implement({
  description: DESCRIPTIONS.STEP_STREAM,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    text: t.string({ description: 'Goes behind the pieces before.', resolve: ({ body }) => body.text }),
  }),
})

eventRef('SIGNAL_RECEIVED').implement({
  description: DESCRIPTIONS.SIGNAL_RECEIVED,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    signal: t.string({
      nullable: true,
      description: 'The signal’s name.',
      resolve: ({ body }) => body.signal,
    }),
  }),
})

eventRef('SIGNAL_DISCARDED').implement({
  description: DESCRIPTIONS.SIGNAL_DISCARDED,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    signal: t.string({
      nullable: true,
      description: 'The signal’s name.',
      resolve: ({ body }) => body.signal,
    }),
    problems: t.stringList({ description: 'What does not fit.', resolve: ({ body }) => body.problems }),
  }),
})

eventRef('STEP_CANCELED').implement({
  description: DESCRIPTIONS.STEP_CANCELED,
  interfaces: [JobEventInterface, StepEventInterface],
  fields: (t) => ({
    callMayHaveHappened: t.boolean({
      description: 'True when its call to the outside may have gone out.',
      resolve: ({ body }) => body.callMayHaveHappened,
    }),
  }),
})

eventRef('LOOP_ITEM_COMPLETED').implement({
  description: DESCRIPTIONS.LOOP_ITEM_COMPLETED,
  interfaces: [JobEventInterface],
  fields: (t) => ({
    path: t.string({ description: 'The item’s path, such as `post[3]`.', resolve: ({ body }) => body.path }),
    nodeId: t.string({ description: 'The loop’s node.', resolve: ({ body }) => body.nodeId }),
    index: t.int({ description: 'The item’s place, from 0.', resolve: ({ body }) => body.index }),
    reused: t.boolean({
      description: 'True when it was not run: its output is that of the execution that this one retries.',
      resolve: ({ body }) => body.reused ?? false,
    }),
  }),
})

eventRef('LOOP_ITEM_FAILED').implement({
  description: DESCRIPTIONS.LOOP_ITEM_FAILED,
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

const pageArgs = builder.args((t) => ({
  after: t.int({ defaultValue: 0, description: 'Begin after this number; 0: from the start.' }),
  first: t.int({
    defaultValue: DEFAULT_PAGE,
    description: `How many at the most, up to ${MAX_PAGE}, those that are left out included.`,
  }),
  kinds: t.field({
    type: [JobEventKindEnum],
    description:
      'Only these kinds; default: all but `STEP_STREAM`. The cursor counts those that are left out, too.',
  }),
}))

builder.prismaObjectField(JobNode, 'events', (t) =>
  t.field({
    type: EventPageType,
    description: 'The timeline by pages; the subscription `jobEvents` follows it live.',
    args: pageArgs,
    select: { id: true },
    resolve: ({ id }, page, context) => readPage(id as JobId, page, context),
  }),
)

builder.prismaObjectField(ExecutionType, 'events', (t) =>
  t.field({
    type: EventPageType,
    description: 'Its job’s timeline by pages; the subscription `executionEvents` follows it live.',
    args: pageArgs,
    select: { id: true },
    resolve: ({ id }, page, context) => readPage(id as JobId, page, context),
  }),
)

interface PageRequest {
  readonly after?: number | null | undefined
  readonly first?: number | null | undefined
  readonly kinds?: readonly EventKind[] | null | undefined
}

/** A page of a job’s timeline, asked for together with those of the other jobs of a list. */
function readPage(jobId: JobId, page: PageRequest, context: Context): Promise<EventPage> {
  const limit = page.first ?? DEFAULT_PAGE
  // Thrown, and not rejected: the errors of a list stop the operation before its other items begin.
  if (limit < 1) throw badInput('`first` is at least 1.')
  return readValidPage(jobId, { ...page, limit }, context)
}

async function readValidPage(
  jobId: JobId,
  page: PageRequest & { readonly limit: number },
  context: Context,
): Promise<EventPage> {
  const { batch, events, ownerId, answer } = context
  const { limit } = page
  const after = Math.max(0, page.after ?? 0)
  const wanted = Math.min(limit, MAX_PAGE)
  const part = { after, limit: wanted + 1 }
  const pages = batch('events of', part, (ids) =>
    answer.read('JobEventPage.events', (maxBytes) => events.pagesOf(ownerId, ids, part, maxBytes)),
  )
  const found = await pages.load(jobId)
  const read = found.slice(0, wanted)
  const shown = read.filter(({ kind }) => (page.kinds ? page.kinds.includes(kind) : !isQuietEvent(kind)))
  return {
    events: shown.map((event) => ({ ...event, jobId })),
    cursor: read.at(-1)?.seq ?? after,
    hasMore: found.length > wanted,
  }
}
