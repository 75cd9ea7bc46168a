import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { decodeGlobalId } from '../../src/lib/global-id.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { startServer } from '../../src/http/server.ts'
import { graphql } from '../gql/index.ts'
import { AUTHENTICATION } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated, SIMPLE } from '../support/definitions.ts'
import { openEventStream } from '../support/event-stream.ts'
import { freePort } from '../support/free-port.ts'
import { JOB_EVENTS, runToEnd, start } from '../support/runs.ts'
import { countStatements } from '../support/statement-count.ts'
import { until } from '../support/until.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const MIB = 1024 * 1024
const TYPENAME = JSON.stringify({ query: '{ __typename }' })

const BLOCKS = graphql(`
  query BlocksThatFault {
    blocks {
      type
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

/** Sends bytes as they are and gives back all that comes until the server closes, or stops to answer. */
async function raw(request: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  socket.end(request)
  return text(socket)
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? Number.NaN)

function codeOf({ errors }: { readonly errors: readonly { extensions?: { code?: string } }[] }) {
  return errors[0]?.extensions?.code
}

test('a server listens only when the first queries of its process are prepared', async () => {
  const port = await freePort()
  const statements = countStatements(server.databaseUrl)
  let isEarly: boolean | null = null
  const prepare = async () => {
    isEarly = await isRefused(port)
    statements.take()
    await server.lume.prepare()
  }
  const prepared = await startServer({ lume: { ...server.lume, prepare }, port })
  try {
    expect(isEarly).toBe(true)
    expect(statements.take().filter((text) => text.includes('"public"."jobs"'))).toHaveLength(1)
    expect(await isRefused(port)).toBe(false)
  } finally {
    statements.stop()
    await prepared.close()
  }
})

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

describe('a body', () => {
  test('of more than 6 MiB is refused by its length', async () => {
    const answer = await server.client.post('x'.repeat(6 * MIB + 1))
    expect([answer.status, codeOf(answer)]).toEqual([413, 'BODY_TOO_LARGE'])
  })

  test('of more than 6 MiB is refused without a length, as soon as it is too long', async () => {
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += MIB
        if (sent > 200 * MIB) controller.close()
        else controller.enqueue(new Uint8Array(MIB))
      },
    })
    const answer = await server.client.post(body)
    expect([answer.status, codeOf(answer)]).toEqual([413, 'BODY_TOO_LARGE'])
    expect(sent).toBeLessThan(200 * MIB)
    // The connection that carried it is not used again.
    expect((await server.client.post(TYPENAME)).status).toBe(200)
  })

  test('of just under 6 MiB is read', async () => {
    const variables = { padding: 'x'.repeat(6 * MIB - 200) }
    const answer = await server.client.post(JSON.stringify({ query: '{ __typename }', variables }))
    expect(answer).toMatchObject({ status: 200, data: { __typename: 'Query' } })
  })

  test('that is broken off leaves no trace', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"qu',
    )
    await once(socket, 'connect')
    socket.destroy()
    expect((await server.client.post(TYPENAME)).status).toBe(200)
  })

  test('is not waited for where none is taken', async () => {
    const answers = [
      ['POST /health', 200],
      ['POST /nothing', 404],
      ['PUT /graphql', 405],
      ['POST /graphql/more', 404],
    ] as const
    const read = answers.map(async ([target]) => {
      const socket = connect(server.port, '127.0.0.1')
      socket.write(`${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6000000\r\n\r\n{`)
      // Ends although the client never does.
      const answer = await text(socket)
      expect(answer).toMatch(/^connection: close/im)
      return [target, statusOf(answer)]
    })
    expect(await Promise.all(read)).toEqual(answers)
  })

  test('of somebody who is not let in is not waited for', async () => {
    const guarded = await startServer({ lume: server.lume, port: 0, authentication: AUTHENTICATION })
    const socket = connect(Number(new URL(guarded.origin).port), '127.0.0.1')
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    expect(statusOf(await text(socket))).toBe(401)
    await guarded.close()
  })

  test('that does not come is not waited for longer than a request may take', async () => {
    const hasty = await startServer({ lume: server.lume, port: 0, requestMs: 100 })
    const socket = connect(Number(new URL(hasty.origin).port), '127.0.0.1')
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    expect(statusOf(await text(socket))).toBe(408)
    // Streams are requests that came in long ago.
    const stream = await openEventStream(hasty.url, 'GET', JOB_EVENTS, {
      jobId: (await start(server, { definition: gated('patience') })).jobId,
    })
    await stream.results.next()
    const again = connect(Number(new URL(hasty.origin).port), '127.0.0.1')
    again.write('GET /health HTTP/1.1\r\n')
    expect(statusOf(await text(again))).toBe(408)
    server.gate('patience').open()
    let results = 0
    for await (const result of stream.results) {
      expect(result).toMatchObject({ data: expect.anything() })
      results++
    }
    expect(results).toBeGreaterThan(0)
    await hasty.close()
  })

  test.each<[what: string, body: string, status: number, code: string]>([
    ['broken JSON', '{"query":', 400, 'BAD_REQUEST'],
    ['nothing', '', 400, 'BAD_REQUEST'],
    ['null', 'null', 400, 'BAD_REQUEST'],
    ['a text', '"x"', 400, 'BAD_REQUEST'],
    ['a batch', `[${TYPENAME}]`, 400, 'BAD_REQUEST'],
    ['no query', '{}', 400, 'BAD_REQUEST'],
    ['a number for a query', '{"query":5}', 400, 'BAD_REQUEST'],
    ['a text for variables', '{"query":"{ __typename }","variables":"x"}', 400, 'BAD_REQUEST'],
    ['an unknown parameter', '{"query":"{ __typename }","__proto__":{"query":"x"}}', 400, 'BAD_REQUEST'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe]).toString('latin1'), 400, 'BAD_REQUEST'],
    ['a syntax error', JSON.stringify({ query: '{ workflow(' }), 400, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', JSON.stringify({ query: '{ nothing }' }), 400, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'a variable of another type',
      JSON.stringify({ query: 'query ($id: ID!) { workflow(id: $id) { id } }', variables: { id: {} } }),
      400,
      'BAD_USER_INPUT',
    ],
    [
      'a number that is too large',
      JSON.stringify({
        query: 'query ($n: Int) { workflows(first: $n) { totalCount } }',
        variables: { n: 1e10 },
      }),
      400,
      'BAD_USER_INPUT',
    ],
    [
      'two operations and no name',
      JSON.stringify({ query: 'query A { __typename } query B { __typename }' }),
      400,
      'OPERATION_RESOLUTION_FAILURE',
    ],
  ])('of %s is refused', async (_what, body, status, code) => {
    const answer = await server.client.post(body)
    expect([answer.status, codeOf(answer)]).toEqual([status, code])
    expect(JSON.stringify(answer.errors)).not.toMatch(/node_modules|\.ts|SyntaxError/)
  })
})

describe('a GET', () => {
  test.each(['variables={', 'variables=[1', 'extensions={'])('with %s is refused', async (params) => {
    const response = await fetch(`${server.url}?query=${encodeURIComponent('{ __typename }')}&${params}`)
    expect(response.status).toBe(400)
    expect(codeOf((await response.json()) as never)).toBe('BAD_REQUEST')
  })
})

describe('a document', () => {
  const repeated = (part: (index: number) => string, times: number) =>
    Array.from({ length: times }, (_, index) => part(index)).join(' ')

  test.each<[what: string, query: string]>([
    ['tokens', `{ ${repeated(() => 'blocks { type }', 2_600)} }`],
    ['characters', `{ block(type: "${'x'.repeat(100_000)}") { type } }`],
    [
      'levels',
      `{ workflow(id: 1) ${repeated(() => '{ executions { edges { node { workflow', 6)} { id } ${'} '.repeat(25)}`,
    ],
    ['aliases', `{ ${repeated((index) => `a${index}: __typename`, 51)} }`],
    ['fields', `{ blocks { ${repeated(() => 'type', 2_001)} } }`],
    [
      'fields in a fragment that nobody uses',
      `{ __typename } fragment A on Block { ${repeated(() => 'type', 2_001)} }`,
    ],
    ['repetitions of a field', `{ ${repeated(() => 'viewer { role }', 900)} }`],
    [
      'repetitions of a field by fragments',
      `{ ${repeated((index) => `...A${index}`, 600)} } ${repeated((index) => `fragment A${index} on Query { viewer { role } }`, 600)}`,
    ],
    ['directives', `{ ${repeated(() => '... @include(if: true) { __typename }', 51)} }`],
    [
      'fields by fragments of fragments',
      `{ blocks { ...A0 } } ${repeated((index) => `fragment A${index} on Block { ...A${index + 1} ...A${index + 1} }`, 30)} fragment A30 on Block { type }`,
    ],
    [
      'brackets in a value',
      `mutation { validateWorkflow(input: { definition: ${'['.repeat(4_000)}${']'.repeat(4_000)} }) { __typename } }`,
    ],
    ['brackets in a selection', `${'{ workflow '.repeat(3_000)}{ id }${'}'.repeat(3_000)}`],
    ['brackets in a type', `query ($a: ${'['.repeat(3_000)}ID${']'.repeat(3_000)}) { __typename }`],
  ])('with too many %s is refused at once', async (_what, query) => {
    const startedAt = performance.now()
    const answer = await server.client.post(JSON.stringify({ query }))
    expect([answer.status, codeOf(answer)]).toEqual([400, 'OPERATION_TOO_LARGE'])
    expect(answer.errors).toHaveLength(1)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  test('with too many fields in all its operations together is refused', async () => {
    const operations = repeated((index) => `query Q${index} { blocks { ...A } }`, 600)
    const query = `${operations} fragment A on Block { ${repeated(() => 'type', 20)} }`
    const answer = await server.client.post(JSON.stringify({ query, operationName: 'Q1' }))
    expect([answer.status, codeOf(answer)]).toEqual([400, 'OPERATION_TOO_LARGE'])
    expect(answer.errors?.[0]?.message).toContain('10000 fields in all its operations together')
  })

  test('of a circle of fragments is refused', async () => {
    const query = '{ blocks { ...A } } fragment A on Block { ...B } fragment B on Block { ...A }'
    const answer = await server.client.post(JSON.stringify({ query }))
    expect([answer.status, codeOf(answer)]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED'])
  })

  test('that asks for the schema, as GraphiQL does, is answered', async () => {
    const { getIntrospectionQuery } = await import('graphql')
    const answer = await server.client.post(JSON.stringify({ query: getIntrospectionQuery() }))
    expect(answer).toMatchObject({ status: 200, errors: [] })
  })
})

describe('a page of another site', () => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'application/jsonp',
  ])('cannot send an operation as %s', async (contentType) => {
    const answer = await server.client.post(TYPENAME, { 'content-type': contentType })
    expect([answer.status, codeOf(answer)]).toEqual([415, 'CONTENT_TYPE_REFUSED'])
  })

  test('cannot change anything by GET', async () => {
    const query = encodeURIComponent('mutation { createWorkflow(input: {}) { __typename } }')
    const response = await fetch(`${server.url}?query=${query}`, { headers: { accept: 'application/json' } })
    expect(response.status).toBe(405)
  })

  test.each([
    ['http://evil.example', 403],
    ['https://127.0.0.1', 403],
    ['null', 403],
    ['http://127.0.0.1:1', 403],
    ['file://', 403],
  ])('at %s gets no answer', async (origin, status) => {
    const answer = await server.client.post(TYPENAME, { origin })
    expect([answer.status, codeOf(answer)]).toEqual([status, 'ORIGIN_REFUSED'])
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await fetch(server.url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    expect(preflight.status).toBe(403)
  })

  test('of this server itself gets one', async () => {
    expect((await server.client.post(TYPENAME, { origin: server.origin })).status).toBe(200)
  })

  test.each([
    'evil.example',
    'evil.example:4000',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::2]',
    'a@127.0.0.1',
    '127.0.0.1/x',
    '',
  ])('by a name of its own, %p, gets no answer (DNS rebinding)', async (host) => {
    const answer = await raw(
      `POST /graphql HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${TYPENAME.length}\r\nConnection: close\r\n\r\n${TYPENAME}`,
    )
    expect([400, 403]).toContain(statusOf(answer))
    expect(answer).not.toContain('"data"')
  })

  test.each(['127.0.0.1', 'localhost:4000', 'LOCALHOST', '[::1]:80', '127.1.2.3'])(
    'by the name %p of this machine gets one',
    async (host) => {
      const answer = await raw(`GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      expect(statusOf(answer)).toBe(200)
    },
  )

  test.each([
    ['a foreign origin', { origin: 'http://evil.example' }, undefined],
    ['the origin null', { origin: 'null' }, undefined],
    ['a foreign host', {}, 'evil.example'],
  ])('cannot open a WebSocket from %s', async (_what, headers, host) => {
    const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws', {
      headers: { ...headers, ...(host ? { host } : {}) },
    })
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    expect(response.statusCode).toBe(403)
    socket.on('error', () => undefined)
    socket.terminate()
  })
})

describe('a WebSocket', () => {
  test('is opened for GraphQL at its path only', async () => {
    for (const [path, status] of [
      ['/elsewhere', 404],
      ['//', 404],
      ['//evil.example/graphql', 404],
    ] as const) {
      const answer = await raw(upgrade(path))
      expect(statusOf(answer)).toBe(status)
    }
  })

  test('that is refused and reset at the same moment does no harm', async () => {
    for (let round = 0; round < 20; round++) {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(upgrade('/elsewhere', 'http://evil.example'))
      await once(socket, 'connect')
      socket.resetAndDestroy()
    }
    expect((await server.client.post(TYPENAME)).status).toBe(200)
  })

  test.each<[what: string, message: string, code: number]>([
    ['that says what is no JSON', 'x', 4400],
    ['that subscribes before it says hello', '{"id":"1","type":"subscribe","payload":{"query":"{a}"}}', 4401],
    ['that says something unknown', '{"type":"shout"}', 4400],
    ['that says too much', `{"type":"connection_init","payload":{"x":"${'x'.repeat(6 * MIB)}"}}`, 1009],
  ])('%s is closed', async (_what, message, code) => {
    const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws')
    await once(socket, 'open')
    socket.send(message)
    const [closed] = (await once(socket, 'close')) as [number]
    expect(closed).toBe(code)
  })

  function upgrade(path: string, origin?: string): string {
    const headers = [
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...(origin ? [`Origin: ${origin}`] : []),
    ]
    return `GET ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`
  }
})

describe('a fault of the server', () => {
  test('in a query is told by a reference and nothing else', async () => {
    const { registry } = server.lume.services
    const list = registry.list.bind(registry)
    registry.list = () => {
      throw new Error('the secret is 4711')
    }
    const answer = await server.client.send(BLOCKS, {})
    registry.list = list
    const [error] = answer.errors
    expect(answer.data).toBeNull()
    expect(error).toEqual({
      message: expect.stringContaining(error?.extensions?.reference ?? 'nothing'),
      path: ['blocks'],
      locations: [expect.anything()],
      extensions: { code: 'INTERNAL_SERVER_ERROR', reference: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    })
    expect(server.takeFaults()).toEqual([
      expect.objectContaining({
        reference: error?.extensions?.reference,
        err: expect.objectContaining({
          message: 'the secret is 4711',
          stack: expect.stringContaining('at '),
        }),
      }),
    ])
  })

  test.each(['a WebSocket', 'SSE'])('in a subscription over %s, too', async (transport) => {
    const { jobId } = await runToEnd(server, { definition: SIMPLE })
    const { events, wakeups } = server.lume.services
    const { after } = events
    // Memory may be behind from now on: the subscriber has to read.
    wakeups.news([decodeGlobalId(jobId)?.id as JobId])
    Object.assign(events, {
      after: async () => {
        throw new Error('the secret is hush-hush')
      },
    })
    const socket = openWebSocket(server.url)
    const results =
      transport === 'SSE'
        ? (await openEventStream(server.url, 'POST', JOB_EVENTS, { jobId })).results
        : socket.subscribe(JOB_EVENTS, { jobId })
    const told: unknown[] = []
    try {
      for await (const result of results) told.push(result)
    } catch (errors) {
      told.push(errors)
    }
    Object.assign(events, { after })
    await socket.close()
    const words = JSON.stringify(told)
    // The client may subscribe again with its cursor.
    expect(words).toMatch(/"code":"SERVICE_UNAVAILABLE","reference":"[0-9a-f-]{36}"/)
    expect(words).not.toMatch(/hush-hush|stack|\.ts/)
    expect(server.takeFaults().map(({ err }) => err?.message)).toEqual(['the secret is hush-hush'])
  })
})

describe('other paths', () => {
  test('lead to the API, tell how the server is, or say that there is nothing', async () => {
    const root = await fetch(`${server.origin}/`, { redirect: 'manual' })
    expect([root.status, root.headers.get('location')]).toEqual([302, '/graphql'])
    expect(await (await fetch(`${server.origin}/health`)).json()).toEqual({ status: 'ok' })
    expect(await (await fetch(`${server.origin}/ready`)).json()).toEqual({ status: 'ready' })
    const nothing = await fetch(`${server.origin}/nothing`)
    expect([nothing.status, await nothing.json()]).toEqual([
      404,
      { errors: [{ message: expect.stringContaining('/graphql'), extensions: { code: 'NOT_FOUND' } }] },
    ])
  })

  test('never lead away, whatever the request line says', async () => {
    for (const target of [
      '//evil.example/',
      '//evil.example',
      '/\\evil.example',
      'http://evil.example/',
      '*',
      '//',
    ]) {
      const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
      expect([400, 404]).toContain(statusOf(answer))
      expect(answer).not.toMatch(/^location:/im)
    }
  })
})

describe('GraphiQL', () => {
  test('and the schema are not to be had from a server that is not explorable', async () => {
    const closed = await startServer({ lume: server.lume, port: 0, isExplorable: false })
    const page = await fetch(closed.url, { headers: { accept: 'text/html' } })
    expect(await page.text()).not.toContain('<html')
    const response = await fetch(closed.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __schema { types { name } } worflows { totalCount } }' }),
    })
    const { errors } = (await response.json()) as { errors: { message: string }[] }
    expect(errors.map(({ message }) => message).join()).toMatch(/introspection/i)
    expect(JSON.stringify(errors)).not.toContain('Did you mean')
    await closed.close()
  })
})

describe('a server that stops', () => {
  test('answers what it was asked, ends streams, and waits for nobody who does not go', async () => {
    const stopping = await startServer({ lume: server.lume, port: 0 })
    const receiver = `${stopping.origin}/examples/receiver`
    const run = await start(server, { definition: gated('stop') })
    const stream = await openEventStream(stopping.url, 'POST', JOB_EVENTS, { jobId: run.jobId })
    await stream.results.next()
    const mute = new WebSocket(stopping.url.replace('http', 'ws'), 'graphql-transport-ws')
    await once(mute, 'open')
    mute.pause()
    const asked = fetch(`${receiver}/batches?delayMs=1000`, {
      method: 'POST',
      headers: { 'idempotency-key': 'stop' },
      body: '{"leads":[]}',
    })
    await until('the request has arrived', async () => {
      const { calls } = (await (await fetch(receiver)).json()) as { calls: number }
      return calls === 1
    })

    const startedAt = performance.now()
    await stopping.close()
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    expect((await asked).status).toBe(200)
    await expect(drain(stream.results)).rejects.toThrow('ended without `complete`')
    await expect(fetch(receiver)).rejects.toThrow()
    mute.terminate()
    server.gate('stop').open()
  })

  async function drain(results: AsyncIterable<unknown>): Promise<void> {
    for await (const _result of results);
  }
})
