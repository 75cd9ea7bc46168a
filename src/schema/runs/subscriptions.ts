import { GraphQLError } from 'graphql'
import type { EventKind } from '../../engine/record/index.ts'
import { readGlobalId, type JobId } from '../../lib/index.ts'
import type { TimelineBatch } from '../../live/index.ts'
import { builder, readNextResult, type Context } from '../kit/index.ts'
import { JobEventInterface, JobEventKindEnum } from './job-event.ts'
import { JobFilter, JobNode, KnownJob } from './job.ts'
import { readRunFilter } from './run-filter.ts'

const JobEventBatchType = builder.objectRef<TimelineBatch>('JobEventBatch').implement({
  description: 'Some events of a timeline, in order.',
  fields: (t) => ({
    events: t.field({
      type: [JobEventInterface],
      description: 'Those of the wanted kinds.',
      resolve: ({ events, jobId }) => events.map((event) => ({ ...event, jobId })),
    }),
    cursor: t.exposeInt('cursor', {
      description: 'Resume with `after: cursor`; counts events of other kinds, too.',
    }),
    caughtUp: t.boolean({
      description: 'False while more events are known to be there.',
      resolve: ({ isCaughtUp }) => isCaughtUp,
    }),
    job: t.field({
      type: JobNode,
      description:
        'The job as it was when the last event up to `cursor` was recorded; while `caughtUp` is false it may be ahead of `events`.',
      resolve: ({ job, output }) => new KnownJob(job, output),
    }),
  }),
})

interface FollowArguments {
  readonly after?: number | null | undefined
  readonly kinds?: readonly EventKind[] | null | undefined
}

/** Answers an error for what is unknown, so that the stream ends instead of hanging. */
async function follow(
  { type, id }: { readonly type: 'Job' | 'Execution'; readonly id: string },
  { after, kinds }: FollowArguments,
  context: Context,
): Promise<AsyncIterable<TimelineBatch>> {
  const { timelines, ownerId } = context
  const jobId = readGlobalId<JobId>(type, id)
  const finding = jobId && timelines.find(ownerId, jobId)
  const job = finding instanceof Promise ? await finding : finding
  if (!job) {
    throw new GraphQLError(`There is no such ${type.toLowerCase()}.`, { extensions: { code: 'NOT_FOUND' } })
  }
  const request = { job, after: Math.max(0, after ?? 0), kinds: kinds ? new Set(kinds) : null }
  return leavable(
    (signal) => timelines.follow({ ...request, signal }),
    () => readNextResult(context),
  )
}

builder.subscriptionFields((t) => {
  const args = {
    after: t.arg.int({ defaultValue: 0, description: 'Begin after this number; 0: from the start.' }),
    kinds: t.arg({
      type: [JobEventKindEnum],
      description:
        'Only these kinds; default: all but `STEP_STREAM`. The cursor counts those that are left out, too.',
    }),
  }
  return {
    jobEvents: t.field({
      type: JobEventBatchType,
      description:
        'Replays a job’s timeline after `after`, then follows it live; completes after the terminal event. Each batch but the last has an event of the wanted kinds.',
      args: { jobId: t.arg.id({ required: true, description: 'The job’s global id.' }), ...args },
      subscribe: (_root, { jobId, ...rest }, context) => follow({ type: 'Job', id: jobId }, rest, context),
      resolve: (batch) => batch,
    }),
    executionEvents: t.field({
      type: JobEventBatchType,
      description: 'The same, by the execution.',
      args: { executionId: t.arg.id({ required: true, description: 'The execution’s global id.' }), ...args },
      subscribe: (_root, { executionId, ...rest }, context) =>
        follow({ type: 'Execution', id: executionId }, rest, context),
      resolve: (batch) => batch,
    }),
  }
})

builder.subscriptionField('jobsChanged', (t) =>
  t.prismaField({
    type: JobNode,
    description:
      'Your jobs as they change, new ones included, each in its newest state: many changes of a job are told as one. It begins with those that changed in the seconds before, so a list read just then misses nothing. A job that does not fit the filter any more is not told: leave `status` out to see jobs leave.',
    args: { filter: t.arg({ type: JobFilter, description: 'Only these.' }) },
    subscribe: (_root, { filter: given }, context) => {
      const { followJobs, ownerId } = context
      const filter = readRunFilter(given)
      return leavable(
        (signal) => followJobs({ ownerId, filter, signal }),
        () => readNextResult(context),
      )
    },
    resolve: async (query, { id }, _args, { prisma, ownerId, changedJobs }) => {
      const found = await changedJobs.of(`${ownerId} ${JSON.stringify(query)}`, [id], async (ids) => {
        const jobs = await prisma.job.findMany({ ...query, where: { ownerId, id: { in: [...ids] } } })
        return new Map(jobs.map((job) => [job.id, job]))
      })
      const job = found.get(id)
      if (!job) throw new Error(`the job ${id} has gone`)
      return job
    },
  }),
)

/**
 * An iterable that can be left while it waits. A generator cannot: its `return` stands in line behind the `next` that is
 * waiting, for as long as nothing happens. Here the signal ends that wait first. `onItem` is called before each item is
 * handed out.
 */
function leavable<T>(
  generate: (left: AbortSignal) => AsyncGenerator<T, void>,
  onItem: () => void,
): AsyncIterableIterator<T> {
  const left = new AbortController()
  const source = generate(left.signal)
  const handOut = (item: IteratorResult<T, void>) => {
    if (!item.done) onItem()
    return item
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => source.next().then(handOut),
    return() {
      left.abort(new Error('the subscription has ended'))
      return source.return()
    },
  }
}
