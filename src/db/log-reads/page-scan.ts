import type { EndedRun, LogKey, PageBody } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/** At most this many pages are in memory together. */
const PAGES_AT_ONCE = 64

/** The bodies of pages that are in memory together have at most this many bytes of JSON text, unless one page has more. */
export const SCANNED_MAX_BYTES = 256 * 1024

/** A page as far as a retry of its execution uses it. */
export interface ScannedPage {
  readonly ended: readonly EndedRun[]
  /** Without checkpoints. Null: all of its steps are inside of loops and have no unknown outcome, and none of its items was reused. */
  readonly body: PageBody | null
}

/** `$4`: what the text of a page has that holds a nested step of interest. `"r":"` is there where a step or an item was reused. */
const SCAN = `
SELECT low, ended, body FROM (
  SELECT low, ended, body, sum(bytes) OVER (ORDER BY low) - bytes AS before FROM (
    SELECT p.low, p.ended, CASE WHEN wanted.is_wanted THEN octet_length(p.body::text) ELSE 0 END AS bytes,
      CASE WHEN wanted.is_wanted THEN json_build_object('s', p.body->'s', 'i', p.body->'i', 'k', '[]'::json) END AS body
    FROM jobs j JOIN job_pages p ON p.job_id = j.id AND ($3::text IS NULL OR p.low > $3)
    CROSS JOIN LATERAL (
      SELECT p.top > 0 OR strpos(p.body::text, '"r":"') > 0 OR strpos(p.body::text, $4) > 0 AS is_wanted OFFSET 0
    ) AS wanted
    WHERE j.id = $2 AND j.owner_id = $1 ORDER BY p.low LIMIT ${PAGES_AT_ONCE}
  ) AS found
) AS summed WHERE before < ${SCANNED_MAX_BYTES} ORDER BY low`

/**
 * Calls `use` with each page of an ended job in order, few of them in memory at a time. A merge in between divides pages: what is moved
 * comes again on a later page, and nothing is left out.
 */
export async function scanPages(
  pool: Queryable,
  { id, ownerId }: LogKey,
  { holding, use }: { readonly holding: string; readonly use: (page: ScannedPage) => void },
): Promise<void> {
  let after: string | null = null
  for (;;) {
    const { rows }: { rows: (ScannedPage & { low: string })[] } = await pool.query<
      ScannedPage & { low: string }
    >({
      name: 'log-page-scan',
      text: SCAN,
      values: [ownerId, id, after, holding],
    })
    const last = rows.at(-1)
    if (!last) return
    for (const page of rows) use(page)
    after = last.low
  }
}
