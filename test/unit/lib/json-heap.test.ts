import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { JSON_MAX_DEPTH, jsonHeapSize } from '../../../src/lib/json/json-heap.ts'

const MEASURE = fileURLToPath(new URL('../../support/measure-json-heap.ts', import.meta.url))

/** What V8 allocates for each sample text and what is estimated, measured in a process that does nothing else. */
async function measured(sample: string): Promise<{ real: number; estimated: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    MEASURE,
    sample,
  ])
  return JSON.parse(stdout) as { real: number; estimated: number }
}

describe('jsonHeapSize', () => {
  test.each([
    ['emptyLists', 3],
    ['emptyObjects', 3],
    ['smallIntegers', 3],
    ['fractions', 3],
    ['distinctKeys', 4],
    ['dictionary', 4],
    ['dictionaries', 4],
    ['permutedKeys', 4],
    ['rows', 6],
    ['wideTexts', 3],
    ['shortTexts', 6],
    ['nestedLists', 3],
    ['nestedObjects', 4],
  ])(
    'the estimate of %s is at least two thirds of what V8 allocates, and at most %d times that',
    async (sample, most) => {
      const { real, estimated } = await measured(sample)
      expect(estimated / real).toBeGreaterThan(2 / 3)
      expect(estimated / real).toBeLessThan(most)
    },
  )

  test('values are counted as the parser finds them, with and without white space', () => {
    const count = (value: unknown): number =>
      typeof value === 'object' && value !== null
        ? 1 + Object.values(value).reduce<number>((sum, child) => sum + count(child), 0)
        : 1
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const { values, isTooDeep } = jsonHeapSize(JSON.stringify(value, null, indent))
        expect(isTooDeep).toBe(false)
        expect(values).toBe(count(JSON.parse(JSON.stringify(value))))
      }),
    )
  })

  test('white space changes an estimate by less than a third', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const { heapBytes } = jsonHeapSize(JSON.stringify(value))
        const { heapBytes: spaced } = jsonHeapSize(JSON.stringify(value, null, 2))
        // The table of hidden classes has a bit per character: in a longer text fewer of them share one.
        expect(Math.abs(spaced - heapBytes)).toBeLessThan(heapBytes / 3)
      }),
    )
  })

  test('any text has an estimate, and the scan of any text ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('[]{}":,\\u01a-. ')) }), (text) => {
        expect(jsonHeapSize(text).heapBytes).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  test('nesting beyond the limit is noticed', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(jsonHeapSize(nested(JSON_MAX_DEPTH)).isTooDeep).toBe(false)
    expect(jsonHeapSize(nested(JSON_MAX_DEPTH + 1)).isTooDeep).toBe(true)
  })
})
