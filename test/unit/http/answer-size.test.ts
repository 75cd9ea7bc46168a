import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ANSWER_MAX_WRITTEN_VALUES, excessOf } from '../../../src/http/limits/answer-size.ts'
import { JsonText } from '../../../src/lib/json/json-text.ts'

test('an answer is refused for a value that it holds many times, and the fields that lead there are named', () => {
  const text = 'x'.repeat(1_000)
  const rows = Array.from({ length: 20 }, () => ({ node: { name: 'short', text } }))
  expect(excessOf({ list: { edges: rows } }, 30_000)).toBeNull()
  expect(excessOf({ list: { edges: rows } }, 10_000)).toEqual({
    place: 'list.edges.node.text',
    kind: 'characters',
  })
})

test('a stored text counts by its length, without being read', () => {
  const output = new JsonText('['.repeat(2_000))
  expect(excessOf({ a: { output }, b: { output } }, 5_000)).toBeNull()
  expect(excessOf({ a: { output }, b: { output } }, 3_000)?.place).toBe('b.output')
})

test('an answer has a maximum number of values', () => {
  const lists = Array.from({ length: 1_000 }, () => [])
  const answer = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`alias${index}`, lists]))
  expect(excessOf(answer, 100_000_000)).toEqual({ place: expect.stringMatching(/^alias/), kind: 'values' })
  expect(600 * 1_000).toBeGreaterThan(ANSWER_MAX_WRITTEN_VALUES)
})

test('what is measured is never more than what is written, and all of it is measured', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { length } = JSON.stringify({ value })
      expect(excessOf({ value }, 20 * (length + 20))).toBeNull()
      if (length > 500) expect(excessOf({ value }, length / 20)).not.toBeNull()
    }),
  )
})
