import { expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { NO_DURATION, percentileMs } from '../../../src/db/jobs/duration-buckets.ts'

const BUCKET_FACTOR = 2 ** (1 / 4)

function countsOf(durations: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const ms of durations) {
    const bucket = Math.ceil(Number((4 * Math.log2(Math.max(ms, 1))).toFixed(6)))
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  }
  return counts
}

test('there is no percentile of nothing', () => {
  expect(percentileMs(new Map(), 0.5)).toBeNull()
  expect(percentileMs(new Map([[NO_DURATION, 5]]), 0.5)).toBeNull()
})

test('a percentile is never further off than one bucket’s factor', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100_000_000 }), { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0, 0.5, 0.95, 1),
      (durations, fraction) => {
        const sorted = durations.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0
        const read = percentileMs(countsOf(durations), fraction) ?? Number.NaN
        // Whole milliseconds: half of one is rounded away.
        expect(read).toBeLessThanOrEqual(exact * BUCKET_FACTOR + 0.5)
        expect(read).toBeGreaterThanOrEqual(exact / BUCKET_FACTOR - 0.5)
      },
    ),
    { numRuns: 200 },
  )
})

test('half of many equal durations is that duration, nearly', () => {
  expect(percentileMs(countsOf(Array.from({ length: 1_000 }, () => 1_024)), 0.5)).toBeGreaterThan(900)
  expect(percentileMs(countsOf([1, 1, 1]), 0.95)).toBe(1)
})
