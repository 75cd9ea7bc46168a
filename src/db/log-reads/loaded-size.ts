import type { JobId } from '../../lib/index.ts'
import type { LogKey, PageSummary } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/**
 * A byte of changes is counted as this many bytes of JSON text: a short change takes up to 28 bytes of heap for each of its bytes once it
 * is folded (27 measured, of steps that completed), and its JSON as many while it is parsed.
 */
const TAIL_BYTES_PER_BYTE = 2

/** An ended item on pages is counted as this many bytes of JSON text: its status takes about 40 bytes of heap in each of two maps. */
const ENDED_ITEM_BYTES = 3

/** The size of the changes behind the pages of the job's row `job`, as bytes of JSON text with what their fold takes. */
export function tailBytesSql(job: string): string {
  return `(
    SELECT ${TAIL_BYTES_PER_BYTE} * COALESCE(sum(octet_length(l.changes::text)), 0)::float8 FROM job_log l
    WHERE l.job_id = ${job}.id AND l.entry_no > ${job}.paged_no AND l.changes IS NOT NULL
  )`
}

/** The size of the pages of the job's row `job` that have open or top-level steps, as bytes of JSON text. */
export function openPagesBytesSql(job: string): string {
  return `(
    SELECT COALESCE(sum(octet_length(p.body::text)), 0)::float8 FROM job_pages p
    WHERE p.job_id = ${job}.id AND ${job}.paged_no > 0 AND (p.open > 0 OR p.top > 0)
  )`
}

/** The job's pages that are counted: those that a take-up may read, or those with open or top-level steps. */
export interface SizedPages extends LogKey {
  readonly reach: 'outside' | 'open'
}

/**
 * Returns for each of these jobs at least what its pages take in memory at a take-up, as bytes of JSON text. Reads which items have
 * ended, and the sizes of pages, but no page.
 */
export async function sizePages(
  pool: Queryable,
  jobs: readonly SizedPages[],
): Promise<ReadonlyMap<JobId, number>> {
  if (jobs.length === 0) return new Map()
  const pages = await readSummaries(pool, jobs)
  const wanted = jobs.flatMap(({ id, ownerId, reach }) =>
    lowsLoaded(pages.get(id) ?? [], reach).map((low) => ({ id, ownerId, low })),
  )
  const { rows } = await pool.query<{ id: JobId; bytes: number }>({
    name: 'log-page-sizes',
    text: PAGE_SIZES,
    values: [wanted.map(({ ownerId }) => ownerId), wanted.map(({ id }) => id), wanted.map(({ low }) => low)],
  })
  const bodies = new Map(rows.map(({ id, bytes }) => [id, bytes]))
  return new Map(
    [...pages].map(([id, own]) => [id, (bodies.get(id) ?? 0) + endedCount(own) * ENDED_ITEM_BYTES]),
  )
}

const SUMMARIES = `
SELECT j.id, p.low, p.steps, p.open, p.top, p.ended
FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id)
JOIN jobs j ON j.id = wanted.id AND j.owner_id = wanted.owner_id
JOIN job_pages p ON p.job_id = j.id ORDER BY p.low`

const PAGE_SIZES = `
SELECT j.id, sum(octet_length(p.body::text))::float8 AS bytes
FROM unnest($1::text[], $2::uuid[], $3::text[]) AS wanted(owner_id, id, low)
JOIN jobs j ON j.id = wanted.id AND j.owner_id = wanted.owner_id
JOIN job_pages p ON p.job_id = j.id AND p.low = wanted.low
GROUP BY j.id`

async function readSummaries(
  pool: Queryable,
  jobs: readonly LogKey[],
): Promise<ReadonlyMap<JobId, readonly PageSummary[]>> {
  const { rows } = await pool.query<PageSummary & { id: JobId }>({
    name: 'log-summaries-of-many',
    text: SUMMARIES,
    values: [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)],
  })
  const pages = new Map<JobId, PageSummary[]>()
  for (const { id, ...page } of rows) {
    const known = pages.get(id)
    if (known) known.push(page)
    else pages.set(id, [page])
  }
  return pages
}

function endedCount(pages: readonly PageSummary[]): number {
  let count = 0
  for (const { ended } of pages) for (const [, , first, last] of ended) count += last - first + 1
  return count
}

/**
 * Where the pages begin that are to be counted. `outside`: all pages with steps, except those that lie between items of one top-level
 * loop that have all ended: a take-up reads none of these.
 */
export function lowsLoaded(pages: readonly PageSummary[], reach: SizedPages['reach']): readonly string[] {
  const ended = endedByPosition(pages)
  return pages.flatMap(({ low, steps, open, top }, place) => {
    if (open > 0 || top > 0) return [low]
    if (reach === 'open' || steps === 0) return []
    return isAmongEnded(low, pages[place + 1]?.low, ended) ? [] : [low]
  })
}

/** The ended items of top-level loops, by the index of the loop's node in a position. */
type EndedByPosition = ReadonlyMap<string, ReadonlySet<number>>

/** Where all records of a page belong to one top-level node, that node is the loop of the page's ended items. */
function endedByPosition(pages: readonly PageSummary[]): EndedByPosition {
  const items = new Map<string, Set<number>>()
  const positions = new Map<string, string>()
  for (const [place, { low, ended }] of pages.entries()) {
    const [node = ''] = low.split('.')
    const isOfOneNode = node !== '' && pages[place + 1]?.low.startsWith(`${node}.`)
    for (const [path, , first, last] of ended) {
      if (path.includes('/')) continue
      if (isOfOneNode) positions.set(path, node)
      const known = items.get(path) ?? new Set<number>()
      items.set(path, known)
      for (let index = first; index <= last; index++) known.add(index)
    }
  }
  return new Map([...positions].map(([path, position]) => [position, items.get(path) ?? new Set<number>()]))
}

/** Whether everything from `low` up to `next` is inside of items that have ended, and so are the items next to both. */
function isAmongEnded(low: string, next: string | undefined, ended: EndedByPosition): boolean {
  const [node = '', first] = low.split('.')
  const [nodeOfNext, last] = next?.split('.') ?? []
  if (first === undefined || last === undefined || nodeOfNext !== node) return false
  const items = ended.get(node)
  if (!items) return false
  for (let index = indexOf(first) - 1; index <= indexOf(last); index++)
    if (index >= 0 && !items.has(index)) return false
  return true
}

function indexOf(text: string): number {
  return Number.parseInt(text, 36)
}
