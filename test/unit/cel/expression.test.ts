import { Environment } from '@marcbachmann/cel-js'
import { describe, expect, test } from '@jest/globals'
import { compileExpression, EXPRESSION_FUNCTIONS } from '../../../src/cel/expression.ts'
import { ExpressionError, type ExpressionErrorCode } from '../../../src/cel/values/error.ts'
import { Meter } from '../../../src/cel/values/meter.ts'
import type { Scope } from '../../../src/cel/values/place.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { toPlainJson } from '../../../src/lib/json/plain-json.ts'
import { fc } from '../../support/fast-check.ts'

const scope: Scope = {
  input: {
    score: 3,
    ratio: 0.5,
    index: 1,
    name: 'Ada',
    nothing: null,
    xs: [1, 2, 3],
    lead: { email: 'Ada@Example.COM', company: { domain: 'example.com' } },
    leads: [
      { email: 'a@x.de', country: 'DE', score: 3, company: { size: 20 } },
      { email: 'b@y.fr', country: 'FR', score: 9, company: { size: 5 } },
      { email: 'a@x.de', country: 'DE', score: 5, company: { size: 10 } },
      { email: null, score: 1 },
      { score: 2, company: { size: 10 } },
    ],
  },
  nodes: { find: { output: {} }, 'my-node': { output: 5 } },
  execution: { startedAt: '2026-01-31T09:30:15Z' },
}

function evaluate(source: string, over: Scope = scope): Json {
  return compileExpression(source).evaluate(over)
}

function failure(work: () => unknown): ExpressionError {
  try {
    work()
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return thrown
    throw thrown
  }
  throw new Error('no error was thrown')
}

function errorOf(source: string, over: Scope = scope): ExpressionError {
  return failure(() => evaluate(source, over))
}

/** What the error's range cuts out of the source. */
function placeOf(source: string): string {
  const { range } = errorOf(source)
  return source.slice(range?.start, range?.end)
}

const counting = (length: number): Json => Array.from({ length }, (_, i) => i)

describe('values', () => {
  test.each([
    ['input.lead.email', 'Ada@Example.COM'],
    ['input["lead"]["email"]', 'Ada@Example.COM'],
    ['nodes["my-node"].output', 5],
    ['input.xs[0]', 1],
    ['[1, "a", null, true, [1.5]]', [1, 'a', null, true, [1.5]]],
    ['{"a": 1, "b": {"c": [2]}}', { a: 1, b: { c: [2] } }],
    ['{1: "a", true: "b"}', { '1': 'a', true: 'b' }],
    ['input.score > 2 ? "hot" : "cold"', 'hot'],
    ['"a" + "b" + r"\\n"', 'ab\\n'],
    ['[1] + [2, 3]', [1, 2, 3]],
    ['!(1 > 2) && (false || true)', true],
    ['"DE" in input.leads[0].country + "" || 2 in input.xs', true],
    ['"email" in input.lead', true],
    ['{"a": [1, {"b": null}]} == {"a": [1.0, {"b": null}]}', true],
    ['"1" == 1', false],
    ['"a" < "b" && false < true', true],
    ['cel.bind(n, input.score + 1, n * n)', 16],
  ])('%s is %j', (source, value) => {
    expect(evaluate(source)).toEqual(value)
  })

  test('evaluating changes nothing and may be repeated', () => {
    const expression = compileExpression('sortBy(input.leads, "score")[0].score + input.xs.map(x, x)[2]')
    const before = structuredClone(scope)
    expect([expression.evaluate(scope), expression.evaluate(scope)]).toEqual([4, 4])
    expect(scope).toEqual(before)
  })
})

describe('numbers are the numbers of JSON', () => {
  test.each([
    ['input.score * 2', 6],
    ['2 * input.ratio', 1],
    ['1 + 2.5', 3.5],
    ['0.5 - 1', -0.5],
    ['input.score == 3', true],
    ['3 != input.score', false],
    ['3.0 in [1, 2, 3]', true],
    ['size(input.xs) >= input.score', true],
    ['size(input.xs) / 2', 1.5],
    ['5 / 2', 2.5],
    ['int(5 / 2)', 2],
    ['int(-5 / 2)', -2],
    ['7 % 4', 3],
    ['-7 % 4', -3],
    ['5.5 % 2', 1.5],
    ['input.xs[input.index]', 2],
    ['input.xs[input.index + 1.0]', 3],
    ['-input.score', -3],
    ['-0.0', 0],
    ['5u + 1', 6],
    ['0x10', 16],
    ['1e3', 1000],
  ])('%s is %j', (source, value) => {
    expect(evaluate(source)).toBe(value)
  })

  test('a whole number beyond 2^53 stays exact and leaves as text', () => {
    expect(evaluate('9007199254740993')).toBe('9007199254740993')
    expect(evaluate('9007199254740993 + 1')).toBe('9007199254740994')
    expect(evaluate('int("9007199254740993") - 9007199254740992')).toBe(1)
    expect(evaluate('[9007199254740993]')).toEqual(['9007199254740993'])
    expect(evaluate('9007199254740993 > 1.5 && 9007199254740993 == 9007199254740993')).toBe(true)
    expect(evaluate('string(9007199254740993)')).toBe('9007199254740993')
  })

  test.each([
    ['1 / 0', 'EXPRESSION_FAILED'],
    ['input.score % 0', 'EXPRESSION_FAILED'],
    ['1e308 * 10', 'EXPRESSION_FAILED'],
    ['9007199254740993 * 9007199254740993', 'EXPRESSION_FAILED'],
    ['99999999999999999999', 'EXPRESSION_SYNTAX'],
    ['1e400', 'EXPRESSION_SYNTAX'],
    ['18446744073709551616', 'EXPRESSION_SYNTAX'],
    [`1${'0'.repeat(4_000)}`, 'EXPRESSION_SYNTAX'],
  ])('%s is the error %s, never a value that JSON cannot carry', (source, code) => {
    expect(errorOf(source).code).toBe(code)
  })
})

describe('absence', () => {
  test.each([
    ['nodes.find.output.email', 'nodes.find.output.email is absent'],
    ['nodes.other.output.email', 'nodes.other.output.email is absent: there is no nodes.other'],
    [
      'nodes["my-node"].output.email',
      'nodes["my-node"].output.email is absent: nodes["my-node"].output is a number',
    ],
    ['input.nothing.a.b', 'input.nothing.a.b is absent: input.nothing is null'],
    ['input.xs[7]', 'input.xs[7] is absent: input.xs has 3 items'],
    ['input.xs[-1]', 'input.xs[-1] is absent: input.xs has 3 items'],
    ['input.xs.length', 'input.xs.length is absent: input.xs is a list'],
    ['other', 'other is absent'],
    ['other.x', 'other.x is absent: there is no other'],
    ['sortBy(input.xs, "")[5].a', 'sortBy(input.xs, "")[5].a is absent: sortBy(input.xs, "") has 3 items'],
  ])('%s names the whole path', (source, message) => {
    const error = errorOf(source)
    expect([error.code, error.message]).toEqual(['EXPRESSION_MISSING', message])
    expect(placeOf(source)).toBe(source)
  })

  test.each([
    ['has(input.lead.email)', true],
    ['has(input.nothing)', true],
    ['has(input.nothing.a.b)', false],
    ['has(nodes.skipped)', false],
    ['has(nodes.skipped.output.x)', false],
    ['has(other.x)', false],
    ['has(input.xs[1])', true],
    ['has(input.xs[9].a)', false],
    ['has(input.xs[input.nope])', false],
    ['default(input.lead.phone, "none")', 'none'],
    ['default(input.nothing.a.b, 1)', 1],
    ['default(input.nothing, 1)', 1],
    ['default(input.score, 1)', 3],
    ['default(lower(input.lead.phone) + "!", "none")', 'none'],
    ['default(input.xs[9], default(other, 2))', 2],
    ['input.lead.phone.default("none")', 'none'],
    ['input.?lead.?phone', null],
    ['input.?lead.email', 'Ada@Example.COM'],
    ['input.other.?phone.number', null],
    ['input.xs[?9]', null],
    ['input.?lead.?phone.orValue("none")', 'none'],
    ['input.?a.or(input.?b).orValue(input.score)', 3],
  ])('%s is %j', (source, value) => {
    expect(evaluate(source)).toBe(value)
  })

  test('default() forgives what is missing, not what is wrong', () => {
    expect(errorOf('default(1 / 0, 1)').code).toBe('EXPRESSION_FAILED')
    expect(errorOf('default(lower(input.score), "")').code).toBe('EXPRESSION_TYPE')
  })

  test('logic and loops ignore an error that does not decide the answer', () => {
    expect(evaluate('input.nope || true')).toBe(true)
    expect(evaluate('input.nope && false')).toBe(false)
    expect(evaluate('input.leads.exists(l, l.country == "FR")')).toBe(true)
    expect(errorOf('input.leads.exists(l, l.country == "IT")').code).toBe('EXPRESSION_MISSING')
    expect(errorOf('input.nope || false').code).toBe('EXPRESSION_MISSING')
    expect(errorOf('input.leads.filter(l, l.country == "IT")').code).toBe('EXPRESSION_MISSING')
  })
})

describe('names of JavaScript', () => {
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '__defineGetter__',
    'length',
  ]

  test.each(names)('%s is absent unless it is a member of the JSON', (name) => {
    for (const path of [
      `input.${name}`,
      `input["${name}"]`,
      `input.xs["${name}"]`,
      `input.name["${name}"]`,
    ]) {
      expect(errorOf(path).code).toBe('EXPRESSION_MISSING')
      expect(evaluate(`has(${path})`)).toBe(false)
    }
    expect(evaluate(`"${name}" in input`)).toBe(false)
    const own: Scope = { input: JSON.parse(`{"${name}": {"a": 1}}`) as Json }
    expect(evaluate(`input["${name}"].a + size(input)`, own)).toBe(2)
    expect(evaluate(`keys(input)`, own)).toEqual([name])
  })

  test.each(names)('a scope has no name %s', (name) => {
    if (name === '__proto__' || name === 'prototype') expect(errorOf(name).code).toBe('EXPRESSION_SYNTAX')
    else expect(errorOf(name).code).toBe('EXPRESSION_MISSING')
  })

  test.each([
    ['{"__proto__": {"a": 1}}'],
    ['merge(parseJson("{\\"__proto__\\": {\\"a\\": 1}}"), {})'],
    ['pick(parseJson("{\\"__proto__\\": {\\"a\\": 1}, \\"b\\": 2}"), ["__proto__"])'],
    [
      'groupBy([{"k": "__proto__", "a": 1}], "k").map(k, [k, {"a": 1}])[0][0] == "__proto__" ? {"__proto__": {"a": 1}} : 0',
    ],
  ])('%s makes an own member, and no prototype', (source) => {
    const made = evaluate(source) as object
    expect(Object.keys(made)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(made)).not.toHaveProperty('a')
  })
})

describe('text is Unicode', () => {
  const over: Scope = { input: { t: 'a😀b', family: '👨‍👩‍👧' } }

  test.each([
    ['"\\U0001F600"', '😀'],
    ['size(input.family)', 5],
    ['split(input.t, "")', ['a', '😀', 'b']],
    ['substring(input.t, 1, 2)', '😀'],
    ['regexExtract(input.t, ".b")', '😀b'],
    ['string(b"\\xff")', '\ufffd'],
    ['{"ключ": 1}["ключ"]', 1],
    ['upper("straße")', 'STRASSE'],
    // Not normalised: the same letter may be written in two ways.
    ['"e\\u0301" == "é"', false],
  ])('%s is %j', (source, value) => {
    expect(evaluate(source, over)).toEqual(value)
  })

  test.each<[string, ExpressionErrorCode]>([
    ['"\\ud800"', 'EXPRESSION_SYNTAX'],
    ['"\\u0000"', 'EXPRESSION_SYNTAX'],
    ['"\\U00110000"', 'EXPRESSION_SYNTAX'],
    ['replace(input.t, "\\ud83d", "x")', 'EXPRESSION_SYNTAX'],
    ['parseJson("\\"\\\\ud800\\"")', 'EXPRESSION_FAILED'],
    ['parseJson("\\"\\\\u0000\\"")', 'EXPRESSION_FAILED'],
    ['input.t[1]', 'EXPRESSION_MISSING'],
  ])('%s makes no half of a character, but the error %s', (source, code) => {
    expect(errorOf(source, over).code).toBe(code)
  })
})

describe('references', () => {
  const paths = (source: string) =>
    compileExpression(source).references.map(({ path, range, guarded }) => {
      return [path.join('/'), source.slice(range.start, range.end), guarded]
    })

  test.each([
    ['nodes.enrich.output.score > 2', [['nodes/enrich/output/score', 'nodes.enrich.output.score', false]]],
    ['nodes["my-node"].output', [['nodes/my-node/output', 'nodes["my-node"].output', false]]],
    ['input.xs[0].a', [['input/xs', 'input.xs', false]]],
    [
      'input[input.key].a',
      [
        ['input', 'input', false],
        ['input/key', 'input.key', false],
      ],
    ],
    [
      'input.xs.exists(x, x.a == item.b)',
      [
        ['input/xs', 'input.xs', false],
        ['item/b', 'item.b', false],
      ],
    ],
    ['input.xs.map(input, input.a)', [['input/xs', 'input.xs', false]]],
    ['cel.bind(x, input.a, x.b)', [['input/a', 'input.a', false]]],
    ['has(nodes.a.output)', [['nodes/a/output', 'nodes.a.output', true]]],
    [
      'default(lower(input.a), input.b)',
      [
        ['input/a', 'input.a', true],
        ['input/b', 'input.b', false],
      ],
    ],
    ['nodes.?a.output', [['nodes/a/output', 'nodes.?a.output', true]]],
    [
      'input.email.lower().contains(input.part)',
      [
        ['input/email', 'input.email', false],
        ['input/part', 'input.part', false],
      ],
    ],
    ['type(input) == map && 1 == 1', [['input', 'input', false]]],
    ['"input.a" + string(1)', []],
  ])('of %s', (source, expected) => {
    expect(paths(source)).toEqual(expected)
  })
})

describe('references that may go unread', () => {
  const certain = (source: string) =>
    compileExpression(source).references.map(({ path, certain: isCertain }) => [path.join('/'), isCertain])

  test.each([
    ['input.a + input.b', [true, true]],
    ['lower(input.a)', [true]],
    ['[input.a, {"k": input.b}]', [true, true]],
    ['input.a ? input.b : input.c', [true, false, false]],
    ['input.a && input.b', [false, false]],
    ['input.a || input.b', [false, false]],
    ['input.xs.map(x, x + input.b)', [true, false]],
    ['input.xs.exists(x, input.b == x)', [true, false]],
    ['default(input.a, input.b)', [true, false]],
    ['input.?a.orValue(input.b)', [true, false]],
    ['cel.bind(x, input.a, x + input.b)', [true, true]],
  ])('of %s', (source, expected) => {
    expect(certain(source).map(([, isCertain]) => isCertain)).toEqual(expected)
  })

  test.each([
    ['nodes.a.output.items', ['nodes', 'a', 'output', 'items']],
    ['nodes["my-node"].output', ['nodes', 'my-node', 'output']],
    ['input', ['input']],
    ['input.xs[0]', null],
    ['input.xs[input.i]', null],
    ['input.?a', null],
    ['has(input.a)', null],
    ['input.a + 1', null],
    ['"input.a"', null],
    ['string', null],
  ])('%s is the plain path %j', (source, path) => {
    expect(compileExpression(source).path).toEqual(path)
  })
})

describe('loops', () => {
  test.each([
    ['input.xs.all(x, x > 0)', true],
    ['input.xs.exists(x, x == 2)', true],
    ['input.xs.exists_one(x, x > 1)', false],
    ['input.xs.filter(x, x > 1)', [2, 3]],
    ['input.xs.map(x, x * 2)', [2, 4, 6]],
    ['input.xs.map(x, x > 1, x * 2)', [4, 6]],
    ['input.lead.map(k, k)', ['email', 'company']],
    ['input.lead.all(k, k.size() > 4)', true],
    [
      'input.xs.map(x, input.xs.map(y, x * y))',
      [
        [1, 2, 3],
        [2, 4, 6],
        [3, 6, 9],
      ],
    ],
    ['input.xs.filter(x, input.xs.exists(x, x == 3))', [1, 2, 3]],
  ])('%s is %j', (source, value) => {
    expect(evaluate(source)).toEqual(value)
  })

  test('may be nested two deep and chained at will', () => {
    const source = 'input.xs.map(x, input.xs.map(y, input.xs.map(z, z)))'
    expect(errorOf(source).code).toBe('EXPRESSION_TOO_LARGE')
    expect(placeOf(source)).toBe('input.xs.map(z, z)')
    expect(evaluate('input.xs.map(x, x + 1).filter(x, x > 2).map(x, x + 1).filter(x, true)')).toEqual([4, 5])
  })

  test('need a list or a map, and a condition that is true or false', () => {
    expect(errorOf('input.score.map(x, x)').message).toBe('a loop needs a list or a map, but got a number')
    expect(placeOf('input.score.map(x, x)')).toBe('input.score')
    expect(errorOf('input.xs.filter(x, x)').message).toBe(
      'the condition of filter() is a number, not true or false',
    )
    expect(errorOf('input.xs.map(1, 2)').code).toBe('EXPRESSION_SYNTAX')
  })
})

describe('the reference', () => {
  const documented: Scope = { input: {}, execution: { startedAt: '2026-01-31T09:30:15Z' } }

  test.each(EXPRESSION_FUNCTIONS.map((fn) => [fn.name, fn] as const))(
    'the example of %s gives its result',
    (_name, fn) => {
      expect(evaluate(fn.example, documented)).toEqual(fn.result)
    },
  )

  test('has every function that the language promises', () => {
    const promised =
      'lower upper trim split join replace substring sum avg min max uniq uniqBy chunk slice flatten sortBy groupBy ' +
      'merge pick omit json parseJson default now domain has regexMatch regexExtract regexReplace'
    const names = EXPRESSION_FUNCTIONS.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(promised.split(' ')))
  })

  test('each function is described once', () => {
    const names = EXPRESSION_FUNCTIONS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { signature, name } of EXPRESSION_FUNCTIONS) expect(signature).toContain(`${name}(`)
  })
})

describe('functions', () => {
  test.each([
    ['"Ada".lower()', 'ada'],
    ['startsWith("Ada", "A")', true],
    ['size("é😀")', 2],
    ['"a😀b".indexOf("b")', 2],
    ['"a😀b".lastIndexOf("x")', -1],
    ['substring("a😀b", 1, 2)', '😀'],
    ['substring("abc", 1)', 'bc'],
    ['substring("abc", 2, 99)', 'c'],
    ['substring("abc", 2, 1)', ''],
    ['split("a😀", "")', ['a', '😀']],
    ['replace("aaa", "a", "$&")', '$&$&$&'],
    ['replace("abc", "", "x")', 'abc'],
    ['join([1, true, "x"], "-")', '1-true-x'],
    ['join(["a", "b"])', 'ab'],
    ['domain("no address")', ''],
    ['uniq([1, 1.0, "1", {"a": 1, "b": 2}, {"b": 2, "a": 1}, null, null])', [1, '1', { a: 1, b: 2 }, null]],
    ['size(uniqBy(input.leads, "email"))', 4],
    ['uniqBy(input.leads, "company.size").map(l, l.score)', [3, 9, 5, 1]],
    ['sortBy(input.leads, "score").map(l, l.score)', [1, 2, 3, 5, 9]],
    ['sortBy(input.leads, "company.size", "desc").map(l, l.score)', [3, 5, 2, 9, 1]],
    ['sortBy([3, 1, 2], "")', [1, 2, 3]],
    ['groupBy(input.leads, "country").map(k, k)', ['DE', 'FR', '']],
    ['uniqBy([{"a.b": 1}, {"a.b": 1}], "a.b")', [{ 'a.b': 1 }]],
    ['slice([1, 2, 3], -2)', [2, 3]],
    ['chunk([], 2)', []],
    ['sum([])', 0],
    ['avg([])', null],
    ['default(max([]), 7)', 7],
    ['min(["b", "a"])', 'a'],
    ['number("  -1.5e1 ")', -15],
    ['number(5)', 5],
    ['int("12")', 12],
    ['bool("FALSE")', false],
    ['string(true)', 'true'],
    ['string(b"abc")', 'abc'],
    ['type(null)', 'null'],
    ['type(1.5) == double && type("") == string && type([]) == list', true],
    ['json(now())', '"2026-01-31T09:30:15.000Z"'],
    ['parseJson("[1, {\\"a\\": null}]")', [1, { a: null }]],
    ['regexMatch("abc", "b")', true],
    ['regexMatch("abc", "^b")', false],
    ['regexExtract("abc", "z")', null],
    ['regexExtract("id=42;", "id=[0-9]+")', 'id=42'],
    ['regexReplace("Ada Lovelace", "(\\\\w+) (\\\\w+)", "$2, $1 $$0 $0")', 'Lovelace, Ada $0 Ada Lovelace'],
    ['regexReplace("a😀b", "", "-")', '-a-😀-b-'],
  ])('%s is %j', (source, value) => {
    expect(evaluate(source)).toEqual(value)
  })

  test.each<[string, ExpressionErrorCode]>([
    ['lower(5)', 'EXPRESSION_TYPE'],
    ['lower()', 'EXPRESSION_TYPE'],
    ['lower("a", "b")', 'EXPRESSION_TYPE'],
    ['"a" + 1', 'EXPRESSION_TYPE'],
    ['1 < "a"', 'EXPRESSION_TYPE'],
    ['"a" in "abc"', 'EXPRESSION_TYPE'],
    ['input.name ? 1 : 2', 'EXPRESSION_TYPE'],
    ['!null', 'EXPRESSION_TYPE'],
    ['-"a"', 'EXPRESSION_TYPE'],
    ['{null: 1}', 'EXPRESSION_TYPE'],
    ['input.xs[[1]]', 'EXPRESSION_TYPE'],
    ['sum(["a"])', 'EXPRESSION_TYPE'],
    ['sortBy([1, "a"], "")', 'EXPRESSION_TYPE'],
    ['groupBy([{"a": []}], "a")', 'EXPRESSION_TYPE'],
    ['pick({}, [1])', 'EXPRESSION_TYPE'],
    ['join([null], "")', 'EXPRESSION_TYPE'],
    ['size(1)', 'EXPRESSION_TYPE'],
    ['number(null)', 'EXPRESSION_TYPE'],
    ['number("12,5")', 'EXPRESSION_FAILED'],
    ['number("")', 'EXPRESSION_FAILED'],
    ['int("1.5")', 'EXPRESSION_FAILED'],
    ['bool("yes")', 'EXPRESSION_FAILED'],
    ['parseJson("{")', 'EXPRESSION_FAILED'],
    ['parseJson("\\"\\\\u0000\\"")', 'EXPRESSION_FAILED'],
    ['string(b"\\x00")', 'EXPRESSION_FAILED'],
    ['"\\u0000"', 'EXPRESSION_SYNTAX'],
    ['chunk([1], 0)', 'EXPRESSION_FAILED'],
    ['substring("abc", -1)', 'EXPRESSION_FAILED'],
    ['sortBy([1], "", "up")', 'EXPRESSION_FAILED'],
    ['regexReplace("a", "a", "$1")', 'EXPRESSION_FAILED'],
    ['timestamp("2026-02-30T00:00:00Z")', 'EXPRESSION_FAILED'],
    ['timestamp("2026-01-31T09:30:15")', 'EXPRESSION_FAILED'],
    ['timestamp("yesterday")', 'EXPRESSION_FAILED'],
    ['timestamp("9999-12-31T23:59:59Z") + duration("1s")', 'EXPRESSION_FAILED'],
    ['duration("1 hour")', 'EXPRESSION_FAILED'],
    ['now().getHours("Mars/Base")', 'EXPRESSION_FAILED'],
  ])('%s is the error %s', (source, code) => {
    expect(errorOf(source).code).toBe(code)
  })

  test('an error stands at the argument, or at the call', () => {
    expect(placeOf('1 + size(lower(input.score))')).toBe('input.score')
    expect(placeOf('[1, number("x")]')).toBe('number("x")')
    expect(placeOf('true && ("a" + 1 == "")')).toBe('"a" + 1')
  })

  test('an error never shows a piece of a long text, which the scrubber of secrets would not know', () => {
    const secret = 'sk-live-'.repeat(20)
    for (const call of ['number', 'int', 'bool', 'parseJson', 'timestamp', 'duration']) {
      expect(errorOf(`${call}(secrets.key)`, { secrets: { key: secret } }).message).not.toContain('sk-live')
    }
    expect(errorOf('input[secrets.key]', { input: {}, secrets: { key: secret } }).message).not.toContain(
      'sk-live',
    )
  })
})

describe('times', () => {
  test.each([
    ['now()', '2026-01-31T09:30:15.000Z'],
    ['now() == now()', true],
    ['now() - duration("1h30m")', '2026-01-31T08:00:15.000Z'],
    ['duration("1s") + now() > now()', true],
    ['now() - timestamp("2026-01-31T09:30:00+00:00")', '15s'],
    ['timestamp("2026-01-31")', '2026-01-31T00:00:00.000Z'],
    ['timestamp(1769851815)', '2026-01-31T09:30:15.000Z'],
    [
      '[duration("3.5s"), duration("-250ms"), duration("0s"), duration("1us")]',
      ['3.5s', '-0.25s', '0s', '0.000001s'],
    ],
    ['duration("90m").getHours()', 1],
    ['now().getHours("Europe/Berlin")', 10],
    ['now().getDayOfWeek("Pacific/Auckland")', 6],
    ['timestamp("2026-07-01T23:30:00Z").getDate("Europe/Berlin")', 2],
    ['string(now())', '2026-01-31T09:30:15.000Z'],
    ['max([now(), timestamp("2030-01-01")])', '2030-01-01T00:00:00.000Z'],
    ['{"at": now(), "raw": b"abc"}', { at: '2026-01-31T09:30:15.000Z', raw: 'YWJj' }],
  ])('%s is %j', (source, value) => {
    expect(evaluate(source)).toEqual(value)
  })

  test('now() is the execution’s recorded start, and not known without one', () => {
    expect(errorOf('now()', { input: {} })).toMatchObject({ code: 'EXPRESSION_MISSING' })
  })
})

describe('what is refused at compile time', () => {
  test.each<[string, ExpressionErrorCode, string]>([
    ['', 'EXPRESSION_SYNTAX', ''],
    ['1 +', 'EXPRESSION_SYNTAX', ''],
    ['lower("a"', 'EXPRESSION_SYNTAX', ''],
    ['a b', 'EXPRESSION_SYNTAX', 'b'],
    ['"abc', 'EXPRESSION_SYNTAX', '"abc'],
    ['has(1 + 1)', 'EXPRESSION_SYNTAX', '1 + 1'],
    ['1 + lowr("A")', 'EXPRESSION_UNKNOWN_FUNCTION', 'lowr("A")'],
    ['"a".nope()', 'EXPRESSION_UNKNOWN_FUNCTION', '"a".nope()'],
    ['input.a.matches("(a+)+b")', 'EXPRESSION_FORBIDDEN', 'input.a.matches("(a+)+b")'],
    ['matches(input.a, "b")', 'EXPRESSION_FORBIDDEN', 'matches(input.a, "b")'],
    ['filter(input.xs, x, x > 1)', 'EXPRESSION_TYPE', 'filter(input.xs, x, x > 1)'],
    ['regexMatch(input.a, input.b)', 'EXPRESSION_TYPE', 'input.b'],
    ['regexMatch(input.a, "(")', 'EXPRESSION_SYNTAX', '"("'],
    ['regexMatch(input.a, "(a)\\\\1")', 'EXPRESSION_SYNTAX', '"(a)\\\\1"'],
    ['regexMatch(input.a, "(?=a)")', 'EXPRESSION_SYNTAX', '"(?=a)"'],
    ['regexMatch(input.a, "((a{10}){10}){10}")', 'EXPRESSION_TOO_LARGE', '"((a{10}){10}){10}"'],
  ])('%s is the error %s', (source, code, place) => {
    const error = failure(() => compileExpression(source))
    expect([error.code, source.slice(error.range?.start, error.range?.end)]).toEqual([code, place])
  })

  test.each([
    ['lowr("A")', 'lower'],
    ['input.a.toLowerCase()', 'lower'],
    ['input.a.length()', 'size'],
    ['input.xs.fliter(x, true)', 'filter'],
    ['unqBy(input.xs, "a")', 'uniqBy'],
    ['input.a.matches("x")', 'regexMatch'],
    ['1 = 2', '=='],
    ['zzzzzzzz()', undefined],
  ])('%s suggests %s', (source, suggestion) => {
    expect(failure(() => compileExpression(source)).suggestion).toBe(suggestion)
  })

  test.each([
    ['a long source', `"${'x'.repeat(5_000)}"`],
    ['deep parentheses', `${'('.repeat(150)}1${')'.repeat(150)}`],
    ['deep lists', `${'['.repeat(1_000)}${']'.repeat(1_000)}`],
    ['a long chain', Array.from({ length: 500 }, () => '1').join('+')],
    ['many signs', `${'!'.repeat(3_000)}true`],
    ['many nodes', `[${Array.from({ length: 2_040 }, () => '1').join()}]`],
    ['a long pattern', `regexMatch("", "${'a'.repeat(300)}")`],
  ])('%s is too large', (_what, source) => {
    expect(failure(() => compileExpression(source)).code).toBe('EXPRESSION_TOO_LARGE')
  })
})

describe('the cost of an evaluation is bounded', () => {
  const xs = Array.from({ length: 100_000 }, (_, i) => i)
  const text = 'a'.repeat(50_000)
  const keyed = Object.fromEntries(xs.map((x) => [`k${x}`, x]))
  const COMPARISONS = Array.from({ length: 40 }, (_, i) => `x >= -${i}`).join(' && ')
  const wide: Scope = { input: { xs, few: counting(1_000), text, long: 'a'.repeat(4_000_000), keyed } }

  test.each([
    ['loops in loops', 'input.xs.exists(x, input.xs.exists(y, x + y < 0))'],
    ['loops whose errors are ignored', 'input.xs.all(x, input.xs.exists(y, y.nope == 1))'],
    ['errors that logic ignores', 'input.xs.all(x, x.nope || true)'],
    ['"in" within a loop', 'input.xs.exists(x, -1 in input.xs)'],
    ['comparing lists within a loop', 'input.xs.all(x, input.xs == input.xs + [])'],
    ['adding lists', 'input.xs.map(x, size(input.few + input.few))'],
    ['a result that repeats a list', 'input.xs.map(x, input.xs)'],
    ['a result that repeats a text', 'input.xs.map(x, input.long)'],
    ['JSON text that repeats a list', 'json(input.xs.map(x, input.xs))'],
    ['text made in a loop', 'input.xs.map(x, upper(input.text))'],
    ['text that grows', 'input.long + input.long'],
    ['text joined', 'join(input.few.map(x, input.text), "")'],
    ['text replaced', 'replace(input.text, "a", input.text)'],
    ['a quadratic search', 'contains(input.long, input.text + "b" + input.text)'],
    ['too many parts', 'split(input.long, "a")'],
    ['too many characters', 'split(input.long, "")'],
    ['too many items', 'input.xs + [1]'],
    ['a pattern on a long text', 'regexMatch(input.long, ".*[ab].{100}$")'],
    ['a pattern that looks ahead at every match', 'regexReplace(input.text, "a*b|a", "c")'],
    ['patterns in a loop', 'input.xs.exists(x, regexExtract(input.text, "(a)b") == "x")'],
    [
      'time zones in loops',
      'input.few.all(x, input.few.all(y, timestamp(y).getHours("Europe/Berlin") >= 0))',
    ],
    ['long bodies', `input.xs.all(x, [${Array.from({ length: 500 }, () => 'x').join()}] != [])`],
    ['values compared by their text', 'input.xs.exists(x, uniq([{"a": input.long}]) == [])'],
    ['paths with many parts', 'sortBy(input.xs, replace(input.text, "a", "a."))'],
    ['sorting in a loop', 'input.few.all(x, sortBy(input.xs, "") != [])'],
    ['large maps compared by their text', 'uniq([input.keyed, input.keyed, input.keyed, input.keyed])'],
    ['many matches replaced', 'size(regexReplace(input.long.substring(0, 200000), "a", "b")) > 0'],
    ['times read in a loop', 'input.xs.all(x, timestamp(x) == timestamp(x))'],
    // A call on a short value costs what the call takes, although there is hardly anything to read.
    ...[
      'duration("1h30m") != ""',
      'parseJson("1") != 2',
      'merge({"a": 1}, {"b": y}) != {}',
      'indexOf("abc", "b") == 1',
    ].map((condition): [string, string] => [
      `short calls: ${condition}`,
      `input.few.slice(0, 400).all(x, input.few.slice(0, 400).all(y, ${condition}))`,
    ]),
    ['bodies of forty comparisons', `input.xs.all(x, ${COMPARISONS})`],
  ])('%s', (_what, source) => {
    expect(errorOf(source, wide).code).toBe('EXPRESSION_TOO_COSTLY')
  })

  const functions = EXPRESSION_FUNCTIONS.filter(({ signature }) =>
    /^\w+\((\w+\??: .*)?\): \w+$/.test(signature),
  )

  const large: Record<string, string> = {
    any: 'input.long',
    string: 'input.long',
    number: '2',
    list: 'input.xs',
    map: 'input.keyed',
    timestamp: 'timestamp(0)',
    regex: '"a*b|c"',
  }
  /** A call of a function with the largest values that it takes. */
  const callOf = (signature: string) => {
    const parameters = [...signature.matchAll(/\w+\??: (\w+)(?=[,)])/g)]
    return `${signature.split('(')[0]}(${parameters.map(([, kind]) => large[kind ?? '']).join()})`
  }

  /** They look at no more than a short piece of a text or at a part of a list, however large it is. */
  const BRIEF = 'bool double duration int number uint type now slice timestamp'.split(' ')
  const isBrief = (name: string) => BRIEF.includes(name) || name.startsWith('get')

  test.each(functions.map(({ name, signature }) => [name, signature]))(
    '%s pays for what it reads',
    (name, signature) => {
      const meter = new Meter()
      outcome(() => compileExpression(callOf(signature)).evaluate(wide, meter))
      const paid = 1_000_000 - meter.left
      if (isBrief(name)) expect(paid).toBeLessThan(1_000)
      else expect(paid).toBeGreaterThan(50_000)
    },
  )

  test.each(functions.map(({ name, signature }) => [name, signature]))(
    '%s in a loop on large values comes to an end',
    (_name, signature) => {
      const expression = compileExpression(`input.xs.exists(x, ${callOf(signature)} == "nothing")`)
      expect(outcome(() => expression.evaluate(wide, new Meter(50_000)))).toMatch(/^EXPRESSION_/)
    },
  )

  test('100,000 × 100,000 visits are refused at the millionth that is paid, and nothing is read after it', () => {
    let reads = 0
    const watched = new Proxy(xs, {
      get(target, key) {
        if (typeof key === 'string' && key !== 'length') reads++
        return Reflect.get(target, key) as unknown
      },
    })
    const expression = compileExpression('input.xs.exists(x, input.xs.exists(y, x + y < 0))')
    const meter = new Meter()
    const error = failure(() => expression.evaluate({ input: { xs: watched } }, meter))
    expect(error.code).toBe('EXPRESSION_TOO_COSTLY')
    expect(meter.left).toBe(-1)
    expect(reads).toBeLessThanOrEqual(500_002)
  })

  test('an error has no stack, which would take longer than the evaluation, and others keep theirs', () => {
    const { stackTraceLimit } = Error
    expect(errorOf('input.nope.nope').stack).not.toContain('\n')
    expect(Error.stackTraceLimit).toBe(stackTraceLimit)
  })

  test('the error stands where the work is done', () => {
    const source = '1 + size(input.xs.map(x, input.xs.map(y, y)))'
    const { range } = errorOf(source, wide)
    expect(source.slice(range?.start, range?.end)).toContain('input.xs.map')
  })

  test('ordinary work on large lists is far below the limit', () => {
    const leads = Array.from({ length: 10_000 }, (_, i) => ({
      email: `lead${i}@example.com`,
      score: i % 100,
    }))
    const source =
      'uniqBy(sortBy(input.leads.filter(l, l.score > 10 && regexMatch(l.email, "^[^@]+@[^@]+$")), "score"), "email")'
    expect(evaluate(`size(${source})`, { input: { leads } })).toBe(8_900)
  })

  test('values nested deeper than any JSON of ours do no harm', () => {
    let deep: Json = 1
    for (let i = 0; i < 50_000; i++) deep = [deep]
    expect(errorOf('[input]', { input: deep }).code).toBe('EXPRESSION_TOO_COSTLY')
    expect(errorOf('input == parseJson(json([input]))', { input: deep }).code).toBe('EXPRESSION_TOO_COSTLY')
    expect(errorOf(`parseJson(input)`, { input: '['.repeat(50_000) + ']'.repeat(50_000) }).code).toBe(
      'EXPRESSION_FAILED',
    )
  })
})

/** The value that some work gives, or the code of its error. */
function outcome(work: () => unknown): unknown {
  try {
    return work()
  } catch (thrown) {
    return (thrown as { code: unknown }).code
  }
}

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)

/** Sources that are mostly CEL: tokens in a row, and nested calls of everything that is documented. */
const soup = fc
  .array(
    fc.constantFrom(
      ...'input . a b [ ] ( ) { } , : ? ! == != < in + - * / % && || 1 2.5 "x" \'y\' null true x .? has map exists // = @ é \\ " \n b"z" 5u'.split(
        ' ',
      ),
    ),
    { maxLength: 20 },
  )
  .map((tokens) => tokens.join(' '))

const nested: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(
      'input',
      'input.a',
      'input.b[0]',
      'input.?c',
      '1',
      '2.5',
      '0',
      '"x"',
      '"ab,c"',
      'null',
      'true',
      '[]',
      '{}',
    ),
    fc.constantFrom('9007199254740993', 'now()', 'duration("1m")', 'b"q"', 'x', '"__proto__"'),
    fc
      .tuple(tie('node'), fc.constantFrom('+', '-', '*', '/', '%', '==', '<', 'in', '&&', '||'), tie('node'))
      .map((it) => `(${it.join(' ')})`),
    fc.tuple(fc.constantFrom('!', '-'), tie('node')).map(([sign, node]) => `(${sign}${node})`),
    fc.tuple(tie('node'), tie('node'), tie('node')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.array(tie('node'), { maxLength: 3 }).map((nodes) => `[${nodes.join()}]`),
    fc.tuple(tie('node'), tie('node')).map(([key, value]) => `{${key}: ${value}}`),
    fc.tuple(tie('node'), tie('node')).map(([list, index]) => `${list}[${index}]`),
    fc
      .tuple(tie('node'), fc.constantFrom('map', 'filter', 'all', 'exists'), tie('node'))
      .map(([a, f, b]) => `${a}.${f}(x, ${b})`),
    fc
      .tuple(
        fc.constantFrom(...EXPRESSION_FUNCTIONS.map(({ name }) => name)),
        fc.array(tie('node'), { maxLength: 3 }),
      )
      .map(([name, args]) => `${name}(${args.join()})`),
  ),
})).node

describe('laws', () => {
  test('any source either compiles or is an error with a place inside of it', () => {
    fc.assert(
      fc.property(fc.oneof(soup, nested, fc.string(), fc.string({ unit: 'binary' })), (source) => {
        try {
          compileExpression(source)
        } catch (thrown) {
          const { range } = failure(() => {
            throw thrown
          })
          expect(range && 0 <= range.start && range.start <= range.end && range.end <= source.length).toBe(
            true,
          )
        }
      }),
      { numRuns: 1_500 },
    )
  })

  test('any evaluation gives plain JSON or an error with a place inside of the source', () => {
    fc.assert(
      fc.property(nested, json, json, (source, a, b) => {
        const over: Scope = { input: { a, b: [b] }, execution: { startedAt: '2026-01-31T09:30:15Z' } }
        try {
          const value = evaluate(source, over)
          expect(toPlainJson(value)).toMatchObject({ ok: true, value })
        } catch (thrown) {
          const { range } = failure(() => {
            throw thrown
          })
          expect(range && range.end <= source.length).toBe(true)
        }
      }),
      { numRuns: 1_500 },
    )
  })

  test('an expression reads no name of the scope but those that it refers to', () => {
    fc.assert(
      fc.property(nested, (source) => {
        let expression
        try {
          expression = compileExpression(source)
        } catch {
          return
        }
        const read = new Set<PropertyKey>()
        const watched = new Proxy<Scope>(
          { input: { a: 1 } },
          {
            getOwnPropertyDescriptor(target, name) {
              read.add(name)
              return Reflect.getOwnPropertyDescriptor(target, name)
            },
          },
        )
        outcome(() => expression.evaluate(watched))
        const named = expression.references.map(({ path }) => path[0])
        // now() reads the start of the execution without naming it.
        expect([...named, 'execution']).toEqual(expect.arrayContaining([...read]))
      }),
      { numRuns: 1_000 },
    )
  })

  test('where numbers do not mix, it agrees with the library’s own evaluator', () => {
    const environment = new Environment({
      unlistedVariablesAreDyn: true,
      homogeneousAggregateLiterals: false,
    })
    const bool: fc.Arbitrary<string> = fc.letrec<{ bool: string; text: string; list: string }>((tie) => ({
      text: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('"a"', '"b"', '"ab"', '""', 'input.s', 'input.t'),
        fc.tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} + ${b})`),
        fc.tuple(tie('bool'), tie('text'), tie('text')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      ),
      list: fc.oneof(
        { maxDepth: 2 },
        fc.array(tie('text'), { minLength: 1, maxLength: 3 }).map((items) => `[${items.join()}]`),
        fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(${a} + ${b})`),
        fc.tuple(tie('list'), tie('text')).map(([a, b]) => `${a}.map(v, v + ${b})`),
        fc.tuple(tie('list'), tie('text')).map(([a, b]) => `${a}.filter(v, v.contains(${b}))`),
      ),
      bool: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(
          'true',
          'false',
          'input.yes',
          'has(input.s)',
          'has(input.nope)',
          '(input.nope == "a")',
        ),
        fc
          .tuple(tie('text'), fc.constantFrom('==', '!=', '<', '<=', '>', '>='), tie('text'))
          .map((it) => `(${it.join(' ')})`),
        fc
          .tuple(tie('text'), fc.constantFrom('startsWith', 'endsWith', 'contains'), tie('text'))
          .map(([a, f, b]) => `${a}.${f}(${b})`),
        fc
          .tuple(tie('bool'), fc.constantFrom('&&', '||', '==', '!='), tie('bool'))
          .map((it) => `(${it.join(' ')})`),
        tie('bool').map((node) => `!${node}`),
        fc.tuple(tie('text'), tie('list')).map(([a, b]) => `(${a} in ${b})`),
        fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(${a} == ${b})`),
        fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(size(${a}) < size(${b}))`),
        fc
          .tuple(tie('list'), fc.constantFrom('all', 'exists', 'exists_one'), tie('text'))
          .map(([a, f, b]) => `${a}.${f}(v, v == ${b})`),
      ),
    })).bool
    const over: Scope = { input: { s: 'a', t: 'ba', yes: true } }
    fc.assert(
      fc.property(bool, (source) => {
        const ours = outcome(() => evaluate(source, over))
        fc.pre(ours !== 'EXPRESSION_TOO_LARGE')
        const theirs = outcome(() => environment.evaluate(source, over))
        expect(String(ours).replace(/^EXPRESSION_.*/, 'error')).toBe(
          String(theirs).replace(/^(?!true|false).*/, 'error'),
        )
      }),
      { numRuns: 1_000 },
    )
  })
})
