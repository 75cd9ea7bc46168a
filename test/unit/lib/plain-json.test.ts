import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { measurePlainJson, toJsonText, toPlainJson } from '../../../src/lib/json/plain-json.ts'

function problemOf(value: unknown): string {
  const result = toPlainJson(value)
  return result.ok ? 'none' : `${result.problem.pointer} ${result.problem.reason}`
}

describe('toPlainJson', () => {
  test('gives the text and the value as it reads back', () => {
    const result = toPlainJson({ at: new Date(0), none: undefined, zero: -0, list: [null, 'é😀'] })
    expect(result).toEqual({
      ok: true,
      text: '{"at":"1970-01-01T00:00:00.000Z","zero":0,"list":[null,"é😀"]}',
      value: { at: '1970-01-01T00:00:00.000Z', zero: 0, list: [null, 'é😀'] },
    })
  })

  test('takes every JSON value as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value)
        const isStorable = text.isWellFormed() && !/\\u(0000|d[89a-f])/i.test(text)
        const result = toPlainJson(value)
        expect(result.ok).toBe(isStorable)
        if (result.ok) expect(result).toEqual({ ok: true, text, value: JSON.parse(text) as unknown })
      }),
    )
  })

  test('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (value) => {
          expect(typeof toPlainJson(value).ok).toBe('boolean')
        },
      ),
    )
  })

  test.each<[value: unknown, problem: string]>([
    [undefined, ' is undefined'],
    [[undefined], '/0 is undefined'],
    [[1, , 2], '/1 is undefined'], // oxlint-disable-line no-sparse-arrays
    [{ a: { 'b/c~d': 1n } }, '/a/b~1c~0d is a BigInt'],
    [[Number.NaN], '/0 is NaN, which JSON cannot carry'],
    [{ x: new Set() }, '/x is a Set instance'],
    [Object.create({ inherited: 1 }), ' is a Object instance'],
    [new Array(3_000_000), ' has more than 2000000 values'],
  ])('%p: %s', (value, problem) => {
    expect(problemOf(value)).toBe(problem)
  })

  test('a value of more bytes than it may have is refused, and walked no further than it takes to know', () => {
    let reads = 0
    const item = {
      get text() {
        return (reads++, 'x'.repeat(100))
      },
    }
    const result = toPlainJson(
      Array.from({ length: 10_000 }, () => item),
      1_000,
    )
    expect(result).toEqual({
      ok: false,
      problem: { pointer: '', reason: 'has more than 1000 bytes', isTooLarge: true },
    })
    expect(reads).toBeLessThan(20)
    const short = ['é'.repeat(498)]
    expect(toPlainJson(short, 1_000).ok).toBe(true)
    expect(toPlainJson([`${short[0]}e`], 1_000).ok).toBe(false)
  })

  test('a value that stands in two places is no cycle', () => {
    const shared = { x: 1 }
    expect(problemOf({ a: shared, b: [shared, shared] })).toBe('none')
  })

  test('500 levels are enough for anybody', () => {
    const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 1)
    expect(problemOf(nested(500))).toBe('none')
    expect(problemOf(nested(501))).toContain('nested deeper than 500 levels')
    expect(problemOf(nested(200_000))).toContain('nested deeper')
  })

  test('an object without a prototype, or of another realm, is plain', () => {
    expect(problemOf(Object.assign(Object.create(null) as object, { a: 1 }))).toBe('none')
  })

  test('a member called __proto__ is a member', () => {
    const result = toPlainJson(JSON.parse('{"__proto__":{"x":1}}'))
    expect(result).toMatchObject({ ok: true, text: '{"__proto__":{"x":1}}' })
  })

  test('a getter that gives something else the second time is a problem, not a throw', () => {
    let asked = 0
    const value = {
      get x(): unknown {
        return asked++ === 0 ? 1 : 1n
      },
    }
    expect(problemOf(value)).toContain('cannot be read')
  })
})

test('a scalar is measured and refused as the text that is made of it', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom<unknown>('\uD800', '\u0000', undefined, null, true, 1n, Symbol('s'), () => 1),
    fc.double(),
  )
  fc.assert(
    fc.property(scalar, fc.integer({ min: 0, max: 12 }), (value, maxBytes) => {
      const measured = measurePlainJson(value, maxBytes)
      const written = toJsonText(value, maxBytes)
      if (!measured.ok) expect(written).toEqual(measured)
      else if (written.ok) expect(measured.size.bytes).toBeLessThanOrEqual(Buffer.byteLength(written.text))
      else expect(written.problem.isTooLarge).toBe(true)
    }),
  )
})
