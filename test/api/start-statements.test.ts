import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { countDocumentWork } from '../support/document-work.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { EXECUTE, JOB_EVENTS, start, timelineOf } from '../support/runs.ts'
import { countPromises } from '../support/promise-count.ts'
import { countStatements } from '../support/statement-count.ts'
import { openWebSocket } from '../support/web-socket-client.ts'
import { countWrites } from '../support/write-count.ts'

/** Runs before the statements are counted: pools, prepared statements, the credential and the plan are warm then. */
const WARM_UP_RUNS = 5
const STATEMENTS_MAX = 5
/** The answer of the start, and the batch with the end. */
const WRITES_MAX = 2
/** Of the server, the engine and the client together, which run in this process. */
const PROMISES_MAX = 280

const CREATE_PUBLISHED = graphql(`
  mutation CreateCounted($definition: JSON!) {
    createWorkflow(input: { definition: $definition, publish: true }) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
    }
  }
`)

const START_WITH_ROWS = graphql(`
  mutation StartWithRows($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        deduplicated
        job {
          id
          execution {
            id
            mode
          }
          type
          status
          progress
          priority
          currentStep
          completedNodes
          totalNodes
          lastSeq
          createdAt
          startedAt
          finishedAt
          result
          error {
            code
          }
        }
        execution {
          id
          status
          progress
          costUsd
          mode
          tags
          priority
          runAt
          retryFrom
          trigger
          parentPath
          scheduledFor
          createdAt
          startedAt
          finishedAt
          job {
            id
            status
            totalNodes
          }
        }
      }
    }
  }
`)

const START_WITH_RELATIONS = graphql(`
  mutation StartWithRelations($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        deduplicated
        job {
          id
          priority
          execution {
            id
            tags
            input
            workflow {
              id
              name
            }
            version {
              number
            }
            steps(first: 5) {
              edges {
                node {
                  path
                  status
                }
              }
            }
            job {
              id
              totalNodes
            }
          }
        }
        execution {
          id
          mode
          tags
          priority
          input
          variables
          metadata
          definition
          graph {
            nodes {
              id
            }
          }
          workflow {
            id
            name
          }
          version {
            number
          }
          retryOf {
            id
          }
          parent {
            id
          }
          schedule {
            id
          }
          children {
            totalCount
          }
          retries(first: 1) {
            edges {
              node {
                id
              }
            }
          }
          steps(first: 5) {
            totalCount
            edges {
              node {
                path
                nodeId
              }
            }
          }
          usage {
            costUsd
          }
          job {
            priority
            execution {
              id
              workflow {
                id
              }
            }
          }
        }
      }
    }
  }
`)

let server: ApiServer
beforeAll(async () => {
  // Time stands still: nothing that happens at intervals is counted.
  server = await startApiServer({ clock: new ManualClock() })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

test('a one-step execution of a cached workflow and its subscriber cost at most five statements and two writes', async () => {
  server.gate('counted').open()
  const workflowId = await publish(oneGate('counted'))
  const socket = openWebSocket(server.url, {}, { lazy: false })
  const run = async () => {
    let jobId = ''
    for await (const { data } of socket.subscribe(EXECUTE, { input: { workflowId } })) {
      const result = data?.executeWorkflow
      if (result?.__typename === 'ExecuteWorkflowPayload') jobId = result.job.id
    }
    const kinds: string[] = []
    for await (const { data } of socket.subscribe(JOB_EVENTS, {
      jobId,
      kinds: ['JOB_COMPLETED', 'JOB_FAILED'],
    }))
      kinds.push(...(data?.jobEvents.events.map(({ kind }) => kind) ?? []))
    expect(kinds).toEqual(['JOB_COMPLETED'])
  }
  for (let at = 0; at < WARM_UP_RUNS; at++) await run()
  const documents = countDocumentWork()
  const statements = countStatements()
  const writes = countWrites(server.port)
  await run()
  const written = writes.stop()
  const sent = statements.take()
  statements.stop()
  const work = documents.take()
  documents.stop()
  await socket.close()
  const excess = sent.length > STATEMENTS_MAX ? sent.map((text) => text.trim().slice(0, 300)) : []
  expect(excess).toEqual([])
  expect(written).toBeLessThanOrEqual(WRITES_MAX)
  // Both documents were seen before: neither is parsed or validated again.
  expect(work).toEqual({ tokens: 0, questions: 0 })
})

test('a one-step execution of a cached workflow and its subscriber make at most 280 promises', async () => {
  server.gate('promises').open()
  const workflowId = await publish(oneGate('promises'))
  const socket = openWebSocket(server.url, {}, { lazy: false })
  const run = async () => {
    let jobId = ''
    for await (const { data } of socket.subscribe(EXECUTE, { input: { workflowId } }))
      if (data?.executeWorkflow.__typename === 'ExecuteWorkflowPayload') jobId = data.executeWorkflow.job.id
    for await (const { data } of socket.subscribe(JOB_EVENTS, { jobId, kinds: ['JOB_COMPLETED'] }))
      expect(data?.jobEvents.job.status).toBe('COMPLETED')
  }
  for (let at = 0; at < WARM_UP_RUNS; at++) await run()
  const counts: number[] = []
  for (let at = 0; at < WARM_UP_RUNS; at++) {
    const promises = countPromises()
    await run()
    counts.push(promises.stop())
  }
  await socket.close()
  // Timers of the server may make some in any of the runs.
  expect(Math.min(...counts)).toBeLessThanOrEqual(PROMISES_MAX)
})

test('a document is parsed and validated once, over HTTP and over a WebSocket', async () => {
  const query = 'query SeenBefore { viewer { ownerId } }'
  const ask = () => server.client.post(JSON.stringify({ query }))
  const documents = countDocumentWork()
  await ask()
  const first = documents.take()
  expect(first.tokens).toBeGreaterThan(0)
  expect(first.questions).toBeGreaterThan(0)
  expect((await ask()).errors).toEqual([])
  const socket = openWebSocket(server.url)
  for await (const { errors } of socket.subscribe({ toString: () => query } as typeof EXECUTE, {} as never))
    expect(errors).toBeUndefined()
  await socket.close()
  expect(documents.take()).toEqual({ tokens: 0, questions: 0 })
  documents.stop()
})

test('a document that is asked for again and again stays parsed, however many others come meanwhile', async () => {
  const often = () => server.client.post(JSON.stringify({ query: 'query Often { viewer { role } }' }))
  await often()
  for (let at = 1; at <= 210; at++) {
    await server.client.post(JSON.stringify({ query: `query Once${at} { __typename }` }))
    if (at % 70 === 0 && at < 210) await often()
  }
  const documents = countDocumentWork()
  await often()
  expect(documents.take()).toEqual({ tokens: 0, questions: 0 })
  documents.stop()
})

describe('the answer of a start', () => {
  test('a start of a cached workflow costs one statement, and what it stored is answered without another', async () => {
    const workflowId = await publish(oneGate('held'))
    const input = { workflowId, tags: ['one'], priority: 7, mode: 'TEST' as const, mocks: {} }
    await timelineOf(server, (await startWithRows(input)).job.id)
    const statements = countStatements()
    const { job, execution } = await startWithRows({ ...input, runAt: '2100-01-01T00:00:00.000Z' })
    const sent = statements.take()
    statements.stop()
    expect(sent).toEqual([expect.stringContaining('INSERT INTO jobs')])
    const common = { status: 'QUEUED', progress: 0, priority: 7, startedAt: null, finishedAt: null }
    expect(job).toMatchObject({
      ...common,
      execution: { id: execution.id, mode: 'TEST' },
      type: 'WORKFLOW',
      currentStep: null,
      completedNodes: 0,
      totalNodes: 1,
      lastSeq: 1,
      result: null,
      error: null,
    })
    expect(execution).toMatchObject({
      ...common,
      mode: 'TEST',
      costUsd: 0,
      tags: ['one'],
      runAt: '2100-01-01T00:00:00.000Z',
      retryFrom: null,
      trigger: 'API',
      parentPath: null,
      scheduledFor: null,
      createdAt: job.createdAt,
      job: { id: job.id, status: 'QUEUED', totalNodes: 1 },
    })
    // What was answered from memory is what the tables hold.
    const [row] = await server.query<{ createdAt: Date }>(
      `SELECT created_at AS "createdAt" FROM executions ORDER BY created_at DESC LIMIT 1`,
    )
    expect(job.createdAt).toBe(row?.createdAt.toISOString())
  })

  test('relations of a started job and execution are read, and are those of that execution', async () => {
    const workflowId = await publish(oneGate('related'))
    await start(server, { workflowId })
    const input = { workflowId, input: { a: 1 }, tags: ['b', 'a'], priority: 3, metadata: { m: 1 } }
    const { executeWorkflow: result } = await server.client.ask(START_WITH_RELATIONS, { input })
    if (result.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(result))
    const { job, execution } = result
    const workflow = { id: workflowId, name: expect.any(String) as unknown as string }
    expect(execution).toMatchObject({
      mode: 'PRODUCTION',
      tags: ['a', 'b'],
      priority: 3,
      input: { a: 1 },
      variables: {},
      metadata: { m: 1 },
      definition: oneGate('related'),
      graph: { nodes: [{ id: 'only' }] },
      workflow,
      version: { number: 1 },
      retryOf: null,
      parent: null,
      schedule: null,
      children: { totalCount: 0 },
      retries: { edges: [] },
      job: { priority: 3, execution: { id: execution.id, workflow: { id: workflowId } } },
    })
    expect(job).toMatchObject({
      priority: 3,
      execution: {
        id: execution.id,
        tags: ['a', 'b'],
        input: { a: 1 },
        workflow,
        version: { number: 1 },
        job: { id: job.id, totalNodes: 1 },
      },
    })
    const paths = [
      ...execution.steps.edges.map(({ node }) => node.path),
      ...job.execution.steps.edges.map(({ node }) => node.path),
    ]
    expect(paths.filter((path) => path !== 'only')).toEqual([])
    server.gate('related').open()
  })

  test('a start with a key that was used before is answered with the row as it is now', async () => {
    server.gate('repeated').open()
    const workflowId = await publish(oneGate('repeated'))
    const input = { workflowId, idempotencyKey: 'used before' }
    const first = await startWithRows(input)
    await timelineOf(server, first.job.id)
    const again = await startWithRows(input)
    expect(again.deduplicated).toBe(true)
    expect(again.job).toMatchObject({ id: first.job.id, status: 'COMPLETED', progress: 100 })
    expect(again.execution).toMatchObject({ id: first.execution.id, status: 'COMPLETED' })
  })
})

async function startWithRows(input: Parameters<typeof start>[1]) {
  const { executeWorkflow: result } = await server.client.ask(START_WITH_ROWS, { input })
  if (result.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(result))
  return result
}

function oneGate(name: string) {
  return { nodes: [{ id: 'only', type: 'test.gate', config: { name } }], edges: [] }
}

async function publish(definition: object): Promise<string> {
  const { createWorkflow: created } = await server.client.ask(CREATE_PUBLISHED, { definition })
  if (created.__typename !== 'CreateWorkflowPayload') throw new Error(JSON.stringify(created))
  return created.workflow.id
}
