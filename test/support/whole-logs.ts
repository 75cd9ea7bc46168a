import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { Fold } from '../../src/db/log/fold.ts'
import { applyPage, type PageBody } from '../../src/db/log/page.ts'
import { contentsOfFold } from './log-entries.ts'
import { recordsOf, type Recorded } from './recorded.ts'

const JOBS_AT_ONCE = 50
/** More jobs than this are not checked, so that a test file with thousands of jobs stays quick. */
const JOBS_MAX_COUNT = 1_000

/**
 * Throws unless the log of each job of a database is whole: its entries and its events are numbered without a gap up to the numbers in
 * the job's row, it uses up the signals that the inbox says are used, and its pages with the entries behind them fold into the same as
 * all of its entries. A job that a test has stored without a log is left out.
 */
export async function requireWholeLogs(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows } = await client.query<JobRow>(JOBS, [JOBS_MAX_COUNT])
    for (let done = 0; done < rows.length; done += JOBS_AT_ONCE)
      await check(client, rows.slice(done, done + JOBS_AT_ONCE))
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}

interface JobRow {
  readonly id: string
  readonly lastSeq: number
  readonly entryNo: number
  readonly pagedNo: number
}

const JOBS = `
SELECT id, last_seq AS "lastSeq", entry_no AS "entryNo", paged_no AS "pagedNo" FROM jobs WHERE entry_no > 0 ORDER BY id LIMIT $1`

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
}

function requireWhole(
  { id, lastSeq, entryNo, pagedNo }: JobRow,
  { entries, events, fold }: Recorded,
  { pages, signals }: { readonly pages: readonly PageBody[]; readonly signals: readonly unknown[] },
): void {
  const same = (what: string, found: unknown, wanted: unknown) => {
    if (!isDeepStrictEqual(found, wanted))
      throw new Error(
        `the log of job ${id} is not whole: ${what} ${JSON.stringify(found)?.slice(0, 1_000)}, not ${JSON.stringify(wanted)?.slice(0, 1_000)}`,
      )
  }
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
