import { builder, leavable, readNextResult } from '../kit/index.ts'
import { JobFilter, JobNode } from './job.ts'
import { readRunFilter } from './run-filter.ts'

builder.subscriptionField('jobsChanged', (t) =>
  t.prismaField({
    type: JobNode,
    description:
      'Your jobs as they change, new ones included, each in its newest state: many changes of a job are sent as one. It begins with those that changed in the seconds before, so a list read just then misses nothing. A job that does not fit the filter any more is not sent: leave `status` out to see jobs leave. While the database cannot be reached, nothing is sent; the changes follow when it can. There is no cursor: if the subscription fails or its connection breaks, subscribe again and then read the list again.',
    args: { filter: t.arg({ type: JobFilter, description: 'Only jobs that fit; default: all of yours.' }) },
    subscribe: (_root, { filter: given }, context) => {
      const { followJobs, ownerId } = context
      const filter = readRunFilter(given)
      return leavable((signal) => followJobs({ ownerId, filter, signal }), {
        onItem: () => readNextResult(context),
        isResumable: false,
      })
    },
    resolve: async (query, { id }, _args, { prisma, ownerId, changedJobs }) => {
      const found = await changedJobs.of(`${ownerId} ${JSON.stringify(query)}`, [id], async (ids) => {
        const jobs = await prisma.job.findMany({ ...query, where: { ownerId, id: { in: [...ids] } } })
        return new Map(jobs.map((job) => [job.id, job]))
      })
      const job = found.get(id)
      if (!job) throw new Error(`the job ${id} is not stored any more`)
      return job
    },
  }),
)
