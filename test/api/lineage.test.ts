import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { z } from 'zod'
import { BlockError, completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { graphql } from '../gql/index.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { SIMPLE } from '../support/definitions.ts'
import { start, timelineOf } from '../support/runs.ts'
import { countStatements } from '../support/statement-count.ts'
import { until } from '../support/until.ts'

const CREATE = graphql(`
  mutation CreateForLineage($definition: JSON!) {
    createWorkflow(input: { name: "Child", definition: $definition, publish: true }) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
    }
  }
`)

const LINEAGE = graphql(`
  query Lineage($id: ID!, $first: Int, $after: String) {
    execution(id: $id) {
      id
      costUsd
      usage {
        costUsd
        quantities
      }
      trigger
      parent {
        id
      }
      parentPath
      waitsFor {
        path
        kind
        until
        signal
        payloadSchema
        childId
      }
      children(first: $first, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          node {
            id
            parentPath
            parent {
              id
              mode
            }
          }
        }
      }
    }
  }
`)

const PAGE = graphql(`
  query PageOfLineages($first: Int!) {
    executions(first: $first) {
      edges {
        node {
          id
          costUsd
          usage {
            costUsd
          }
          parent {
            id
            status
          }
          waitsFor {
            path
            kind
          }
          children(first: 3) {
            edges {
              node {
                id
                costUsd
              }
            }
          }
        }
      }
    }
  }
`)

const WAITING = graphql(`
  query WaitingForRetry($id: ID!) {
    execution(id: $id) {
      status
      waitsFor {
        path
        kind
        until
        signal
      }
      steps(first: 1) {
        edges {
          node {
            status
            dueAt
            waitsFor {
              path
              kind
              until
              signal
            }
          }
        }
      }
    }
  }
`)

const RETRY = graphql(`
  mutation RetryForUsage($id: ID!) {
    retryExecution(input: { id: $id }) {
      __typename
      ... on RetryExecutionPayload {
        job {
          id
        }
        execution {
          id
        }
      }
    }
  }
`)

const SIGNAL = graphql(`
  mutation SignalLineage($id: ID!) {
    signalExecution(input: { id: $id, name: "go" }) {
      __typename
    }
  }
`)

const costly = defineBlock({
  type: 'test.costly',
  name: 'Costly',
  description: 'Costs what it is told.',
  config: z.strictObject({
    costUsd: z.number().optional(),
    quantities: z.record(z.string(), z.number()).optional(),
    failsOnce: z.boolean().default(false),
  }),
  output: z.json(),
  sample: null,
  async run({ config: { failsOnce, ...cost }, usage, attempt }) {
    usage(cost)
    if (failsOnce && attempt === 1)
      throw new BlockError('ONCE', 'the first attempt costs, too', { retryable: true })
    return completed(null)
  },
})

const broken = defineBlock({
  type: 'test.broken',
  name: 'Broken',
  description: 'Fails, and may be tried again after an hour.',
  config: z.strictObject({}),
  output: z.json(),
  sample: null,
  async run() {
    throw new BlockError('BROKEN', 'it is broken', { retryable: true, retryAfterMs: 3_600_000 })
  },
})

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ blocks: [costly, broken] })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function lineageOf(id: string, page: { first?: number; after?: string | null } = {}) {
  const { execution } = await server.client.ask(LINEAGE, { id, ...page })
  if (!execution) throw new Error('there is no such execution')
  return execution
}

async function createWorkflow(definition: object): Promise<string> {
  const { createWorkflow: result } = await server.client.ask(CREATE, { definition })
  if (result.__typename !== 'CreateWorkflowPayload') throw new Error(result.__typename)
  return result.workflow.id
}

test('an execution tells what its calls have cost', async () => {
  const definition = {
    nodes: [
      { id: 'one', type: 'test.costly', config: { costUsd: 0.25 } },
      { id: 'two', type: 'test.costly', config: { costUsd: 0.5 } },
    ],
    edges: [],
  }
  const { jobId, executionId } = await start(server, { definition })
  await timelineOf(server, jobId)
  expect(await lineageOf(executionId)).toMatchObject({
    costUsd: 0.75,
    trigger: 'API',
    parent: null,
    parentPath: null,
    waitsFor: [],
  })
})

test('an execution sums what its steps and their attempts have used, and none that it reused', async () => {
  const definition = {
    nodes: [
      {
        id: 'each',
        type: 'core.forEach',
        config: {
          items: [1, 2],
          body: {
            nodes: [{ id: 'ask', type: 'test.costly', config: { quantities: { tokens: '{{ item }}' } } }],
            edges: [],
          },
        },
      },
      {
        id: 'again',
        type: 'test.costly',
        config: { costUsd: 0.25, quantities: { tokens: 10, credits: 1 }, failsOnce: true },
        retry: { maxAttempts: 2, initialDelayMs: 0 },
      },
      { id: 'free', type: 'core.transform', config: { value: 1 } },
    ],
    edges: [],
  }
  const { jobId, executionId } = await start(server, { definition })
  await timelineOf(server, jobId)
  expect((await lineageOf(executionId)).usage).toEqual({
    costUsd: 0.5,
    quantities: { credits: 2, tokens: 23 },
  })
  const { retryExecution } = await server.client.ask(RETRY, { id: executionId })
  if (retryExecution.__typename !== 'RetryExecutionPayload') throw new Error(retryExecution.__typename)
  await timelineOf(server, retryExecution.job.id)
  expect((await lineageOf(retryExecution.execution.id)).usage).toEqual({ costUsd: null, quantities: {} })
})

test('an execution whose step waits for its next attempt says so, and until when', async () => {
  const definition = {
    nodes: [
      { id: 'call', type: 'test.broken', config: {}, retry: { maxAttempts: 2, maxDelayMs: 3_600_000 } },
    ],
    edges: [],
  }
  const { executionId } = await start(server, { definition })
  const seen = await until('it waits', async () => {
    const { execution } = await server.client.ask(WAITING, { id: executionId })
    return execution?.status === 'WAITING' && execution
  })
  const [step] = seen.steps.edges
  expect(step?.node.status).toBe('RETRYING')
  expect(seen.waitsFor).toEqual([{ path: 'call', kind: 'RETRY', until: step?.node.dueAt, signal: null }])
  expect(Date.parse(seen.waitsFor[0]?.until ?? '')).toBeGreaterThan(Date.now() + 3_000_000)
  expect(step?.node.waitsFor).toEqual(seen.waitsFor[0])
})

test('parents and children find each other, and an execution says why it waits', async () => {
  const workflowId = await createWorkflow({
    nodes: [{ id: 'hold', type: 'core.waitForSignal', config: { name: 'go', schema: { type: 'null' } } }],
    edges: [],
  })
  const call = (id: string) => ({ id, type: 'core.callWorkflow', config: { workflowId } })
  const parent = await start(server, {
    definition: {
      nodes: [
        call('a'),
        call('b'),
        call('c'),
        { id: 'later', type: 'core.delay', config: { duration: '1d' } },
        { id: 'then', type: 'core.transform', config: { value: 1 } },
      ],
      edges: [{ source: 'later', target: 'then' }],
    },
  })
  const { children, waitsFor } = await until('all children wait', async () => {
    const found = await lineageOf(parent.executionId)
    return found.children.totalCount === 3 && found.waitsFor.length === 4 && found
  })
  const ids = children.edges.map(({ node }) => node.id)
  for (const { node } of children.edges)
    expect(node.parent).toEqual({ id: parent.executionId, mode: 'PRODUCTION' })
  expect(new Set(children.edges.map(({ node }) => node.parentPath))).toEqual(new Set(['a', 'b', 'c']))
  expect(waitsFor.map(({ path, kind }) => [path, kind])).toEqual([
    ['a', 'CHILD'],
    ['b', 'CHILD'],
    ['c', 'CHILD'],
    ['later', 'TIMER'],
  ])
  expect(new Set(waitsFor.map(({ childId }) => childId))).toEqual(new Set([...ids, null]))
  expect(waitsFor[3]).toMatchObject({ until: expect.any(String), signal: null })

  const [first = ''] = ids
  const child = await until('the child waits', async () => {
    const found = await lineageOf(first)
    return found.waitsFor.length > 0 && found
  })
  expect(child).toMatchObject({
    trigger: 'PARENT',
    parent: { id: parent.executionId },
    waitsFor: [
      { path: 'hold', kind: 'SIGNAL', signal: 'go', payloadSchema: { type: 'null' }, childId: null },
    ],
    children: { totalCount: 0, edges: [] },
  })

  const one = await lineageOf(parent.executionId, { first: 2 })
  expect(one.children.pageInfo.hasNextPage).toBe(true)
  const two = await lineageOf(parent.executionId, {
    first: 2,
    after: one.children.pageInfo.endCursor ?? null,
  })
  expect([...one.children.edges, ...two.children.edges].map(({ node }) => node.id)).toEqual(ids)
  for (const id of ids) await server.client.ask(SIGNAL, { id })
  await until(
    'only the timer is left',
    async () => (await lineageOf(parent.executionId)).waitsFor.length === 1,
  )
})

test('a page of executions with parents, children and waits is a handful of statements', async () => {
  const quiet = await startApiServer({ role: 'api' })
  try {
    for (let n = 0; n < 20; n++) await start(quiet, { definition: SIMPLE })
    await quiet.query(
      `UPDATE jobs SET parent_id = (SELECT max(id::text)::uuid FROM jobs), parent_path = 'one', depth = 1
       WHERE id <> (SELECT max(id::text)::uuid FROM jobs)`,
    )
    const count = countStatements(quiet.databaseUrl)
    await quiet.client.ask(PAGE, { first: 20 })
    const statements = count.take()
    count.stop()
    // Fewer than there are executions: nothing is read for each of them.
    expect(statements.length).toBeLessThanOrEqual(15)
    const { executions } = await quiet.client.ask(PAGE, { first: 20 })
    const { node: root } = executions.edges[0] ?? { node: null }
    expect(root?.children.edges).toHaveLength(3)
    expect(executions.edges.slice(1).every(({ node }) => node.parent?.id === root?.id)).toBe(true)
  } finally {
    await quiet.stop()
  }
})
