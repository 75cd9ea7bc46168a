import { GraphQLError } from 'graphql'
import type { EventKind } from '../../engine/record/index.ts'
import { readGlobalId, type JobId } from '../../lib/index.ts'
import type { TimelineBatch } from '../../live/index.ts'
import { builder, leavable, readNextResult, type Context } from '../kit/index.ts'
import { JobEventInterface, JobEventKindEnum } from './job-event.ts'
import { JobNode, KnownJob } from './job.ts'

const JobEventBatchType = builder.objectRef<TimelineBatch>('JobEventBatch').implement({
  description:
    'Events of a timeline, in order. A batch is sent whole or not at all: if the server fails to read any field of it, the subscription fails instead, and the cursor of the batch before is still valid. An error of a field’s own, such as a limit, is sent with the batch.',
  fields: (t) => ({
    events: t.field({
      type: [JobEventInterface],
      description: 'Those of the wanted kinds.',
      resolve: ({ events, jobId }) => events.map((event) => ({ ...event, jobId })),
    }),
    cursor: t.exposeInt('cursor', {
      description:
        'The number of the last event up to which this batch reaches, events of other kinds included. To resume, subscribe again with `after: cursor` of the last batch that you received.',
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
  return leavable((signal) => timelines.follow({ ...request, signal }), {
    onItem: () => readNextResult(context),
    isResumable: true,
  })
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
        'Replays a job’s timeline after `after`, then follows it live; completes after the terminal event. Each batch but the last has an event of the wanted kinds. Fails with an error if the server cannot read a batch: subscribe again with the last `cursor`, and you miss and repeat nothing. The code `SERVICE_UNAVAILABLE` says that this succeeds as soon as the database can be reached. A failed subscription ends with the message `error` over a WebSocket, and with a result that has `errors` and no `data` over server-sent events.',
      args: { jobId: t.arg.id({ required: true, description: 'The job’s global id.' }), ...args },
      subscribe: (_root, { jobId, ...rest }, context) => follow({ type: 'Job', id: jobId }, rest, context),
      resolve: (batch) => batch,
    }),
    executionEvents: t.field({
      type: JobEventBatchType,
      description: 'The same as `jobEvents`, by the execution.',
      args: { executionId: t.arg.id({ required: true, description: 'The execution’s global id.' }), ...args },
      subscribe: (_root, { executionId, ...rest }, context) =>
        follow({ type: 'Execution', id: executionId }, rest, context),
      resolve: (batch) => batch,
    }),
  }
})
