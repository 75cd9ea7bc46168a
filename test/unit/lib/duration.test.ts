import { expect, test } from '@jest/globals'
import { parseDuration } from '../../../src/lib/time/duration.ts'

test.each<[text: string, ms: number | null]>([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
  ['250ms', 250],
  ['  5m  ', 300_000],
  ['0s', 0],
  ['PT15M', 900_000],
  ['P1D', 86_400_000],
  ['P1W', 604_800_000],
  ['P1DT2H3M4.5S', 93_784_500],
  ['PT0.25S', 250],
  ['', null],
  ['5', null],
  ['5 m', null],
  ['-5m', null],
  ['5M', null],
  ['m', null],
  ['1y', null],
  ['P', null],
  ['PT', null],
  ['P1DT', null],
  ['P1Y', null],
  ['P1M', null],
  ['pt5m', null],
  ['1e9s', null],
  ['1'.repeat(100) + 's', null],
])('%p is %p', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test('a text made to be slow to read is not', () => {
  const startedAt = performance.now()
  for (const text of ['1'.repeat(64), '1.1'.repeat(21), `${'1h'.repeat(31)}!`]) parseDuration(text)
  expect(performance.now() - startedAt).toBeLessThan(100)
})
