import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { JobsByModeQueryVariables, PageJobEventsQueryVariables } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated, GREETING, SIMPLE } from '../support/definitions.ts'
import { runToEnd, start, timelineOf, type Run, type TimelineEvent } from '../support/runs.ts'

const JOB = graphql(`
  query ReadJob($id: ID!) {
    job(id: $id) {
      id
      type
      status
      progress
      currentStep
      completedNodes
      totalNodes
      lastSeq
      result
      createdAt
      startedAt
      finishedAt
      error {
        code
      }
      execution {
        id
        status
      }
    }
  }
`)

const EVENTS = graphql(`
  query PageJobEvents($id: ID!, $after: Int, $first: Int) {
    job(id: $id) {
      events(after: $after, first: $first) {
        cursor
        hasMore
        events {
          id
          seq
          at
          kind
          progress
        }
      }
      execution {
        events(after: $after, first: $first) {
          cursor
          hasMore
          events {
            id
          }
        }
      }
    }
  }
`)

const NODE = graphql(`
  query ReadNode($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Workflow {
        name
      }
      ... on Execution {
        output
      }
      ... on Job {
        result
      }
      ... on Step {
        path
        config
        type
      }
    }
  }
`)

const NODES = graphql(`
  query ReadNodes($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      id
    }
  }
`)

const BLOCKS = graphql(`
  query ReadBlocks($category: BlockCategory) {
    blocks(category: $category) {
      type
      name
      description
      category
      effect
      configSchema
      outputSchema
      handles
      sample
    }
  }
`)

const BLOCK = graphql(`
  query ReadBlock($type: String!) {
    block(type: $type) {
      type
      category
      effect
      handles
      configSchema
    }
  }
`)

const STEP_ID = graphql(`
  query FirstStepId($id: ID!) {
    execution(id: $id) {
      steps(first: 1) {
        edges {
          node {
            id
          }
        }
      }
    }
  }
`)

const JOBS_BY_MODE = graphql(`
  query JobsByMode($tags: [String!], $mode: [ExecutionMode!]) {
    jobs(filter: { tags: $tags, mode: $mode }) {
      totalCount
      edges {
        node {
          id
        }
      }
    }
  }
`)

const NOBODY = '00000000-0000-7000-8000-000000000000'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

describe('job', () => {
  test('shows where a run stands, from its start to its end', async () => {
    const run = await start(server, { definition: gated('job') })
    await server.gate('job').reached
    const { job: running } = await server.client.ask(JOB, { id: run.jobId })
    expect(running).toMatchObject({
      id: run.jobId,
      type: 'WORKFLOW',
      status: 'RUNNING',
      currentStep: 'gate',
      completedNodes: 1,
      totalNodes: 3,
      result: null,
      finishedAt: null,
      error: null,
      execution: { id: run.executionId, status: 'RUNNING' },
    })
    expect(running?.progress).toBeGreaterThan(5)
    expect(running?.progress).toBeLessThan(95)
    expect(Date.parse(running?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(running?.createdAt ?? ''))
    server.gate('job').open()
    const timeline = await timelineOf(server, run.jobId)
    const { job: ended } = await server.client.ask(JOB, { id: run.jobId })
    expect(ended).toMatchObject({
      status: 'COMPLETED',
      progress: 100,
      currentStep: null,
      completedNodes: 3,
      result: 'before and after',
      lastSeq: timeline.length,
    })
  })

  test('is null where there is none', async () => {
    const { executionId } = await runToEnd(server, { definition: SIMPLE })
    for (const id of ['', 'garbage', NOBODY, executionId]) {
      expect((await server.client.ask(JOB, { id })).job).toBeNull()
    }
  })
})

test('jobs are filtered by the mode of their execution', async () => {
  const tag = 'by mode'
  const run = async (mode: 'PRODUCTION' | 'DEMO' | 'TEST') =>
    (await runToEnd(server, { definition: SIMPLE, mode, tags: [tag] })).jobId
  const [production, demo, trial] = [await run('PRODUCTION'), await run('DEMO'), await run('TEST')]
  const shown = async (mode: JobsByModeQueryVariables['mode']) => {
    const { jobs } = await server.client.ask(JOBS_BY_MODE, { tags: [tag], mode })
    const ids = jobs.edges.map(({ node }) => node.id)
    expect(jobs.totalCount).toBe(ids.length)
    return ids
  }
  expect(await shown(null)).toEqual([trial, demo, production])
  expect(await shown(['DEMO'])).toEqual([demo])
  expect(await shown(['TEST', 'PRODUCTION'])).toEqual([trial, production])
  expect(await shown([])).toEqual([])
})

describe('job.events', () => {
  let run: Run & { readonly timeline: readonly TimelineEvent[] }
  beforeAll(async () => {
    run = await runToEnd(server, { definition: GREETING, input: { name: 'Ada' } })
  })

  const page = async (variables: Omit<PageJobEventsQueryVariables, 'id'>) => {
    const { job } = await server.client.ask(EVENTS, { id: run.jobId, ...variables })
    if (!job) throw new Error('there is no such job')
    expect(job.execution.events).toEqual({
      ...job.events,
      events: job.events.events.map(({ id }) => ({ id })),
    })
    return job.events
  }

  test('are the timeline: numbered from 1 without a gap, never falling in time or progress', async () => {
    const { events, cursor, hasMore } = await page({})
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1))
    expect(events.map(({ kind }) => kind)).toEqual(run.timeline.map(({ kind }) => kind))
    expect(events[0]).toMatchObject({ kind: 'JOB_QUEUED', progress: 0 })
    expect(events.at(-1)).toMatchObject({ kind: 'JOB_COMPLETED', progress: 100 })
    expect({ cursor, hasMore }).toEqual({ cursor: events.length, hasMore: false })
    for (const [index, event] of events.slice(1).entries()) {
      expect(event.progress).toBeGreaterThanOrEqual(events[index]?.progress ?? 0)
      expect(Date.parse(event.at)).toBeGreaterThanOrEqual(Date.parse(events[index]?.at ?? ''))
    }
  })

  test('come by pages that fit together', async () => {
    const seen: number[] = []
    let after = 0
    let isMore = true
    while (isMore) {
      const { events, cursor, hasMore } = await page({ after, first: 2 })
      expect(events.length).toBeLessThanOrEqual(2)
      seen.push(...events.map(({ seq }) => seq))
      after = cursor
      isMore = hasMore
    }
    expect(seen).toEqual(run.timeline.map(({ seq }) => seq))
  })

  test('take odd cursors as they are meant', async () => {
    expect((await page({ after: -5 })).events[0]?.seq).toBe(1)
    expect((await page({ after: null, first: null })).events).toHaveLength(run.timeline.length)
    expect(await page({ after: 1_000_000 })).toEqual({ events: [], cursor: 1_000_000, hasMore: false })
    expect((await page({ first: 1_000_000 })).events).toHaveLength(run.timeline.length)
  })

  test.each([0, -1])('refuse a page of %i', async (first) => {
    const { errors } = await server.client.send(EVENTS, { id: run.jobId, first })
    expect(errors.map(({ extensions }) => extensions?.code)).toContain('BAD_USER_INPUT')
  })
})

describe('node and nodes', () => {
  test('find every kind of thing by its global id', async () => {
    const { executionId, jobId } = await runToEnd(server, { definition: SIMPLE })
    const { execution } = await server.client.ask(STEP_ID, { id: executionId })
    const stepId = execution?.steps.edges[0]?.node.id ?? ''
    const { createWorkflow } = await server.client.ask(
      graphql(`
        mutation MakeNode {
          createWorkflow(input: { name: "Node" }) {
            ... on CreateWorkflowPayload {
              workflow {
                id
              }
            }
          }
        }
      `),
      {},
    )
    const workflowId = 'workflow' in createWorkflow ? createWorkflow.workflow.id : ''

    const node = async (id: string) => (await server.client.ask(NODE, { id })).node
    expect(await node(workflowId)).toEqual({ __typename: 'Workflow', id: workflowId, name: 'Node' })
    expect(await node(executionId)).toEqual({ __typename: 'Execution', id: executionId, output: 1 })
    expect(await node(jobId)).toEqual({ __typename: 'Job', id: jobId, result: 1 })
    expect(await node(stepId)).toEqual({
      __typename: 'Step',
      id: stepId,
      path: 'one',
      config: { value: 1 },
      type: 'core.transform',
    })

    const ids = [jobId, 'garbage', stepId, NOBODY, workflowId, jobId]
    const { nodes } = await server.client.ask(NODES, { ids })
    expect(nodes.map((found) => found?.id ?? null)).toEqual([jobId, null, stepId, null, workflowId, jobId])
  })

  test.each([
    ['garbage', 'garbage'],
    ['nothing', ''],
    ['a bare UUID', NOBODY],
    ['an unknown type', encode(`Fancy:${NOBODY}`)],
    ['a type that is no node', encode(`JobEvent:${NOBODY}:1`)],
    ['a row that is not there', encode(`Workflow:${NOBODY}`)],
    ['a row id that is no UUID', encode('Execution:1')],
    ['a step without a path', encode(`Step:${NOBODY}`)],
    ['a NUL', encode(`Step:${NOBODY}:\u0000`)],
    ['the name of a prototype', encode(`constructor:${NOBODY}`)],
  ])('are null for %s', async (_what, id) => {
    expect((await server.client.ask(NODE, { id })).node).toBeNull()
    expect((await server.client.ask(NODES, { ids: [id] })).nodes).toEqual([null])
  })

  test('refuse more ids than a hundred', async () => {
    const { errors } = await server.client.send(NODES, { ids: Array.from({ length: 101 }, () => NOBODY) })
    expect(errors).toEqual([
      expect.objectContaining({ path: ['nodes'], extensions: { code: 'BAD_USER_INPUT' } }),
    ])
  })

  function encode(text: string): string {
    return Buffer.from(text).toString('base64')
  }
})

describe('blocks', () => {
  test('are the catalogue: sorted, described, with the schemas of what they take and give', async () => {
    const { blocks } = await server.client.ask(BLOCKS, {})
    const types = blocks.map(({ type }) => type)
    expect(types).toEqual([...types].sort())
    expect(types).toEqual(
      expect.arrayContaining([
        'api.http',
        'core.branch',
        'core.delay',
        'core.filter',
        'core.forEach',
        'core.transform',
      ]),
    )
    for (const block of blocks) {
      expect(block.name).not.toBe('')
      expect(block.description).not.toBe('')
      expect(block.configSchema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
      expect(block.outputSchema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
    }
    expect(blocks.find(({ type }) => type === 'core.filter')).toMatchObject({
      category: 'CORE',
      effect: 'PURE',
      handles: ['out'],
      sample: { items: expect.any(Array), rejected: expect.any(Array) },
    })
  })

  test('are found by category', async () => {
    const { blocks } = await server.client.ask(BLOCKS, { category: 'API' })
    expect(blocks.length).toBeGreaterThan(1)
    expect(blocks.filter(({ type }) => !/^(api|job)\./.test(type))).toEqual([])
    expect((await server.client.ask(BLOCKS, { category: 'CUSTOM' })).blocks[0]?.type).toBe('test.gate')
  })

  test('are found by type, or are null', async () => {
    expect((await server.client.ask(BLOCK, { type: 'core.branch' })).block).toMatchObject({
      type: 'core.branch',
      handles: ['true', 'false'],
    })
    for (const type of ['core.nothing', '', '__proto__', 'constructor']) {
      expect((await server.client.ask(BLOCK, { type })).block).toBeNull()
    }
  })
})
