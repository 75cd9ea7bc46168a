import { describe, expect, jest, test } from '@jest/globals'
import { ExpressionError } from '../../../src/cel/values/error.ts'
import { Meter } from '../../../src/cel/values/meter.ts'
import type { Scope } from '../../../src/cel/values/place.ts'
import { compileTemplate, isTemplate, renderTemplate } from '../../../src/engine/definition/template.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { fc } from '../../support/fast-check.ts'

const scope: Scope = {
  input: { name: 'Ada', score: 3, tags: ['a', 'b'], nothing: null, yes: true, text: '{{ input }}' },
}

function render(text: string): Json {
  return renderTemplate(compileTemplate(text), scope)
}

/** What an error says, and what its range cuts out of the text. */
function failureOf(text: string): { code: string; place: string; message: string } {
  try {
    render(text)
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown
    const { range, code, message } = thrown
    return { code, message, place: text.slice(range?.start, range?.end) }
  }
  throw new Error('no error was thrown')
}

describe('a template', () => {
  test.each([
    ['{{ input.score }}', 3],
    ['{{input.tags}}', ['a', 'b']],
    ['{{ input.nothing }}', null],
    ['{{ input.yes }}', true],
    ['{{ {"a": {"b": 1}} }}', { a: { b: 1 } }],
    ['{{ {"a": {"b": 1}}}}', { a: { b: 1 } }],
    ['{{{"a": 1}}}', { a: 1 }],
  ])('that is one expression keeps the type of its value: %s', (text, value) => {
    expect(render(text)).toEqual(value)
    expect(compileTemplate(text).isWhole).toBe(true)
  })

  test.each([
    ['Hello {{ input.name }}, you have {{ input.score }}!', 'Hello Ada, you have 3!'],
    ['{{ input.name }}{{ input.score }}', 'Ada3'],
    [' {{ input.score }}', ' 3'],
    ['[{{ input.nothing }}]', '[]'],
    ['{{ input.yes }}/{{ 0.5 }}', 'true/0.5'],
    ['tags: {{ input.tags }}, map: {{ {"a": "b"} }}', 'tags: ["a","b"], map: {"a":"b"}'],
    ['at {{ timestamp("2026-01-31") }}', 'at 2026-01-31T00:00:00.000Z'],
  ])('of mixed text takes the values in: %s', (text, value) => {
    expect(render(text)).toBe(value)
    expect(compileTemplate(text).isWhole).toBe(false)
  })

  test.each([
    ['{{ "}}" }}', '}}'],
    ['{{ "a\\"}}" }}', 'a"}}'],
    ["{{ '}}' + \"'}}\" }}", "}}'}}"],
    ['{{ """a "}}" b""" }}', 'a "}}" b'],
    ["{{ '''\n}}''' }}", '\n}}'],
    ['{{ r"\\" + "}}" }} x', '\\" + " }} x'],
    ['{{ [{"a": "}}"}][0].a }}!', '}}!'],
    ['{{ 1 // }} not yet\n }}', 1],
  ])('ends an expression only where CEL does: %s', (text, value) => {
    expect(render(text)).toBe(value)
  })

  test('writes literal braces through an expression', () => {
    expect(render('{{ "{{" }}')).toBe('{{')
    expect(render('a {{ "{{ x }}" }} b')).toBe('a {{ x }} b')
  })

  test('leaves closing braces and single braces in text alone', () => {
    expect(render('a }} b { c } {{ 1 }} }}')).toBe('a }} b { c } 1 }}')
  })

  test('does not read what it has put in', () => {
    expect(render('{{ input.text }}!')).toBe('{{ input }}!')
  })

  test('is searched for the end of a line only where a string is not closed, however many strings it holds', () => {
    const search = jest.spyOn(String.prototype, 'indexOf')
    try {
      const failure = failureOf(`{{ ${'"a" + '.repeat(5_000)}"a" }}`)
      expect(failure).toMatchObject({ code: 'EXPRESSION_TOO_LARGE' })
      expect(search.mock.calls.filter(([part]) => part === '\n').length).toBeLessThan(10)
    } finally {
      search.mockRestore()
    }
  })

  test('tells where its expressions stand', () => {
    const { parts } = compileTemplate('Hi {{  input.name  }}')
    expect(parts).toEqual([
      'Hi ',
      { offset: 7, expression: expect.objectContaining({ source: 'input.name' }) },
    ])
  })

  test.each([
    ['Hi {{ input.name', 'EXPRESSION_SYNTAX', '{{ input.name'],
    ['Hi {{ "abc }} there', 'EXPRESSION_SYNTAX', '"abc }} there'],
    ['Hi {{ {"a": 1 }} there', 'EXPRESSION_SYNTAX', '{{ {"a": 1 }} there'],
    ['Hi {{ }}', 'EXPRESSION_SYNTAX', ''],
    ['Hi {{ a b }}', 'EXPRESSION_SYNTAX', 'b'],
    ['Hi {{ a } }}', 'EXPRESSION_SYNTAX', '}'],
    ['Hi {{ input.name }} {{ lowr("A") }}', 'EXPRESSION_UNKNOWN_FUNCTION', 'lowr("A")'],
    ['Hi {{ input.name }} {{ 1 + input.nope.a }}', 'EXPRESSION_MISSING', 'input.nope.a'],
    ['{{ 1 + input.name }}', 'EXPRESSION_TYPE', '1 + input.name'],
  ])('says what is wrong, and where in the text: %s', (text, code, place) => {
    expect(failureOf(text)).toMatchObject({ code, place })
  })

  test('has a thousand expressions at most', () => {
    expect(failureOf('{{ 1 }}'.repeat(1_001)).code).toBe('EXPRESSION_TOO_LARGE')
    expect(render('{{ 1 }}'.repeat(1_000))).toBe('1'.repeat(1_000))
  })

  test('makes text of bounded length', () => {
    const long: Scope = { input: 'a'.repeat(1_000_000) }
    expect(() => renderTemplate(compileTemplate('{{ input }}'.repeat(5)), long)).toThrow(
      'longer than 4194304 characters',
    )
  })

  test('spends one budget on all its expressions, or one that is handed in', () => {
    const list: Scope = { input: Array.from({ length: 100_000 }, (_, i) => i) }
    const part = '{{ size(input.filter(x, x > 5)) }} '
    expect(renderTemplate(compileTemplate(part.repeat(9)), list)).toBe('99994 '.repeat(9))
    expect(() => renderTemplate(compileTemplate(part.repeat(11)), list)).toThrow('visits more than')
    const meter = new Meter()
    const template = compileTemplate(part.repeat(6))
    renderTemplate(template, list, meter)
    expect(() => renderTemplate(template, list, meter)).toThrow('visits more than')
  })
})

describe('laws', () => {
  test('text without an expression renders to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!isTemplate(text))
        expect(render(text)).toBe(text)
      }),
    )
  })

  test('text with its braces written as expressions renders to itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('{', '}', '"', "'", '//', 'a', '\n'), { maxLength: 20 }),
        (characters) => {
          const text = characters.join('')
          expect(render(text.replaceAll('{', '{{ "{" }}'))).toBe(text)
        },
      ),
    )
  })

  test('any value survives a template that is one expression', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const input = value as Json
        expect(renderTemplate(compileTemplate('{{ input }}'), { input })).toBe(input)
      }),
    )
  })

  test('any text compiles, or is an error with a place inside of it', () => {
    const soup = fc.array(
      fc.constantFrom('{{', '}}', '{', '}', '"', "'", '"""', '\\', '//', '\n', 'input', '.', 'é', ' '),
    )
    fc.assert(
      fc.property(soup, (tokens) => {
        const text = tokens.join('')
        try {
          compileTemplate(text)
        } catch (thrown) {
          const { range } = thrown as ExpressionError
          expect(thrown).toBeInstanceOf(ExpressionError)
          expect(range && 0 <= range.start && range.start <= range.end && range.end <= text.length).toBe(true)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
