import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { JsonText, objectText, stringifyWithTexts } from '../../../src/lib/json/json-text.ts'

const json = fc.jsonValue()

test('a value with texts in it is written as it would be with what the texts stand for', () => {
  fc.assert(
    fc.property(fc.array(json), json, (inner, beside) => {
      const texts = inner.map((value) => new JsonText(JSON.stringify(value)))
      const expected = JSON.stringify({ a: inner, b: beside, c: inner[0] ?? null })
      expect(stringifyWithTexts({ a: texts, b: beside, c: texts[0] ?? null })).toBe(expected)
      expect(JSON.stringify({ a: texts, b: beside, c: texts[0] ?? null })).toBe(expected)
    }),
  )
})

test('a text is written without being read', () => {
  expect(stringifyWithTexts({ a: new JsonText('no JSON at all') })).toBe('{"a":no JSON at all}')
})

test('an object of texts has the members that it is made of, whatever their names are', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), json, (names, value) => {
      const { text } = objectText(names.map((name) => [name, new JsonText(JSON.stringify(value))]))
      expect(JSON.parse(text)).toEqual(
        JSON.parse(JSON.stringify(Object.fromEntries(names.map((name) => [name, value])))),
      )
    }),
  )
  expect(objectText([['a', null]]).text).toBe('{"a":null}')
})
