import type { JobId, OwnerId } from '../../lib/index.ts'
import { createLogStore, ENTRY_FORMAT, requireKnownFormat, type Changes } from '../log/index.ts'
import { findSteps, listedStep, readSteps, type ListedStep, type StepPage } from '../log-reads/index.ts'
import type { Queryable } from '../sql/index.ts'

/** Names a step of an execution by its path. */
export interface ExecutionStepKey {
  readonly executionId: string
  readonly path: string
}

export interface StepList {
  /** The same page of the steps of each of these executions, in the definition's order. */
  pagesOf(
    ownerId: OwnerId,
    executionIds: readonly string[],
    page: StepPage,
  ): Promise<readonly (readonly ListedStep[])[]>
  /** The number of steps that each of these executions has on record. */
  countsOf(ownerId: OwnerId, executionIds: readonly string[]): Promise<readonly number[]>
  /** These steps, in order; null for each that is not on record. */
  find(ownerId: OwnerId, keys: readonly ExecutionStepKey[]): Promise<readonly (ListedStep | null)[]>
}

/** The steps of at most this number of executions are read by one statement: of a running one it reads up to some hundred KiB. */
const EXECUTIONS_AT_ONCE = 50

/** Lists of an owner's steps. */
export function createStepList(pool: Queryable): StepList {
  const log = createLogStore(pool)
  return {
    async pagesOf(ownerId, executionIds, page) {
      const lists: (readonly ListedStep[])[] = []
      for (const ids of inParts(executionIds)) {
        const found = await readSteps(pool, ownerId, ids, page)
        lists.push(...ids.map((id) => found.get(id) ?? []))
      }
      return lists
    },
    async countsOf(ownerId, executionIds) {
      const lists: number[] = []
      for (const ids of inParts(executionIds)) {
        const { rows } = await pool.query<CountedSteps>({
          name: 'log-step-counts',
          text: COUNTS,
          values: [ownerId, ids, COUNTED_HERE_MAX_LENGTH],
        })
        for (const { format } of rows) requireKnownFormat({ format: format ?? ENTRY_FORMAT, entryNo: null })
        const counts = new Map(rows.map(({ id, count, changes }) => [id, count ?? pathsOf(changes).size]))
        lists.push(...ids.map((id) => counts.get(id) ?? 0))
      }
      return lists
    },
    async find(ownerId, keys) {
      const wanted = keys.map(({ executionId, path }) => ({ id: executionId as JobId, ownerId, path }))
      const found = await findSteps(log, wanted)
      return found.map((one, place) => {
        const job = wanted[place]
        return one && job ? listedStep({ id: job.id, ownerId }, one) : null
      })
    },
  }
}

function inParts(ids: readonly string[]): readonly (readonly string[])[] {
  const parts: (readonly string[])[] = []
  for (let first = 0; first < ids.length; first += EXECUTIONS_AT_ONCE)
    parts.push(ids.slice(first, first + EXECUTIONS_AT_ONCE))
  return parts
}

/** Either the number of an execution's steps, or all of its changes. */
type CountedSteps = { readonly id: string; readonly format: number | null } & (
  | { readonly count: number; readonly changes: null }
  | { readonly count: null; readonly changes: string }
)

/** The paths of the steps in a list of changes, as JSON text. */
function pathsOf(changes: string): ReadonlySet<string> {
  const all = JSON.parse(changes) as readonly Changes[]
  return new Set(all.flatMap(({ s = [] }) => s.map(({ p }) => p)))
}

/**
 * The steps of an execution are counted by this process if the execution has no pages, and at most this number of characters of changes:
 * that takes half of the time for which Postgres unpacks them.
 */
const COUNTED_HERE_MAX_LENGTH = 16 * 1024

/** Of the others: the steps of pages, and of the steps behind them those that their page does not hold. */
const COUNTS = `
WITH wanted AS MATERIALIZED (
  SELECT j.id, j.paged_no, tail.format, CASE WHEN j.paged_no = 0 AND tail.length <= $3 THEN tail.changes END AS changes
  FROM unnest($2::uuid[]) AS w(id) JOIN jobs j ON j.id = w.id AND j.owner_id = $1
  CROSS JOIN LATERAL (
    SELECT max(l.format) AS format, sum(octet_length(l.changes::text)) AS length,
      '[' || string_agg(l.changes::text, ',') || ']' AS changes
    FROM job_log l WHERE l.job_id = j.id AND l.entry_no > j.paged_no AND l.changes IS NOT NULL
  ) AS tail
), changed AS MATERIALIZED (
  SELECT DISTINCT w.id, s.step->>'p' AS path, CASE WHEN w.paged_no > 0 THEN s.step->>'o' END AS position
  FROM wanted w JOIN job_log l ON l.job_id = w.id AND l.entry_no > w.paged_no AND l.changes IS NOT NULL
  CROSS JOIN LATERAL json_array_elements(l.changes->'s') AS s(step)
  WHERE w.changes IS NULL
), again AS (
  SELECT page.id, count(*) AS count
  FROM (
    SELECT c.id, (SELECT max(o.low) FROM job_pages o WHERE o.job_id = c.id AND o.low <= c.position) AS low,
      array_agg(c.path) AS paths
    FROM changed c WHERE c.position IS NOT NULL GROUP BY 1, 2
  ) AS page
  JOIN job_pages p ON p.job_id = page.id AND p.low = page.low
  CROSS JOIN LATERAL json_array_elements(p.body->'s') AS s(step)
  WHERE s.step->>'p' = ANY(page.paths)
  GROUP BY 1
)
SELECT w.id, w.format, w.changes, CASE WHEN w.changes IS NULL THEN
  (COALESCE(behind.count, 0) - COALESCE(again.count, 0)
    + COALESCE((SELECT sum(p.steps) FROM job_pages p WHERE p.job_id = w.id AND w.paged_no > 0), 0))::int END AS count
FROM wanted w
LEFT JOIN (SELECT id, count(*) AS count FROM changed GROUP BY id) AS behind ON behind.id = w.id
LEFT JOIN again ON again.id = w.id`
