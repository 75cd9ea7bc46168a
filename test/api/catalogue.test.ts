import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { z } from 'zod'
import { completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { BaseBlockExecutor, toBlock } from '../../src/blocks/custom/register-block.ts'
import { graphql } from '../gql/index.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'

const BLOCK = graphql(`
  query WholeBlock($type: String!) {
    block(type: $type) {
      icon
      deprecated
      effect
      repeat
      isControl
      secrets
      timeoutMs
      retry {
        maxAttempts
        initialDelayMs
        factor
        maxDelayMs
        retryIf
      }
    }
  }
`)

const SAYS = graphql(`
  query WhatBlocksSay {
    blocks {
      type
      docs
      inputSchema
      expressions {
        pointer
        binds
      }
    }
  }
`)

const TRY = graphql(`
  mutation TryBlock($input: TestBlockInput!) {
    testBlock(input: $input) {
      ... on TestBlockPayload {
        status
        output
        willRetry
        attempts {
          number
        }
        error {
          code
          message
        }
      }
    }
  }
`)

const GRAPH = graphql(`
  mutation GraphOfDraft($definition: JSON!) {
    createWorkflow(input: { definition: $definition }) {
      ... on CreateWorkflowPayload {
        workflow {
          graph {
            nodes {
              id
              handles
            }
            edges {
              id
              sourceHandle
              targetHandle
            }
          }
        }
      }
    }
  }
`)

const fields = {
  config: z.strictObject({}),
  output: z.json(),
  sample: null,
  run: async () => completed(null),
}

const plain = defineBlock({
  ...fields,
  type: 'test.plain',
  name: 'Plain',
  description: 'Says nothing of itself.',
})
const outspoken = defineBlock({
  ...fields,
  type: 'test.outspoken',
  name: 'Outspoken',
  description: 'Says all there is to say.',
  icon: 'megaphone',
  deprecated: 'Use `test.plain`.',
  repeat: 'never',
  secrets: ['TEST_TOKEN'],
  timeoutMs: 1_234,
  retry: { maxAttempts: 5, initialDelayMs: 1, factor: 1.5, maxDelayMs: 9, retryIf: 'error.code == "X"' },
})

const calls: unknown[] = []
const TAKES = z.looseObject({ email: z.string().describe('Where to write to.') })
const picky = defineBlock({
  ...fields,
  type: 'test.picky',
  name: 'Picky',
  description: 'Takes an address and nothing else.',
  input: TAKES,
  run: async ({ input }) => {
    calls.push(input)
    return completed(input)
  },
})
class PickyClass extends BaseBlockExecutor {
  execute(_config: Record<string, unknown>, input: unknown) {
    calls.push(input)
    return { status: 'completed', output: input } as const
  }
}
const pickyClass = toBlock(
  'test.pickyClass',
  class extends PickyClass {
    constructor() {
      super('test.pickyClass')
    }
  },
  { input: TAKES },
)

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ role: 'api', blocks: [plain, outspoken, picky, pickyClass] })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

const blockOf = async (type: string) => (await server.client.ask(BLOCK, { type })).block

test('the catalogue tells all that a block says of itself', async () => {
  expect(await blockOf('test.outspoken')).toEqual({
    icon: 'megaphone',
    deprecated: 'Use `test.plain`.',
    effect: 'EXTERNAL',
    repeat: 'NEVER',
    isControl: false,
    secrets: ['TEST_TOKEN'],
    timeoutMs: 1_234,
    retry: { maxAttempts: 5, initialDelayMs: 1, factor: 1.5, maxDelayMs: 9, retryIf: 'error.code == "X"' },
  })
})

test('and the defaults of what it does not say', async () => {
  expect(await blockOf('test.plain')).toEqual({
    icon: 'puzzle',
    deprecated: null,
    effect: 'EXTERNAL',
    repeat: 'SAFE',
    isControl: false,
    secrets: [],
    timeoutMs: 300_000,
    retry: { maxAttempts: 3, initialDelayMs: 500, factor: 2, maxDelayMs: 8_000, retryIf: null },
  })
  expect(await blockOf('core.delay')).toMatchObject({ isControl: true })
})

test('the page of every built-in block is its section of docs/blocks.md', async () => {
  const page = await readFile(new URL('../../docs/blocks.md', import.meta.url), 'utf8')
  const { blocks } = await server.client.ask(SAYS, {})
  const missing = blocks.filter(({ type, docs }) => !type.startsWith('test.') && !page.includes(`${docs}\n`))
  expect(missing.map(({ type }) => type)).toEqual([])
  expect(blocks.length).toBeGreaterThan(20)
})

test('the catalogue names the fields that hold bare CEL, and what an input must be', async () => {
  const { blocks } = await server.client.ask(SAYS, {})
  const said = (type: string) => blocks.find((block) => block.type === type)
  expect(said('core.branch')).toMatchObject({
    expressions: [
      { pointer: '/condition', binds: [] },
      { pointer: '/cases/*/when', binds: [] },
    ],
    inputSchema: null,
  })
  expect(said('core.filter')?.expressions).toEqual([{ pointer: '/condition', binds: ['item', 'index'] }])
  expect(said('test.picky')).toMatchObject({
    expressions: [],
    inputSchema: { type: 'object', required: ['email'] },
    docs: expect.stringContaining('| `email` | Where to write to. |'),
  })
})

test.each(['test.picky', 'test.pickyClass'])(
  '%s is not called on an input that it does not take, and no retry is made',
  async (type) => {
    const attempt = async (input: unknown, mode: 'REAL' | 'SIMULATED') =>
      (await server.client.ask(TRY, { input: { type, input, mode } })).testBlock
    calls.length = 0
    for (const mode of ['REAL', 'SIMULATED'] as const) {
      expect(await attempt({ email: 7 }, mode)).toMatchObject({
        status: 'FAILED',
        willRetry: false,
        error: { code: 'BLOCK_INPUT_INVALID', message: expect.stringContaining('email: ') },
      })
    }
    expect(calls).toEqual([])
    const input = { email: 'ada@acme.example', other: 1 }
    expect(await attempt(input, 'REAL')).toMatchObject({ status: 'COMPLETED', output: input })
    expect(calls).toEqual([input])
  },
)

test('a canvas is told every handle of a node, and every edge has an id', async () => {
  const cases = [
    { handle: 'hot', when: 'input.score > 80' },
    { handle: 'warm', when: 'input.score > 40' },
  ]
  const definition = {
    nodes: [
      { id: 'sort', type: 'core.branch', config: { cases, default: 'cold' } },
      { id: 'call', type: 'api.http', config: {}, onError: 'route' },
      { id: 'odd', type: 'no.such' },
    ],
    edges: [
      { source: 'sort', sourceHandle: 'hot', target: 'call', targetHandle: 'in' },
      { id: 'e2', source: 'call', target: 'odd' },
    ],
  }
  const { createWorkflow } = await server.client.ask(GRAPH, { definition })
  expect(createWorkflow).toEqual({
    workflow: {
      graph: {
        nodes: [
          { id: 'sort', handles: ['hot', 'warm', 'cold'] },
          { id: 'call', handles: ['out', 'error'] },
          { id: 'odd', handles: [] },
        ],
        edges: [
          { id: 'sort/hot/call', sourceHandle: 'hot', targetHandle: 'in' },
          { id: 'e2', sourceHandle: 'out', targetHandle: null },
        ],
      },
    },
  })
})
