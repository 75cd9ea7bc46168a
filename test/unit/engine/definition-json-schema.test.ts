import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { graphql } from 'graphql'
import { definitionJsonSchema } from '../../../src/engine/definition/definition-json-schema.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import { schema } from '../../../src/schema/schema.ts'
import { GREETING, SIMPLE } from '../../support/definitions.ts'
import { registryWith } from '../../support/run-definition.ts'

const fits = new Ajv2020().compile(definitionJsonSchema())
const node = { id: 'a', type: 'core.transform', config: { value: 1 } }

describe('the JSON Schema of definitions', () => {
  test.each<[what: string, document: unknown]>([
    ['a definition of every kind of field', GREETING],
    ['the least that can run', { nodes: [node] }],
    ['two nodes and no more than they need', SIMPLE],
    ['the earlier in-house form', { workflowId: 'w', name: 'n', version: 3, metadata: {}, ...SIMPLE }],
    ['what a canvas adds', { nodes: [{ ...node, data: {}, measured: { width: 1 } }], viewport: {} }],
    [
      'a handle that is null',
      { nodes: [node, { ...node, id: 'b' }], edges: [{ source: 'a', target: 'b', sourceHandle: null }] },
    ],
  ])('takes %s', (_what, document) => {
    expect(fits(document)).toBe(true)
    expect(validateDefinition(document, { blocks: registryWith() }).plan).not.toBeNull()
  })

  test.each<[what: string, document: unknown]>([
    ['a list', []],
    ['no nodes', {}],
    ['a node without a type', { nodes: [{ id: 'a' }] }],
    ['an id with a slash', { nodes: [{ ...node, id: 'a/b' }] }],
    ['an unknown `onError`', { nodes: [{ ...node, onError: 'ignore' }] }],
    ['too many attempts', { nodes: [{ ...node, retry: { maxAttempts: 101 } }] }],
    ['an edge without a target', { nodes: [node], edges: [{ source: 'a' }] }],
    ['no concurrency', { nodes: [node], limits: { concurrency: 0 } }],
    ['an input schema that is a text', { nodes: [node], inputSchema: 'any' }],
  ])('refuses %s, as validation does', (_what, document) => {
    expect(fits(document)).toBe(false)
    const { diagnostics } = validateDefinition(document, { blocks: registryWith() })
    expect(diagnostics.map(({ code }) => code)).toContain('DEFINITION_MALFORMED')
  })

  test('describes every field', () => {
    const { properties } = definitionJsonSchema() as { properties: Record<string, { description?: string }> }
    expect(Object.entries(properties).filter(([, { description }]) => !description)).toEqual([])
  })

  test('is what the query `definitionJsonSchema` answers, and what the file holds', async () => {
    const contextValue = { viewer: { ownerId: 'local', role: 'ADMIN' } }
    const { data, errors } = await graphql({
      schema,
      source: '{ definitionJsonSchema }',
      contextValue,
    })
    expect(errors).toBeUndefined()
    const file: unknown = JSON.parse(
      readFileSync(new URL('../../../definition.schema.json', import.meta.url), 'utf8'),
    )
    expect(JSON.parse(JSON.stringify(data?.definitionJsonSchema))).toEqual(file)
    expect(file).toEqual(definitionJsonSchema())
  })
})
