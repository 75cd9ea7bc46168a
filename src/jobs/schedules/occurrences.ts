import { Cron } from 'croner'
import type { Pieces } from '../../lib/turns/index.ts'

/** When a schedule occurs: by a cron pattern in a time zone, or once. Instants are milliseconds since the epoch. */
export type ScheduleSpec =
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string }
  | { readonly kind: 'once'; readonly at: number }

/**
 * The next `count` occurrences after an instant, without that instant itself, in order; fewer where there are no more.
 *
 * Where clocks are put forward, an hour does not exist: a pattern that names its time of day occurs when the clocks have
 * jumped, one that repeats through the hours leaves the hour out. Where they are put back, an hour comes twice: the
 * former occurs in the first of the two, the latter in both.
 */
export function nextOccurrences(spec: ScheduleSpec, after: number, count: number): readonly number[] {
  if (spec.kind === 'once') return spec.at > after ? [spec.at].slice(0, count) : []
  return instants(patternOf(spec).nextRuns(count, new Date(after)))
}

/**
 * The same in pieces of one occurrence: those of a pattern that occurs once in decades are searched for through thousands of years.
 */
export function* occurrencesAfter(
  spec: ScheduleSpec,
  after: number,
  count: number,
): Pieces<readonly number[]> {
  const found: number[] = []
  let from = after
  while (found.length < count) {
    const [at] = nextOccurrences(spec, from, 1)
    if (at === undefined) break
    found.push(at)
    from = at
    yield
  }
  return found
}

/** The newest `count` occurrences from one instant to another, both included, oldest first. */
export function latestOccurrences(
  spec: ScheduleSpec,
  { from, to }: { readonly from: number; readonly to: number },
  count: number,
): readonly number[] {
  if (spec.kind === 'once') return spec.at >= from && spec.at <= to ? [spec.at].slice(0, count) : []
  const pattern = patternOf(spec)
  const found: number[] = []
  // One by one: the pattern of a leap day would be searched through centuries for more than the range holds.
  let before = to + 1
  while (found.length < count) {
    const [at] = instants(pattern.previousRuns(1, new Date(before)))
    if (at === undefined || at < from) break
    found.push(at)
    before = at
  }
  return found.toReversed()
}

/** The compiled pattern; throws an `Error` that says what is wrong with it. */
export function patternOf({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }): Cron {
  return new Cron(cron, { timezone: timeZone, paused: true, mode: '5-or-6-parts' })
}

function instants(dates: readonly Date[]): readonly number[] {
  return dates.map((date) => date.getTime())
}

/** The spec of a schedule as it is stored: it has either a pattern or an instant. */
export function specOf(stored: {
  readonly cron: string | null
  readonly timeZone: string
  readonly at: number | null
}): ScheduleSpec {
  const { cron, timeZone, at } = stored
  return cron === null ? { kind: 'once', at: at ?? 0 } : { kind: 'cron', cron, timeZone }
}
