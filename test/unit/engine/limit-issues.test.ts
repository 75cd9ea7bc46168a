import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { CORE_BLOCKS } from '../../../src/blocks/core/core-blocks.ts'
import { ISSUES_MAX } from '../../../src/engine/block/limit-issues.ts'
import { readBySchema, readConfig } from '../../../src/engine/block/read-config.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { fc } from '../../support/fast-check.ts'

/** A schema that nothing fits, and how often it was asked. */
function refusing() {
  let asked = 0
  const schema = z.unknown().refine(() => (asked++, false), 'never fits')
  return { schema, asked: () => asked }
}

/** How many issues there are, those inside of the alternatives of unions included. */
function numberOf(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce(
    (count, issue) =>
      count +
      1 +
      (issue.code === 'invalid_union' ? issue.errors.reduce((sum, inner) => sum + numberOf(inner), 0) : 0),
    0,
  )
}

function issuesOf(schema: z.ZodType, value: Json): number {
  const read = readBySchema(schema, value)
  return read.ok ? 0 : numberOf(read.issues)
}

describe('a value that its schema refuses in many places', () => {
  test('is not looked at behind the place at which a list or a record has too many issues', () => {
    const items = Array.from({ length: 10_000 }, (_, i) => i)
    const members = Object.fromEntries(items.map((i) => [`k${i}`, i]))
    for (const [make, value] of [
      [(item: z.ZodType) => z.array(item), items],
      [(item: z.ZodType) => z.array(item).min(1), items],
      [(item: z.ZodType) => z.record(z.string(), item), members],
      [(item: z.ZodType) => z.object({ list: z.array(item).optional() }), { list: items }],
      [(item: z.ZodType) => z.union([z.string(), z.array(item)]), items],
      [(item: z.ZodType) => z.array(z.array(item)), items.map((i) => [i, i])],
      [(item: z.ZodType) => z.array(z.union([z.string(), z.object({ x: item })])), items.map((x) => ({ x }))],
    ] as const) {
      const { schema: item, asked } = refusing()
      const schema = make(item)
      // Zod changes the parsers of a schema when it first parses.
      for (let reading = 1; reading <= 3; reading++) {
        const count = issuesOf(schema, value)
        expect(count).toBeGreaterThan(0)
        expect(count).toBeLessThanOrEqual(2 * ISSUES_MAX + 10)
        expect(asked()).toBeLessThanOrEqual(reading * (ISSUES_MAX + 10))
      }
    }
  })

  test('has few issues, as a branch of 190,000 empty cases has', () => {
    const branch = CORE_BLOCKS.find(({ type }) => type === 'core.branch')
    if (!branch) throw new Error('there is no branch')
    const read = readConfig(branch, { cases: Array.from({ length: 190_000 }, () => ({})) })
    expect(read.ok).toBe(false)
    expect(read.ok ? 0 : numberOf(read.issues)).toBeLessThan(3 * ISSUES_MAX)
  })
})

test('any JSON is copied, not looked at value by value, and only where a schema says no more than that', () => {
  // The records of Zod leave out the key `__proto__`, which is why no value has it here.
  const text = fc.json().filter((written) => !written.includes('__proto__'))
  // As it is parsed and written: a value that comes as JSON is never -0 once it is stored.
  const json = text.map((written) => JSON.parse(JSON.stringify(JSON.parse(written))))
  fc.assert(
    fc.property(json as fc.Arbitrary<Json>, (value) => {
      for (const schema of [
        z.json(),
        z.json().describe('Free.'),
        z.array(z.json()),
        z.record(z.string(), z.json()),
      ]) {
        const free = schema.safeParse(value)
        const read = readBySchema(schema, value)
        expect(read.ok).toBe(free.success)
        if (read.ok) expect(read.config).toEqual(value)
      }
    }),
  )
  const frozen = Object.freeze([Object.freeze({ a: 1 })])
  const read = readBySchema(z.json(), frozen)
  expect(read.ok && (read.config as { a: number }[]).every((item) => !Object.isFrozen(item))).toBe(true)
  expect(readBySchema(z.object({ given: z.json() }), {}).ok).toBe(false)
  const texts: z.ZodType = z.lazy(() => z.union([z.string(), z.array(texts)]))
  expect(readBySchema(texts, ['x', ['y']]).ok).toBe(true)
  expect(readBySchema(texts, ['x', [1]]).ok).toBe(false)
})

test('a schema with limited issues admits what it admitted without, and nothing else', () => {
  const handle = z.string().max(1)
  const make = () => {
    const item = z.union([handle, z.object({ h: handle, n: z.number().optional() })])
    return z.union([
      z.strictObject({ a: z.array(item), b: item.optional() }),
      z.strictObject({ a: z.record(z.string(), z.array(item)), b: z.array(handle).optional() }),
    ])
  }
  const limited = make()
  const json = fc.oneof(
    fc.constantFrom<Json>('', 'x', 'xx', 1, null),
    fc.record({ h: fc.constantFrom('x', 'xx'), n: fc.constantFrom<Json>(1, 'x') }, { requiredKeys: [] }),
  )
  const list = fc
    .tuple(fc.array(json, { maxLength: 4 }), fc.nat({ max: 1_100 }), fc.constantFrom<Json>('x', 'xx'))
    .map(([few, count, one]): Json[] => [...Array.from({ length: count }, () => one), ...few])
  const value = fc.record(
    { a: fc.oneof(list, fc.dictionary(fc.constantFrom('x', 'y'), list)), b: fc.oneof(json, list) },
    { requiredKeys: ['a'] },
  ) as fc.Arbitrary<Json>
  fc.assert(
    fc.property(value, (given) => {
      const free = make().safeParse(given)
      const read = readBySchema(limited, given)
      expect(read.ok).toBe(free.success)
      if (read.ok) expect(read.config).toEqual(free.data)
    }),
    { numRuns: 200 },
  )
})
