import type pg from 'pg'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { LogRow } from './decode-entry.ts'
import { ENTRY_FORMAT, valueKey, type EncodedEntry, type ValueKind } from './entry.ts'
import type { EntryAt } from './fold.ts'
import type { PageBody, PageRow, PageSummary } from './page.ts'

/** Identifies a job of an owner: what belongs to another owner is not found. */
export interface LogKey {
  readonly id: JobId
  readonly ownerId: OwnerId
}

/** An entry on its way into a job's log, with the numbers that must hold for it (D3). */
export interface LogAppend {
  readonly jobId: JobId
  readonly fence: bigint
  /** The number of the newest entry as the writer knows it. */
  readonly expectedEntryNo: number
  /** The number of the job's last event after this entry. */
  readonly seq: number
  readonly entry: EncodedEntry
}

/** The numbers of a job's row that say whether an entry has landed. */
export interface LogMarks {
  readonly fence: bigint
  readonly entryNo: number
  readonly seq: number
}

/** Whether an entry whose outcome is unknown has landed: no other writer has this fence, and each of its entries has its own number. */
export function hasLanded({ fence, expectedEntryNo }: LogAppend, marks: LogMarks | undefined): boolean {
  return marks?.fence === fence && marks.entryNo === expectedEntryNo + 1
}

/** The entries of a job behind its pages. */
export interface Tail {
  readonly pagedNo: number
  readonly entryNo: number
  readonly rows: readonly LogRow[]
}

/** Which events of a job to read. */
export interface EventsPage {
  readonly after: number
  /** Entries are read until they have this many events behind `after`, or `maxBytes` of JSON text. */
  readonly limit: number
  readonly maxBytes: number
}

/** Names a value of an entry. */
export interface ValueRef {
  readonly entry: EntryAt
  readonly kind: ValueKind
  readonly path: string
}

/** The statements on the log of jobs. */
export interface LogStore {
  /**
   * Writes all entries whose guard holds, in one transaction; the others leave nothing. Returns the indexes of those that were
   * written, in any order.
   */
  append(entries: readonly LogAppend[]): Promise<readonly number[]>
  marks(jobIds: readonly JobId[]): Promise<ReadonlyMap<JobId, LogMarks>>
  /** The changes behind the pages of each of these jobs, without events and values. A job that is not found is left out. */
  tails(jobs: readonly LogKey[]): Promise<ReadonlyMap<JobId, Tail>>
  /** The entries with the events after a number, in order, with what the events refer to. The first one may begin before the number. */
  events(job: LogKey, page: EventsPage): Promise<readonly LogRow[]>
  /** The JSON texts of these values of a job, in order; null where there is none. */
  values(job: LogKey, refs: readonly ValueRef[]): Promise<readonly (string | null)[]>
  /** All pages of a job in order, without their records. */
  pageSummaries(job: LogKey): Promise<readonly PageSummary[]>
  /** The records of the pages that begin at these positions, by that position. */
  pages(job: LogKey, lows: readonly string[]): Promise<ReadonlyMap<string, PageBody>>
  /**
   * Stores pages into which the entries behind `from` up to `to` are merged. Returns false, and stores nothing, if other pages were
   * stored since `from` was read.
   */
  storePages(
    job: LogKey,
    step: { readonly from: number; readonly to: number; readonly pages: readonly PageRow[] },
  ): Promise<boolean>
}

export function createLogStore(pool: Pick<pg.Pool, 'query'>): LogStore {
  return {
    async append(entries) {
      const { rows } = await pool.query<{ index: number }>({
        name: 'log-append',
        text: APPEND,
        values: appendValues(entries),
      })
      return rows.map(({ index }) => index)
    },
    async marks(jobIds) {
      const { rows } = await pool.query<{ id: JobId; fence: string; entryNo: number; seq: number }>(
        `SELECT id, fence, entry_no AS "entryNo", last_seq AS seq FROM jobs WHERE id = ANY($1::uuid[])`,
        [jobIds],
      )
      return new Map(rows.map(({ id, fence, ...numbers }) => [id, { fence: BigInt(fence), ...numbers }]))
    },
    async tails(jobs) {
      const { rows } = await pool.query<TailRow>({
        name: 'log-tails',
        text: TAILS,
        values: [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)],
      })
      const tails = new Map<JobId, Omit<Tail, 'rows'> & { readonly rows: LogRow[] }>()
      for (const { jobId, pagedNo, newestNo: entryNo, row } of rows) {
        const tail = tails.get(jobId) ?? { pagedNo, entryNo, rows: [] }
        tails.set(jobId, tail)
        if (row) tail.rows.push({ ...row, events: null })
      }
      return tails
    },
    async events({ id, ownerId }, { after, limit, maxBytes }) {
      const { rows } = await pool.query<LogRow>({
        name: 'log-events',
        text: EVENTS,
        values: [ownerId, id, after, limit, maxBytes],
      })
      return rows
    },
    async values({ id, ownerId }, refs) {
      const { rows } = await pool.query<{ place: string; value: string }>({
        name: 'log-values',
        text: VALUES,
        values: [
          ownerId,
          id,
          refs.map(({ entry }) => entry.seq),
          refs.map(({ entry }) => entry.entryNo),
          refs.map(({ kind }) => kind),
          refs.map(({ path }) => path),
          refs.map(({ kind, path }) => valueKey(kind, path)),
        ],
      })
      const values = new Array<string | null>(refs.length).fill(null)
      for (const { place, value } of rows) values[Number(place) - 1] = value
      return values
    },
    async pageSummaries({ id, ownerId }) {
      const { rows } = await pool.query<PageSummary>({
        name: 'log-page-summaries',
        text: `SELECT p.low, p.steps, p.open, p.top, p.ended FROM jobs j JOIN job_pages p ON p.job_id = j.id
               WHERE j.id = $2 AND j.owner_id = $1 ORDER BY p.low`,
        values: [ownerId, id],
      })
      return rows
    },
    async pages({ id, ownerId }, lows) {
      const { rows } = await pool.query<{ low: string; body: PageBody }>({
        name: 'log-pages',
        text: `SELECT p.low, p.body FROM jobs j JOIN job_pages p ON p.job_id = j.id AND p.low = ANY($3::text[])
               WHERE j.id = $2 AND j.owner_id = $1`,
        values: [ownerId, id, lows],
      })
      return new Map(rows.map(({ low, body }) => [low, body]))
    },
    async storePages({ id, ownerId }, { from, to, pages }) {
      const { rowCount } = await pool.query({
        name: 'log-store-pages',
        text: STORE_PAGES,
        values: [
          ownerId,
          id,
          from,
          to,
          pages.map(({ low }) => low),
          pages.map(({ steps }) => steps),
          pages.map(({ open }) => open),
          pages.map(({ top }) => top),
          pages.map(({ ended }) => JSON.stringify(ended)),
          pages.map(({ body }) => body),
        ],
      })
      return rowCount === 1
    },
  }
}

/**
 * `locked` takes the locks in the order of ids, so that two statements over the same jobs cannot wait for each other; an UPDATE alone
 * may be planned as a hash join, which locks in any order. `guard` is the UPDATE that proves that the writer still holds each job; the
 * inserts take their rows from what it returns, so those of a stale writer go nowhere.
 */
const APPEND = `
WITH locked AS (
  SELECT w.* FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::int[], $5::float8[], $6::text[], $7::text[], $8::text[])
    WITH ORDINALITY AS w(job_id, fence, expected_no, seq, at, changes, events, small, n)
  JOIN jobs ON jobs.id = w.job_id ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
), guard AS (
  UPDATE jobs j SET entry_no = j.entry_no + 1, last_seq = w.seq
  FROM locked w
  WHERE j.id = w.job_id AND j.holder IS NOT NULL AND j.fence = w.fence AND j.entry_no = w.expected_no
  RETURNING w.n, j.id, j.entry_no, w.seq, w.at, w.changes, w.events, w.small
), entry AS (
  INSERT INTO job_log (job_id, seq, entry_no, format, at, changes, events, small)
  SELECT id, seq, entry_no, ${ENTRY_FORMAT}, to_timestamp(at / 1000), changes::json, events::json, small::json FROM guard
), value AS (
  INSERT INTO job_values (job_id, entry_no, key, value)
  SELECT g.id, g.entry_no, v.key, v.value::json
  FROM unnest($9::int[], $10::text[], $11::text[]) AS v(n, key, value) JOIN guard g ON g.n = v.n
)
SELECT n::int - 1 AS index FROM guard`

function appendValues(entries: readonly LogAppend[]): unknown[] {
  const of = <T>(read: (append: LogAppend) => T): T[] => entries.map(read)
  const large = entries.flatMap(({ entry }, index) =>
    entry.large.map((value) => ({ ...value, n: index + 1 })),
  )
  return [
    of(({ jobId }) => jobId),
    of(({ fence }) => fence),
    of(({ expectedEntryNo }) => expectedEntryNo),
    of(({ seq }) => seq),
    of(({ entry }) => entry.at),
    of(({ entry }) => entry.changes),
    of(({ entry }) => entry.events),
    of(({ entry }) => entry.small),
    large.map(({ n }) => n),
    large.map(({ key }) => key),
    large.map(({ value }) => value),
  ]
}

/** Milliseconds since the epoch. */
const AT = '(extract(epoch FROM l.at) * 1000)::float8'

interface TailRow {
  readonly jobId: JobId
  readonly pagedNo: number
  readonly newestNo: number
  readonly row: Omit<LogRow, 'events'> | null
}

/** A job without such entries has one row. */
const TAILS = `
SELECT j.id AS "jobId", j.paged_no AS "pagedNo", j.entry_no AS "newestNo",
  CASE WHEN l.job_id IS NOT NULL THEN json_build_object(
    'seq', l.seq, 'entryNo', l.entry_no, 'format', l.format, 'at', ${AT}, 'changes', l.changes) END AS row
FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id)
JOIN jobs j ON j.id = wanted.id AND j.owner_id = wanted.owner_id
LEFT JOIN job_log l ON l.job_id = j.id AND l.entry_no > j.paged_no AND l.changes IS NOT NULL
ORDER BY l.seq, l.entry_no`

/** `before`: what the entries before this one hold. The first entry is always read. */
const EVENTS = `
SELECT seq, "entryNo", format, at, changes, events FROM (
  SELECT found.*, sum(count) OVER behind - count AS "countBefore", sum(bytes) OVER behind - bytes AS "bytesBefore"
  FROM (
    SELECT l.seq, l.entry_no AS "entryNo", l.format, ${AT} AS at, l.changes, l.events,
      LEAST(json_array_length(l.events), l.seq - $3) AS count,
      octet_length(l.events::text) + COALESCE(octet_length(l.changes::text), 0) AS bytes
    FROM jobs j JOIN job_log l ON l.job_id = j.id AND l.seq > $3 AND l.events IS NOT NULL
    WHERE j.id = $2 AND j.owner_id = $1 ORDER BY l.seq, l.entry_no LIMIT $4
  ) AS found
  WINDOW behind AS (ORDER BY seq, "entryNo")
) AS summed
WHERE "countBefore" < $4 AND "bytesBefore" < $5
ORDER BY seq, "entryNo"`

const VALUES = `
SELECT w.place, COALESCE(v.value, l.small->w.kind->w.path)::text AS value
FROM jobs j
CROSS JOIN unnest($3::int[], $4::int[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY
  AS w(seq, entry_no, kind, path, key, place)
LEFT JOIN job_values v ON v.job_id = j.id AND v.entry_no = w.entry_no AND v.key = w.key
LEFT JOIN job_log l ON l.job_id = j.id AND l.seq = w.seq AND l.entry_no = w.entry_no AND v.job_id IS NULL
WHERE j.id = $2 AND j.owner_id = $1 AND COALESCE(v.value, l.small->w.kind->w.path) IS NOT NULL`

const STORE_PAGES = `
WITH guard AS (
  UPDATE jobs SET paged_no = $4 WHERE id = $2 AND owner_id = $1 AND paged_no = $3 AND entry_no >= $4 RETURNING id
), page AS (
  INSERT INTO job_pages (job_id, low, steps, open, top, ended, body)
  SELECT guard.id, p.low, p.steps, p.open, p.top, p.ended::json, p.body::json
  FROM guard, unnest($5::text[], $6::int[], $7::int[], $8::int[], $9::text[], $10::text[]) AS p(low, steps, open, top, ended, body)
  ON CONFLICT (job_id, low) DO UPDATE SET steps = excluded.steps, open = excluded.open, top = excluded.top,
    ended = excluded.ended, body = excluded.body
)
SELECT FROM guard`
