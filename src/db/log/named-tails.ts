import type { Queryable } from '../sql/index.ts'
import { collectTails, tailsSql, type FoundTail, type LogStore } from './log-store.ts'

/** An entry is searched for this many paths at most: a search for more costs more than to read all entries. */
const PATHS_MAX_COUNT = 8

const NAMED_TAILS = tailsSql(
  'EXISTS (SELECT FROM unnest($3::text[]) AS named(text) WHERE strpos(l.changes::text, named.text) > 0)',
)

/**
 * Returns a read of tails (see `LogStore`) that leaves out most entries that change none of the steps with these paths. For a run, which
 * looks for a few steps again and again while its tail is long.
 */
export function namedTails(
  pool: Queryable,
  log: Pick<LogStore, 'tails'>,
  paths: readonly string[],
): LogStore['tails'] {
  if (paths.length > PATHS_MAX_COUNT) return log.tails
  return async (jobs) => {
    const { rows } = await pool.query<FoundTail>({
      name: 'log-named-tails',
      text: NAMED_TAILS,
      values: [
        jobs.map(({ ownerId }) => ownerId),
        jobs.map(({ id }) => id),
        paths.map((path) => `"p":${JSON.stringify(path)}`),
      ],
    })
    return collectTails(rows)
  }
}
