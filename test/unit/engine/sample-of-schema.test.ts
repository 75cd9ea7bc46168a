import { expect, test } from '@jest/globals'
import { inputProblems } from '../../../src/engine/json-schema/input-schema.ts'
import { sampleOfSchema } from '../../../src/engine/json-schema/sample-of-schema.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'

test.each<[string, JsonObject]>([
  ['nothing', {}],
  ['a required property that nothing describes', { type: 'object', required: ['ok'] }],
  [
    'properties',
    { properties: { ok: { type: 'boolean' }, note: { type: 'string' } }, required: ['ok', 'note'] },
  ],
  [
    'nested objects',
    { type: 'object', properties: { by: { type: 'object', required: ['name'] } }, required: ['by'] },
  ],
  ['an enum', { type: 'object', properties: { choice: { enum: ['yes', 'no'] } }, required: ['choice'] }],
  ['a const', { const: 7 }],
  ['an example', { type: 'string', pattern: '^A\\d$', examples: ['A1'] }],
  ['a default', { type: 'integer', minimum: 10, default: 12 }],
  ['a minimum', { type: 'number', minimum: 3.5 }],
  ['formats', { type: 'array', items: { type: 'string', format: 'email' }, minItems: 2 }],
  ['alternatives', { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] }],
  ['several types', { type: ['integer', 'null'] }],
])('admits its own sample: %s', (_what, schema) => {
  expect(inputProblems(schema, sampleOfSchema(schema))).toEqual([])
})

test('a schema that refers to itself without end comes to an end', () => {
  const schema: { [key: string]: unknown } = { type: 'object' }
  schema['properties'] = { self: schema }
  expect(JSON.stringify(sampleOfSchema(schema as never)).length).toBeLessThan(1_000)
})
