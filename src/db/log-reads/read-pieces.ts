import { ENTRY_TIME, mayWaitSql, type LogKey, type LogRow, type PageBody } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

// Readers of whole executions. Each statement reads a bounded part of what is wanted, so that memory holds one part at a time.
//
// A reader reads the tail of a job first and its pages after that. Entries that are merged into pages between the two reads are in both.
// In the other order they could be in neither. A reader takes a step that is in the tail from there, and leaves out that of the page:
// each step is then as it was when the tail was read, or later. A page may be split between two reads of pages, and its second part is
// then read twice: a reader takes each step once.

/** Maximum bytes of JSON text of the tails that one statement reads. One tail is read whatever its size is. */
export const TAILS_MAX_BYTES = 1024 * 1024

/**
 * Maximum bytes that the pages which one statement reads take in the database, where they are compressed to about an eighth. One page is
 * read whatever its size is.
 */
export const PAGES_MAX_STORED_BYTES = 64 * 1024

/** Entries of a job behind its pages. */
export interface TailPiece {
  /** The index of the job in the list that was passed. */
  readonly job: number
  /** The newest entry that pages hold; 0: there are no pages. */
  readonly pagedNo: number
  readonly rows: readonly LogRow[]
}

export interface TailsWanted {
  /**
   * `waits`: of jobs that have not ended, what may say which steps wait. That is the whole tail of a job with pages: it says which steps of
   * the pages wait no more. Of a job without pages the entries before the first one with a waiting step are left out.
   */
  readonly of: 'waits' | 'all'
}

/** Reads the changes behind the pages of each of these jobs, in the order of the jobs. A job that is not found is left out. */
export async function* readTails(
  pool: Queryable,
  jobs: readonly LogKey[],
  { of }: TailsWanted,
): AsyncGenerator<readonly TailPiece[], void> {
  for (let done = 0; done < jobs.length;) {
    const some = jobs.slice(done)
    const { rows } = await pool.query<TailRow>({
      name: 'log-tail-pieces',
      text: TAILS,
      values: [some.map(({ ownerId }) => ownerId), some.map(({ id }) => id), of, TAILS_MAX_BYTES],
    })
    const tails = new Map<number, { pagedNo: number; rows: LogRow[] }>()
    for (const { place, pagedNo, seq, entryNo, format, at, changes } of rows) {
      const tail = tails.get(place) ?? { pagedNo, rows: [] }
      tails.set(place, tail)
      if (changes) tail.rows.push({ seq, entryNo, format, at, changes, events: null })
    }
    const before = done
    yield [...tails].map(([place, tail]) => ({ job: before + place - 1, ...tail }))
    const last = rows.at(-1)
    if (!last || last.isLast) return
    done += last.place
  }
}

/** Of a job without such entries, all columns of the entry are null. */
interface TailRow extends Omit<LogRow, 'events'> {
  /** That of the job, from 1. */
  readonly place: number
  readonly pagedNo: number
  /** Whether the tails of all jobs are read. */
  readonly isLast: boolean
}

const TAILS = `
SELECT wanted.place::int AS place, wanted.paged_no AS "pagedNo", wanted.number = wanted.count AS "isLast",
  l.seq, l.entry_no AS "entryNo", l.format, ${ENTRY_TIME} AS at, l.changes
FROM (
  SELECT w.place, j.id, j.paged_no, size.first_no, row_number() OVER earlier AS number, count(*) OVER () AS count,
    sum(size.bytes) OVER earlier - size.bytes AS before
  FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY AS w(owner_id, id, place)
  JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id AND ($3::text = 'all' OR j.finished_at IS NULL)
  CROSS JOIN LATERAL (
    SELECT COALESCE(sum(entry.bytes), 0) AS bytes, min(entry.entry_no) AS first_no FROM (
      SELECT l.entry_no, octet_length(l.changes::text) AS bytes,
        bool_or($3::text = 'all' OR j.paged_no > 0 OR ${mayWaitSql('l.changes::text')}) OVER (ORDER BY l.seq, l.entry_no) AS "isWanted"
      FROM job_log l WHERE l.job_id = j.id AND l.entry_no > j.paged_no AND l.changes IS NOT NULL
    ) AS entry WHERE entry."isWanted"
  ) AS size
  WINDOW earlier AS (ORDER BY w.place)
) AS wanted
LEFT JOIN job_log l ON l.job_id = wanted.id AND l.entry_no >= wanted.first_no AND l.changes IS NOT NULL
WHERE wanted.before < $4
ORDER BY wanted.place, l.seq, l.entry_no`

/** A job whose pages are wanted. */
export interface PagesOf extends LogKey {
  /** The page after which to begin; null: at the first one. */
  readonly after: string | null
}

/** Which pages of a job to read, in order. */
export interface PagesWanted {
  /** `waits`: pages without open steps are left out. `steps`: those without any step. */
  readonly with: 'waits' | 'steps'
  /** Of each job, pages are read until they have this many steps, of `waits` open ones; null: all are read. */
  readonly limit: number | null
  /** Pages whose JSON text does not have this text are left out; null: none is. */
  readonly text: string | null
}

export interface PagePiece {
  /** The index of the job in the list that was passed. */
  readonly job: number
  readonly low: string
  /** The page of the job that follows, of those that are wanted without the limit; null: none does. */
  readonly next: string | null
  /** Of `waits`, steps that do not wait may be left out. */
  readonly steps: PageBody['s']
}

export interface ReadPages {
  readonly pages: readonly PagePiece[]
  /** The last page that the statement looked at, also if it was left out because of its text; null: all are read. */
  readonly end: Pick<PagePiece, 'job' | 'low'> | null
}

/** Reads pages of each of these jobs, in the order of the jobs, by one statement. */
export async function readPagesOnce(
  pool: Queryable,
  jobs: readonly PagesOf[],
  { with: counted, limit, text }: PagesWanted,
): Promise<ReadPages> {
  const { rows } = await pool.query<FoundPage>({
    name: 'log-page-pieces',
    text: PAGES,
    values: [
      jobs.map(({ ownerId }) => ownerId),
      jobs.map(({ id }) => id),
      jobs.map(({ after }) => after),
      counted,
      limit,
      text,
      PAGES_MAX_STORED_BYTES,
    ],
  })
  const end = rows.at(-1)
  const pages = rows.flatMap(({ steps, ...page }) => (steps === null ? [] : [{ ...page, steps }]))
  return { pages, end: end && !end.isLast ? end : null }
}

interface FoundPage extends Omit<PagePiece, 'steps'> {
  /** Null where the page does not have the text. */
  readonly steps: PagePiece['steps'] | null
  /** Whether no further page is wanted. */
  readonly isLast: boolean
}

/** The same, by as many statements as it takes. */
export async function* readPages(
  pool: Queryable,
  jobs: readonly LogKey[],
  wanted: PagesWanted,
): AsyncGenerator<readonly PagePiece[], void> {
  let left: readonly (PagesOf & { readonly place: number })[] = jobs.map((job, place) => ({
    ...job,
    place,
    after: null,
  }))
  while (left.length > 0) {
    const { pages, end } = await readPagesOnce(pool, left, wanted)
    const some = left
    yield pages.map((page) => ({ ...page, job: some[page.job]?.place ?? page.job }))
    if (!end) return
    left = some.slice(end.job).map((job, n) => (n === 0 ? { ...job, after: end.low } : job))
  }
}

/**
 * The stored sizes are added up first, because Postgres knows them without unpacking the values. Pages of an earlier build have no
 * `waits`.
 */
const PAGES = `
SELECT job, low, next, number = count AS "isLast", CASE WHEN "isWanted" THEN records END AS steps FROM (
  SELECT unpacked.*, $6::text IS NULL OR strpos(records::text, $6) > 0 AS "isWanted", max(number) OVER () AS "lastNumber" FROM (
    SELECT summed.*, CASE WHEN $4::text = 'waits' AND waits IS NOT NULL THEN waits ELSE body->'s' END AS records FROM (
      SELECT (w.place - 1)::int AS job, page.low, page.next, page.body, page.waits, count(*) OVER () AS count,
        row_number() OVER earlier AS number, sum(page.stored) OVER earlier - page.stored AS before
      FROM unnest($1::text[], $2::uuid[], $3::text[]) WITH ORDINALITY AS w(owner_id, id, after, place)
      JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
      CROSS JOIN LATERAL (
        SELECT counted.*, lead(counted.low) OVER (ORDER BY counted.low) AS next,
          sum(counted.wanted) OVER (ORDER BY counted.low) - counted.wanted AS "wantedBefore"
        FROM (
          SELECT p.low, p.body, p.waits,
            pg_column_size(CASE WHEN $4::text = 'waits' AND p.waits IS NOT NULL THEN p.waits ELSE p.body END) AS stored,
            CASE WHEN $4::text = 'waits' THEN p.open ELSE p.steps END AS wanted
          FROM job_pages p WHERE p.job_id = j.id AND (w.after IS NULL OR p.low > w.after COLLATE "C")
        ) AS counted
        WHERE counted.wanted > 0
      ) AS page
      WHERE $5::int IS NULL OR page."wantedBefore" < $5
      WINDOW earlier AS (ORDER BY w.place, page.low)
    ) AS summed
    WHERE before < $7
    OFFSET 0
  ) AS unpacked
) AS looked_at
WHERE "isWanted" OR number = "lastNumber"
ORDER BY number`
