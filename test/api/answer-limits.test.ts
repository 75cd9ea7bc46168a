import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { WebSocket } from 'ws'
import { LOCAL_USER } from '../../src/jobs/library/execution-service.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { SIMPLE } from '../support/definitions.ts'
import { storeDrafts, storeOutputs } from '../support/large-rows.ts'
import { countStatements } from '../support/statement-count.ts'
import { until } from '../support/until.ts'

const MEGABYTE = 1_000_000
/** A value that is written differently from how `JSON.stringify` would write it. */
const OUTPUT = `{"z": 1, "a":[${'"x\\u00e9", '.repeat(100_000)}1.50]}`

let server: ApiServer
/** Another session of its database, which holds locks. */
let locker: pg.Client
beforeAll(async () => {
  server = await startApiServer({ config: { queryTimeoutMs: 2_000 } })
  const [{ name } = { name: '' }] = await server.query<{ name: string }>('SELECT current_database() AS name')
  const url = new URL(process.env.LUME_TEST_DATABASE_URL ?? '')
  url.pathname = `/${name}`
  locker = new pg.Client({ connectionString: url.href })
  locker.on('error', () => undefined)
  await locker.connect()
}, 60_000)
afterEach(async () => {
  await locker.query('ROLLBACK')
  await server.query('DELETE FROM jobs')
  await server.query('DELETE FROM workflows')
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await locker.end()
  await server.stop()
})

const ask = (query: string, variables: object = {}) =>
  server.client.post(JSON.stringify({ query, variables }))
const codesOf = (answer: Awaited<ReturnType<typeof ask>>) =>
  answer.errors.map(({ extensions }) => extensions?.code)
const outputs = (first: number) => `{ executions(first: ${first}) { edges { node { output } } } }`
const store = (count: number, output: string) =>
  storeOutputs((sql, values) => server.query(sql, values), { owner: LOCAL_USER, count, output })

describe('stored values', () => {
  test('that exceed the limit of an answer together are refused by a code that names the field', async () => {
    await store(20, OUTPUT)
    expect(OUTPUT.length).toBeGreaterThan(MEGABYTE)
    const refused = await ask(outputs(20))
    expect([refused.status, refused.data, codesOf(refused)]).toEqual([400, null, ['ANSWER_TOO_LARGE']])
    expect(refused.errors[0]?.message).toContain('Execution.output')
    const { data } = await ask(outputs(5))
    const edges = Array.from({ length: 5 }, () => ({ node: { output: JSON.parse(OUTPUT) as unknown } }))
    expect(data).toEqual({ executions: { edges } })
  })

  test('are answered as they are stored, over HTTP and over a WebSocket', async () => {
    await store(1, OUTPUT)
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: outputs(1) }),
    })
    const data = `{"data":{"executions":{"edges":[{"node":{"output":${OUTPUT}}}]}}}`
    // A message about texts of a megabyte would hold both.
    expect((await response.text()) === data).toBe(true)
    const [message] = await overWebSocket([{ query: outputs(1) }])
    expect(message === `{"id":"0","type":"next","payload":${data}}`).toBe(true)
  })

  test('that a failed operation was still reading keep no place among large answers', async () => {
    await store(3, OUTPUT)
    const failing =
      '{ executions(first: 3) { edges { node { output steps(first: 1, after: "!") { totalCount } } } } }'
    for (let times = 0; times < 10; times++) expect(codesOf(await ask(failing))).not.toEqual([])
    expect(codesOf(await ask(outputs(3)))).toEqual([])
  }, 30_000)

  test('under many aliases are refused for the size of the answer', async () => {
    await store(1, OUTPUT)
    const aliases = (count: number) =>
      Array.from({ length: count }, (_, index) => `o${index}: output`).join(' ')
    const page = (count: number) => `{ executions(first: 1) { edges { node { ${aliases(count)} } } } }`
    expect(codesOf(await ask(page(5)))).toEqual([])
    const refused = await ask(page(25))
    expect([refused.data, codesOf(refused)]).toEqual([null, ['ANSWER_TOO_LARGE']])
    expect(refused.errors[0]?.message).toMatch(/executions\.edges\.node\.o\d+/)
  })

  test('that have to be parsed are bounded by the memory that they take', async () => {
    const value = { nodes: [], edges: [], metadata: Array.from({ length: 180_000 }, () => []) }
    await storeDrafts((sql, values) => server.query(sql, values), {
      owner: LOCAL_USER,
      count: 12,
      value,
      isHashed: true,
    })
    const graphs = (first: number) =>
      `{ workflows(first: ${first}) { edges { node { graph { nodes { id } } } } } }`
    expect(codesOf(await ask(graphs(2)))).toEqual([])
    expect(codesOf(await ask(graphs(12)))).toEqual(['ANSWER_TOO_LARGE'])
  })
})

describe('errors of an answer', () => {
  const LIMIT = 100
  const ids = async (count: number) => {
    await store(count, '1')
    const { data } = await ask('query($n: Int!) { jobs(first: $n) { edges { node { id } } } }', { n: count })
    const { jobs } = data as { jobs: { edges: { node: { id: string } }[] } }
    return jobs.edges.map(({ node }) => node.id)
  }
  /** So many aliases of a list of nodes. */
  const nodes = (aliases: number, fields: string) =>
    Array.from({ length: aliases }, (_, index) => `a${index}: nodes(ids: $ids) { ${fields} }`).join(' ')

  test('stop an operation at the hundredth, which its last error reports', async () => {
    const query = (aliases: number) =>
      `query($ids: [ID!]!) { ${nodes(aliases, '... on Job { events(first: 0) { cursor } }')} }`
    const many = await ask(query(49), { ids: await ids(100) })
    expect(many.data).toBeNull()
    expect(many.errors.length).toBe(LIMIT + 1)
    expect(new Set(codesOf(many).slice(0, LIMIT))).toEqual(new Set(['BAD_USER_INPUT']))
    expect(many.errors.at(-1)).toMatchObject({ extensions: { code: 'TOO_MANY_ERRORS', limit: LIMIT } })
    await server.query('DELETE FROM jobs')
    const few = await ask(query(1), { ids: await ids(99) })
    expect(few.errors.length).toBe(99)
    expect(few.data).not.toBeNull()
  }, 30_000)

  test('leave out the fields of an operation that is stopped or answered: their resolvers do not begin', async () => {
    await store(100, '1')
    const { services } = server.lume
    const { pagesOf } = services.events
    let read = 0
    services.events.pagesOf = (...given: Parameters<typeof pagesOf>) => {
      read++
      return pagesOf.apply(services.events, given)
    }
    try {
      const answer = await ask(
        '{ executions(first: 100) { edges { node { retries(first: -1) { totalCount } job { events(first: 1) { cursor } } } } } }',
      )
      // Answered at once where its items resolve in several turns, else stopped at the hundredth.
      expect(answer.data).toBeNull()
      const codes = codesOf(answer)
      // The operation may be stopped while the answer of its first error is made: then the answer says so, too.
      if (codes.at(-1) === 'TOO_MANY_ERRORS') codes.pop()
      expect(codes).toEqual(
        Array.from({ length: Math.min(Math.max(codes.length, 1), LIMIT) }, () => 'BAD_USER_INPUT'),
      )
      expect(read).toBe(0)
    } finally {
      services.events.pagesOf = pagesOf
    }
  })

  test('about a null for an argument that takes none are one error, before anything is read', async () => {
    const query = `query($ids: [ID!]!, $b: Boolean = true) { ${nodes(10, '... on Job { execution { id @include(if: $b) } }')} }`
    const answer = await ask(query, { ids: await ids(20), b: null })
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT'])
    expect(answer.errors[0]?.message).toContain('$b')
  })

  test('name no line where the document has very many', async () => {
    const [located] = (await ask('\n{ nonsense }')).errors
    expect(located).toMatchObject({ locations: [{ line: 2, column: 3 }] })
    const [other] = (await ask(`${'\n'.repeat(90_000)}{ nonsense }`)).errors
    expect(other?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED')
    expect(other).not.toHaveProperty('locations')
  })
})

describe('whether a workflow has unpublished changes', () => {
  const CHANGES = '{ workflows(first: 100) { edges { node { hasUnpublishedChanges } } } }'
  const changes = async () => {
    const { data } = await ask(CHANGES)
    const { workflows } = data as { workflows: { edges: { node: { hasUnpublishedChanges: boolean } }[] } }
    return workflows.edges.map(({ node }) => node.hasUnpublishedChanges)
  }

  test('is found without reading a draft', async () => {
    const draft = { nodes: [], edges: [], metadata: 'x'.repeat(MEGABYTE) }
    const rows = { owner: LOCAL_USER, count: 50, value: draft, isHashed: true }
    await storeDrafts((sql, values) => server.query(sql, values), rows)
    const statements = countStatements()
    try {
      expect(await changes()).toEqual(Array.from({ length: 50 }, () => true))
      const read = statements.take().filter((text) => /"?workflows"?\W/.test(text) && /\bdraft\b/.test(text))
      expect(read).toEqual([])
    } finally {
      statements.stop()
    }
  })

  test('is right for drafts whose hash is not stored, and for those that an older version writes', async () => {
    const rows = { owner: LOCAL_USER, count: 2, value: {}, isHashed: false }
    await storeDrafts((sql, values) => server.query(sql, values), rows)
    expect(await changes()).toEqual([false, false])
    // The first reading has stored the hashes.
    expect(await server.query('SELECT FROM workflows WHERE draft_hash IS NULL')).toEqual([])
    await server.query(`UPDATE workflows SET draft = '{"nodes":[]}', revision = revision + 1`)
    expect(await changes()).toEqual([true, true])
    await server.query(`UPDATE workflows SET draft = '{ }', revision = revision + 1`)
    expect(await changes()).toEqual([false, false])
  })
})

test('lists of an answer that takes no `first` are counted by their length, and by what is asked of their items', async () => {
  const edges = Array.from({ length: 10_000 }, (_, index) => ({ source: 'a', target: `n${index}` }))
  const create = `mutation($d: JSON) { createWorkflow(input: { definition: $d }) { ... on CreateWorkflowPayload { workflow { id } } } }`
  const { data } = await ask(create, { d: { nodes: [], edges } })
  const { id } = (data as { createWorkflow: { workflow: { id: string } } }).createWorkflow.workflow
  const graphs = (aliases: number, fields: string) => {
    const all = Array.from({ length: aliases }, (_, index) => `g${index}: graph { edges { ${fields} } }`)
    return ask(`query($id: ID!) { workflow(id: $id) { ${all.join(' ')} } }`, { id })
  }
  expect(codesOf(await graphs(1, 'id source sourceHandle target'))).toEqual([])
  for (const refused of [await graphs(25, 'id'), await graphs(6, 'id source sourceHandle target')]) {
    expect([refused.status, refused.data, codesOf(refused)]).toEqual([400, null, ['ANSWER_TOO_LARGE']])
    expect(refused.errors[0]?.message).toContain('Graph.edges')
  }
})

describe('reads of the API that wait for a lock', () => {
  const READ = '{ apiKeys(first: 1) { edges { node { name } } } }'

  test('are ended with QUERY_TIMEOUT, by Prisma and by statements', async () => {
    await store(1, '1')
    await locker.query('BEGIN')
    await locker.query('LOCK TABLE workflows, job_log')
    const answers = await Promise.all([
      ask('{ workflows(first: 1) { edges { node { name } } } }'),
      ask('{ workflow(id: "V29ya2Zsb3c6MDE4ZjAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw") { name } }'),
      ask(outputs(1)),
    ])
    const codes = answers.map(codesOf)
    expect(codes[0]).toEqual(['QUERY_TIMEOUT'])
    expect(codes[2]).toEqual(['QUERY_TIMEOUT'])
    expect(answers[0]?.errors[0]?.message).toContain('smaller page')
  }, 20_000)

  test('leave the connections of the engine free, so that a job runs to its end', async () => {
    await locker.query('BEGIN')
    await locker.query('LOCK TABLE api_keys')
    const reads = Array.from({ length: 40 }, () => ask(READ))
    await until('the reads wait', async () => {
      const [row] = await server.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return (row?.count ?? 0) >= 5
    })
    const job = await server.lume.jobs.createWorkflowJob(LOCAL_USER, {
      workflowId: 'simple',
      workflowDefinition: SIMPLE,
    })
    await server.lume.jobs.startJob(job.id)
    await until(
      'the job has ended',
      async () => (await server.lume.jobs.getJob(job.id))?.status === 'completed',
    )
    await locker.query('ROLLBACK')
    await Promise.all(reads)
  }, 30_000)
})

test('a compressed body is refused with 415, and the reason', async () => {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: gzipSync('{"query":"{__typename}"}'),
  })
  expect(response.status).toBe(415)
  const { errors } = (await response.json()) as { errors: { extensions: object }[] }
  expect(errors[0]?.extensions).toEqual({ code: 'CONTENT_ENCODING_REFUSED' })
})

/** Lists the blocks so many times, without waiting for anything. */
const LISTS = 10
const BUSY = `{ ${Array.from({ length: LISTS }, (_, index) => `b${index}: blocks { type }`).join(' ')} }`

/** Counts how often blocks are listed in each turn of the event loop. */
function watchTurns() {
  const { registry } = server.lume.services
  const turns: number[] = []
  let isOpen = false
  const { list } = registry
  registry.list = () => {
    if (!isOpen) {
      turns.push(0)
      isOpen = true
      setImmediate(() => (isOpen = false))
    }
    turns.push((turns.pop() ?? 0) + 1)
    return list.call(registry)
  }
  return { turns, stop: () => void (registry.list = list) }
}

describe('operations that arrive in one packet', () => {
  const COUNT = 100

  test('are all answered, each in a separate turn of the event loop', async () => {
    const { turns, stop } = watchTurns()
    const body = JSON.stringify({ query: BUSY })
    const head = `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`
    let received = ''
    const socket = connect(server.port)
    socket.setEncoding('latin1').on('data', (text: string) => (received += text))
    await once(socket, 'connect')
    socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`.repeat(COUNT))
    const answered = () => received.split('HTTP/1.1 200').length - 1
    await until('all are answered', () => answered() === COUNT, 20_000)
    socket.destroy()
    stop()
    expect(turns.reduce((sum, lists) => sum + lists, 0)).toBe(COUNT * LISTS)
    // An operation that uses its turn up continues in another one.
    expect(Math.max(...turns)).toBe(LISTS)
    expect(turns.length).toBeGreaterThanOrEqual(COUNT)
  }, 30_000)

  test('of a WebSocket are all answered, in many turns of the event loop', async () => {
    const { turns, stop } = watchTurns()
    const results = await overWebSocket(Array.from({ length: COUNT }, () => ({ query: BUSY })))
    stop()
    expect(results.length).toBe(COUNT)
    expect(turns.reduce((sum, lists) => sum + lists, 0)).toBe(COUNT * LISTS)
    // They take far longer than the time for which operations begin in one turn.
    expect(turns.length).toBeGreaterThan(5)
  }, 30_000)

  test('may hold more subscriptions than a WebSocket may have unanswered operations', async () => {
    const { socket } = await hello()
    const follow = { query: 'subscription { jobsChanged { id } }' }
    const frames = Array.from({ length: 30 }, (_, index) =>
      JSON.stringify({ id: String(index), type: 'subscribe', payload: follow }),
    )
    for (const frame of frames) socket.send(frame)
    socket.send(JSON.stringify({ id: 'last', type: 'subscribe', payload: { query: '{ __typename }' } }))
    const answer = await new Promise<string>((resolve) => {
      socket.on('message', (data: Buffer) => {
        if (data.toString().includes('"last"')) resolve(data.toString())
      })
    })
    expect(answer).toBe('{"id":"last","type":"next","payload":{"data":{"__typename":"Query"}}}')
    socket.terminate()
  }, 30_000)
})

async function hello() {
  const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await once(socket, 'message')
  return { socket }
}

/** The results of operations that are sent at once, as they are written. */
async function overWebSocket(payloads: readonly object[]): Promise<readonly string[]> {
  const { socket } = await hello()
  const results: string[] = []
  const all = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const text = data.toString()
      if (!text.includes('"type":"next"')) return
      results.push(text)
      if (results.length === payloads.length) resolve()
    })
  })
  for (const [index, payload] of payloads.entries())
    socket.send(JSON.stringify({ id: String(index), type: 'subscribe', payload }))
  await all
  socket.terminate()
  return results
}
