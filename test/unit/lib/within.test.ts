import { describe, expect, test } from '@jest/globals'
import { TimeUpError, withinMs } from '../../../src/lib/async/within.ts'

const LIMIT_MS = 50

function forEver(): never {
  for (;;);
}

describe('work within a time', () => {
  test('gives its result, and throws what it throws', () => {
    const fault = new Error('of its own')
    expect(withinMs(LIMIT_MS, () => [1, { two: 2 }])).toEqual([1, { two: 2 }])
    expect(withinMs(LIMIT_MS, () => undefined)).toBeUndefined()
    expect(() =>
      withinMs(LIMIT_MS, () => {
        throw fault
      }),
    ).toThrow(fault)
  })

  test.each<[string, () => unknown]>([
    ['an endless loop', forEver],
    [
      'an endless loop that catches everything',
      () => {
        for (;;) {
          try {
            forEver()
          } catch {
            // What ends it cannot be caught.
          }
        }
      },
    ],
    ['a regular expression that backtracks', () => /^(a+)+$/.test(`${'a'.repeat(60)}!`)],
    [
      'a built-in function over much',
      () => Array.from({ length: 1e9 }, (_, i) => i).toSorted((a, b) => b - a),
    ],
  ])('is ended: %s', (_what, work) => {
    expect(() => withinMs(LIMIT_MS, work)).toThrow(TimeUpError)
    expect(withinMs(LIMIT_MS, () => 'as before')).toBe('as before')
  })

  test('ends the inner one of two alone', () => {
    const inner = () => {
      expect(() => withinMs(LIMIT_MS, forEver)).toThrow(TimeUpError)
      return 'outer'
    }
    expect(withinMs(60_000, inner)).toBe('outer')
  })
})
