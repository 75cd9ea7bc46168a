/**
 * Durations are counted in buckets that grow by a factor of 2^(1/4), about 19 %: bucket b holds what took more than
 * 2^((b-1)/4) and up to 2^(b/4) milliseconds, bucket 0 up to one. Percentiles read off them are at most that factor wrong.
 */
const PER_DOUBLING = 4

/** The bucket of what never began. */
export const NO_DURATION = -1

/** SQL for the bucket between two columns. Rounded first: a whole power of two must not fall out of its bucket. */
export function bucketBetween(startedAt: string, finishedAt: string): string {
  const ms = `GREATEST(extract(epoch FROM ${finishedAt} - ${startedAt})::float8 * 1000, 1)`
  return `CASE WHEN ${startedAt} IS NULL THEN ${NO_DURATION}
    ELSE ceil(round((${PER_DOUBLING} * ln(${ms}) / ln(2::float8))::numeric, 6)) END::smallint`
}

/**
 * The duration, in whole milliseconds, that a fraction of all that are counted did not exceed; null when there are none.
 * Within a bucket the durations are taken to be spread evenly.
 */
export function percentileMs(counts: ReadonlyMap<number, number>, fraction: number): number | null {
  const buckets = [...counts].filter(([bucket]) => bucket !== NO_DURATION).toSorted(([a], [b]) => a - b)
  const total = buckets.reduce((sum, [, count]) => sum + count, 0)
  let before = 0
  for (const [bucket, count] of buckets) {
    const share = (fraction * total - before) / count
    if (share <= 1) return Math.round(2 ** ((bucket - 1 + Math.max(share, 0)) / PER_DOUBLING))
    before += count
  }
  const last = buckets.at(-1)
  return last ? Math.round(2 ** (last[0] / PER_DOUBLING)) : null
}
