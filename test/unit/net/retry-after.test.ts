import { expect, it } from '@jest/globals'
import { retryAfterMs } from '../../../src/net/retry-after.ts'

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0)

it.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7_000],
  ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
  ['Monday, 23-Nov-26 12:00:30 GMT', 30_000],
  ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
  ['', undefined],
  [undefined, undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['Nonsense, 99 Foo 2026 12:00:30 GMT', undefined],
])('the header %j asks to wait %j ms', (header, waitMs) => {
  expect(retryAfterMs(header, NOW)).toBe(waitMs)
})
