import { describe, expect, test } from '@jest/globals'
import { TimeAllowance, TimeUpError, withinMs } from '../../../src/lib/within.ts'

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

  test('is begun again when the process stood still meanwhile', () => {
    const sleeper = new Int32Array(new SharedArrayBuffer(4))
    let tries = 0
    const work = () => {
      if (++tries === 1) Atomics.wait(sleeper, 0, 0, 60_000)
      return 'done'
    }
    // So long that what other threads still do, such as clearing memory, is no share of it to speak of.
    expect(withinMs(2_000, work)).toBe('done')
    expect(tries).toBe(2)
    expect(() => withinMs(LIMIT_MS, () => Atomics.wait(sleeper, 0, 0, 60_000))).toThrow(TimeUpError)
  })
})

test('an allowance is for all the work together', () => {
  const time = new TimeAllowance(2_000)
  expect(time.within(60_000, () => 1)).toBe(1)
  expect(time.isSpent).toBe(false)
  expect(() => time.within(60_000, forEver)).toThrow(TimeUpError)
  expect(time.isSpent).toBe(true)
  expect(() => time.within(60_000, forEver)).toThrow(TimeUpError)
})
