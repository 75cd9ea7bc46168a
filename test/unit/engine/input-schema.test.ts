import { describe, expect, test } from '@jest/globals'
import { inputProblems } from '../../../src/engine/json-schema/input-schema.ts'
import { PROBLEMS_MAX_TEXT } from '../../../src/engine/json-schema/problem-list.ts'

describe('an execution’s input against its schema', () => {
  const schema = {
    type: 'object',
    required: ['email'],
    additionalProperties: false,
    properties: { email: { type: 'string', format: 'email' }, score: { type: 'number', minimum: 0 } },
  }

  test('that satisfies it has no problems', () => {
    expect(inputProblems(schema, { email: 'ada@example.com', score: 1 })).toEqual([])
    expect(inputProblems(true, null)).toEqual([])
  })

  test('that does not is told everything, with the places', () => {
    expect(inputProblems(schema, { email: 'ada', score: -1, extra: 1 })).toEqual([
      { pointer: '', message: expect.stringContaining('(extra)') },
      { pointer: '/email', message: expect.stringContaining('email') },
      { pointer: '/score', message: expect.stringContaining('>= 0') },
    ])
    expect(inputProblems(schema, null)).toEqual([{ pointer: '', message: 'must be object' }])
    expect(inputProblems(false, 1)).toHaveLength(1)
  })

  test('`prefixItems` and `$defs` of 2020-12 are known', () => {
    const tuple = { $defs: { n: { type: 'number' } }, prefixItems: [{ $ref: '#/$defs/n' }], items: false }
    expect(inputProblems(tuple, [1])).toEqual([])
    expect(inputProblems(tuple, ['x', 2]).length).toBeGreaterThan(0)
  })

  test('with ten thousand problems has a hundred of them listed, and the others counted', () => {
    const problems = inputProblems(
      { items: { type: 'number' } },
      Array.from({ length: 10_000 }, () => 'x'),
    )
    expect(problems).toHaveLength(101)
    expect(problems.at(-1)).toEqual({ pointer: '', message: 'and 9900 more' })
  })

  test('whose long keys repeat in its problems has problems of bounded text', () => {
    const items = { type: 'object', additionalProperties: { items: { type: 'number' } } }
    const input = { ['k'.repeat(900_000)]: Array.from({ length: 90 }, () => 'x') }
    const problems = inputProblems(items, input)
    expect(JSON.stringify(problems).length).toBeLessThan(2 * PROBLEMS_MAX_TEXT)
    expect(problems[0]?.pointer).toMatch(/^\/k{4000}k*…$/)
    expect(problems.at(-1)?.message).toMatch(/^and \d+ more$/)

    const refused = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`${i}${'k'.repeat(9_000)}`, 1]))
    const extra = inputProblems({ additionalProperties: false }, refused)
    expect(JSON.stringify(extra).length).toBeLessThan(2 * PROBLEMS_MAX_TEXT)
  })

  test('a schema that refers to itself without end says so', () => {
    expect(inputProblems({ $ref: '#' }, 1)).toEqual([
      { pointer: '', message: expect.stringContaining('refers to itself without end') },
    ])
  })

  test('every pattern is itself', () => {
    const properties = { a: { pattern: '^a+$' }, b: { pattern: '^b+$' } }
    const problems = inputProblems(
      { properties, patternProperties: { '^c': { const: 1 } } },
      { a: 'b', b: 'a', c: 2 },
    )
    expect(problems.map((problem) => problem.pointer).toSorted()).toEqual(['/a', '/b', '/c'])
    expect(inputProblems({ properties }, { a: 'aa', b: 'bb' })).toEqual([])
  })

  test('a pattern made to backtrack does not', () => {
    // An engine that backtracks would take longer than this test may, by far.
    expect(inputProblems({ pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`)).toHaveLength(1)
  })

  test('schemas of different tenants may share an `$id`', () => {
    const named = (type: string) => ({ $id: 'https://example.com/input', type })
    expect(inputProblems(named('string'), 'x')).toEqual([])
    expect(inputProblems(named('number'), 1)).toEqual([])
  })
})
