import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { ExecuteWorkflowInput, ExecutionFilter, JobFilter, RunOrder } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { SIMPLE } from '../support/definitions.ts'
import { until } from '../support/until.ts'

const RUN = graphql(`
  mutation RunWithOptions($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        deduplicated
        job {
          id
          priority
        }
        execution {
          id
          status
          tags
          priority
          runAt
        }
        diagnostics {
          code
          severity
          nodeId
        }
      }
      ... on Error {
        code
        path
        message
      }
    }
  }
`)

const STATUS = graphql(`
  query StatusWithOptions($id: ID!) {
    execution(id: $id) {
      status
      startedAt
    }
  }
`)

const EXECUTIONS = graphql(`
  query FilteredExecutions($filter: ExecutionFilter, $orderBy: RunOrder, $first: Int, $after: String) {
    executions(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
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
`)

const JOBS = graphql(`
  query FilteredJobs($filter: JobFilter, $orderBy: RunOrder, $first: Int, $after: String) {
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      edges {
        cursor
        node {
          id
          type
          status
          execution {
            id
          }
        }
      }
    }
  }
`)

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

const send = async (input: Partial<ExecuteWorkflowInput>) =>
  (await server.client.ask(RUN, { input: { definition: SIMPLE, ...input } })).executeWorkflow

async function start(input: Partial<ExecuteWorkflowInput> = {}) {
  const started = await send(input)
  if (started.__typename !== 'ExecuteWorkflowPayload') throw new Error(started.message)
  return started
}

const ended = (id: string) =>
  until('the run has ended', async () => {
    const { execution } = await server.client.ask(STATUS, { id })
    return ['COMPLETED', 'FAILED'].includes(execution?.status ?? '')
  })

describe('executeWorkflow', () => {
  test('keeps tags and priority with the run', async () => {
    expect(await start({ tags: ['b', 'a', 'b'], priority: 7 })).toMatchObject({
      job: { priority: 7 },
      execution: { tags: ['a', 'b'], priority: 7, runAt: null },
    })
  })

  test('tells what its starter may want to know, and tells it again for a repeated key', async () => {
    const definition = {
      nodes: [{ id: 'one', type: 'api.http', config: { url: 'https://x.example/{{ secrets.tell_me }}' } }],
      edges: [],
    }
    const input = { definition, mode: 'DEMO', idempotencyKey: 'warned' } as const
    const warnings = [{ code: 'SECRET_UNAVAILABLE', severity: 'WARNING', nodeId: 'one' }]
    expect(await start(input)).toMatchObject({ deduplicated: false, diagnostics: warnings })
    expect(await start(input)).toMatchObject({ deduplicated: true, diagnostics: warnings })
  })

  test('with `runAt` stays queued until then, while others go by', async () => {
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const { execution } = await start({ runAt })
    expect(execution).toMatchObject({ status: 'QUEUED', runAt })
    const other = await start()
    await ended(other.execution.id)
    expect((await server.client.ask(STATUS, { id: execution.id })).execution).toEqual({
      status: 'QUEUED',
      startedAt: null,
    })
    const uuid = Buffer.from(execution.id, 'base64').toString().split(':')[1]
    const [job] = await server.query<{ isLater: boolean; holder: string | null }>(
      `SELECT wake_at BETWEEN now() + interval '59 min' AND now() + interval '61 min' AS "isLater", holder
       FROM jobs WHERE id = $1`,
      [uuid],
    )
    expect(job).toEqual({ isLater: true, holder: null })
    // The hour has passed.
    await server.query('UPDATE executions SET run_at = now() WHERE id = $1', [uuid])
    await server.query('UPDATE jobs SET wake_at = now() WHERE id = $1', [uuid])
    await ended(execution.id)
  })

  test('with `runAt` in the past begins at once', async () => {
    await ended((await start({ runAt: '2020-01-01T00:00:00Z' })).execution.id)
  })

  test('counts tags, priority and `runAt` as parts of what a key stands for', async () => {
    const input = { idempotencyKey: 'options', tags: ['x', 'y'], priority: 1, runAt: '2020-01-01T00:00:00Z' }
    await start(input)
    expect(await start({ ...input, tags: ['y', 'x'] })).toMatchObject({ deduplicated: true })
    for (const other of [{ tags: ['x'] }, { priority: 2 }, { runAt: '2020-01-01T00:00:01Z' }])
      expect(await send({ ...input, ...other })).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  })

  test.each<[what: string, input: Partial<ExecuteWorkflowInput>, argument: string]>([
    ['a priority that is too high', { priority: 101 }, 'priority'],
    ['a priority that is too low', { priority: -101 }, 'priority'],
    ['an empty tag', { tags: [''] }, 'tags'],
    ['a NUL in a tag', { tags: ['a\u0000'] }, 'tags'],
    ['too many tags', { tags: Array.from({ length: 51 }, (_, index) => String(index)) }, 'tags'],
  ])('refuses %s', async (_what, input, argument) => {
    expect(await send(input)).toMatchObject({ code: 'INVALID_ARGUMENT', path: ['input', argument] })
  })
})

describe('lists', () => {
  const FAILING = {
    nodes: [{ id: 'bad', type: 'core.transform', config: { value: '{{ input.no }}' } }],
    edges: [],
  }
  const runs: string[] = []
  beforeAll(async () => {
    for (const input of [
      { tags: ['list', 'first'] },
      { tags: ['list'], mode: 'DEMO' },
      { tags: ['list'], definition: FAILING, input: {} },
    ] as const) {
      const { execution } = await start({ ...input, tags: [...input.tags] })
      await ended(execution.id)
      runs.push(execution.id)
    }
  })

  const executions = async (filter: ExecutionFilter, orderBy?: RunOrder) => {
    const answer = await server.client.ask(EXECUTIONS, { filter, orderBy: orderBy ?? null })
    expect(answer.executions.totalCount).toBe(answer.executions.edges.length)
    return answer.executions.edges.map(({ node }) => runs.indexOf(node.id))
  }
  const jobs = async (filter: JobFilter) =>
    (await server.client.ask(JOBS, { filter })).jobs.edges.map(({ node }) => runs.indexOf(node.execution.id))

  test('of executions are filtered and ordered', async () => {
    expect(await executions({ tags: ['list'] })).toEqual([2, 1, 0])
    expect(await executions({ tags: ['list'] }, { field: 'CREATED_AT', direction: 'ASC' })).toEqual([0, 1, 2])
    expect(await executions({ tags: ['list'] }, { field: 'FINISHED_AT' })).toEqual([2, 1, 0])
    expect(await executions({ tags: ['list', 'first'] })).toEqual([0])
    expect(await executions({ tags: ['list'], mode: ['DEMO'] })).toEqual([1])
    expect(await executions({ tags: ['list'], status: ['FAILED'] })).toEqual([2])
    expect(await executions({ tags: ['list'], errorText: 'EXPRESSION' })).toEqual([2])
    const soon = new Date(Date.now() + 60_000).toISOString()
    expect(await executions({ tags: ['list'], createdBefore: soon, finishedBefore: soon })).toEqual([2, 1, 0])
    expect(await executions({ tags: ['list'], createdAfter: soon })).toEqual([])
    expect(await executions({ tags: ['list'], finishedAfter: soon })).toEqual([])
    expect(await executions({ workflowId: 'garbage' })).toEqual([])
  })

  test('of jobs are filtered and ordered alike', async () => {
    expect(await jobs({ tags: ['list'] })).toEqual([2, 1, 0])
    expect(await jobs({ tags: ['list'], type: ['WORKFLOW'], status: ['COMPLETED'] })).toEqual([1, 0])
    expect(await jobs({ type: ['SEARCH'] })).toEqual([])
    expect(await jobs({ tags: ['list'], errorText: 'expression' })).toEqual([2])
  })

  test('go on behind a cursor, and refuse one of another order', async () => {
    const filter = { tags: ['list'] }
    const first = (await server.client.ask(JOBS, { filter, first: 1 })).jobs.edges[0]
    const after = first?.cursor ?? ''
    const rest = await server.client.ask(JOBS, { filter, after })
    expect(rest.jobs.edges.map(({ node }) => runs.indexOf(node.execution.id))).toEqual([1, 0])
    for (const cursor of [
      after.slice(2),
      'garbage',
      Buffer.from('["CREATED_AT","now()","00000000-0000-7000-8000-000000000000"]').toString('base64url'),
      Buffer.from('["CREATED_AT","2026-13-45 00:00:00+00","00000000-0000-7000-8000-000000000000"]').toString(
        'base64url',
      ),
    ]) {
      const { errors } = await server.client.send(JOBS, { filter, after: cursor })
      expect(errors).toEqual([expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })])
    }
    const other = await server.client.send(JOBS, { filter, after, orderBy: { field: 'FINISHED_AT' } })
    expect(other.errors).toEqual([expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })])
  })
})
