import { EVERY_TYPE, percentileMs, sumOf, type JobCounts } from '../../db/jobs/index.ts'
import { ALL_RUNS } from '../../db/lists/index.ts'
import { JOB_STATUSES, JOB_TYPES, type JobStatus } from '../../engine/record/index.ts'
import { badInput, builder, JobStatusEnum, type Context } from '../kit/index.ts'
import { JobTypeEnum } from './job.ts'

/** Counts, and how to find out when the newest run was accepted. */
export interface ShownStats {
  readonly counts: JobCounts
  readonly lastRunAt: () => Promise<Date | null>
}

export const NO_COUNTS: JobCounts = { byStatus: new Map(), durations: new Map() }

const StatusCountType = builder
  .objectRef<{ readonly status: JobStatus; readonly count: number }>('StatusCount')
  .implement({
    description: 'How many stand in one state.',
    fields: (t) => ({
      status: t.field({ type: JobStatusEnum, description: 'The state.', resolve: ({ status }) => status }),
      count: t.exposeInt('count', { description: 'How many.' }),
    }),
  })

export const RunStatsType = builder.objectRef<ShownStats>('RunStats').implement({
  description:
    'Statistics of runs. Counts are exact; percentiles are read off buckets that are 19 % wide, so they may be off by that much.',
  fields: (t) => ({
    total: t.int({
      description: 'How many there are.',
      resolve: ({ counts }) => [...counts.byStatus.values()].reduce((sum, count) => sum + count, 0),
    }),
    countByStatus: t.field({
      type: [StatusCountType],
      description: 'How many stand in each state; states that none is in are left out.',
      resolve: ({ counts }) =>
        JOB_STATUSES.flatMap((status) => {
          const count = counts.byStatus.get(status) ?? 0
          return count > 0 ? [{ status, count }] : []
        }),
    }),
    p50DurationMs: t.float({
      nullable: true,
      description:
        'Half of those that completed took no longer, from their first step to their end, waits included; in milliseconds. Null when none completed.',
      resolve: ({ counts }) => percentileMs(counts.durations, 0.5),
    }),
    p95DurationMs: t.float({
      nullable: true,
      description: 'As `p50DurationMs`, for 95 of a hundred.',
      resolve: ({ counts }) => percentileMs(counts.durations, 0.95),
    }),
    lastRunAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the newest one was accepted; null when there is none.',
      resolve: ({ lastRunAt }) => lastRunAt(),
    }),
  }),
})

const MAX_DAYS = 366

export const DAYS_DESCRIPTION = `Count only what ended in the last so many days (UTC, today included; up to ${MAX_DAYS}), and what is open; default: all.`

export function readDays(days: number | null | undefined): number | null {
  if (days == null) return null
  if (days < 1 || days > MAX_DAYS) throw badInput(`\`days\` is between 1 and ${MAX_DAYS}.`)
  return days
}

builder.queryField('jobStats', (t) =>
  t.field({
    type: RunStatsType,
    description: 'Statistics of all your jobs.',
    args: {
      type: t.arg({ type: [JobTypeEnum], description: 'Only jobs of these types.' }),
      days: t.arg.int({ description: DAYS_DESCRIPTION }),
    },
    resolve: async (_root, { type, days }, context) => {
      const { counts, ownerId } = context
      const types = type ?? JOB_TYPES
      const request = { ...EVERY_TYPE, subjects: types, days: readDays(days) }
      return {
        counts: sumOf((await counts.counts(ownerId, request)).values()),
        lastRunAt: () => newestOf(context, types),
      }
    },
  }),
)

async function newestOf(
  { runList, prisma, ownerId }: Pick<Context, 'runList' | 'prisma' | 'ownerId'>,
  types: RunTypes,
): Promise<Date | null> {
  const page = { limit: 1, beyond: null, direction: 'forward', isDescending: true } as const
  const [newest] = await runList.page(ownerId, { ...ALL_RUNS, types }, 'CREATED_AT', page)
  if (!newest) return null
  const job = await prisma.job.findFirst({ where: { ownerId, id: newest.id }, select: { createdAt: true } })
  return job?.createdAt ?? null
}

type RunTypes = NonNullable<(typeof ALL_RUNS)['types']>
