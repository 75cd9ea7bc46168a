import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { z } from 'zod'
import { completed } from '../../src/engine/block.ts'
import { defineBlock } from '../../src/engine/define-block.ts'
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

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ role: 'api', blocks: [plain, outspoken] })
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
