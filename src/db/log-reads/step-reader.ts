import { isTurnOver, yieldToEventLoop } from '../../lib/turns/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import {
  decodeStep,
  ENTRY_TIME,
  newestValues,
  pagedEntries,
  requireKnownFormat,
  type EntryAt,
  type FoldedStep,
  type LogRow,
  type PagedStep,
  type StepChange,
  type ValuesAt,
} from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'
import { listedStep, type ListedStep, type StepPlace } from './listed-step.ts'

/** Which steps of an execution to read. */
export interface StepPage {
  /** The steps behind this place, or before it; null: from an end of the execution. */
  readonly beyond: StepPlace | null
  /** `backward`: the steps before the place, or the last ones. */
  readonly direction: 'forward' | 'backward'
  readonly limit: number
}

/**
 * Reads the same page of the steps of each of these executions, in the definition's order, by one statement: what it finds behind the
 * pages of a job and on them is of one moment. It reads the pages around the place alone. An execution that is not found is left out.
 */
export async function readSteps(
  pool: Queryable,
  ownerId: OwnerId,
  ids: readonly string[],
  page: StepPage,
): Promise<ReadonlyMap<string, readonly ListedStep[]>> {
  const { direction, beyond, limit } = page
  const { rows } = await pool.query<FoundPart>({
    name: `log-steps-${direction}`,
    text: STATEMENTS[direction],
    values: [ownerId, ids, beyond?.position ?? null, limit],
  })
  const parts = new Map<JobId, FoundPart[]>()
  for (const row of rows) {
    const known = parts.get(row.id)
    if (known) known.push(row)
    else parts.set(row.id, [row])
  }
  const lists = new Map<string, readonly ListedStep[]>()
  for (const [id, own] of parts) {
    lists.set(
      id,
      pageOf(own, page).map((step) => listedStep({ id, ownerId }, step)),
    )
    if (isTurnOver()) await yieldToEventLoop()
  }
  return lists
}

/** The steps of an entry behind the pages, or of a page. */
type FoundPart = FoundEntry | FoundPage

interface FoundEntry extends Pick<LogRow, 'seq' | 'entryNo' | 'format' | 'at'> {
  readonly id: JobId
  readonly low: null
  readonly steps: readonly StepChange[] | null
}

interface FoundPage {
  readonly id: JobId
  readonly low: string
  /** Where the next page in the direction begins, whether it was read or not; null: there is none. */
  readonly next: string | null
  readonly steps: readonly PagedStep[]
}

/** The newest state of a step, not decoded. */
interface Candidate {
  readonly change: StepChange
  /** Where its times count from. */
  readonly at: number
  readonly entry: EntryAt
  readonly values: ValuesAt | null
}

function pageOf(parts: readonly FoundPart[], page: StepPage): readonly FoldedStep[] {
  const { beyond, direction, limit } = page
  const isForward = direction === 'forward'
  const bounds = boundsOf(
    parts.filter((part) => part.low !== null),
    direction,
  )
  const found = [...candidatesOf(parts).values()].filter(({ change: { o: position, p: path } }) => {
    // Between other steps of pages that were not read.
    if (bounds.high !== null && position >= bounds.high) return false
    if (position < bounds.low) return false
    if (beyond === null) return true
    const order = comparePlaces({ position, path }, beyond)
    return isForward ? order > 0 : order < 0
  })
  found.sort((a, b) => comparePlaces(placeOf(a), placeOf(b)))
  const shown = isForward ? found.slice(0, limit) : found.slice(Math.max(0, found.length - limit))
  return shown.map(({ change, at, entry, values }) => ({ step: decodeStep(change, at), entry, values }))
}

function candidatesOf(parts: readonly FoundPart[]): ReadonlyMap<string, Candidate> {
  const candidates = new Map<string, Candidate>()
  for (const part of parts) {
    if (part.low !== null) {
      for (const change of part.steps) add(candidates, { change, at: 0, ...pagedEntries(change) })
      continue
    }
    requireKnownFormat(part)
    const { seq, entryNo, at } = part
    const entry = { seq, entryNo }
    for (const change of part.steps ?? []) {
      const values = change.v === undefined ? null : { entry, held: change.v }
      add(candidates, { change, at, entry, values })
    }
  }
  return candidates
}

/** Parts come in any order: of two states of a step the one with the newer entry holds, and the newest values. */
function add(candidates: Map<string, Candidate>, one: Candidate): void {
  const known = candidates.get(one.change.p)
  if (!known) {
    candidates.set(one.change.p, one)
    return
  }
  const newer = known.entry.entryNo > one.entry.entryNo ? known : one
  candidates.set(one.change.p, { ...newer, values: newestValues(known.values, one.values) })
}

/** The positions from `low` on and below `high` (null: all behind it) whose pages were all read. */
function boundsOf(
  pages: readonly FoundPage[],
  direction: StepPage['direction'],
): { readonly low: string; readonly high: string | null } {
  if (pages.length === 0) return { low: '', high: null }
  const isForward = direction === 'forward'
  const last = pages.reduce((a, b) => (isForward === a.low < b.low ? b : a))
  if (isForward) return { low: '', high: last.next }
  return { low: last.next === null ? '' : last.low, high: null }
}

function placeOf({ change: { o: position, p: path } }: Candidate): StepPlace {
  return { position, path }
}

function comparePlaces(a: StepPlace, b: StepPlace): number {
  if (a.position === b.position) return a.path < b.path ? -1 : Number(a.path > b.path)
  return a.position < b.position ? -1 : 1
}

/** The pages from that of the place on. */
const FORWARD = `$3::text IS NULL OR o.low >= COALESCE(
  (SELECT max(b.low) FROM job_pages b WHERE b.job_id = w.id AND b.steps > 0 AND b.low <= $3), '')`

/** The pages up to that of the place. */
const BACKWARD = '$3::text IS NULL OR o.low <= $3'

const STATEMENTS: Readonly<Record<StepPage['direction'], string>> = {
  forward: statement(FORWARD, 'ASC'),
  backward: statement(BACKWARD, 'DESC'),
}

/** Of the page with the place, all steps may be on the other side of it. `before`: how many steps are sure to come before the page. */
function statement(range: string, order: 'ASC' | 'DESC'): string {
  return `
WITH wanted AS MATERIALIZED (
  SELECT j.id, j.paged_no FROM unnest($2::uuid[]) AS w(id) JOIN jobs j ON j.id = w.id AND j.owner_id = $1
)
SELECT w.id, l.seq, l.entry_no AS "entryNo", l.format, ${ENTRY_TIME} AS at, l.changes->'s' AS steps,
  NULL AS low, NULL AS next
FROM wanted w JOIN job_log l ON l.job_id = w.id AND l.entry_no > w.paged_no AND l.changes IS NOT NULL
UNION ALL
SELECT w.id, NULL, NULL, NULL, NULL, p.body->'s', p.low, p.next
FROM wanted w CROSS JOIN LATERAL (
  SELECT o.low, o.body, lead(o.low) OVER around AS next,
    sum(o.steps) OVER around - o.steps - CASE WHEN $3::text IS NULL THEN 0 ELSE first_value(o.steps) OVER around END AS before
  FROM job_pages o WHERE o.job_id = w.id AND o.steps > 0 AND (${range})
  WINDOW around AS (ORDER BY o.low ${order})
) AS p
WHERE w.paged_no > 0 AND p.before < $4`
}
