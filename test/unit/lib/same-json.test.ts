import { expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { canonicalJson } from '../../../src/lib/json/canonical-json.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { sameJson } from '../../../src/lib/json/same-json.ts'

const anyJson = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme-ascii' }) as fc.Arbitrary<Json>

test('two values are the same exactly when their canonical texts are', () => {
  fc.assert(
    fc.property(anyJson, anyJson, (one, other) => {
      const copy = JSON.parse(JSON.stringify(one)) as Json
      expect(sameJson(one, copy)).toBe(true)
      expect(sameJson(one, other)).toBe(canonicalJson(one) === canonicalJson(other))
    }),
    { numRuns: 300 },
  )
})

test('the order of members does not count, that of items does', () => {
  expect(sameJson({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true)
  expect(sameJson([1, 2], [2, 1])).toBe(false)
  expect(sameJson([], {})).toBe(false)
  expect(sameJson({ a: null }, { b: null })).toBe(false)
  expect(sameJson(null, undefined)).toBe(false)
})

test('values of any depth are compared', () => {
  const deep = (end: number) => {
    let value: Json = end
    for (let level = 0; level < 50_000; level++) value = [value]
    return value
  }
  expect(sameJson(deep(1), deep(1))).toBe(true)
  expect(sameJson(deep(1), deep(2))).toBe(false)
})
