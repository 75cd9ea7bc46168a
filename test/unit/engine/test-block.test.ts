import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { BlockError, completed } from '../../../src/engine/block/block.ts'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import { testDefinition, testReal, testSimulated } from '../../../src/engine/simulate/test-block.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { soundPlan } from '../../support/run-definition.ts'

const VALUE = 'a-secret-value-of-some-length'

/** Shows its secret wherever it can, and fails as often as its config says. */
const careless = defineBlock({
  type: 'test.careless',
  name: 'Careless',
  description: 'Echoes its secret.',
  effect: 'external',
  secrets: ['key'],
  config: z.object({ token: z.string(), fails: z.boolean().default(false) }),
  output: z.object({ token: z.string() }),
  sample: { token: '' },
  async run({ config, secrets, log }) {
    log.info(`it is ${secrets.get('key')}`)
    if (config.fails) throw new BlockError('BROKEN', `it was ${config.token}`, { retryable: true })
    return completed({ token: config.token })
  },
})

const world = {
  secrets: { open: () => Promise.resolve(new Map([['key', VALUE]])) },
  http: { send: () => Promise.reject(new Error('this test gives no network')) },
  random: () => 0.5,
}

function requestOf(config: JsonObject, node: JsonObject = {}) {
  const document = testDefinition({ type: 'test.careless', config, ...node }, {})
  return { plan: soundPlan(document, [careless]), input: null, executionId: 'test' }
}

test('a real test opens the secrets and shows none of their values, however it ends', async () => {
  const token = '{{ secrets.key }}'
  const good = await testReal(requestOf({ token }), world, systemClock)
  expect(good).toMatchObject({
    status: 'COMPLETED',
    config: { token: '***' },
    output: { token: '***' },
    logs: [{ level: 'info', message: 'it is ***' }],
    leadsTo: null,
  })
  const retried = await testReal(requestOf({ token, fails: true }), world, systemClock)
  expect(retried).toMatchObject({
    status: 'RETRYING',
    config: { token: '***' },
    error: { code: 'BROKEN', message: 'it was ***' },
    leadsTo: 'retry',
  })
  const retry = { maxAttempts: 1 }
  const node = { retry, onError: 'continue' }
  const failed = await testReal(requestOf({ token, fails: true }, node), world, systemClock)
  expect(failed).toMatchObject({ status: 'FAILED', leadsTo: 'continue' })
  expect(JSON.stringify([good, retried, failed])).not.toContain(VALUE)
})

test('a real test asks the node’s `retryIf` whether another attempt would follow', async () => {
  const node = { retry: { retryIf: 'error.code == "BUSY"' } }
  const request = requestOf({ token: 'x', fails: true }, node)
  expect(await testReal(request, world, systemClock)).toMatchObject({ status: 'FAILED', leadsTo: 'fail' })
})

test('a real test in which too much happens is given up with BLOCK_TEST_TOO_LONG', async () => {
  const body = { nodes: [{ id: 'each', type: 'core.transform', config: { value: '{{ item }}' } }], edges: [] }
  const items = Array.from({ length: 10_001 }, (_, i) => i)
  const document = testDefinition({ type: 'core.forEach', config: { items: '{{ input }}', body } }, {})
  const request = { plan: soundPlan(document), input: items, executionId: 'test' }
  expect(await testReal(request, world, systemClock)).toMatchObject({
    status: 'FAILED',
    error: { code: 'BLOCK_TEST_TOO_LONG', message: expect.stringContaining('more than 10000 events') },
  })
})

test('a simulated test opens no secret', async () => {
  const simulated = await testSimulated(requestOf({ token: '{{ secrets.key }}' }), systemClock)
  expect(simulated).toMatchObject({ status: 'COMPLETED', config: { token: '***' }, output: { token: '' } })
})

test('the problems of an output are listed up to a number and a length of text, and the others counted', async () => {
  const strict = defineBlock({
    type: 'test.strict',
    name: 'Strict',
    description: 'Promises texts.',
    effect: 'external',
    config: z.object({}),
    output: z.record(z.string(), z.array(z.string())),
    sample: {},
    run: () => Promise.reject(new Error('it must not be called')),
  })
  const plan = soundPlan(testDefinition({ type: 'test.strict', config: {} }, {}), [strict])
  const output = { ['k'.repeat(100_000)]: Array.from({ length: 10_000 }, (_, i) => i) }
  const mocks = { block: { output } }
  const { outputProblems } = await testSimulated(
    { plan, input: null, executionId: 'test', mocks },
    systemClock,
  )
  expect(outputProblems.length).toBeGreaterThan(5)
  expect(outputProblems.at(-1)?.message).toMatch(/^and \d+ more$/)
  expect(JSON.stringify(outputProblems).length).toBeLessThan(150_000)
})
