import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { createStepList } from '../../src/db/lists/step-list.ts'
import { readWaits } from '../../src/db/log-reads/wait-reader.ts'
import { Fold } from '../../src/db/log/fold.ts'
import { applyPage, type PageBody } from '../../src/db/log/page.ts'
import type { StepStatus } from '../../src/engine/record/step.ts'
import type { JobId, OwnerId } from '../../src/lib/ids.ts'
import { contentsOfFold } from './log-entries.ts'
import { recordsOf, type Recorded } from './recorded.ts'
import { inSnapshot } from './snapshot.ts'

const JOBS_AT_ONCE = 50
const WAITS_MAX_COUNT = 1_000_000
/** More jobs than this are not checked, so that a test file with thousands of jobs stays quick. */
const JOBS_MAX_COUNT = 1_000

/**
 * Throws unless the log of each job of a database is whole: its entries and its events are numbered without a gap up to the numbers in
 * the job's row, it uses up the signals that the inbox says are used, and its pages with the entries behind them fold into the same as
 * all of its entries. The number of its steps and its waits, which are read without a fold of all of it, are those of the fold. A job
 * that a test has stored without a log is left out.
 */
export async function requireWholeLogs(pool: pg.Pool): Promise<void> {
  await inSnapshot(pool, async (client) => {
    const { rows } = await client.query<JobRow>(JOBS, [JOBS_MAX_COUNT])
    for (let done = 0; done < rows.length; done += JOBS_AT_ONCE)
      await check(client, rows.slice(done, done + JOBS_AT_ONCE))
  })
}

interface JobRow {
  readonly id: JobId
  readonly ownerId: OwnerId
  readonly isEnded: boolean
  readonly lastSeq: number
  readonly entryNo: number
  readonly pagedNo: number
}

const JOBS = `
SELECT id, owner_id AS "ownerId", finished_at IS NOT NULL AS "isEnded", last_seq AS "lastSeq", entry_no AS "entryNo", paged_no AS "pagedNo" FROM jobs WHERE last_seq > 0 OR entry_no > 0 ORDER BY id LIMIT $1`

async function check(client: pg.PoolClient, jobs: readonly JobRow[]): Promise<void> {
  const ids = jobs.map(({ id }) => id)
  const records = await recordsOf(client, ids)
  const { rows: pages } = await client.query<{ job: string; body: PageBody }>(
    'SELECT job_id AS job, body FROM job_pages WHERE job_id = ANY($1::uuid[]) ORDER BY low',
    [ids],
  )
  const { rows: signals } = await client.query<{ job: string; number: number; path: string | null }>(
    'SELECT job_id AS job, number, used_by AS path FROM commands WHERE used_at IS NOT NULL AND job_id = ANY($1::uuid[]) ORDER BY number',
    [ids],
  )
  for (const job of jobs) {
    const record = records.get(job.id)
    if (!record) throw new Error(`there is no job ${job.id}`)
    const of = <Row extends { readonly job: string }>(rows: readonly Row[]) =>
      rows.filter((row) => row.job === job.id)
    requireWhole(job, record, {
      pages: of(pages).map(({ body }) => body),
      signals: of(signals).map(({ number, path }) => [number, path]),
    })
  }
  await checkReaders(client, jobs, records)
}

async function checkReaders(
  client: pg.PoolClient,
  jobs: readonly JobRow[],
  records: ReadonlyMap<string, Recorded>,
): Promise<void> {
  const waits = await readWaits(client, jobs, WAITS_MAX_COUNT)
  for (const [place, job] of jobs.entries()) {
    const steps = [...(records.get(job.id)?.fold.steps.values() ?? [])].map(({ step }) => step)
    const waiting = job.isEnded ? [] : steps.filter(({ status, wait }) => isWaitingStep(status, wait))
    requireSame(
      job.id,
      'its waits are',
      waits[place]?.map(({ path }) => path).toSorted(),
      waiting.map(({ path }) => path).toSorted(),
    )
  }
  for (const ownerId of new Set(jobs.map((job) => job.ownerId))) {
    const own = jobs.filter((job) => job.ownerId === ownerId).map(({ id }) => id)
    const counts = await createStepList(client).countsOf(ownerId, own)
    for (const [place, id] of own.entries())
      requireSame(id, 'the number of its steps is', counts[place], records.get(id)?.fold.steps.size)
  }
}

function isWaitingStep(status: StepStatus, wait: unknown): boolean {
  return status === 'RETRYING' || (status === 'WAITING' && wait !== null)
}

function requireSame(id: string, what: string, found: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(found, wanted)) return
  const [shown, expected] = [found, wanted].map((value) => JSON.stringify(value)?.slice(0, 1_000))
  throw new Error(`the log of job ${id} is not whole: ${what} ${shown}, not ${expected}`)
}

function requireWhole(
  { id, lastSeq, entryNo, pagedNo }: JobRow,
  { entries, events, fold }: Recorded,
  { pages, signals }: { readonly pages: readonly PageBody[]; readonly signals: readonly unknown[] },
): void {
  const same = (what: string, found: unknown, wanted: unknown) => requireSame(id, what, found, wanted)
  same(
    'its entries are',
    entries.map((entry) => entry.entryNo),
    numbersTo(entryNo),
  )
  same(
    'its events are',
    events.map(({ seq }) => seq),
    numbersTo(lastSeq),
  )
  same(
    'its used signals are',
    [...fold.usedSignals].toSorted(([a], [b]) => a - b),
    signals,
  )
  const paged = new Fold()
  for (const body of pages) applyPage(paged, body)
  for (const entry of entries) if (entry.entryNo > pagedNo) paged.apply(entry)
  const { usedSignals: _, ...read } = contentsOfFold(paged)
  const { usedSignals: __, ...whole } = contentsOfFold(fold)
  same('its pages hold', read, whole)
}

function numbersTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, place) => place + 1)
}
