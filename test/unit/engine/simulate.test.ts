import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { BlockError, completed, type Block } from '../../../src/engine/block/block.ts'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import {
  simulate,
  SIMULATION_LIMITS,
  type Simulation,
  type SimulationRequest,
} from '../../../src/engine/simulate/simulate.ts'
import { readMocks } from '../../../src/engine/mocks/mocks.ts'
import { inOneGo } from '../../../src/lib/turns/pieces.ts'
import { systemClock, type Clock } from '../../../src/lib/time/clock.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { countTurns } from '../../support/count-turns.ts'
import { inShortestPieces } from '../../support/hold-turn.ts'
import { definition, forEach, scriptedBlocks, soundPlan } from '../../support/run-definition.ts'

const STARTED_AT = Date.parse('2027-01-01T00:00:00Z')
const DAY_MS = 86_400_000

/** Calls out, says what it would take and cost, and fails the test if it is really called. */
const lookUp = defineBlock({
  type: 'test.lookUp',
  name: 'Look up',
  description: 'Calls out.',
  effect: 'external',
  secrets: ['lookup'],
  config: z.object({ name: z.string(), token: z.string().optional() }),
  output: z.object({ found: z.string() }),
  sample: { found: 'nobody' },
  sampleFor: ({ config }) => ({ found: `the sample of ${config.name}` }),
  estimate: () => ({ durationMs: 700, costUsd: 0.25 }),
  run: () => Promise.reject(new Error('a simulation must not call out')),
})

interface Given extends Partial<Omit<SimulationRequest, 'plan' | 'mocks'>> {
  readonly mocks?: JsonObject
  readonly blocks?: readonly Block[]
  readonly clock?: Clock
}

async function run(document: JsonObject, given: Given = {}): Promise<Simulation> {
  const { mocks = {}, blocks = [], clock = systemClock, ...rest } = given
  const plan = soundPlan(document, [...scriptedBlocks({}), lookUp, ...blocks])
  const read = inOneGo(readMocks(mocks, plan.graph))
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.problems))
  const request = { plan, input: null, executionId: 'simulation', startedAt: STARTED_AT, ...rest }
  return simulate({ ...request, mocks: read.mocks }, clock)
}

const step = ({ steps }: Simulation, path: string) => steps.find((one) => one.path === path)
const kinds = ({ events }: Simulation) => events.map(({ kind }) => kind)
const lookUpNode = (rest: JsonObject = {}) => ({ type: 'test.lookUp', config: { name: 'Ada' }, ...rest })

describe('a simulation', () => {
  test('runs pure blocks for real and gives the samples of external ones, shaped by their config', async () => {
    const simulation = await run(
      definition(
        {
          find: lookUpNode({ config: { name: '{{ input.name }}', token: '{{ secrets.lookup }}' } }),
          shout: { type: 'core.transform', config: { value: '{{ upper(nodes.find.output.found) }}' } },
        },
        'find > shout',
      ),
      { input: { name: 'Grace' } },
    )
    expect(simulation).toMatchObject({
      status: 'COMPLETED',
      output: 'THE SAMPLE OF GRACE',
      error: null,
      progress: 100,
      estimatedDurationMs: 700,
      estimatedCostUsd: 0.25,
      callsOut: [{ nodePath: 'find', nodeId: 'find', blockType: 'test.lookUp', count: 1 }],
    })
    expect(step(simulation, 'find')).toMatchObject({
      blockType: 'test.lookUp',
      status: 'COMPLETED',
      input: { name: 'Grace' },
      config: { name: 'Grace', token: '***' },
      output: { found: 'the sample of Grace' },
    })
    expect(kinds(simulation)).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
    expect(simulation.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  })

  test('passes a week-long delay at once, on the virtual clock', async () => {
    const document = definition({ wait: { type: 'core.delay', config: { duration: '7d' } } })
    const simulation = await run(document, { input: 'after' })
    expect(simulation).toMatchObject({ status: 'COMPLETED', output: 'after' })
    expect(simulation.estimatedDurationMs).toBe(7 * DAY_MS)
    expect(simulation.events.at(-1)?.at).toEqual(new Date(STARTED_AT + 7 * DAY_MS))
    expect(kinds(simulation)).toContain('JOB_WAITING')
  })

  test('feeds attempts from a list, of which the last entry repeats', async () => {
    const error = { code: 'BUSY', message: 'later', retryable: true, retryAfterMs: 3_600_000 }
    const retry = { maxAttempts: 4 }
    const simulation = await run(definition({ find: lookUpNode({ retry }) }), {
      mocks: { find: [{ error }, { error, durationMs: 1_000 }, { output: 'third' }] },
    })
    expect(simulation).toMatchObject({ status: 'COMPLETED', output: 'third' })
    expect(step(simulation, 'find')?.attempts.map(({ status }) => status)).toEqual([
      'FAILED',
      'FAILED',
      'COMPLETED',
    ])
    // What no mock says of time is the block's estimate.
    expect(simulation.estimatedDurationMs).toBe(700 + 3_600_000 + 1_000 + 3_600_000 + 700)
    expect(simulation.callsOut).toMatchObject([{ nodeId: 'find', count: 3 }])

    const always = await run(definition({ find: lookUpNode({ retry }) }), { mocks: { find: [{ error }] } })
    expect(always).toMatchObject({ status: 'FAILED', error: { code: 'BUSY', path: 'find' } })
    expect(always.callsOut).toMatchObject([{ count: 4 }])
  })

  test('feeds the items of a loop from a list, their attempts from lists in it, and one step by its path', async () => {
    const body = definition({ find: lookUpNode({ retry: { maxAttempts: 2, initialDelayMs: 0 } }) })
    const error = { code: 'BUSY', message: 'later', retryable: true }
    const simulation = await run(definition({ each: forEach(body, { concurrency: 3 }) }), {
      input: [1, 2, 3, 4],
      mocks: {
        find: [{ output: 'a' }, [{ error }, { output: 'b' }], { output: 'c' }],
        'each[3]/find': { output: 'by path' },
      },
    })
    expect(simulation.output).toEqual(['a', 'b', 'c', 'by path'])
    expect(step(simulation, 'each[1]/find')).toMatchObject({ attempt: 2, input: 2, blockType: 'test.lookUp' })
    expect(simulation.callsOut).toEqual([
      { nodePath: 'each/find', nodeId: 'find', blockType: 'test.lookUp', count: 5 },
    ])
    expect(simulation.unusedMocks).toEqual([])
  })

  test('says which edges are taken, which nodes are skipped and which mocks nobody asked for', async () => {
    const inner = definition(
      {
        even: { type: 'core.branch', config: { condition: 'item % 2 == 0' } },
        yes: { type: 'core.transform', config: { value: 'even' } },
        no: { type: 'core.transform', config: { value: 'odd' } },
      },
      'even:true > yes',
      'even:false > no',
    )
    const simulation = await run(
      definition(
        {
          choose: { type: 'core.branch', config: { condition: 'input.size() > 5' } },
          many: lookUpNode(),
          few: forEach(inner, { items: '{{ input }}' }),
        },
        'choose:true > many',
        'choose:false > few',
      ),
      { input: [2, 4], mocks: { many: { output: 1 } } },
    )
    expect(simulation.status).toBe('COMPLETED')
    expect(simulation.edges).toEqual([
      { loop: null, source: 'choose', target: 'many', handle: 'true', isTaken: false },
      { loop: null, source: 'choose', target: 'few', handle: 'false', isTaken: true },
      { loop: 'few', source: 'even', target: 'yes', handle: 'true', isTaken: true },
      { loop: 'few', source: 'even', target: 'no', handle: 'false', isTaken: false },
    ])
    expect(step(simulation, 'many')?.status).toBe('SKIPPED')
    expect(simulation.unusedMocks).toEqual(['many'])
    expect(simulation.callsOut).toEqual([])
  })

  test('takes the time from recorded history before the block’s own estimate, and the mock’s before both', async () => {
    const history = new Map([['find', { p50DurationMs: 5_000, count: 12 }]])
    const document = definition({ find: lookUpNode() })
    expect((await run(document, { history })).estimatedDurationMs).toBe(5_000)
    const mocks = { find: { durationMs: 20 } }
    expect(await run(document, { history, mocks })).toMatchObject({
      estimatedDurationMs: 20,
      output: { found: 'the sample of Ada' },
    })
  })

  test('stops where the definition’s time or money is used up, as the run would', async () => {
    const late = { ...definition({ find: lookUpNode() }), limits: { timeoutMs: 100 } }
    expect(await run(late)).toMatchObject({ status: 'FAILED', error: { code: 'EXECUTION_TIMEOUT' } })
    const dear = { ...definition({ a: lookUpNode(), b: lookUpNode() }, 'a > b'), limits: { maxCostUsd: 0.3 } }
    expect(await run(dear)).toMatchObject({
      status: 'FAILED',
      error: { code: 'COST_LIMIT_EXCEEDED' },
      estimatedCostUsd: 0.5,
    })
  })

  test('follows error routes and default outputs', async () => {
    const error = { code: 'GONE', message: 'not there', details: { id: 7 } }
    const document = definition(
      {
        find: lookUpNode({ onError: 'route' }),
        told: { type: 'core.transform', config: { value: '{{ error.code }} {{ error.details.id }}' } },
      },
      'find:error > told',
    )
    expect(await run(document, { mocks: { find: { error } } })).toMatchObject({
      status: 'COMPLETED',
      output: 'GONE 7',
    })
  })

  test('lets a mock name the handles that a block of several is left by', async () => {
    const document = definition(
      {
        ask: { config: { handles: ['yes', 'no'] } },
        yes: { type: 'core.transform', config: { value: 'yes' } },
        no: { type: 'core.transform', config: { value: 'no' } },
      },
      'ask:yes > yes',
      'ask:no > no',
    )
    expect((await run(document, { mocks: { ask: { output: 1, handles: ['no'] } } })).output).toEqual({
      no: 'no',
    })
    expect((await run(document)).output).toEqual({ yes: 'yes' })
  })
})

describe('a simulated wait', () => {
  const schema = { type: 'object', required: ['approved'], properties: { approved: { type: 'boolean' } } }
  const approve = (config: JsonObject = {}, rest: JsonObject = {}) => ({
    type: 'core.waitForSignal',
    config: { name: 'approval', schema, ...config },
    ...rest,
  })

  test('for a signal is answered at once with the sample, or by the mock when it says', async () => {
    const document = definition({ approve: approve({ sample: { approved: false } }) })
    const simulation = await run(document)
    expect(simulation).toMatchObject({ output: { approved: false }, estimatedDurationMs: 0 })
    expect(kinds(simulation)).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_WAITING',
      'SIGNAL_RECEIVED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
    const mocks = { approve: { output: { approved: true }, durationMs: 2 * DAY_MS } }
    const later = await run(document, { mocks })
    expect(later).toMatchObject({
      output: { approved: true },
      estimatedDurationMs: 2 * DAY_MS,
      unusedMocks: [],
    })
    expect(kinds(later)).toContain('JOB_WAITING')
  })

  test('for a signal runs into its own time-out when the mock says so', async () => {
    const document = definition(
      {
        approve: approve({ timeout: '3d', onTimeout: 'route' }),
        late: { type: 'core.transform', config: { value: 'too late' } },
      },
      'approve:timeout > late',
    )
    const simulation = await run(document, { mocks: { approve: { timeout: true } } })
    expect(simulation).toMatchObject({ output: 'too late', estimatedDurationMs: 3 * DAY_MS })
  })

  test('that nothing ends says so: no time-out, or a payload that does not fit', async () => {
    const silent = await run(definition({ approve: approve() }), { mocks: { approve: { timeout: true } } })
    expect(silent).toMatchObject({
      status: 'WAITING',
      error: { code: 'SIMULATION_STUCK', path: 'approve', message: expect.stringContaining('no time-out') },
      estimatedDurationMs: null,
    })
    expect(step(silent, 'approve')?.status).toBe('WAITING')
    const misfit = await run(definition({ approve: approve() }), { mocks: { approve: { output: {} } } })
    expect(misfit.error?.message).toContain("'approved'")
    expect(kinds(misfit)).toContain('SIGNAL_DISCARDED')
  })

  test('for another workflow starts nothing: it ends with the sample, or as the mock says', async () => {
    const call = { type: 'core.callWorkflow', config: { workflowId: 'any' } }
    const document = definition({ call })
    expect(await run(document)).toMatchObject({ status: 'COMPLETED', output: null })
    expect(await run(document, { mocks: { call: { output: [1], durationMs: 60_000 } } })).toMatchObject({
      output: [1],
      estimatedDurationMs: 60_000,
    })
    const mocks = { call: { error: { code: 'BAD', message: 'it broke' } } }
    expect(await run(document, { mocks })).toMatchObject({
      status: 'FAILED',
      error: { code: 'CHILD_FAILED', message: expect.stringContaining('it broke') },
    })
  })
})

describe('a simulation that would not end soon', () => {
  test('is given up after so many events, and shows what there was', async () => {
    const body = definition({ find: lookUpNode() })
    const items = Array.from({ length: 300 }, (_, i) => i)
    const simulation = await run(definition({ each: forEach(body, { items }) }), {
      limits: { ...SIMULATION_LIMITS, maxEvents: 500 },
    })
    expect(simulation).toMatchObject({ status: 'FAILED', error: { code: 'SIMULATION_TOO_LONG' } })
    expect(simulation.events.length).toBeGreaterThan(490)
    expect(simulation.events.length).toBeLessThanOrEqual(500)
  })

  test('is given up after so much time, though a block never settles', async () => {
    const hangs = defineBlock({
      type: 'test.hangs',
      name: 'Hangs',
      description: 'Never settles.',
      effect: 'pure',
      config: z.object({}),
      output: z.null(),
      sample: null,
      run: () => new Promise(() => {}),
    })
    const simulation = await run(definition({ stuck: { type: 'test.hangs' } }), {
      blocks: [hangs],
      limits: { ...SIMULATION_LIMITS, maxMs: 50 },
    })
    expect(simulation).toMatchObject({ status: 'FAILED', error: { code: 'SIMULATION_TOO_LONG' } })
  })

  test('leaves the thread to others while it goes on', async () => {
    const body = definition({ one: { type: 'core.transform', config: { value: '{{ item }}' } } })
    const items = Array.from({ length: 200 }, (_, i) => i)
    const count = countTurns()
    const limits = { ...SIMULATION_LIMITS, maxMs: Number.POSITIVE_INFINITY }
    const document = definition({ each: forEach(body, { items, output: 'none', concurrency: 1 }) })
    const simulation = await inShortestPieces(() => run(document, { limits }))
    count.stop()
    expect(simulation).toMatchObject({ status: 'COMPLETED', output: 200 })
    expect(count.turns).toBeGreaterThan(200)
  })

  test('does not let time pass while a pure block is at work', async () => {
    const slow = defineBlock({
      type: 'test.slow',
      name: 'Slow',
      description: 'Works in real time.',
      effect: 'pure',
      config: z.object({}),
      output: z.string(),
      sample: '',
      timeoutMs: 1_000,
      async run({ clock }) {
        const before = clock.now()
        const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(1_000_000))
        if (clock.now() !== before) throw new BlockError('TIME_PASSED', 'time has passed')
        return completed(`${digest.byteLength} bytes`)
      },
    })
    const document = definition({ slow: { type: 'test.slow' } })
    expect((await run(document, { blocks: [slow] })).output).toBe('32 bytes')
  })
})

describe('mocks from outside', () => {
  const { graph } = soundPlan(definition({ find: lookUpNode(), each: forEach(definition({ inner: {} })) }), [
    ...scriptedBlocks({}),
    lookUp,
  ])
  const problemsOf = (mocks: Json) => {
    const read = inOneGo(readMocks(mocks, graph))
    return read.kind === 'invalid' ? read.problems : []
  }

  test('may stand under a node’s id, a node’s path or a step’s path', () => {
    const mock = { output: null }
    expect(
      problemsOf({ find: mock, inner: [mock, [mock]], 'each/inner': mock, 'each[7]/inner': mock }),
    ).toEqual([])
  })

  test('are refused where they name nothing or have not the shape of a mock', () => {
    expect(problemsOf([])).toMatchObject([{ pointer: '' }])
    expect(problemsOf({ fnid: { output: 1 } })).toMatchObject([
      { pointer: '/fnid', message: expect.stringContaining('did you mean "find"') },
    ])
    expect(problemsOf({ find: { output: 1, error: { code: 'X' } } })).toMatchObject([{ pointer: '/find' }])
    expect(problemsOf({ find: [{ output: 1 }, { value: 1 }] })).toMatchObject([{ pointer: '/find/1' }])
    expect(problemsOf({ find: [] })).toMatchObject([{ pointer: '/find' }])
  })
})

test('a timer of a block that throws fails its step, and not the simulation', async () => {
  const careless = defineBlock({
    type: 'test.careless',
    name: 'Careless',
    description: 'Throws from a timer.',
    effect: 'pure',
    config: z.object({}),
    output: z.unknown(),
    sample: null,
    async run({ clock, signal }) {
      clock.after(5, () => {
        throw new Error('timer')
      })
      await clock.wait(1_000, signal)
      return completed(1)
    },
  })
  const document = definition({ a: { type: 'test.careless', retry: { maxAttempts: 1 } } })
  expect(await run(document, { blocks: [careless] })).toMatchObject({
    status: 'FAILED',
    error: { code: 'BLOCK_UNHANDLED_ERROR', path: 'a' },
  })
})
