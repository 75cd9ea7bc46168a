import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { DiagnosticCode, ValidateWorkflowInput } from '../gql/graphql.ts'
import { newSecretKeyText } from '../../src/access/secret-cipher.ts'
import { ownerId } from '../../src/lib/ids.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { GREETING, SIMPLE } from '../support/definitions.ts'

const VALIDATE = graphql(`
  mutation Validate($input: ValidateWorkflowInput!) {
    validateWorkflow(input: $input) {
      __typename
      ... on ValidateWorkflowPayload {
        valid
        diagnostics {
          code
          severity
          message
          pointer
          nodeId
          relatedNodeIds
          range {
            start
            end
          }
          suggestion
        }
      }
      ... on Error {
        code
        message
        path
      }
    }
  }
`)

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ config: { secretKeys: [newSecretKeyText()] } })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function validate(input: ValidateWorkflowInput) {
  return (await server.client.ask(VALIDATE, { input })).validateWorkflow
}

async function diagnose(definition: unknown) {
  const result = await validate({ definition })
  if (result.__typename !== 'ValidateWorkflowPayload') throw new Error(result.message)
  return result
}

const node = (id: string, type = 'core.transform', config: object = { value: 1 }) => ({ id, type, config })
const edge = (source: string, target: string, sourceHandle?: string) => ({
  source,
  target,
  ...(sourceHandle ? { sourceHandle } : {}),
})

describe('validateWorkflow', () => {
  test('finds nothing wrong with a sound definition, in place or stored', async () => {
    expect(await validate({ definition: GREETING })).toEqual({
      __typename: 'ValidateWorkflowPayload',
      valid: true,
      diagnostics: [],
    })
    const { createWorkflow } = await server.client.ask(
      graphql(`
        mutation StoreForValidation($definition: JSON!) {
          createWorkflow(input: { definition: $definition }) {
            ... on CreateWorkflowPayload {
              workflow {
                id
              }
            }
          }
        }
      `),
      { definition: { nodes: [node('a', 'core.nothing')], edges: [] } },
    )
    const workflowId = 'workflow' in createWorkflow ? createWorkflow.workflow.id : ''
    expect(await validate({ workflowId })).toMatchObject({
      valid: false,
      diagnostics: [{ code: 'BLOCK_UNKNOWN' }],
    })
  })

  test.each<[code: DiagnosticCode, pointer: string, definition: unknown]>([
    ['DEFINITION_MALFORMED', '/nodes', { nodes: 5 }],
    ['DEFINITION_MALFORMED', '/nodes/0/id', { nodes: [node('a/b')], edges: [] }],
    ['DEFINITION_EMPTY', '/nodes', { nodes: [], edges: [] }],
    [
      'DEFINITION_TOO_LARGE',
      '/nodes',
      { nodes: Array.from({ length: 2_001 }, (_, index) => node(`n${index}`)), edges: [] },
    ],
    ['NODE_ID_DUPLICATE', '/nodes/1/id', { nodes: [node('a'), node('a')], edges: [] }],
    ['EDGE_DANGLING', '/edges/0/target', { nodes: [node('a')], edges: [edge('a', 'b')] }],
    [
      'EDGE_DUPLICATE',
      '/edges/1',
      { nodes: [node('a'), node('b')], edges: [edge('a', 'b'), edge('a', 'b')] },
    ],
    [
      'HANDLE_UNKNOWN',
      '/edges/0/sourceHandle',
      { nodes: [node('a'), node('b')], edges: [edge('a', 'b', 'left')] },
    ],
    [
      'GRAPH_CYCLE',
      '/edges',
      {
        nodes: [node('a'), node('b'), node('c')],
        edges: [edge('a', 'b'), edge('b', 'c'), edge('c', 'a')],
      },
    ],
    ['BLOCK_UNKNOWN', '/nodes/0/type', { nodes: [node('a', 'core.filtre')], edges: [] }],
    [
      'CONFIG_INVALID',
      '/nodes/0/config/method',
      { nodes: [node('a', 'api.http', { url: 'http://example.com', method: 'FLY' })], edges: [] },
    ],
    [
      'EXPRESSION_INVALID',
      '/nodes/0/config/value',
      { nodes: [node('a', 'core.transform', { value: '{{ 1 + }}' })], edges: [] },
    ],
    [
      'NAME_UNKNOWN',
      '/nodes/0/config/value',
      { nodes: [node('a', 'core.transform', { value: '{{ inputs.x }}' })], edges: [] },
    ],
    [
      'NODE_UNKNOWN',
      '/nodes/0/config/value',
      { nodes: [node('a', 'core.transform', { value: '{{ nodes.b.output }}' })], edges: [] },
    ],
    [
      'NODE_NOT_UPSTREAM',
      '/nodes/0/config/value',
      { nodes: [node('a', 'core.transform', { value: '{{ nodes.b.output }}' }), node('b')], edges: [] },
    ],
    [
      'SECRET_IN_PURE_BLOCK',
      '/nodes/0/config/value',
      { nodes: [node('a', 'core.transform', { value: '{{ secrets.KEY }}' })], edges: [] },
    ],
    ['INPUT_SCHEMA_INVALID', '/inputSchema', { ...SIMPLE, inputSchema: { type: 'strnig' } }],
    ['CONFIG_REQUIRED', '/nodes/0/config/url', { nodes: [node('a', 'api.http', {})] }],
    [
      'TYPE_CLASH',
      '/nodes/1/config/items',
      {
        nodes: [
          node('get', 'api.http', { url: 'http://example.com' }),
          node('keep', 'core.filter', { items: '{{ nodes.get.output.status }}', condition: 'true' }),
        ],
        edges: [edge('get', 'keep')],
      },
    ],
    [
      'INPUT_UNDECLARED',
      '/nodes/0/config/value',
      {
        inputSchema: { type: 'object', properties: { name: {} }, additionalProperties: false },
        nodes: [node('a', 'core.transform', { value: '{{ input.nmae }}' })],
      },
    ],
  ])('tells %s at %s', async (code, pointer, definition) => {
    const { valid, diagnostics } = await diagnose(definition)
    expect(valid).toBe(false)
    const found = diagnostics.find((diagnostic) => diagnostic.code === code)
    expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain(code)
    expect(found).toMatchObject({ severity: 'ERROR', pointer: expect.stringContaining(pointer) })
    expect(found?.message).not.toBe('')
  })

  test('warns without keeping the definition from running', async () => {
    expect(await diagnose({ ...SIMPLE, variables: { city: 'Basel' } })).toMatchObject({
      valid: true,
      diagnostics: [{ code: 'VARIABLE_UNUSED', severity: 'WARNING', pointer: '/variables/city' }],
    })
  })

  test('a malformed part does not hide what is wrong with the others', async () => {
    const { diagnostics } = await diagnose({
      limits: { concurrency: 0 },
      nodes: [{ id: 'bad', type: 5 }, node('a', 'core.transform', { value: '{{ 1 + }}' })],
      edges: [edge('bad', 'a'), { source: 'a' }],
    })
    expect(diagnostics.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
      'DEFINITION_MALFORMED /limits/concurrency',
      'DEFINITION_MALFORMED /nodes/0/type',
      'DEFINITION_MALFORMED /edges/1/target',
      'EXPRESSION_INVALID /nodes/1/config/value',
    ])
  })

  test('saving and executing tell the same list', async () => {
    const definition = {
      nodes: [
        { id: 'bad', type: 5 },
        node('a', 'core.fliter'),
        node('b', 'core.transform', { value: '{{ x }}' }),
      ],
      edges: [edge('a', 'nobody'), edge('bad', 'b')],
    }
    const { diagnostics: told } = await diagnose(definition)
    const { createWorkflow, executeWorkflow } = await server.client.ask(
      graphql(`
        mutation SaveAndExecuteUnsound($definition: JSON!) {
          createWorkflow(input: { definition: $definition }) {
            ... on CreateWorkflowPayload {
              diagnostics {
                code
                pointer
              }
            }
          }
          executeWorkflow(input: { definition: $definition }) {
            ... on ValidationFailed {
              diagnostics {
                code
                pointer
              }
            }
          }
        }
      `),
      { definition },
    )
    const brief = told.map(({ code, pointer }) => ({ code, pointer }))
    expect(brief.length).toBeGreaterThan(3)
    expect(createWorkflow).toEqual({ diagnostics: brief })
    expect(executeWorkflow).toEqual({ diagnostics: brief })
  })

  test('tells everything at once, with the place in the text, a suggestion, and who takes part', async () => {
    const { diagnostics } = await diagnose({
      nodes: [
        node('keep', 'core.filtre', {}),
        node('sum', 'core.transform', { value: 'So many: {{ size(nodes.kep.output) }}' }),
        node('x'),
        node('y'),
      ],
      edges: [edge('keep', 'sum'), edge('x', 'y'), edge('y', 'x')],
    })
    expect(diagnostics.map(({ code }) => code).sort()).toEqual([
      'BLOCK_UNKNOWN',
      'GRAPH_CYCLE',
      'NODE_UNKNOWN',
    ])
    const byCode = new Map(diagnostics.map((diagnostic) => [diagnostic.code, diagnostic]))
    expect(byCode.get('BLOCK_UNKNOWN')).toMatchObject({
      nodeId: 'keep',
      suggestion: expect.stringContaining('core.filter'),
    })
    const { range, suggestion } = byCode.get('NODE_UNKNOWN') ?? {}
    expect('So many: {{ size(nodes.kep.output) }}'.slice(range?.start, range?.end)).toContain('kep')
    expect(suggestion).toContain('keep')
    expect(byCode.get('GRAPH_CYCLE')?.relatedNodeIds).toEqual(expect.arrayContaining(['x', 'y']))
  })

  test.each<[what: string, definition: unknown]>([
    ['null', null],
    ['a text', 'nodes'],
    ['a number', 1e308],
    ['a list', []],
    ['an empty object', {}],
    ['nodes that are a text', { nodes: 'abc', edges: [] }],
    ['nodes that are null', { nodes: [null], edges: [null] }],
    ['a node with a list for an id', { nodes: [{ id: [], type: {}, config: [] }], edges: [] }],
    ['edges between objects', { nodes: [node('a')], edges: [{ source: {}, target: [] }] }],
    [
      'an input schema that refers to the network',
      { ...SIMPLE, inputSchema: { $ref: 'http://127.0.0.1/x' } },
    ],
    ['an input schema that refers to itself', { ...SIMPLE, inputSchema: { $ref: '#' } }],
    ['limits without end', { ...SIMPLE, limits: { concurrency: 1e9, timeoutMs: -1 } }],
  ])('answers for %s', async (_what, definition) => {
    const result = await validate({ definition })
    expect(['ValidateWorkflowPayload', 'InvalidArgument']).toContain(result.__typename)
  })

  test('wants exactly one of `definition` and `workflowId`', async () => {
    for (const input of [
      {},
      { definition: SIMPLE, workflowId: 'x' },
      { definition: null, workflowId: null },
    ]) {
      expect(await validate(input)).toEqual({
        __typename: 'InvalidArgument',
        code: 'INVALID_ARGUMENT',
        message: 'Give either `definition` or `workflowId`.',
        path: ['input'],
      })
    }
    expect(await validate({ workflowId: 'garbage' })).toMatchObject({
      __typename: 'NotFound',
      code: 'NOT_FOUND',
      path: ['input', 'workflowId'],
    })
  })

  test('stores nothing and runs nothing', async () => {
    const counts = graphql(`
      query CountAfterValidation {
        workflows {
          totalCount
        }
        executions {
          totalCount
        }
      }
    `)
    const before = await server.client.ask(counts, {})
    await validate({ definition: SIMPLE })
    expect(await server.client.ask(counts, {})).toEqual(before)
  })
})

test('warns of a secret that is not set, until it is', async () => {
  const definition = {
    nodes: [
      node('a', 'api.http', { url: 'https://example.com', headers: { authorization: '{{ secrets.shop }}' } }),
    ],
    edges: [],
  }
  const missing = { code: 'SECRET_UNAVAILABLE', severity: 'WARNING', nodeId: 'a' }
  expect(await diagnose(definition)).toMatchObject({ valid: true, diagnostics: [missing] })
  await server.lume.services.vault.set(ownerId('local'), 'shop', 'a value of some length')
  expect((await diagnose(definition)).diagnostics).toEqual([])
})
