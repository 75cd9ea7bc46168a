import type pg from 'pg'
import { loadLoggedSteps } from '../../src/db/executions/logged-state.ts'
import { createOriginalStore } from '../../src/db/executions/original-store.ts'
import { flushStatement } from '../../src/db/journal/flush-statement.ts'
import { mergeEntries } from '../../src/db/journal/journal-write.ts'
import type { LoggedStep } from '../../src/db/log/entry.ts'
import type { LogKey } from '../../src/db/log/log-store.ts'
import type { JournalEntry, StepRecord } from '../../src/engine/record/journal.ts'
import type { JobId, OwnerId } from '../../src/lib/ids.ts'

/** Sends a statement and returns its rows. */
export type Query = <Row extends object>(sql: string, values: readonly unknown[]) => Promise<readonly Row[]>

/** Sends statements over a pool. */
export function sendTo(pool: Pick<pg.Pool, 'query'>): Query {
  return async <Row extends object>(sql: string, values: readonly unknown[]) =>
    (await pool.query<Row & pg.QueryResultRow>(sql, [...values])).rows
}

/** An entry whose job changes nothing but what is named. */
export type PartialEntry = Partial<Omit<JournalEntry, 'job'>> & {
  readonly job?: Partial<JournalEntry['job']>
}

/**
 * Records entries of a job that no worker holds by one flush, as a holder records them. For records that no run leaves. Unless the
 * entries end the job, its row has the same state afterwards, and a greater fence.
 */
export async function recordEntries(
  query: Query,
  jobId: JobId,
  entries: readonly PartialEntry[],
): Promise<void> {
  const [job] = await query<Taken>(TAKE, [jobId])
  if (!job) throw new Error(`there is no job ${jobId} that no worker holds`)
  const { ownerId, fence, lastSeq, entryNo, status, finishedAt, wakeAt, isParentTold, error, commandsSeen } =
    job
  const whole = entries.map((entry): JournalEntry => {
    return { events: [], ...entry, job: { progress: job.progress, ...entry.job } }
  })
  const position = { jobId, ownerId, fence: BigInt(fence), lastSeq, entryNo, commandsSeen, now: Date.now() }
  const { text, values } = flushStatement([mergeEntries(whole, position)])
  const flushed = await query(text, values)
  if (flushed.length !== 1) throw new Error(`the entries of job ${jobId} were not recorded`)
  if (whole.some(({ job: { end } }) => end)) return
  await query(GIVE_BACK, [jobId, status, finishedAt, wakeAt, isParentTold, error])
}

interface Taken {
  readonly ownerId: OwnerId
  readonly fence: string
  readonly lastSeq: number
  readonly entryNo: number
  readonly progress: number
  readonly commandsSeen: number
  readonly status: string
  readonly finishedAt: Date | null
  readonly wakeAt: Date | null
  readonly isParentTold: boolean
  readonly error: string | null
}

const TAKE = `
UPDATE jobs SET holder = gen_random_uuid(), leased_until = now() + interval '1 h', fence = jobs.fence + 1,
  finished_at = NULL, wake_at = NULL, is_parent_told = false, status = CASE WHEN jobs.finished_at IS NULL THEN jobs.status ELSE 'RUNNING' END
FROM (SELECT * FROM jobs WHERE id = $1) AS before WHERE jobs.id = before.id AND before.holder IS NULL
RETURNING jobs.owner_id AS "ownerId", jobs.fence, jobs.last_seq AS "lastSeq", jobs.entry_no AS "entryNo", jobs.progress,
  jobs.commands_applied AS "commandsSeen", before.status, before.finished_at AS "finishedAt", before.wake_at AS "wakeAt",
  before.is_parent_told AS "isParentTold", before.error::text AS error`

const GIVE_BACK = `
UPDATE jobs SET holder = NULL, leased_until = NULL, status = $2, finished_at = $3, wake_at = $4, is_parent_told = $5, error = $6::json
WHERE id = $1`

/** What a step is recorded with once more, beside its newest state; null: it is left as it is. */
type Again = (step: LoggedStep) => (Partial<StepRecord> & { readonly output?: string }) | null

/** At most this many steps are recorded by one flush. */
const STEPS_AT_ONCE = 50

/** Records steps of a job that no worker holds once more, changed. Those in ended loop items are left as they are. */
export async function recordAgain(pool: Pick<pg.Pool, 'query'>, job: LogKey, again: Again): Promise<void> {
  const { steps = [] } = (await loadLoggedSteps(pool, [job])).get(job.id) ?? {}
  const changed = steps.flatMap(({ step }) => {
    const change = again(step)
    return change === null ? [] : [{ step, change }]
  })
  const source = await createOriginalStore(pool).load(job)
  for (let first = 0; first < changed.length; first += STEPS_AT_ONCE) {
    const some = changed.slice(first, first + STEPS_AT_ONCE)
    const configs = (await source?.values.configs(some.map(({ step }) => step.path))) ?? new Map()
    const values = some.flatMap(({ step: { path }, change: { output } }) =>
      output === undefined ? [] : [{ path, config: configs.get(path) ?? '{}', output }],
    )
    const records = some.map(({ step, change }) => {
      const { output: _, ...changed } = change
      return { ...step, ...changed } as StepRecord
    })
    await recordEntries(sendTo(pool), job.id, [{ steps: records, values }])
  }
}
