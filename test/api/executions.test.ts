import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { BlockError, completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { BUILD_VERSION } from '../../src/lib/build-version.ts'
import { graphql } from '../gql/index.ts'
import type { ExecuteWorkflowInput, ExecutionFilter, ListExecutionsQueryVariables } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated, GREETING, SIMPLE } from '../support/definitions.ts'
import { EXECUTE, runToEnd, start, timelineOf } from '../support/runs.ts'

const CREATE = graphql(`
  mutation StoreWorkflow($definition: JSON!) {
    createWorkflow(input: { definition: $definition }) {
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

const EXECUTION = graphql(`
  query ReadExecution($id: ID!) {
    execution(id: $id) {
      id
      status
      progress
      mode
      input
      variables
      output
      metadata
      definition
      createdAt
      startedAt
      finishedAt
      error {
        code
        message
        path
        details
      }
      graph {
        nodes {
          id
        }
      }
      workflow {
        id
        name
      }
      job {
        id
        type
        status
        progress
        result
        completedNodes
        totalNodes
        currentStep
        lastSeq
        execution {
          id
        }
      }
      steps(first: 50) {
        totalCount
        edges {
          node {
            id
            path
            nodeId
            type
            status
            attempt
            handles
            input
            config
            output
            dueAt
            startedAt
            finishedAt
            error {
              code
              message
              details
            }
            attempts {
              number
              status
              startedAt
              finishedAt
              callMayHaveHappened
              blockVersion
              error {
                code
                message
              }
            }
          }
        }
      }
    }
  }
`)

const STEP_PAGE = graphql(`
  query PageSteps($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    execution(id: $id) {
      steps(first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        edges {
          node {
            path
            type
          }
        }
      }
    }
  }
`)

const LIST = graphql(`
  query ListExecutions($filter: ExecutionFilter, $first: Int, $after: String) {
    executions(filter: $filter, first: $first, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          id
          status
        }
      }
    }
  }
`)

const OF_WORKFLOW = graphql(`
  query ExecutionsOfWorkflow($id: ID!, $after: String) {
    workflow(id: $id) {
      executions(first: 2, after: $after) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        edges {
          node {
            id
          }
        }
      }
    }
  }
`)

const CANCEL = graphql(`
  mutation Cancel($id: ID!) {
    cancelExecution(input: { id: $id }) {
      __typename
      ... on CancelExecutionPayload {
        execution {
          id
          status
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

/** Fails so many times before it works; a negative number: always, and trying again cannot help. */
const flaky = defineBlock({
  type: 'test.flaky',
  version: '7.0',
  name: 'Flaky',
  description: 'Fails before it works.',
  config: z.strictObject({ failures: z.int() }),
  output: z.json(),
  sample: null,
  retry: { maxAttempts: 3, initialDelayMs: 0, factor: 1, maxDelayMs: 0 },
  async run({ config, attempt }) {
    if (config.failures < 0) throw new BlockError('BROKEN', 'It is broken.', { details: { status: 418 } })
    if (attempt <= config.failures) throw new BlockError('DOWN', `Down at ${attempt}.`, { retryable: true })
    return completed({ attempt })
  },
})

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ blocks: [flaky] })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function read(id: string) {
  const { execution } = await server.client.ask(EXECUTION, { id })
  if (!execution) throw new Error('there is no such execution')
  return execution
}

async function stepsOf(id: string) {
  return (await read(id)).steps.edges.map(({ node }) => node)
}

async function store(definition: unknown): Promise<string> {
  const { createWorkflow } = await server.client.ask(CREATE, { definition })
  if (!('workflow' in createWorkflow)) throw new Error(createWorkflow.message)
  return createWorkflow.workflow.id
}

async function cancel(id: string) {
  return (await server.client.ask(CANCEL, { id })).cancelExecution
}

describe('executeWorkflow', () => {
  test('runs a definition given in place, with input, variables, mode and metadata', async () => {
    const { executionId, jobId } = await runToEnd(server, {
      definition: GREETING,
      input: { name: 'Ada' },
      variables: { greeting: 'Salut', more: [1] },
      mode: 'TEST',
      metadata: { who: 'me' },
    })
    expect(await read(executionId)).toMatchObject({
      id: executionId,
      status: 'COMPLETED',
      progress: 100,
      mode: 'TEST',
      input: { name: 'Ada' },
      variables: { greeting: 'Salut', mark: '!', more: [1] },
      output: { text: 'SALUT ADA!', of: 3 },
      metadata: { who: 'me' },
      definition: GREETING,
      error: null,
      graph: { nodes: [{ id: 'greet' }, { id: 'length' }, { id: 'shout' }] },
      workflow: null,
      job: {
        id: jobId,
        type: 'WORKFLOW',
        status: 'COMPLETED',
        progress: 100,
        result: { text: 'SALUT ADA!', of: 3 },
        completedNodes: 3,
        totalNodes: 3,
        currentStep: null,
        execution: { id: executionId },
      },
    })
  })

  test('runs a stored workflow, whose later changes and deletion do not touch the run', async () => {
    const workflowId = await store(gated('stored'))
    const run = await start(server, { workflowId })
    const gate = server.gate('stored')
    await gate.reached
    await server.client.ask(
      graphql(`
        mutation Replace($id: ID!, $definition: JSON!) {
          updateWorkflow(input: { id: $id, definition: $definition, name: "Changed" }) {
            __typename
          }
        }
      `),
      { id: workflowId, definition: SIMPLE },
    )
    expect(await read(run.executionId)).toMatchObject({
      status: 'RUNNING',
      definition: gated('stored'),
      workflow: { id: workflowId, name: 'Changed' },
      output: null,
      finishedAt: null,
      job: { currentStep: 'gate', completedNodes: 1 },
    })
    await server.client.ask(
      graphql(`
        mutation Remove($id: ID!) {
          deleteWorkflow(input: { id: $id }) {
            __typename
          }
        }
      `),
      { id: workflowId },
    )
    gate.open()
    await timelineOf(server, run.jobId)
    expect(await read(run.executionId)).toMatchObject({
      status: 'COMPLETED',
      output: 'before and after',
      workflow: { id: workflowId, name: 'Changed' },
    })
    expect((await server.client.ask(EXECUTE, { input: { workflowId } })).executeWorkflow).toMatchObject({
      __typename: 'NotFound',
      path: ['input', 'workflowId'],
    })
  })

  test('gives defaults: no input, the definition’s variables, mode PRODUCTION, no metadata', async () => {
    const { executionId } = await runToEnd(server, { definition: { ...SIMPLE, variables: { a: 1 } } })
    expect(await read(executionId)).toMatchObject({
      input: null,
      variables: { a: 1 },
      mode: 'PRODUCTION',
      metadata: {},
      output: 1,
    })
  })

  test('gives the same run for the same key, however often and from wherever it is sent', async () => {
    const input: ExecuteWorkflowInput = {
      definition: GREETING,
      input: { name: 'Ada', more: 1 },
      idempotencyKey: 'key 1',
    }
    const runs = await Promise.all(Array.from({ length: 8 }, () => start(server, input)))
    expect(new Set(runs.map(({ jobId }) => jobId)).size).toBe(1)
    expect(runs.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1)

    const reordered = { ...input, input: { more: 1, name: 'Ada' } }
    expect(await start(server, reordered)).toEqual({ ...runs[0], deduplicated: true })
    await timelineOf(server, runs[0]?.jobId ?? '')
    expect(await start(server, input)).toEqual({ ...runs[0], deduplicated: true })
  })

  test.each<[what: string, change: Partial<ExecuteWorkflowInput>]>([
    ['another input', { input: { name: 'Bob' } }],
    ['another definition', { definition: { ...GREETING, name: 'Other' } }],
    ['another mode', { mode: 'TEST' }],
    ['other variables', { variables: { mark: '?' } }],
    ['other metadata', { metadata: { a: 1 } }],
  ])('refuses a used key with %s', async (what, change) => {
    const input = { definition: GREETING, input: { name: 'Ada' }, idempotencyKey: `conflict ${what}` }
    await start(server, input)
    const answer = await server.client.ask(EXECUTE, { input: { ...input, ...change } })
    expect(answer.executeWorkflow).toMatchObject({
      __typename: 'IdempotencyConflict',
      code: 'IDEMPOTENCY_CONFLICT',
      path: ['input', 'idempotencyKey'],
    })
  })

  test('accepts an input of exactly one MiB, and no more', async () => {
    const text = 'x'.repeat(1024 * 1024 - 2)
    await runToEnd(server, { definition: SIMPLE, input: text })
    const answer = await server.client.ask(EXECUTE, { input: { definition: SIMPLE, input: `${text}x` } })
    expect(answer.executeWorkflow).toMatchObject({
      __typename: 'InputInvalid',
      problems: [{ pointer: '', message: 'input has more than 1048576 bytes' }],
    })
  })
})

describe('an execution', () => {
  test('tells of each step what it got, how it was configured and what it gave', async () => {
    const { executionId } = await runToEnd(server, { definition: GREETING, input: { name: 'Ada' } })
    const steps = await stepsOf(executionId)
    expect(steps.map(({ path }) => path)).toEqual(['greet', 'length', 'shout'])
    expect(steps[0]).toMatchObject({
      nodeId: 'greet',
      type: 'core.transform',
      status: 'COMPLETED',
      attempt: 1,
      handles: ['out'],
      input: { name: 'Ada' },
      config: { value: 'Hello Ada' },
      output: 'Hello Ada',
      error: null,
      dueAt: null,
      attempts: [
        {
          number: 1,
          status: 'COMPLETED',
          error: null,
          callMayHaveHappened: false,
          blockVersion: BUILD_VERSION,
        },
      ],
    })
    expect(steps[2]).toMatchObject({
      input: { greet: 'Hello Ada', length: 3 },
      config: { value: { text: 'HELLO ADA!', of: 3 } },
      output: { text: 'HELLO ADA!', of: 3 },
    })
    for (const { startedAt, finishedAt } of steps) {
      expect(Date.parse(startedAt ?? '')).toBeLessThanOrEqual(Date.parse(finishedAt ?? ''))
    }
  })

  test('keeps every attempt of a step that failed before it worked', async () => {
    const { executionId } = await runToEnd(server, {
      definition: { nodes: [{ id: 'try', type: 'test.flaky', config: { failures: 2 } }], edges: [] },
    })
    const [step] = await stepsOf(executionId)
    expect(step).toMatchObject({
      status: 'COMPLETED',
      type: 'test.flaky',
      attempt: 3,
      output: { attempt: 3 },
      error: null,
      attempts: [
        { number: 1, status: 'FAILED', error: { code: 'DOWN', message: 'Down at 1.' }, blockVersion: '7.0' },
        { number: 2, status: 'FAILED', error: { code: 'DOWN', message: 'Down at 2.' }, blockVersion: '7.0' },
        { number: 3, status: 'COMPLETED', error: null, blockVersion: '7.0' },
      ],
    })
  })

  test('that fails says why and where, and what became of the other steps', async () => {
    const { executionId, jobId } = await runToEnd(server, {
      definition: {
        nodes: [
          { id: 'bad', type: 'test.flaky', config: { failures: -1 } },
          { id: 'next', type: 'core.transform', config: { value: 1 } },
        ],
        edges: [{ source: 'bad', target: 'next' }],
      },
    })
    const execution = await read(executionId)
    expect(execution).toMatchObject({
      status: 'FAILED',
      output: null,
      error: { code: 'BROKEN', message: 'It is broken.', path: 'bad' },
      job: { id: jobId, status: 'FAILED', result: null },
    })
    expect(execution.progress).toBeLessThan(100)
    expect(execution.finishedAt).not.toBeNull()
    const [bad] = execution.steps.edges.map(({ node }) => node)
    expect(bad).toMatchObject({
      status: 'FAILED',
      attempt: 1,
      error: { code: 'BROKEN', details: { status: 418 } },
      attempts: [{ number: 1, status: 'FAILED' }],
    })
  })

  test('shows the whole error of a step and of its attempt, however long it is', async () => {
    const message = 'x'.repeat(4_000)
    const details = { text: 'y'.repeat(12_000) }
    const { executionId } = await runToEnd(server, {
      definition: {
        nodes: [
          { id: 'long', type: 'core.fail', config: { message, details }, onError: 'continue' },
          { id: 'short', type: 'core.fail', config: { message: 'short' }, onError: 'continue' },
        ],
        edges: [],
      },
    })
    const steps = await stepsOf(executionId)
    const code = 'FAILED_ON_PURPOSE'
    expect(steps.map(({ error }) => error)).toEqual([
      { code, message, details },
      { code, message: 'short', details: null },
    ])
    expect(steps.map(({ attempts }) => attempts.map(({ status, error }) => [status, error]))).toEqual([
      [['FAILED', { code, message }]],
      [['FAILED', { code, message: 'short' }]],
    ])
  })

  test('names the steps inside loops by the item, with the types of their nodes', async () => {
    const { executionId } = await runToEnd(server, {
      definition: {
        nodes: [
          {
            id: 'each',
            type: 'core.forEach',
            config: {
              items: ['a', 'b', 'c'],
              body: {
                nodes: [
                  { id: 'try', type: 'test.flaky', config: { failures: 0 } },
                  { id: 'inner', type: 'core.transform', config: { value: '{{ item }}{{ index }}' } },
                ],
                edges: [{ source: 'try', target: 'inner' }],
              },
            },
          },
        ],
        edges: [],
      },
    })
    const execution = await read(executionId)
    expect(execution.output).toEqual(['a0', 'b1', 'c2'])
    const paths = execution.steps.edges.map(({ node }) => [node.path, node.nodeId, node.type, node.input])
    expect(paths).toEqual([
      ['each', 'each', 'core.forEach', null],
      ['each[0]/try', 'try', 'test.flaky', null],
      ['each[1]/try', 'try', 'test.flaky', null],
      ['each[2]/try', 'try', 'test.flaky', null],
    ])
  })

  test('pages its steps in the definition’s order, both ways', async () => {
    const nodes = Array.from({ length: 12 }, (_, index) => ({
      id: `n${index}`,
      type: 'core.transform',
      config: { value: index },
    }))
    const { executionId: id } = await runToEnd(server, { definition: { nodes, edges: [] } })
    const page = async (variables: Omit<Parameters<typeof stepPage>[0], 'id'>) =>
      stepPage({ id, ...variables })
    const first = await page({ first: 5 })
    expect(first).toMatchObject({ totalCount: 12, pageInfo: { hasNextPage: true, hasPreviousPage: false } })
    const second = await page({ first: 5, after: first.pageInfo.endCursor ?? null })
    const third = await page({ first: 5, after: second.pageInfo.endCursor ?? null })
    expect([first, second, third].flatMap(pathsOf)).toEqual(nodes.map((node) => node.id))
    expect(third.pageInfo.hasNextPage).toBe(false)

    const last = await page({ last: 5 })
    expect(pathsOf(last)).toEqual(['n7', 'n8', 'n9', 'n10', 'n11'])
    const middle = await page({ last: 5, before: last.pageInfo.startCursor ?? null })
    expect(pathsOf(middle)).toEqual(['n2', 'n3', 'n4', 'n5', 'n6'])
  })

  test('refuses a cursor of another execution’s steps', async () => {
    const [one, other] = await Promise.all([
      runToEnd(server, { definition: SIMPLE }),
      runToEnd(server, { definition: SIMPLE }),
    ])
    const { pageInfo } = await stepPage({ id: one.executionId })
    const { errors } = await server.client.send(STEP_PAGE, {
      id: other.executionId,
      after: pageInfo.endCursor ?? null,
    })
    expect(errors).toEqual([expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })])
  })

  const stepPage = async (variables: {
    id: string
    first?: number
    after?: string | null
    last?: number
    before?: string | null
  }) => {
    const { execution } = await server.client.ask(STEP_PAGE, variables)
    if (!execution) throw new Error('there is no such execution')
    return execution.steps
  }
  const pathsOf = ({ edges }: Awaited<ReturnType<typeof stepPage>>) => edges.map(({ node }) => node.path)

  test('is null where there is none', async () => {
    for (const id of ['', 'garbage', '00000000-0000-7000-8000-000000000000']) {
      expect((await server.client.ask(EXECUTION, { id })).execution).toBeNull()
    }
  })
})

describe('executions', () => {
  const list = async (variables: ListExecutionsQueryVariables) =>
    (await server.client.ask(LIST, variables)).executions
  const idsOf = async (filter: ExecutionFilter) =>
    (await list({ filter, first: 100 })).edges.map(({ node }) => node.id)

  test('are found by workflow and status, newest first', async () => {
    const workflowId = await store(gated('filter'))
    const other = await store(SIMPLE)
    const waiting = await start(server, { workflowId })
    const elsewhere = await runToEnd(server, { workflowId: other })
    await server.gate('filter').reached
    expect(await idsOf({ workflowId })).toEqual([waiting.executionId])
    expect(await idsOf({ workflowId, status: ['RUNNING'] })).toEqual([waiting.executionId])
    expect(await idsOf({ workflowId, status: ['COMPLETED', 'FAILED'] })).toEqual([])
    expect(await idsOf({ workflowId: other, status: ['COMPLETED'] })).toEqual([elsewhere.executionId])

    server.gate('filter').open()
    await timelineOf(server, waiting.jobId)
    const second = await runToEnd(server, { workflowId })
    expect(await idsOf({ workflowId, status: ['COMPLETED'] })).toEqual([
      second.executionId,
      waiting.executionId,
    ])
    expect(await list({ filter: { workflowId } })).toMatchObject({ totalCount: 2 })
  })

  test.each(['garbage', '00000000-0000-7000-8000-000000000000'])(
    'of the workflow %s are none',
    async (workflowId) => {
      expect(await list({ filter: { workflowId } })).toMatchObject({ totalCount: 0, edges: [] })
    },
  )

  test('of a workflow are paged with it', async () => {
    const id = await store(SIMPLE)
    const runs: string[] = []
    for (let index = 0; index < 5; index++)
      runs.unshift((await runToEnd(server, { workflowId: id })).executionId)
    const seen: string[] = []
    let after: string | null = null
    do {
      const { workflow }: { workflow?: OfWorkflow | null } = await server.client.ask(OF_WORKFLOW, {
        id,
        after,
      })
      expect(workflow?.executions.totalCount).toBe(5)
      seen.push(...(workflow?.executions.edges.map(({ node }) => node.id) ?? []))
      after = workflow?.executions.pageInfo.hasNextPage
        ? (workflow.executions.pageInfo.endCursor ?? null)
        : null
    } while (after)
    expect(seen).toEqual(runs)
  })
})

interface OfWorkflow {
  readonly executions: {
    readonly totalCount: number
    readonly pageInfo: { readonly endCursor?: string | null; readonly hasNextPage: boolean }
    readonly edges: readonly { readonly node: { readonly id: string } }[]
  }
}

describe('cancelExecution', () => {
  test('ends a run in the middle of a step', async () => {
    const run = await start(server, { definition: gated('cancel') })
    await server.gate('cancel').reached
    const answer = await cancel(run.executionId)
    expect(answer).toMatchObject({
      __typename: 'CancelExecutionPayload',
      execution: { id: run.executionId, status: expect.stringMatching(/^CANCEL(ING|ED)$/) },
    })
    const timeline = await timelineOf(server, run.jobId)
    expect(timeline.at(-1)?.kind).toBe('JOB_CANCELED')
    const execution = await read(run.executionId)
    expect(execution).toMatchObject({ status: 'CANCELED', output: null })
    expect(execution.progress).toBeLessThan(100)
    expect(execution.steps.edges.map(({ node }) => [node.path, node.status])).toEqual(
      expect.arrayContaining([
        ['before', 'COMPLETED'],
        ['gate', 'CANCELED'],
      ]),
    )
  })

  test('ends a run that only waits', async () => {
    const run = await start(server, {
      definition: { nodes: [{ id: 'sleep', type: 'core.delay', config: { duration: '30d' } }], edges: [] },
    })
    await cancel(run.executionId)
    expect((await timelineOf(server, run.jobId)).at(-1)?.kind).toBe('JOB_CANCELED')
  })

  test('may be asked twice, and is too late for what has ended', async () => {
    const run = await start(server, { definition: gated('twice') })
    await server.gate('twice').reached
    const answers = await Promise.all([cancel(run.executionId), cancel(run.executionId)])
    const names = answers.map(({ __typename }) => __typename)
    // The first cancel may have ended it before the second is read.
    expect(names).toContain('CancelExecutionPayload')
    expect(['CancelExecutionPayload', 'AlreadyEnded']).toEqual(expect.arrayContaining(names))
    await timelineOf(server, run.jobId)
    expect(await cancel(run.executionId)).toEqual({
      __typename: 'AlreadyEnded',
      code: 'ALREADY_ENDED',
      message: 'It has ended already.',
      path: ['input', 'id'],
    })
  })

  test.each([
    ['garbage', () => 'garbage'],
    ['the id of a job', () => Buffer.from('Job:00000000-0000-7000-8000-000000000000').toString('base64')],
    ['a UUID of nothing', () => '00000000-0000-7000-8000-000000000000'],
  ])('finds nothing by %s', async (_what, id) => {
    expect(await cancel(id())).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'id'] })
  })
})
