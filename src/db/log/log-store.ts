import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import type { Queryable } from '../sql/index.ts'
import { requireKnownFormat, type LogRow } from './decode-entry.ts'
import type { StepChange } from './entry.ts'
import { foldedStep, type EntryAt, type FoldedStep } from './fold.ts'
import { foldedPagedStep, type PageBody, type PagedStep, type PageRow, type PageSummary } from './page.ts'
import type { PositionRange } from './position.ts'

/** Identifies a job of an owner: what belongs to another owner is not found. */
export interface LogKey {
  readonly id: JobId
  readonly ownerId: OwnerId
}

/** The entries of a job behind its pages. */
export interface Tail {
  readonly pagedNo: number
  readonly entryNo: number
  readonly rows: readonly TailRow[]
}

/** An entry without its events. */
export interface TailRow extends LogRow {
  /** The size of its changes as JSON text, in bytes. */
  readonly length: number
}

export interface OpenPage extends PageSummary {
  /** Null where no step is open or top-level. */
  readonly body: PageBody | null
}

/** Names an output in an entry of a job. */
export interface OutputRef extends LogKey {
  /** The job that it is read for. */
  readonly reader: JobId
  readonly entry: EntryAt
  readonly path: string
}

export interface FoundOutput {
  readonly reader: JobId
  readonly path: string
  readonly value: Json
}

/** Names a step of a job by its path. */
export interface StepKey extends LogKey {
  readonly path: string
}

/** What the entries behind the pages of a job hold of some steps. */
export interface StepsBehind extends LogKey {
  readonly hasPages: boolean
  /** In any order, and of each step all states. */
  readonly steps: readonly FoldedStep[]
}

/** Names a step on a page of a job, and the positions where it may be. */
export type PagedStepRef = StepKey & PositionRange

export interface FoundPagedStep {
  readonly key: StepKey
  readonly step: FoldedStep
}

/** The statements on the log of jobs. */
export interface LogStore {
  /** The changes behind the pages of each of these jobs, without events and values. A job that is not found is left out. */
  tails(jobs: readonly LogKey[]): Promise<ReadonlyMap<JobId, Tail>>
  /** All pages of a job in order, without their records. */
  pageSummaries(job: LogKey): Promise<readonly PageSummary[]>
  /** All pages of each of these jobs in order, with the records of pages that have open or top-level steps. */
  openPages(jobs: readonly LogKey[]): Promise<ReadonlyMap<JobId, readonly OpenPage[]>>
  /** Outputs in entries, which are small, up to `maxBytes` of JSON text for each reader, in the order of the paths. */
  smallOutputs(refs: readonly OutputRef[], maxBytes: number): Promise<readonly FoundOutput[]>
  /** The steps with these paths behind the pages of many jobs. A job that is not found is left out. */
  stepsBehind(keys: readonly StepKey[]): Promise<readonly StepsBehind[]>
  /** The steps with these paths on pages, in any order, of many jobs. Each page that may have some is unpacked once. */
  pagedSteps(refs: readonly PagedStepRef[]): Promise<readonly FoundPagedStep[]>
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

export function createLogStore(pool: Queryable): LogStore {
  return {
    async tails(jobs) {
      const { rows } = await pool.query<FoundTail>({
        name: 'log-tails',
        text: TAILS,
        values: [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)],
      })
      const tails = new Map<JobId, Omit<Tail, 'rows'> & { readonly rows: TailRow[] }>()
      for (const { jobId, pagedNo, newestNo: entryNo, row } of rows) {
        const tail = tails.get(jobId) ?? { pagedNo, entryNo, rows: [] }
        tails.set(jobId, tail)
        if (row) tail.rows.push({ ...row, events: null })
      }
      return tails
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
    async openPages(jobs) {
      const { rows } = await pool.query<OpenPage & { id: JobId }>(
        `SELECT j.id, p.low, p.steps, p.open, p.top, p.ended, CASE WHEN p.open > 0 OR p.top > 0 THEN p.body END AS body
         FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id)
         JOIN jobs j ON j.id = wanted.id AND j.owner_id = wanted.owner_id
         JOIN job_pages p ON p.job_id = j.id ORDER BY p.low`,
        [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)],
      )
      const pages = new Map<JobId, OpenPage[]>()
      for (const { id, ...page } of rows) {
        const known = pages.get(id)
        if (known) known.push(page)
        else pages.set(id, [page])
      }
      return pages
    },
    async smallOutputs(refs, maxBytes) {
      const { rows } = await pool.query<FoundOutput>({
        name: 'log-small-outputs',
        text: SMALL_OUTPUTS,
        values: [
          refs.map(({ ownerId }) => ownerId),
          refs.map(({ id }) => id),
          refs.map(({ reader }) => reader),
          refs.map(({ entry }) => entry.seq),
          refs.map(({ entry }) => entry.entryNo),
          refs.map(({ path }) => path),
          maxBytes,
        ],
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
    async stepsBehind(keys) {
      const { rows } = await pool.query<FoundBehind>({
        name: 'log-steps-behind',
        text: STEPS_BEHIND,
        values: [keys.map(({ ownerId }) => ownerId), keys.map(({ id }) => id), keys.map(({ path }) => path)],
      })
      const jobs = new Map<string, StepsBehind & { readonly steps: FoldedStep[] }>()
      for (const row of rows) {
        const { id, ownerId, hasPages } = row
        const name = `${id} ${ownerId}`
        const job = jobs.get(name) ?? { id, ownerId, hasPages, steps: [] }
        jobs.set(name, job)
        if (row.change === null) continue
        requireKnownFormat(row)
        job.steps.push(foldedStep(row.change, row))
      }
      return [...jobs.values()]
    },
    async pagedSteps(refs) {
      const { rows } = await pool.query<LogKey & { step: PagedStep }>({
        name: 'log-paged-steps',
        text: PAGED_STEPS,
        values: [
          refs.map(({ ownerId }) => ownerId),
          refs.map(({ id }) => id),
          refs.map(({ path }) => path),
          refs.map(({ low }) => low),
          refs.map(({ high }) => high),
        ],
      })
      return rows.map(({ id, ownerId, step }) => {
        return { key: { id, ownerId, path: step.p }, step: foldedPagedStep(step) }
      })
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
          pages.map(({ waits }) => waits),
        ],
      })
      return rowCount === 1
    },
  }
}

/** The time of an entry `l`, in milliseconds since the epoch. */
export const ENTRY_TIME = millisecondsSql('l.at')

/** A time in milliseconds since the epoch. */
export function millisecondsSql(time: string): string {
  return `(extract(epoch FROM ${time}) * 1000)::float8`
}

interface FoundTail {
  readonly jobId: JobId
  readonly pagedNo: number
  readonly newestNo: number
  readonly row: Omit<TailRow, 'events'> | null
}

type FoundBehind = LogKey & { readonly hasPages: boolean } & (
    | ({ readonly change: StepChange } & Pick<LogRow, 'seq' | 'entryNo' | 'format' | 'at'>)
    | ({ readonly change: null } & { readonly [Name in 'seq' | 'entryNo' | 'format' | 'at']: null })
  )

/** A job without such entries has one row. OFFSET 0: one look-up per job, where Postgres may otherwise read all jobs. */
const TAILS = `
SELECT j.id AS "jobId", j.paged_no AS "pagedNo", j.entry_no AS "newestNo",
  CASE WHEN l.job_id IS NOT NULL THEN json_build_object(
    'seq', l.seq, 'entryNo', l.entry_no, 'format', l.format, 'at', ${ENTRY_TIME}, 'changes', l.changes,
    'length', octet_length(l.changes::text)) END AS row
FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id)
CROSS JOIN LATERAL (
  SELECT own.id, own.paged_no, own.entry_no FROM jobs own WHERE own.id = wanted.id AND own.owner_id = wanted.owner_id OFFSET 0
) AS j
LEFT JOIN job_log l ON l.job_id = j.id AND l.entry_no > j.paged_no AND l.changes IS NOT NULL
ORDER BY l.seq, l.entry_no`

/** Each entry is unpacked once, however many of its values are wanted. */
const SMALL_OUTPUTS = `
SELECT reader, path, value FROM (
  SELECT w.reader, o.key AS path, o.value, sum(octet_length(o.value::text)) OVER (PARTITION BY w.reader ORDER BY o.key) AS total
  FROM (
    SELECT owner_id, id, reader, seq, entry_no, array_agg(path) AS paths
    FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::text[])
      AS sent(owner_id, id, reader, seq, entry_no, path)
    GROUP BY owner_id, id, reader, seq, entry_no
  ) AS w
  JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
  JOIN job_log l ON l.job_id = j.id AND l.seq = w.seq AND l.entry_no = w.entry_no
  CROSS JOIN LATERAL json_each(l.small->'o') AS o
  WHERE o.key = ANY(w.paths)
) AS found WHERE total <= $7`

/** A job without such a step has one row. */
/** An entry is searched for this many paths at most: a search for more costs more than to unpack it. */
const SEARCHED_PATHS = 8

/** Where few paths are wanted, only entries with one of them are unpacked: a run looks for a few steps again and again. */
const STEPS_BEHIND = `
SELECT j.id, j.owner_id AS "ownerId", j.paged_no > 0 AS "hasPages", found.*
FROM (
  SELECT owner_id, id, array_agg(path) AS paths, array_agg('"p":' || to_json(path)::text) AS texts
  FROM unnest($1::text[], $2::uuid[], $3::text[]) AS sent(owner_id, id, path) GROUP BY owner_id, id
) AS w
JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
LEFT JOIN LATERAL (
  SELECT l.seq, l.entry_no AS "entryNo", l.format, ${ENTRY_TIME} AS at, s.step AS change
  FROM job_log l CROSS JOIN LATERAL json_array_elements(l.changes->'s') AS s(step)
  WHERE l.job_id = j.id AND l.entry_no > j.paged_no AND l.changes IS NOT NULL AND s.step->>'p' = ANY(w.paths)
    AND (cardinality(w.texts) > ${SEARCHED_PATHS}
      OR EXISTS (SELECT FROM unnest(w.texts) AS wanted(text) WHERE strpos(l.changes::text, wanted.text) > 0))
) AS found ON true`

/** Steps outside of loops are on pages that count some. */
const PAGED_STEPS = `
SELECT page.id, page.owner_id AS "ownerId", s.step
FROM (
  SELECT j.id, j.owner_id, p.low, array_agg(w.path) AS paths
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[]) AS w(owner_id, id, path, low, high)
  JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
  JOIN job_pages p ON p.job_id = j.id AND p.low < w.high
    AND p.low >= COALESCE((SELECT max(o.low) FROM job_pages o WHERE o.job_id = j.id AND o.low <= w.low), '')
  WHERE p.top > 0 OR (p.steps > 0 AND strpos(w.path, '/') > 0)
  GROUP BY j.id, j.owner_id, p.low
) AS page
JOIN job_pages p ON p.job_id = page.id AND p.low = page.low
CROSS JOIN LATERAL json_array_elements(p.body->'s') AS s(step)
WHERE s.step->>'p' = ANY(page.paths)`

const STORE_PAGES = `
WITH guard AS (
  UPDATE jobs SET paged_no = $4 WHERE id = $2 AND owner_id = $1 AND paged_no = $3 AND entry_no >= $4 RETURNING id
), page AS (
  INSERT INTO job_pages (job_id, low, steps, open, top, ended, body, waits)
  SELECT guard.id, p.low, p.steps, p.open, p.top, p.ended::json, p.body::json, p.waits::json
  FROM guard, unnest($5::text[], $6::int[], $7::int[], $8::int[], $9::text[], $10::text[], $11::text[])
    AS p(low, steps, open, top, ended, body, waits)
  ON CONFLICT (job_id, low) DO UPDATE SET steps = excluded.steps, open = excluded.open, top = excluded.top,
    ended = excluded.ended, body = excluded.body, waits = excluded.waits
)
SELECT FROM guard`
