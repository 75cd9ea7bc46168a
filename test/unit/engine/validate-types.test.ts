import { describe, expect, jest, test } from '@jest/globals'
import { z } from 'zod'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import type { Diagnostic } from '../../../src/engine/definition/diagnostics.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { definition, forEach, registryWith, scriptedBlocks } from '../../support/run-definition.ts'

const notRun = () => Promise.reject(new Error('not run here'))
const about = { name: 'Test', description: 'Does nothing.', sample: null, run: notRun }

const person = z.object({ name: z.string(), age: z.int(), tags: z.array(z.string()) })
const blocks = registryWith([
  ...scriptedBlocks({}),
  defineBlock({
    ...about,
    type: 'test.find',
    config: z.looseObject({}),
    output: z.strictObject({
      people: z.array(person),
      first: person.nullable(),
      best: person,
      count: z.number(),
      free: z.looseObject({ known: z.string() }),
      any: z.unknown(),
      json: z.json(),
      either: z.union([z.string(), z.number()]),
      bySource: z.record(z.string(), z.number()),
    }),
  }),
  defineBlock({
    ...about,
    type: 'test.loose',
    config: z.looseObject({}),
    output: z.object({ id: z.string() }),
  }),
  defineBlock({
    ...about,
    type: 'test.takes',
    config: z.strictObject({
      text: z.string().optional(),
      number: z.int().optional(),
      flag: z.boolean().optional(),
      list: z.array(z.number()).optional(),
      object: z.looseObject({ inner: z.string().optional() }).optional(),
      strict: z.strictObject({ deep: z.number() }).optional(),
      map: z.record(z.string(), z.number()).optional(),
      union: z.union([z.string(), z.number()]).optional(),
      nullable: z.string().nullish(),
      any: z.unknown().optional(),
      coerced: z.coerce.number().optional(),
      caught: z.number().catch(0),
      preprocessed: z.preprocess(Number, z.number()).optional(),
      transformed: z.string().transform(Number).optional(),
      text2: z.stringbool().optional(),
    }),
    output: z.unknown(),
  }),
])

const inputSchema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string' },
    score: { type: 'integer' },
    isNew: { type: 'boolean' },
    nothing: { type: 'null' },
    leads: { type: 'array', items: { $ref: '#/$defs/lead' } },
    open: { type: 'object', properties: { a: { type: 'string' } } },
    company: { $ref: '#/$defs/company' },
    mixed: { type: ['string', 'number'] },
    either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
    narrowed: { type: 'string', anyOf: [{ minLength: 3 }, { const: '' }] },
    named: { type: 'object', patternProperties: { '^x-': {} }, additionalProperties: false },
    pair: { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'number' } },
    other: { $id: 'https://example.com/other', type: 'string' },
    tree: { $ref: '#/$defs/tree' },
    anything: true,
  },
  $defs: {
    lead: {
      type: 'object',
      properties: { email: { type: 'string' }, score: { type: 'number' } },
      additionalProperties: false,
    },
    company: {
      type: 'object',
      properties: { domain: { type: 'string' }, size: { type: 'number' } },
      additionalProperties: false,
    },
    tree: { type: 'object', properties: { child: { $ref: '#/$defs/tree' } } },
  },
}

const diagnose = (document: unknown): readonly Diagnostic[] =>
  validateDefinition(document, { blocks }).diagnostics

/** What is said of one config, in a node behind a `find` and a `loose`. */
function said(config: object, type = 'test.takes', rest: JsonObject = { inputSchema }) {
  const nodes = { find: { type: 'test.find' }, loose: { type: 'test.loose' }, node: { type, config } }
  return diagnose({ ...definition(nodes, 'find > loose > node'), ...rest }).map(
    ({ code, severity, pointer }) => `${code} ${severity} ${pointer.replace('/nodes/2/config', '')}`,
  )
}

const reading = (expression: string) => said({ any: `{{ ${expression} }}` })

describe('a field that cannot be there', () => {
  test.each([
    ['input.nmae', 'INPUT_UNDECLARED error /any'],
    ['input["na me"]', 'INPUT_UNDECLARED error /any'],
    ['input.company.domian', 'INPUT_UNDECLARED error /any'],
    ['upper(input.nmae)', 'INPUT_UNDECLARED error /any'],
    ['input.name.first', 'TYPE_CLASH error /any'],
    ['input.leads.length', 'TYPE_CLASH error /any'],
    ['input.nothing.at.all', 'TYPE_CLASH error /any'],
    ['nodes.find.output.poeple', 'TYPE_CLASH error /any'],
    ['nodes.find.output.count.high', 'TYPE_CLASH error /any'],
    ['nodes.find.outptu', 'TYPE_CLASH error /any'],
    ['size(nodes.find.output.poeple)', 'TYPE_CLASH error /any'],
    // Where it may not be read after all, it is told and does not keep the definition from running.
    ['input.score > 2 ? input.nmae : ""', 'INPUT_UNDECLARED warning /any'],
    ['input.isNew && input.nwe', 'INPUT_UNDECLARED warning /any'],
    ['input.leads.map(l, input.nmae)', 'INPUT_UNDECLARED warning /any'],
    ['default(input.name, input.nmae)', 'INPUT_UNDECLARED warning /any'],
    // A block may give more than its plain object schema names.
    ['nodes.loose.output.ident', 'TYPE_CLASH warning /any'],
    ['nodes.find.output.best.nmae', 'TYPE_CLASH warning /any'],
  ])('%s', (expression, expected) => {
    expect(reading(expression)).toEqual([expected])
  })

  test('says what was meant, or what there is, and where', () => {
    const text = 'Dear {{ input.nmae }}'
    const document = { ...definition({ a: { config: { text } } }), inputSchema }
    const [found] = diagnose(document)
    expect(found).toMatchObject({
      code: 'INPUT_UNDECLARED',
      nodeId: 'a',
      message: 'By its schema `input` has no field "nmae".',
      suggestion: 'Did you mean "name"?',
    })
    expect(text.slice(found?.range?.start, found?.range?.end)).toBe('input.nmae')
    const other = { ...definition({ a: { config: { x: '{{ input.company.boss }}' } } }), inputSchema }
    expect(diagnose(other)[0]?.suggestion).toBe('It has: "domain", "size".')
  })

  test('in a condition, a retry, an output and a body, too', () => {
    const nodes = {
      branch: { type: 'core.branch', config: { condition: 'input.scroe > 1' } },
      call: { retry: { retryIf: 'input.scroe > attempt' } },
      loop: forEach(definition({ inner: { config: { x: '{{ input.scroe }}' } } }), {
        items: '{{ input.leads }}',
      }),
    }
    const document = { ...definition(nodes), inputSchema, output: '{{ input.scroe }}' }
    expect(diagnose(document).map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'INPUT_UNDECLARED /nodes/0/config/condition',
      'INPUT_UNDECLARED /nodes/1/retry/retryIf',
      'INPUT_UNDECLARED /nodes/2/config/body/nodes/0/config/x',
      'INPUT_UNDECLARED /output',
    ])
  })

  test('built-in blocks are known: a filter has items and rejected', () => {
    const filter = {
      type: 'core.filter',
      config: { items: '{{ input.leads }}', condition: 'item.score > 1' },
    }
    const document = definition(
      { keep: filter, b: { config: { x: '{{ nodes.keep.output.itmes }}' } } },
      'keep > b',
    )
    expect(diagnose(document)).toMatchObject([
      { code: 'TYPE_CLASH', severity: 'warning', suggestion: 'Did you mean "items"?' },
    ])
  })
})

describe('an item of a loop', () => {
  const loop = (items: string, body: string, outer: object = { inputSchema }) => {
    const inner = definition({ inner: { type: 'test.takes', config: { number: `{{ ${body} }}` } } })
    const nodes = { find: { type: 'test.find' }, loop: forEach(inner, { items: `{{ ${items} }}` }) }
    return diagnose({ ...definition(nodes, 'find > loop'), ...outer }).map(
      ({ code, severity }) => `${code} ${severity}`,
    )
  }

  test.each([
    ['input.leads', 'item.scroe', ['TYPE_CLASH error']],
    ['input.leads', 'item.email', ['TYPE_CLASH error']],
    ['input.leads', 'item.score', []],
    ['nodes.find.output.people', 'item.name', ['TYPE_CLASH error']],
    ['nodes.find.output.people', 'item.age', []],
    ['nodes.find.output.people', 'item', ['TYPE_CLASH error']],
    // Of lists that are made on the spot nothing is known.
    ['input.leads.filter(l, l.score > 1)', 'item.anything', []],
    ['input.anything', 'item.anything', []],
    ['nodes.find.output.any', 'item.anything', []],
  ])('of %s, read as %s', (items, body, expected) => {
    expect(loop(items, body)).toEqual(expected)
  })

  test('belongs to the nearest loop', () => {
    const inner = forEach(definition({ x: { config: { y: '{{ item.email }}' } } }), {
      items: '{{ input.any }}',
    })
    const outer = forEach(definition({ inner }), { items: '{{ input.numbers }}' })
    const numbers = { type: 'object', properties: { numbers: { type: 'array', items: { type: 'number' } } } }
    expect(diagnose({ ...definition({ outer }), inputSchema: numbers })).toEqual([])
  })

  test.each([
    ['item.scroe > 50', ['TYPE_CLASH error /nodes/0/config/condition']],
    ['item.email.domain == "x.de"', ['TYPE_CLASH error /nodes/0/config/condition']],
    ['item.score > 50 && item.scroe > index', ['TYPE_CLASH warning /nodes/0/config/condition']],
    ['item.score > 50 && has(item.scroe)', []],
    ['item.score > 50', []],
  ])('in a filter’s condition: %s', (condition, expected) => {
    const filter = { type: 'core.filter', config: { items: '{{ input.leads }}', condition } }
    const found = diagnose({ ...definition({ filter }), inputSchema })
    expect(found.map(({ code, severity, pointer }) => `${code} ${severity} ${pointer}`)).toEqual(expected)
  })

  test('is not the one that a filter’s condition binds', () => {
    const filter = {
      type: 'core.filter',
      config: { items: '{{ input.anything }}', condition: 'item.nested.deep' },
    }
    const document = definition({ loop: forEach(definition({ filter }), { items: '{{ input.leads }}' }) })
    expect(diagnose({ ...document, inputSchema })).toEqual([])
  })
})

describe('a value that cannot be what its field takes', () => {
  test.each<[config: object, expected: string[]]>([
    [{ number: '{{ input.name }}' }, ['TYPE_CLASH error /number']],
    [{ number: '{{input.isNew}}' }, ['TYPE_CLASH error /number']],
    [{ text: '{{ input.score }}' }, ['TYPE_CLASH error /text']],
    [{ text: '{{ input.leads }}' }, ['TYPE_CLASH error /text']],
    [{ text: '{{ input.nothing }}' }, ['TYPE_CLASH error /text']],
    [{ flag: '{{ input.name }}' }, ['TYPE_CLASH error /flag']],
    [{ list: '{{ input.name }}' }, ['TYPE_CLASH error /list']],
    [{ list: [1, '{{ input.name }}'] }, ['TYPE_CLASH error /list/1']],
    [{ list: '{{ nodes.find.output.best }}' }, ['TYPE_CLASH error /list']],
    [{ object: '{{ input.leads }}' }, ['TYPE_CLASH error /object']],
    [{ object: { inner: '{{ input.score }}' } }, ['TYPE_CLASH error /object/inner']],
    [{ strict: { deep: '{{ input.name }}' } }, ['TYPE_CLASH error /strict/deep']],
    [{ map: { x: '{{ input.name }}' } }, ['TYPE_CLASH error /map/x']],
    [{ number: 'about {{ input.score }}' }, ['TYPE_CLASH error /number']],
    [{ number: '{{ input.score }} ' }, ['TYPE_CLASH error /number']],
    [{ transformed: '{{ input.score }}' }, ['TYPE_CLASH error /transformed']],
    [{ text: '{{ input.narrowed }}', number: '{{ input.narrowed }}' }, ['TYPE_CLASH error /number']],
  ])('%j', (config, expected) => {
    expect(said(config)).toEqual(expected)
  })

  test('says what would make it fit', () => {
    const document = {
      ...definition({ a: { type: 'test.takes', config: { number: ' {{ input.name }}' } } }),
      inputSchema,
    }
    expect(diagnose(document)[0]).toMatchObject({
      message: 'Text with expressions in it is a text, but a number belongs here.',
      suggestion: expect.stringContaining('`number(…)`'),
    })
  })
})

describe('no false alarm', () => {
  test.each<[why: string, config: object]>([
    ['what fits', { text: '{{ input.name }}', number: '{{ input.score }}', flag: '{{ input.isNew }}' }],
    ['lists and objects', { list: '{{ input.leads }}', object: '{{ input.company }}' }],
    [
      'a whole number is a number',
      { map: { x: '{{ input.score }}' }, number: '{{ nodes.find.output.count }}' },
    ],
    ['a type of several', { number: '{{ input.mixed }}', text: '{{ input.either }}' }],
    ['a field of several types', { union: '{{ input.isNew }}', nullable: '{{ input.score }}' }],
    ['a field that takes anything', { any: '{{ input.leads }}' }],
    ['a field that makes what it needs', { coerced: '{{ input.name }}', preprocessed: '{{ input.name }}' }],
    ['a field that forgives', { caught: '{{ input.name }}' }],
    [
      'an open object',
      { text: '{{ input.open.whatever }}', number: '{{ nodes.find.output.free.whatever }}' },
    ],
    ['a map by any name', { number: '{{ nodes.find.output.bySource.github }}' }],
    ['anything', { text: '{{ input.anything.a.b }}', number: '{{ nodes.find.output.json.a }}' }],
    ['names by a pattern', { text: '{{ input.named["x-key"] }}' }],
    ['an indexed item', { text: '{{ input.leads[0].nmae }}', number: '{{ input.pair[0] }}' }],
    ['a computed value', { number: '{{ number(input.name) }}', text: '{{ string(input.score) }}' }],
    ['a choice', { number: '{{ input.isNew ? 1 : 2 }}' }],
    ['a schema of another document', { number: '{{ input.other }}' }],
    ['a schema that refers to itself', { number: '{{ input.tree.child.child.leaf }}' }],
    ['a nullable object', { text: '{{ nodes.find.output.first.name }}' }],
    ['has()', { flag: '{{ has(input.nmae) }}' }],
    ['default()', { text: '{{ default(input.nmae, "nobody") }}' }],
    ['an optional path', { any: '{{ input.?nmae }}' }],
    ['a field that is asked for first', { text: '{{ has(input.nmae) ? input.nmae : "nobody" }}' }],
    ['a name that a loop binds', { any: '{{ input.leads.map(input, input.nmae) }}' }],
    ['variables, which a start may replace', { number: '{{ variables.city.name }}' }],
    ['the execution', { text: '{{ execution.id }}' }],
  ])('%s', (_why, config) => {
    expect(
      said(config, 'test.takes', { inputSchema, variables: { city: 'Basel' } }).filter(
        (one) => !one.startsWith('VARIABLE_UNUSED'),
      ),
    ).toEqual([])
  })

  test('where the input schema says nothing, or is not valid', () => {
    const schemas: JsonObject['inputSchema'][] = [true, {}, { type: 'object' }]
    for (const rest of [{}, ...schemas.map((schema) => ({ inputSchema: schema }))]) {
      expect(said({ number: '{{ input.name.first }}' }, 'test.takes', rest)).toEqual([])
    }
    expect(
      said({ any: '{{ input.nmae }}' }, 'test.takes', { inputSchema: { ...inputSchema, type: 'objekt' } }),
    ).toEqual(['INPUT_SCHEMA_INVALID error /inputSchema'])
  })

  test('of a node that goes on after a failure: its output may be another one then', () => {
    for (const onError of ['continue', 'route']) {
      const nodes = {
        find: { type: 'test.find', onError },
        b: { config: { x: '{{ nodes.find.output.code }}' } },
      }
      expect(diagnose(definition(nodes, 'find > b'))).toEqual([])
    }
  })

  test('of a block whose schema cannot be written as JSON Schema', () => {
    const odd = defineBlock({
      ...about,
      type: 'test.odd',
      config: z.looseObject({ at: z.date().optional(), own: z.custom<number>(() => true).optional() }),
      output: z.map(z.string(), z.number()),
    })
    const config = { at: '{{ input.name }}', own: '{{ input.name }}', x: '{{ nodes.first.output.y }}' }
    const document = {
      ...definition({ first: { type: 'test.odd' }, a: { type: 'test.odd', config } }, 'first > a'),
      inputSchema,
    }
    expect(validateDefinition(document, { blocks: registryWith([odd]) }).diagnostics).toEqual([])
  })
})

test('a reference of a schema is followed once, however many fields of its value an expression reads', () => {
  const inputSchema = { $defs: { deep: { type: 'object' } }, $ref: '#/$defs/deep' }
  const sum = Array.from({ length: 240 }, (_, i) => `input.f${i}`).join(' + ')
  const document = { ...definition({ a: { config: { x: `{{ ${sum} }}` } } }), inputSchema }
  const split = jest.spyOn(String.prototype, 'split')
  try {
    validateDefinition(document, { blocks })
    expect(split.mock.contexts.filter((text) => String(text) === '$defs/deep').length).toBeLessThan(5)
  } finally {
    split.mockRestore()
  }
})
