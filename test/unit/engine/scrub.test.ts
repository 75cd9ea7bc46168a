import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { EXECUTION_SECRETS_MAX_LENGTH, Scrubber } from '../../../src/engine/scrub/scrub.ts'
import { Needles } from '../../../src/engine/scrub/needles.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { shorten } from '../../../src/lib/text/shorten.ts'
import { ENCODERS } from '../../support/writings.ts'

const SECRET = 'sk-or-v1/"ä+b&c\\d e?f'

function scrubberOf(...values: string[]): Scrubber {
  const scrubber = new Scrubber()
  for (const value of values) scrubber.add(value)
  return scrubber
}

const secretValue = fc
  .string({ unit: 'grapheme', minLength: 8, maxLength: 40 })
  .filter((text) => text.length >= 8 && text.trim() === text && !text.includes('*') && text.isWellFormed())

describe('P7: Scrubber.text', () => {
  test.each(Object.entries(ENCODERS))('takes out a value that is %s', (_, encode) => {
    const text = `before ${encode(SECRET)}, ${encode(SECRET)} after`
    expect(scrubberOf(SECRET).text(text)).toBe('before ***, *** after')
    fc.assert(
      fc.property(secretValue, (value) => {
        expect(scrubberOf(value).text(`<${encode(value)}>`)).toBe('<***>')
      }),
    )
  })

  test.each(['base64', 'base64url'] as const)(
    'takes out a value inside of %s, wherever it begins',
    (form) => {
      for (const before of ['', 'u', 'us', 'user:']) {
        for (const after of ['', '\n', ':x', 'and more']) {
          const encoded = Buffer.from(before + SECRET + after).toString(form)
          const scrubbed = scrubberOf(SECRET).text(`Basic ${encoded}`)
          const kept = scrubbed.replace('***', '')
          expect(scrubbed).toContain('***')
          // What is left of the value is less than a byte at either end.
          expect((kept.length - 'Basic '.length) * 6).toBeLessThan((before.length + after.length + 4) * 8)
        }
      }
    },
  )

  test('takes out base64 of any value at any place', () => {
    fc.assert(
      fc.property(secretValue, fc.string(), fc.string(), (value, before, after) => {
        const scrubber = scrubberOf(value)
        for (const form of ['base64', 'base64url'] as const) {
          const encoded = Buffer.from(before + value + after).toString(form)
          expect(scrubber.text(encoded)).toContain('***')
          expect(scrubber.text(encodeURIComponent(encoded))).toContain('***')
        }
      }),
    )
  })

  test('leaves other texts alone, and what it has scrubbed', () => {
    const scrubber = scrubberOf(SECRET, 'aaaaaaaaaaaa')
    for (const text of [
      '',
      'short',
      SECRET.slice(1),
      SECRET.slice(0, -1),
      'aaaaaaaaaaa',
      '***',
      SECRET.toUpperCase(),
    ]) {
      expect(scrubber.text(text)).toBe(text)
    }
    const once = scrubber.text(`x${SECRET}y`)
    expect(scrubber.text(once)).toBe(once)
  })

  test('ignores values under 8 characters, and is idle until it knows one', () => {
    const scrubber = scrubberOf('', 'short', '1234567')
    expect(scrubber.isIdle).toBe(true)
    expect(scrubber.text('short 1234567')).toBe('short 1234567')
    scrubber.add('12345678')
    expect(scrubber.isIdle).toBe(false)
    expect(scrubber.text('x12345678x')).toBe('x***x')
  })

  test('takes values that overlap as one, and the longer of two that hold each other', () => {
    const scrubber = scrubberOf('abcdefghij', 'ghijklmnop', 'abcdefghijkl')
    expect(scrubber.text('<abcdefghijklmnop>')).toBe('<***>')
    expect(scrubber.text('<abcdefghij>')).toBe('<***>')
    expect(scrubberOf('abababab').text('cabababababab!')).toBe('c***!')
  })

  test('knows a value that was given with a line break at its end without it', () => {
    expect(scrubberOf('from-a-file\n').text('key=from-a-file;')).toBe('key=***;')
  })

  test('takes a value with half a surrogate pair without complaint', () => {
    expect(scrubberOf('broken\ud800value').text('<broken\ud800value>')).toBe('<***>')
  })

  test('needs time in proportion to the text, whatever value and text are made of', () => {
    const length = 8_192
    const text = 'a'.repeat(1024 * 1024)
    const misleading = [`b${'a'.repeat(length - 1)}`, `${'a'.repeat(length - 1)}b`, 'ab'.repeat(length / 2)]
    const halves = `${'a'.repeat(length / 2)}b${'a'.repeat(length / 2 - 1)}`
    for (const value of [...misleading, halves]) expect(scrubberOf(value).text(text)).toBe(text)
    expect(scrubberOf('a'.repeat(length)).text(text)).toBe('***')
  })
})

describe('P7: Scrubber.excerpt', () => {
  const writings = [
    ...Object.values(ENCODERS),
    ...(['base64', 'base64url'] as const).map((form) => (text: string) => Buffer.from(text).toString(form)),
  ]

  test('masks what a cut has left of a secret, however it is written and wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        secretValue,
        fc.constantFrom(...writings),
        fc.nat(),
        fc.constantFrom('', '…', '...', '\ufffd', '\ufffd…', ' ', '…" is not a name.', '…\nand … more'),
        (before, value, encode, at, mark) => {
          const writing = encode(value)
          const cut = writing.slice(0, 6 + (at % (writing.length - 5)))
          // The last characters of base64 are made of what follows the value, too.
          const isWhole = cut.length > writing.length - 4
          // The mark looks like more of the secret and is masked with it.
          const isContinued = mark !== '' && writing.startsWith(`${cut}${mark.slice(0, 1)}`)
          const shown = scrubberOf(value).excerpt(`${before}|${cut}${mark}`)
          expect(shown).toContain('***')
          if (!isWhole && !isContinued) expect(shown.endsWith(`***${mark}`)).toBe(true)
          const rest = shown.slice(shown.lastIndexOf('***') + 3, shown.length - mark.length)
          expect(rest.length).toBeLessThan(6)
        },
      ),
    )
  })

  test('takes the first of four dots for the end of a secret that was cut behind it', () => {
    expect(scrubberOf('secret. value').excerpt('key secret....')).toBe('key ***...')
  })

  test('masks what `shorten` leaves of it, at every length', () => {
    const text = `the key ${SECRET} is not known`
    for (let length = 0; length <= text.length; length++) {
      const shown = scrubberOf(SECRET).excerpt(shorten(text, length))
      for (let at = 0; at + 6 <= SECRET.length; at++) expect(shown).not.toContain(SECRET.slice(at, at + 6))
    }
  })

  test('leaves fewer than 6 characters, the middle of a text, and other texts alone', () => {
    const scrubber = scrubberOf(SECRET)
    for (const text of [
      '',
      `x ${SECRET.slice(0, 5)}`,
      `${SECRET.slice(0, 12)} and more`,
      'wait … for it',
      SECRET.slice(8),
    ]) {
      expect(scrubber.excerpt(text)).toBe(text)
    }
    expect(scrubberOf().excerpt('Unexpected token \'a\', "abc" is not valid JSON')).toContain('"abc"')
  })

  test('`excerpts` does the same at any depth, and `value` does not: what flows on may end like that', () => {
    const scrubber = scrubberOf(SECRET)
    const cut = SECRET.slice(0, 12)
    const value = { deep: [`<${SECRET}>`, cut, { [cut]: 1 }] }
    expect(scrubber.excerpts(value as Json)).toEqual({ deep: ['<***>', '***', { '***': 1 }] })
    expect(scrubber.value(value as Json)).toEqual({ deep: ['<***>', cut, { [cut]: 1 }] })
  })

  test('needs time in proportion to the text, whatever value and text are made of', () => {
    const scrubbers = [
      scrubberOf('a'.repeat(8_192), `${'a'.repeat(8_191)}b`),
      scrubberOf(`${'…'.repeat(8_191)}b`, `${' '.repeat(8_191)}b`),
    ]
    for (const part of ['a', '… ', ' ']) for (const one of scrubbers) one.excerpt(part.repeat(256 * 1024))
    expect(scrubbers[0]?.excerpt('a'.repeat(256 * 1024))).toBe('***')
  })
})

describe('what the secrets of one execution cost is bounded:', () => {
  const LONG = 8_192

  test('values are refused beyond a length in all, a short one counts as 128 characters, and the same one counts once', () => {
    const scrubber = scrubberOf('a'.repeat(LONG))
    for (let i = 0; i < 100; i++) scrubber.add('a'.repeat(LONG))
    const short = (i: number) => `secret-${String(i).padStart(3, '0')}`
    const room = (EXECUTION_SECRETS_MAX_LENGTH - LONG) / 128
    for (let i = 0; i < room; i++) scrubber.add(short(i))
    expect(() => scrubber.add(short(room))).toThrow(expect.objectContaining({ code: 'SECRETS_TOO_LARGE' }))
    expect(scrubber.text(`<${short(0)}> <${short(room)}>`)).toBe(`<***> <${short(room)}>`)
  })

  test('a long value is written out in many pieces, and is masked once the last is done', () => {
    const scrubber = new Scrubber()
    const value = 'é"/'.repeat(LONG / 4)
    const pieces = scrubber.addPieces(value)
    let count = 0
    while (!pieces.next().done) count++
    expect(count).toBeGreaterThan(100)
    expect(scrubber.text(`<${value}>`)).toBe('<***>')
    expect(scrubber.addPieces(value).next().done).toBe(true)
  })

  test('a text of which the search would cost too much is masked as a whole, and others as ever', () => {
    const ending = 'ABCDEFGH'
    const values = Array.from({ length: 100 }, (_, i) => `${'x'.repeat(50)}${i}-${ending}`)
    const scrubber = scrubberOf(...values)
    const costly = ending.repeat(200_000)
    expect(scrubber.text(costly)).toBe('***')
    const shown = JSON.parse(scrubber.json(JSON.stringify({ costly, kept: 'a text without any' }))) as object
    expect(shown).toEqual({ costly: '***', kept: 'a text without any' })
    expect(scrubber.text(`<${values[7]}> ${ending}`)).toBe(`<***> ${ending}`)
  })
})

describe('Needles', () => {
  test('finds what a naive search finds', () => {
    const word = (limits: { minLength: number; maxLength: number }) =>
      fc.string({ unit: fc.constantFrom('a', 'b'), ...limits })
    fc.assert(
      fc.property(
        fc.array(word({ minLength: 8, maxLength: 11 }), { minLength: 1, maxLength: 4 }),
        word({ minLength: 0, maxLength: 120 }),
        (texts, haystack) => {
          const needles = new Needles()
          for (const text of texts) needles.add(text)
          const isCovered = Array.from(haystack, () => false)
          for (let at = 0; at < haystack.length; at++) {
            for (const text of texts) {
              if (haystack.startsWith(text, at)) isCovered.fill(true, at, at + text.length)
            }
          }
          const found = Array.from(haystack, () => false)
          for (const { start, end } of needles.find(haystack)) found.fill(true, start, end)
          expect(found).toEqual(isCovered)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('P7: Scrubber.value and Scrubber.json', () => {
  test('take values out of strings, keys and numbers at any depth', () => {
    const scrubber = scrubberOf(SECRET, '1234567890')
    const value = {
      [SECRET]: [{ deep: `${SECRET}!` }, 1_234_567_890, -12_345_678_901],
      n: 12,
      b: true,
      z: null,
    }
    const scrubbed = { '***': [{ deep: '***!' }, '***', '***'], n: 12, b: true, z: null }
    expect(scrubber.value(value as Json)).toEqual(scrubbed)
    expect(JSON.parse(scrubber.json(JSON.stringify(value)))).toEqual(scrubbed)
  })

  test('find a value of digits whose number has lost some', () => {
    const digits = '12345678901234567890'
    expect(scrubberOf(digits).json(`{"id":${digits}}`)).toBe('{"id":"***"}')
    expect(scrubberOf(digits).value(Number(digits) as Json)).toBe('***')
  })

  test('keep both of two members whose keys become one', () => {
    const scrubber = scrubberOf('secret-one', 'secret-two')
    const text = '{"secret-one":1,"secret-two":2,"***":3,"__proto__":{"secret-one":4}}'
    expect(scrubber.json(text)).toBe('{"****":1,"*****":2,"***":3,"__proto__":{"***":4}}')
  })

  test('give the very same object or text when nothing had to change', () => {
    const scrubber = scrubberOf(SECRET)
    const value: Json = { a: [1, 'some text', { b: null }], '\u0001': 'a/b' }
    expect(scrubber.value(value)).toBe(value)
    const text = ' {"a": "\\u0041\\/ ", "b": 1.0}'
    expect(scrubber.json(text)).toBe(text)
  })

  test('see through whatever escapes a JSON text was written with', () => {
    const hidden = '"\\u0073\\u0065cret-\\u006fne"'
    expect(scrubberOf('secret-one').json(hidden)).toBe('"***"')
  })

  test('agree with each other on any JSON, keep its shape, and leave no writing of the value', () => {
    const encoder = fc.constantFrom(...Object.values(ENCODERS))
    const scenario = fc.record({ secret: secretValue, encode: encoder }).chain(({ secret, encode }) =>
      fc.record({
        secret: fc.constant(secret),
        written: fc.constant(encode(secret)),
        value: fc
          .array(
            fc.oneof(
              fc.jsonValue(),
              fc.string().map((text) => `${text}${encode(secret)}`),
              fc.dictionary(fc.constantFrom('a', encode(secret)), fc.constant(encode(secret))),
            ),
          )
          .map((list) => list as Json),
      }),
    )
    fc.assert(
      fc.property(scenario, ({ secret, written, value }) => {
        const scrubber = scrubberOf(secret)
        const text = scrubber.json(JSON.stringify(value))
        const scrubbed = JSON.parse(text) as Json
        expect(scrubbed).toEqual(JSON.parse(JSON.stringify(scrubber.value(value))))
        expect(shapeOf(scrubbed)).toEqual(shapeOf(JSON.parse(JSON.stringify(value)) as Json))
        expect(textsOf(scrubbed).filter((one) => one.includes(written))).toEqual([])
      }),
    )
  })
})

/** The JSON with each leaf and key replaced by its place. */
function shapeOf(value: Json): Json {
  if (typeof value !== 'object' || value === null) return 'leaf'
  return Array.isArray(value)
    ? (value as readonly Json[]).map(shapeOf)
    : { members: Object.values(value as object).map((member) => shapeOf(member as Json)) }
}

function textsOf(value: Json): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.entries(value as object).flatMap(([key, member]) => [key, ...textsOf(member as Json)])
}
