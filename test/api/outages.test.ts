import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { newKeyText } from '../../src/access/key-text.ts'
import { createLume, type Lume } from '../../src/app.ts'
import { startServer, type Server } from '../../src/http/server.ts'
import { globalId } from '../../src/lib/global-id.ts'
import { newId } from '../../src/lib/ids.ts'
import { graphql } from '../gql/index.ts'
import { AUTHENTICATION, bearer } from '../support/access.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { SIMPLE } from '../support/definitions.ts'
import { openEventStream } from '../support/event-stream.ts'
import { createGraphqlClient, type GraphqlClient } from '../support/graphql-client.ts'
import { EXECUTE, JOB_EVENTS } from '../support/runs.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const UNAVAILABLE = 'SERVICE_UNAVAILABLE'
/** Has the form of a stored key, so it is looked up. */
const UNKNOWN_KEY = newKeyText()

const OUTAGE_QUERIES = graphql(`
  query OutageQueries {
    workflows(first: 1) {
      edges {
        node {
          id
        }
      }
    }
    jobs(first: 1) {
      edges {
        node {
          id
        }
      }
    }
    executions(first: 1) {
      edges {
        node {
          id
        }
      }
    }
  }
`)
const THROUGH_PRISMA = `{ workflow(id: "${globalId('Workflow', newId())}") { id } }`
const OUTAGE_MUTATIONS = graphql(`
  mutation OutageMutations {
    first: createWorkflow(input: { name: "first" }) {
      __typename
    }
  }
`)
const JOBS_CHANGED = graphql(`
  subscription OutageJobsChanged {
    jobsChanged {
      id
    }
  }
`)

let database: TestDatabase
let proxy: TcpProxy
let lume: Lume
let server: Server
let guarded: Server
let client: GraphqlClient
let lines: { readonly level: number; readonly msg: string; readonly failed?: number }[]

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startTcpProxy(database.url)
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) })
  lines = []
  lume = await createLume({ databaseUrl: proxy.url }, { logger })
  server = await startServer({ lume, port: 0 })
  guarded = await startServer({ lume, port: 0, authentication: AUTHENTICATION })
  client = createGraphqlClient(server.url)
})

beforeEach(() => {
  lines = []
})

afterAll(async () => {
  await guarded.close()
  await server.close()
  await lume.close()
  await proxy.close()
  await database.drop()
})

/** Breaks all connections to the database while `work` runs. */
async function inOutage<T>(work: () => Promise<T>): Promise<T> {
  proxy.sever()
  try {
    return await work()
  } finally {
    proxy.restore()
  }
}

async function metrics(): Promise<string> {
  const response = await fetch(`${server.origin}/metrics`)
  expect(response.status).toBe(200)
  return response.text()
}

test('in an outage queries and mutations over HTTP answer SERVICE_UNAVAILABLE with the status 503 and Retry-After, and the log has one line', async () => {
  await inOutage(async () => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const query = await client.post(JSON.stringify({ query: OUTAGE_QUERIES.toString() }), { accept })
      expect(query.status).toBe(503)
      expect(query.headers.get('retry-after')).toBe('2')
      // A field that is not null leaves no data, so the first error is the only one.
      expect(query.errors.map(({ extensions }) => extensions)).toEqual([{ code: UNAVAILABLE }])
      const throughPrisma = await client.post(JSON.stringify({ query: THROUGH_PRISMA }), { accept })
      expect([throughPrisma.status, throughPrisma.headers.get('retry-after')]).toEqual([503, '2'])
      expect(throughPrisma.errors.map(({ extensions }) => extensions)).toEqual([{ code: UNAVAILABLE }])
    }
    const created = await client.send(OUTAGE_MUTATIONS, {})
    const started = await client.send(EXECUTE, { input: { definition: SIMPLE, idempotencyKey: 'outage' } })
    for (const { status, headers, errors } of [created, started]) {
      expect([status, headers.get('retry-after')]).toEqual([503, '2'])
      expect(errors).toMatchObject([
        { extensions: { code: UNAVAILABLE }, message: expect.stringContaining('`idempotencyKey`') },
      ])
    }
    await Promise.all(Array.from({ length: 20 }, () => client.send(OUTAGE_QUERIES, {})))
    expect(await metrics()).toContain('lume_database_outage 1')
  })
  await until('the outage is over', () => lines.some(({ msg }) => msg === 'the database answers again'))
  expect(await metrics()).toContain('lume_database_outage 0')
  expect(lines).toMatchObject([
    { level: 40, msg: expect.stringContaining('the database fails') },
    { level: 30, msg: 'the database answers again' },
  ])
  expect(lines[1]?.failed).toBeGreaterThanOrEqual(20)
  const again = await client.send(EXECUTE, { input: { definition: SIMPLE, idempotencyKey: 'outage' } })
  expect(again.data?.executeWorkflow.__typename).toBe('ExecuteWorkflowPayload')
})

test('a mutation that is in doubt after another one of its document has taken effect has no status that makes clients repeat all', async () => {
  const isCut = proxy.cutOnce('in-doubt', 'before')
  const answer = await client.post(
    JSON.stringify({
      query: `mutation { a: createWorkflow(input: { name: "done" }) { __typename } b: createWorkflow(input: { name: "in-doubt" }) { __typename } }`,
    }),
  )
  await isCut
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([200, null])
  expect(answer.errors).toMatchObject([{ path: ['b'], extensions: { code: UNAVAILABLE } }])
})

test('a start whose connection is cut at its commit is answered as accepted, and starts once', async () => {
  for (const cut of ['before', 'during', 'after'] as const) {
    const isCut = proxy.cutOnce('job-insert', cut)
    const answer = await client.send(EXECUTE, { input: { definition: SIMPLE, tags: [cut] } })
    await isCut
    expect(answer.errors).toEqual([])
    const { rows } = await database.pool.query('SELECT FROM execution_tags WHERE tag = $1', [cut])
    expect(rows).toHaveLength(1)
  }
})

test('in an outage a subscription over server-sent events or a WebSocket is refused with SERVICE_UNAVAILABLE', async () => {
  // Memory knows nothing of the job.
  const unknown = { jobId: globalId('Job', newId()) }
  await inOutage(async () => {
    const stream = await openEventStream(server.url, 'POST', JOB_EVENTS, unknown)
    expect([stream.status, stream.headers['retry-after']]).toEqual([503, '2'])
    expect((await stream.results.next()).value?.errors).toMatchObject([{ extensions: { code: UNAVAILABLE } }])
    expect((await stream.results.next()).done).toBe(true)

    const socket = openWebSocket(server.url)
    const subscribed = socket.subscribe(JOB_EVENTS, unknown)
    expect((await subscribed.next()).value?.errors).toMatchObject([{ extensions: { code: UNAVAILABLE } }])
    expect((await subscribed.next()).done).toBe(true)
    await socket.close()
  })
})

test('a subscription without a cursor that meets an outage sends what changed once the database answers, over server-sent events and over a WebSocket', async () => {
  const socket = openWebSocket(server.url)
  const { results, next } = await inOutage(async () => {
    const { results } = await openEventStream(server.url, 'POST', JOBS_CHANGED, {})
    return { results, next: [results.next(), socket.subscribe(JOBS_CHANGED, {}).next()] as const }
  })
  expect((await next[0]).value?.data).toMatchObject({ jobsChanged: { id: expect.any(String) } })
  expect((await next[1]).value?.data).toMatchObject({ jobsChanged: { id: expect.any(String) } })
  await results.return(undefined)
  await socket.close()
})

test('in an outage a credential that has to be looked up is answered SERVICE_UNAVAILABLE and not UNAUTHENTICATED', async () => {
  await inOutage(async () => {
    const answer = await createGraphqlClient(guarded.url, bearer(UNKNOWN_KEY)).send(OUTAGE_QUERIES, {})
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
    expect(answer.errors).toMatchObject([{ extensions: { code: UNAVAILABLE } }])
    const socket = openWebSocket(guarded.url, bearer(UNKNOWN_KEY))
    const greeting = socket.subscribe(JOB_EVENTS, { jobId: 'any' }).next()
    await expect(greeting).rejects.toMatchObject({ code: 1013, reason: expect.stringContaining(UNAVAILABLE) })
    await socket.close()
  })
  const known = createGraphqlClient(guarded.url, bearer(UNKNOWN_KEY))
  expect((await known.send(OUTAGE_QUERIES, {})).status).toBe(401)
})
