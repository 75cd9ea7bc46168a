import { describe, expect, test } from '@jest/globals'
import { sampleOfSchema as sampleOfAnswer } from '../../../src/blocks/ai/sample-of-schema.ts'
import { inputProblems } from '../../../src/engine/json-schema/input-schema.ts'
import { sampleOfSchema } from '../../../src/engine/json-schema/sample-of-schema.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import {
  COLONS,
  DEEP_INPUT,
  EXPONENTIAL_SCHEMA,
  largeSchema,
  MANY_ITEMS,
  RECURSIVE_SCHEMA,
} from '../../support/hostile-schemas.ts'
import { definition, registryWith, scriptedBlocks, TestExecution } from '../../support/run-definition.ts'

const blocks = registryWith(scriptedBlocks({}))
const told = (document: unknown) =>
  validateDefinition(document, { blocks }).diagnostics.map(({ code, pointer }) => `${code} ${pointer}`)
const withInputSchema = (inputSchema: JsonObject) => ({ ...definition({ a: {} }), inputSchema })
const waitFor = (schema: unknown) => ({ type: 'core.waitForSignal', config: { name: 'go', schema } })

const UNCHECKED = [
  { pointer: '', message: expect.stringMatching(/^cannot be checked: .* longer than the 250 ms/) },
]

describe('an input that cannot be checked in time is refused, and the next one is checked:', () => {
  // The exponents say how long each would take without a bound: years, or minutes.
  test.each<[string, JsonObject, Json, Json]>([
    ['two references at each of 60 levels', EXPONENTIAL_SCHEMA, 'text', null],
    ['two references at each of 60 levels of the input', RECURSIVE_SCHEMA, DEEP_INPUT, null],
    ['all items compared with each other', { uniqueItems: true }, MANY_ITEMS, [1, 2]],
    ['a format that backtracks', { format: 'url' }, COLONS, 'http://example.com/'],
    ['a pattern that repeats much', { pattern: '(?:a?b?){1000}c$' }, `${'ab'.repeat(250_000)}cx`, 'abc'],
  ])('%s', (what, schema, input, harmless) => {
    expect(inputProblems(schema, input)).toEqual(UNCHECKED)
    const isExponential = what.endsWith('levels')
    expect(inputProblems(schema, harmless)).toEqual(isExponential ? UNCHECKED : [])
  })
})

describe('a schema that cannot be compiled in time', () => {
  // A hundred large repeats of classes: each is compiled into thousands of instructions.
  const slow = {
    properties: Object.fromEntries(
      Array.from({ length: 900 }, (_, i) => [`p${i}`, { pattern: `^[a-z]{1,${i + 1}}[0-9]{1,900}$` }]),
    ),
  }

  test('is told of with its place and how to mend it', () => {
    expect(validateDefinition(withInputSchema(slow), { blocks }).diagnostics).toEqual([
      {
        code: 'INPUT_SCHEMA_INVALID',
        severity: 'error',
        pointer: '/inputSchema',
        message: expect.stringContaining('takes longer than the 500 ms'),
        suggestion: expect.stringContaining('small'),
      },
    ])
    expect(inputProblems(slow, {})).toEqual([
      { pointer: '', message: expect.stringMatching(/^cannot be checked: its schema takes longer/) },
    ])
  })
})

describe('a schema’s size', () => {
  test('is bounded, of each one', () => {
    const large = largeSchema(80_000)
    expect(told(withInputSchema(large))).toEqual(['INPUT_SCHEMA_INVALID /inputSchema'])
    expect(told(definition({ ask: waitFor(large) }))).toEqual(['CONFIG_INVALID /nodes/0/config/schema'])
  })

  test('is bounded, of all that a definition holds together', () => {
    const nodes = Array.from({ length: 100 }, (_, i) => [`ask${i}`, waitFor(largeSchema(20_000, `f${i}x`))])
    const document = definition(Object.fromEntries(nodes))
    expect(told(document)).toEqual([
      expect.stringMatching(/^DEFINITION_TOO_COMPLEX \/nodes\/[1-7]\/config\/schema$/),
    ])
  })

  test('counts once where many nodes have the same', () => {
    const schema = largeSchema(5_000)
    const nodes = Array.from({ length: 100 }, (_, i) => [`ask${i}`, waitFor(schema)])
    expect(told(definition(Object.fromEntries(nodes)))).toEqual([])
  })
})

describe('a schema', () => {
  test('whose answer would be a promise is refused: nobody would hear of what does not fit', () => {
    expect(told(withInputSchema({ $async: true, type: 'string' }))).toEqual([
      'INPUT_SCHEMA_INVALID /inputSchema',
    ])
    expect(told(withInputSchema({ properties: { a: { $async: true, type: 'string' } } }))).toEqual([
      'INPUT_SCHEMA_INVALID /inputSchema',
    ])
  })

  test('that is nested deeper than can be compiled is refused', () => {
    const deep = Array.from({ length: 400 }).reduce<JsonObject>((inner) => ({ items: inner }), {})
    expect(
      told(withInputSchema(deep)).filter((line) => line !== 'INPUT_SCHEMA_INVALID /inputSchema'),
    ).toEqual([])
    expect(inputProblems(deep, [[[]]]).length).toBeLessThanOrEqual(1)
  })

  test('that has templates in it is looked at when they have been filled', async () => {
    const document = definition({ ask: waitFor({ minimum: '{{ input }}' }) })
    expect(told(document)).toEqual([])
    expect(await new TestExecution(document, {}, { input: 'x' }).finish()).toMatchObject({
      status: 'FAILED',
      error: { code: 'CONFIG_INVALID', message: expect.stringContaining('schema: The schema is not valid') },
    })
  })
})

describe('a signal', () => {
  test('whose payload cannot be checked is discarded, and the wait goes on', async () => {
    const execution = new TestExecution(definition({ ask: waitFor(EXPONENTIAL_SCHEMA) }))
    await execution.run()
    execution.send({ kind: 'SIGNAL', name: 'go', path: null, payload: 'text' } as const)
    expect(await execution.run()).toMatchObject({ kind: 'parked' })
    expect(execution.journal.eventsOf('SIGNAL_DISCARDED')).toMatchObject([
      { body: { problems: [expect.stringContaining('cannot be checked')] } },
    ])
  })
})

describe('a sample is made up of so many values and no more:', () => {
  const wide = {
    minItems: 1e9,
    type: 'array',
    items: { type: 'array', minItems: 1e9, items: { type: 'array' } },
  }
  const field = { $ref: '#/$defs/all' }
  const branching = {
    $defs: {
      all: { properties: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`p${i}`, field])) },
    },
    ...field,
  }
  test.each<[string, JsonObject]>([
    ['lists in lists', wide],
    ['fields that refer to all fields', branching],
    ['a long text', { type: 'string', minLength: 1_000_000_000 }],
  ])('%s', (_what, schema) => {
    for (const sample of [sampleOfSchema(schema), sampleOfAnswer(schema, () => 0)])
      expect(JSON.stringify(sample).length).toBeLessThan(200_000)
  })
})
