import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { BlockError, completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { graphql } from '../gql/index.ts'
import type { SimulateWorkflowInput, TestBlockInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { GREETING } from '../support/definitions.ts'
import { recordEntries, sendTo } from '../support/record-entries.ts'
import { runToEnd, start, timelineOf } from '../support/runs.ts'
import { completedStep } from '../support/step-records.ts'
import { until } from '../support/until.ts'

const SIMULATE = graphql(`
  mutation Simulate($input: SimulateWorkflowInput!) {
    simulateWorkflow(input: $input) {
      __typename
      ... on SimulateWorkflowPayload {
        status
        output
        error {
          code
          path
          message
        }
        steps {
          path
          nodeId
          type
          status
          attempt
          attempts {
            number
            status
          }
          handles
          input
          config
          output
          startedAt
          finishedAt
        }
        stepCount
        events {
          id
          seq
          at
          kind
          ... on StepEvent {
            path
          }
        }
        firstEvents: events(first: 1) {
          kind
        }
        eventCount
        edges {
          loop
          source
          target
          sourceHandle
          taken
        }
        callsOut {
          nodeId
          nodePath
          type
          count
        }
        diagnostics {
          code
        }
        unusedMocks
        startedAt
        finishedAt
        estimatedDurationMs
        estimatedCostUsd
      }
      ... on ValidationFailed {
        diagnostics {
          code
        }
      }
      ... on InputInvalid {
        problems {
          pointer
          message
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

const TEST_BLOCK = graphql(`
  mutation TestBlock($input: TestBlockInput!) {
    testBlock(input: $input) {
      __typename
      ... on TestBlockPayload {
        status
        config
        output
        outputProblems {
          pointer
          message
        }
        handles
        error {
          code
          message
        }
        willRetry
        nextAttemptAt
        handledBy
        waitsFor {
          kind
          signal
        }
        attempts {
          number
          status
        }
        logs {
          level
          message
          fields
        }
        durationMs
        usage {
          costUsd
          quantities
        }
      }
      ... on ValidationFailed {
        diagnostics {
          code
          pointer
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

const EXECUTION = graphql(`
  query ModeOf($id: ID!) {
    execution(id: $id) {
      status
      mode
      output
      error {
        code
        message
        path
      }
    }
  }
`)

/** How often the outside was really called. */
let calls = 0

const lookUp = defineBlock({
  type: 'test.lookUp',
  name: 'Look up',
  description: 'Calls out.',
  effect: 'external',
  config: z.object({ name: z.string(), token: z.string().optional(), fails: z.boolean().default(false) }),
  output: z.object({ found: z.string() }),
  sample: { found: 'nobody' },
  sampleFor: ({ config }) => ({ found: `the sample of ${config.name}` }),
  estimate: () => ({ durationMs: 700, costUsd: 0.25 }),
  async run({ config, log, usage }) {
    calls++
    log.debug('looking', { name: config.name })
    usage({ costUsd: 0.5, quantities: { credits: 2 } })
    if (config.fails) throw new BlockError('BUSY', 'later', { retryable: true, retryAfterMs: 60_000 })
    return completed({ found: config.name === 'nobody' ? null : config.name })
  },
})

const FLOW = {
  nodes: [
    { id: 'find', type: 'test.lookUp', config: { name: '{{ input.name }}', token: '{{ secrets.lookup }}' } },
    { id: 'wait', type: 'core.delay', config: { duration: '7d' } },
    { id: 'shout', type: 'core.transform', config: { value: '{{ upper(nodes.find.output.found) }}' } },
  ],
  edges: [
    { source: 'find', target: 'wait' },
    { source: 'wait', target: 'shout' },
  ],
}
const QUICK = { nodes: [FLOW.nodes[0], FLOW.nodes[2]], edges: [{ source: 'find', target: 'shout' }] }

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ blocks: [lookUp] })
})
beforeEach(() => {
  calls = 0
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function answer(input: SimulateWorkflowInput) {
  return (await server.client.ask(SIMULATE, { input })).simulateWorkflow
}

async function simulate(input: SimulateWorkflowInput) {
  const result = await answer(input)
  if (result.__typename !== 'SimulateWorkflowPayload') throw new Error(JSON.stringify(result))
  return result
}

async function tryBlock(input: TestBlockInput) {
  return (await server.client.ask(TEST_BLOCK, { input })).testBlock
}

async function executionOf(id: string) {
  const { execution } = await server.client.ask(EXECUTION, { id })
  if (!execution) throw new Error('there is no such execution')
  return execution
}

describe('simulateWorkflow', () => {
  test('foretells a week in a moment, calls nothing and stores nothing', async () => {
    const before = await server.query('SELECT 1 FROM jobs')
    const simulation = await simulate({
      definition: FLOW,
      input: { name: 'Ada' },
      startedAt: '2027-01-01T00:00:00.000Z',
    })
    expect(simulation).toMatchObject({
      status: 'COMPLETED',
      output: 'THE SAMPLE OF ADA',
      error: null,
      stepCount: 3,
      firstEvents: [{ kind: 'JOB_STARTED' }],
      edges: [
        { loop: null, source: 'find', target: 'wait', sourceHandle: 'out', taken: true },
        { loop: null, source: 'wait', target: 'shout', sourceHandle: 'out', taken: true },
      ],
      callsOut: [{ nodeId: 'find', nodePath: 'find', type: 'test.lookUp', count: 1 }],
      diagnostics: [{ code: 'SECRET_UNAVAILABLE' }],
      unusedMocks: [],
      startedAt: '2027-01-01T00:00:00.000Z',
      finishedAt: '2027-01-08T00:00:00.700Z',
      estimatedDurationMs: 604_800_700,
      estimatedCostUsd: 0.25,
    })
    expect(simulation.steps[0]).toMatchObject({
      path: 'find',
      type: 'test.lookUp',
      input: { name: 'Ada' },
      config: { name: 'Ada', token: '***' },
      output: { found: 'the sample of Ada' },
      attempts: [{ number: 1, status: 'COMPLETED' }],
    })
    expect(simulation.events.map(({ seq }) => seq)).toEqual(simulation.events.map((_, i) => i + 1))
    expect(new Set(simulation.events.map(({ id }) => id)).size).toBe(simulation.eventCount)
    expect(calls).toBe(0)
    expect(await server.query('SELECT 1 FROM jobs')).toHaveLength(before.length)
  })

  test('plays mocks, and says which of them nobody asked for', async () => {
    const mocks = { find: { output: { found: 'grace' }, durationMs: 5 }, wait: { durationMs: 1 } }
    expect(
      await simulate({ definition: QUICK, input: { name: 'x' }, mocks: { find: mocks.find } }),
    ).toMatchObject({
      output: 'GRACE',
      estimatedDurationMs: 5,
    })
    expect(await simulate({ definition: FLOW, input: { name: 'x' }, mocks })).toMatchObject({
      unusedMocks: ['wait'],
    })
  })

  test('takes the time of calls from what the workflow’s runs have recorded', async () => {
    const { createWorkflow } = await server.client.ask(
      graphql(`
        mutation StoreForSimulation($definition: JSON!) {
          createWorkflow(input: { definition: $definition }) {
            ... on CreateWorkflowPayload {
              workflow {
                id
              }
            }
          }
        }
      `),
      { definition: { nodes: [{ ...FLOW.nodes[0], config: { name: '{{ input.name }}' } }], edges: [] } },
    )
    if (!('workflow' in createWorkflow)) throw new Error('the workflow was not stored')
    const workflowId = createWorkflow.workflow.id
    expect((await simulate({ workflowId, input: { name: 'Ada' } })).estimatedDurationMs).toBe(700)
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const { jobId } = await start(server, { workflowId, input: { name: 'Ada' }, runAt })
    const id = Buffer.from(jobId, 'base64').toString().split(':')[1] as JobId
    const times = { startedAt: '2027-01-01T00:00:00.000Z', finishedAt: '2027-01-01T00:00:09.500Z' }
    const attempts = [{ number: 1, status: 'COMPLETED' as const, ...times }]
    await recordEntries(sendTo(server.pool), id, [{ steps: [{ ...completedStep('find'), attempts }] }])
    expect((await simulate({ workflowId, input: { name: 'Ada' } })).estimatedDurationMs).toBe(9_500)
  })

  test('says why it foretells nothing', async () => {
    expect(await answer({ definition: { nodes: [] } })).toMatchObject({
      __typename: 'ValidationFailed',
      diagnostics: [{ code: 'DEFINITION_EMPTY' }],
    })
    expect(await answer({ definition: GREETING, input: {} })).toMatchObject({
      __typename: 'InputInvalid',
      path: ['input', 'input'],
    })
    expect(await answer({ definition: FLOW, mocks: { fnid: { output: 1 } } })).toMatchObject({
      __typename: 'InvalidArgument',
      path: ['input', 'mocks'],
      message: expect.stringContaining('did you mean "find"'),
    })
    expect(await answer({})).toMatchObject({ __typename: 'InvalidArgument' })
    expect(await answer({ workflowId: 'nothing' })).toMatchObject({ __typename: 'NotFound' })
  })
})

describe('testBlock', () => {
  test('tries a block by its sample, or by mocks for its attempts', async () => {
    const config = { name: '{{ input.name }} {{ variables.last }}' }
    const given = { type: 'test.lookUp', config, input: { name: 'Ada' }, variables: { last: 'Lovelace' } }
    expect(await tryBlock(given)).toMatchObject({
      status: 'COMPLETED',
      config: { name: 'Ada Lovelace' },
      output: { found: 'the sample of Ada Lovelace' },
      outputProblems: [],
      durationMs: 700,
      usage: { costUsd: 0.25 },
    })
    const error = { code: 'BUSY', message: 'later', retryable: true }
    expect(await tryBlock({ ...given, mocks: [{ error }, { output: { found: 7 } }] })).toMatchObject({
      status: 'COMPLETED',
      attempts: [
        { number: 1, status: 'FAILED' },
        { number: 2, status: 'COMPLETED' },
      ],
      outputProblems: [{ pointer: '/found' }],
    })
    expect(await tryBlock({ ...given, mocks: { error }, onError: 'ROUTE' })).toMatchObject({
      status: 'FAILED',
      error: { code: 'BUSY' },
      willRetry: false,
      handledBy: 'ROUTE',
      handles: ['error'],
      attempts: [{}, {}, {}],
    })
    expect(calls).toBe(0)
  })

  test('makes one attempt for real, and says what a failure would lead to', async () => {
    const good = await tryBlock({ type: 'test.lookUp', config: { name: 'Ada' }, mode: 'REAL' })
    expect(good).toMatchObject({
      status: 'COMPLETED',
      output: { found: 'Ada' },
      outputProblems: [],
      logs: [{ level: 'DEBUG', message: 'looking', fields: { name: 'Ada' } }],
      usage: { costUsd: 0.5, quantities: { credits: 2 } },
    })
    const odd = await tryBlock({ type: 'test.lookUp', config: { name: 'nobody' }, mode: 'REAL' })
    expect(odd).toMatchObject({ status: 'COMPLETED', outputProblems: [{ pointer: '/found' }] })
    const bad = await tryBlock({ type: 'test.lookUp', config: { name: 'Ada', fails: true }, mode: 'REAL' })
    expect(bad).toMatchObject({
      status: 'RETRYING',
      config: { name: 'Ada' },
      error: { code: 'BUSY' },
      willRetry: true,
      nextAttemptAt: expect.any(String),
      handledBy: null,
      attempts: [{ number: 1, status: 'FAILED' }],
    })
    expect(calls).toBe(3)
    const config = { name: 'approval' }
    expect(await tryBlock({ type: 'core.waitForSignal', config, mode: 'REAL' })).toMatchObject({
      status: 'WAITING',
      waitsFor: { kind: 'SIGNAL', signal: 'approval' },
    })
    expect(
      await tryBlock({ type: 'core.callWorkflow', config: { workflowId: 'any' }, mode: 'REAL' }),
    ).toMatchObject({ status: 'FAILED', error: { code: 'TEST_STARTS_NOTHING' } })
  })

  test('says why nothing was tried', async () => {
    expect(await tryBlock({ type: 'test.lokUp' })).toMatchObject({
      __typename: 'ValidationFailed',
      diagnostics: [{ code: 'BLOCK_UNKNOWN' }],
    })
    expect(await tryBlock({ type: 'test.lookUp', config: { name: 1 } })).toMatchObject({
      __typename: 'ValidationFailed',
      diagnostics: [{ code: 'CONFIG_INVALID', pointer: '/nodes/0/config/name' }],
    })
    const config = { name: 'Ada' }
    expect(await tryBlock({ type: 'test.lookUp', config, mocks: { nothing: 1 } })).toMatchObject({
      __typename: 'InvalidArgument',
      path: ['input', 'mocks'],
    })
    expect(await tryBlock({ type: 'test.lookUp', config, mode: 'REAL', mocks: { output: 1 } })).toMatchObject(
      { __typename: 'InvalidArgument', path: ['input', 'mocks'] },
    )
  })
})

describe('a run in the mode', () => {
  test('DEMO gives samples after a short while, needs no secret, and says that it is one', async () => {
    const run = await runToEnd(server, { definition: QUICK, input: { name: 'Ada' }, mode: 'DEMO' })
    expect(await executionOf(run.executionId)).toMatchObject({
      status: 'COMPLETED',
      mode: 'DEMO',
      output: 'THE SAMPLE OF ADA',
    })
    const [found] = run.timeline.flatMap((event) =>
      event.__typename === 'StepCompletedEvent' && event.path === 'find' ? [event.durationMs] : [],
    )
    expect(found).toBeGreaterThanOrEqual(50)
    expect(calls).toBe(0)
  })

  test('TEST plays its mocks, after a recovery too, and fails clearly without one', async () => {
    const mocks = { find: { output: { found: 'grace' } } }
    const run = await runToEnd(server, { definition: QUICK, input: { name: 'x' }, mode: 'TEST', mocks })
    expect(await executionOf(run.executionId)).toMatchObject({ status: 'COMPLETED', output: 'GRACE' })

    // Parked and taken up again, its mocks come from where they are kept.
    const waits = { ...FLOW, nodes: [FLOW.nodes[1], FLOW.nodes[0], FLOW.nodes[2]] }
    const late = {
      nodes: waits.nodes.map((node) =>
        node?.id === 'wait' ? { ...node, type: 'core.waitForSignal', config: { name: 'go' } } : node,
      ),
      edges: [
        { source: 'wait', target: 'find' },
        { source: 'find', target: 'shout' },
      ],
    }
    const parked = await start(server, { definition: late, input: { name: 'x' }, mode: 'TEST', mocks })
    const isParked = async () =>
      (await server.query("SELECT 1 FROM jobs WHERE status = 'WAITING' AND holder IS NULL")).length === 1
    await until('the run is parked', isParked)
    await server.lume.jobs.signalJob(atob(parked.jobId).replace(/^Job:/, ''), { name: 'go', payload: 1 })
    await timelineOf(server, parked.jobId)
    expect(await executionOf(parked.executionId)).toMatchObject({ status: 'COMPLETED', output: 'GRACE' })

    const bare = await runToEnd(server, { definition: QUICK, input: { name: 'x' }, mode: 'TEST' })
    expect(await executionOf(bare.executionId)).toMatchObject({
      status: 'FAILED',
      error: { code: 'MOCK_MISSING', path: 'find', message: expect.stringContaining('"find"') },
    })
    expect(calls).toBe(0)
  })

  test('TEST alone takes mocks', async () => {
    await expect(
      start(server, { definition: QUICK, input: { name: 'x' }, mocks: { find: { output: 1 } } }),
    ).rejects.toThrow('InvalidArgument')
  })
})
