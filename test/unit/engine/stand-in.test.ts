import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { z } from 'zod'
import type { BlockContext } from '../../../src/engine/block/block.ts'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import { maskedSecrets } from '../../../src/engine/mocks/masked-secrets.ts'
import { findMock, readMocks, type Mocks } from '../../../src/engine/mocks/mocks.ts'
import { demoStandIn, standInOf, testStandIn } from '../../../src/engine/mocks/stand-in-of.ts'
import { inOneGo } from '../../../src/lib/turns/pieces.ts'
import type { Clock } from '../../../src/lib/time/clock.ts'
import { fakeContext } from '../../support/block-context.ts'
import { definition, soundPlan, TestExecution } from '../../support/run-definition.ts'

const dice = defineBlock({
  type: 'test.dice',
  name: 'Dice',
  description: 'Calls out.',
  effect: 'external',
  config: z.object({ sides: z.number(), token: z.string().optional() }),
  output: z.number(),
  sample: 1,
  sampleFor: ({ config, random }) => 1 + Math.floor(random() * config.sides),
  run: () => Promise.reject(new Error('it must not be called')),
})
const DOCUMENT = definition({
  roll: { type: 'test.dice', config: { sides: 1_000_000, token: '{{ secrets.dice }}' } },
})

function callOf(executionId: string, path: string) {
  const [node] = soundPlan(DOCUMENT, [dice]).graph.nodes
  if (!node) throw new Error('the plan is empty')
  const waited: number[] = []
  const clock: Clock = {
    now: () => 0,
    after: () => () => {},
    wait: (ms) => {
      waited.push(ms)
      return Promise.resolve()
    },
  }
  const execution = { id: executionId, mode: 'demo', startedAt: '' } as const
  const context = fakeContext({ config: { sides: 1_000_000 }, clock, execution, path }) as BlockContext
  return { call: { node, path, attempt: 1, context }, waited }
}

describe('a demo', () => {
  test('waits 50 to 400 ms and gives a sample, both the same for the same step of the same execution', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.constantFrom('roll', 'each[3]/roll'), async (id, path) => {
        const first = callOf(id, path)
        const again = callOf(id, path)
        expect(await demoStandIn(first.call)).toEqual(await demoStandIn(again.call))
        expect(first.waited).toEqual(again.waited)
        expect(first.waited[0]).toBeGreaterThanOrEqual(50)
        expect(first.waited[0]).toBeLessThanOrEqual(400)
      }),
      { numRuns: 30 },
    )
  })

  test('differs from step to step', async () => {
    const outcomes = await Promise.all(
      ['a', 'b', 'c', 'd'].map((path) => demoStandIn(callOf('one', path).call)),
    )
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(4)
  })

  test('resolves templates that name secrets, though there are none', async () => {
    const world = { standIn: demoStandIn, secrets: maskedSecrets }
    const execution = new TestExecution(DOCUMENT, {}, { blocks: [dice], world })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(JSON.parse(execution.journal.values.get('roll')?.config ?? '')).toMatchObject({ token: '***' })
  })
})

describe('a test', () => {
  test('fails a step without a mock, naming its node, and does not try again', async () => {
    const world = { standIn: testStandIn({}), secrets: maskedSecrets }
    const execution = new TestExecution(DOCUMENT, {}, { blocks: [dice], world })
    expect(await execution.finish()).toMatchObject({
      status: 'FAILED',
      error: { code: 'MOCK_MISSING', path: 'roll', details: { nodeId: 'roll' } },
    })
    expect(execution.journal.steps.get('roll')?.attempt).toBe(1)
  })

  test('plays the mock of each attempt', async () => {
    const error = { code: 'BUSY', message: 'later', retryable: true }
    const world = { standIn: testStandIn({ roll: [{ error }, { output: 6 }] }), secrets: maskedSecrets }
    const execution = new TestExecution(DOCUMENT, {}, { blocks: [dice], world })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '6' })
    expect(execution.journal.steps.get('roll')?.attempt).toBe(2)
  })
})

test('production has no stand-in', () => {
  expect(standInOf({ mode: 'production', mocks: null })).toBeNull()
})

test('a mock is found by the step’s path, else the node’s path, else its id; lists by item, then by attempt', () => {
  const mocks: Mocks = {
    find: [{ output: 'item 0' }, [{ output: 'item 1' }, { output: 'item 1 again' }]],
    'each/seek': { output: 'by node path' },
    seek: { output: 'by id' },
    'each[2]/find': [{ output: 'by path' }, { output: 'by path again' }],
  }
  const at = (path: string, attempt = 1) => findMock(mocks, { path, attempt })?.mock.output
  expect(at('each[0]/find', 3)).toBe('item 0')
  expect(at('each[1]/find')).toBe('item 1')
  expect(at('each[1]/find', 2)).toBe('item 1 again')
  expect(at('each[2]/find')).toBe('by path')
  expect(at('each[2]/find', 5)).toBe('by path again')
  expect(at('each[9]/find', 9)).toBe('item 1 again')
  expect(at('each[0]/seek')).toBe('by node path')
  expect(at('seek')).toBe('by id')
  expect(at('constructor')).toBeUndefined()
})

describe('mocks from outside', () => {
  const { graph } = soundPlan(DOCUMENT, [dice])

  test('are read once: their outputs are taken as they are', () => {
    const output = Array.from({ length: 1_000 }, (_, i) => ({ i }))
    const read = inOneGo(readMocks({ roll: [{ output }, [{ output, durationMs: 1 }]] }, graph))
    if (read.kind !== 'ok') throw new Error(read.kind)
    const { mocks } = read
    expect(mocks).toEqual({ roll: [{ output }, [{ output, durationMs: 1 }]] })
    expect(findMock(mocks, { path: 'roll', attempt: 1 })?.mock.output).toBe(output)
  })

  test('are read in pieces', () => {
    const pieces = readMocks({ roll: Array.from({ length: 20_000 }, () => ({})) }, graph)
    let count = 0
    while (!pieces.next().done) count++
    expect(count).toBeGreaterThan(10)
  })

  test('are refused with the place of the first problem of each, in text of bounded length', () => {
    expect(inOneGo(readMocks({ roll: [{}, { output: 1, timeout: true }] }, graph))).toMatchObject({
      kind: 'invalid',
      problems: [{ pointer: '/roll/1' }],
    })
    expect(inOneGo(readMocks({ roll: [] }, graph))).toMatchObject({
      problems: [{ pointer: '/roll', message: 'has at least one mock' }],
    })
    const long = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}${'k'.repeat(50_000)}`, 1]))
    const refused = inOneGo(readMocks(long, graph))
    expect(refused.kind).toBe('invalid')
    expect(JSON.stringify(refused).length).toBeLessThan(150_000)
  })
})
