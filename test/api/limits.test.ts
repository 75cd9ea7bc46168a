import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ExecutionResult } from 'graphql'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { startServer, type Server, type ServerOptions } from '../../src/http/server.ts'
import { ownerId } from '../../src/lib/ids.ts'
import { graphql } from '../gql/index.ts'
import { AUTHENTICATION, bearer, settingsKey, tokenFor } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { openEventStream } from '../support/event-stream.ts'
import { createGraphqlClient, type GraphqlAnswer } from '../support/graphql-client.ts'
import { until } from '../support/until.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

let server: ApiServer
const started: Server[] = []
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  for (const one of started) await one.close()
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

/** Another server on the same Lume, with other settings. */
async function serve(options: Omit<ServerOptions, 'lume' | 'port'>): Promise<Server> {
  const one = await startServer({ lume: server.lume, port: 0, ...options })
  started.push(one)
  return one
}

const FOLLOW = graphql(`
  subscription JobsChangedOfLimits {
    jobsChanged {
      id
    }
  }
`)

interface Payload {
  readonly query?: string
  readonly variables?: Readonly<Record<string, unknown>>
  readonly extensions?: Readonly<Record<string, unknown>>
  readonly documentId?: string
}

function post(url: string, payload: Payload, headers: Readonly<Record<string, string>> = {}) {
  return createGraphqlClient(url).post(JSON.stringify(payload), headers)
}

interface Told {
  readonly data?: unknown
  readonly errors?: readonly { readonly message: string; readonly extensions?: object }[]
  readonly extensions?: object
}

/** What the first answer to an operation over a WebSocket is. */
async function overWebSocket(url: string, payload: Payload, headers: Readonly<Record<string, string>> = {}) {
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocol: string) {
        super(address, protocol, { headers })
      }
    },
    retryAttempts: 0,
  })
  try {
    const result = await client.iterate({ query: '', ...payload }).next()
    return result.value as Told
  } catch (errors) {
    return { errors: errors as Told['errors'] & object }
  } finally {
    await client.dispose()
  }
}

function refusalOf({ status, data, errors }: GraphqlAnswer<unknown>) {
  return [status, data, errors.map(({ extensions }) => extensions?.code)]
}

describe('the cost of an operation', () => {
  const nested = (first: number) =>
    `{ workflows(first: ${first}) { edges { node { executions(first: ${first}) { edges { node { steps(first: ${first}) { edges { node { path } } } } } } } } } }`

  test('is refused when it is too high, before anything is read', async () => {
    expect(refusalOf(await post(server.url, { query: nested(100) }))).toEqual([
      400,
      null,
      ['OPERATION_TOO_COSTLY'],
    ])
    expect((await post(server.url, { query: nested(5) })).status).toBe(200)
  })

  test('is that of payloads, too: thousands of them are refused, two in each item of a page are not', async () => {
    const executions = (first: number, fields: string) =>
      `executions(first: ${first}) { edges { node { ${fields} } } }`
    const all = `{ workflows(first: 100) { edges { node { ${executions(100, 'input output definition variables')} } } } }`
    expect(refusalOf(await post(server.url, { query: all }))).toEqual([400, null, ['OPERATION_TOO_COSTLY']])
    const { errors } = await overWebSocket(server.url, { query: all })
    expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'OPERATION_TOO_COSTLY' }])
    expect((await post(server.url, { query: `{ ${executions(100, 'input output')} }` })).status).toBe(200)
  })

  test.each([
    ['through variables', 'query ($n: Int = 100) { workflows(first: $n) { ...W } }', {}],
    ['through variables that are sent', 'query ($n: Int) { workflows(first: $n) { ...W } }', { n: 100 }],
    ['from the other end', '{ workflows(last: 100) { ...W } }', {}],
    ['beside another', '{ workflows(first: 1) { __typename } more: workflows(first: 100) { ...W } }', {}],
  ])('counts %s', async (_what, operation, variables) => {
    const fragment = `fragment W on WorkflowConnection { edges { node { ... on Workflow { executions(first: 100) { edges { node { job { id } execution: job { id } } } } } } } }`
    const answer = await post(server.url, { query: `${operation} ${fragment}`, variables })
    expect(refusalOf(answer)).toEqual([400, null, ['OPERATION_TOO_COSTLY']])
  })

  test('is refused over a WebSocket, too, and in a subscription', async () => {
    const query = `subscription { jobEvents(jobId: "x") { job { execution { workflow { executions(first: 1000) { edges { node { steps(first: 1000) { edges { node { path } } } } } } } } } } }`
    for (const operation of [query, nested(100)]) {
      const { errors } = await overWebSocket(server.url, { query: operation })
      expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'OPERATION_TOO_COSTLY' }])
    }
  })

  test('is told when it is asked for, by a header or in the request', async () => {
    const query =
      '{ workflows(first: 7) { edges { node { id name } } } blocks { type } __schema { types { name } } }'
    const cost = { requested: 1 + 7 + 7 + 10, limit: 25_000 }
    const extensionsOf = async (payload: Payload, headers?: Record<string, string>) => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(payload),
      })
      return ((await response.json()) as ExecutionResult).extensions
    }
    expect(await extensionsOf({ query })).toBeUndefined()
    expect(await extensionsOf({ query }, { 'x-lume-cost': '1' })).toEqual({ cost })
    expect(await extensionsOf({ query, extensions: { cost: true } })).toEqual({ cost })
    expect((await overWebSocket(server.url, { query, extensions: { cost: true } })).extensions).toEqual({
      cost,
    })
  })

  test.each(['first: -5', 'first: 1000000000', 'first: null', 'last: 2147483647'])(
    'is bounded whatever is asked for: %s',
    async (args) => {
      const answer = await post(server.url, { query: `{ workflows(${args}) { edges { node { id } } } }` })
      expect([200, 400]).toContain(answer.status)
      expect(answer.errors.map(({ extensions }) => extensions?.code)).not.toContain('INTERNAL_SERVER_ERROR')
    },
  )
})

describe('pages of other origins', () => {
  const FRONT_END = 'https://app.example.com'
  let open: Server
  beforeAll(async () => {
    open = await serve({ corsOrigins: [FRONT_END] })
  })

  const preflight = (origin: string) =>
    fetch(open.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, x-mine',
      },
    })

  test('on the list may ask and read', async () => {
    const asked = await preflight(FRONT_END)
    expect(asked.status).toBe(204)
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'access-control-allow-origin': FRONT_END,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'content-type, x-mine',
      vary: expect.stringContaining('origin'),
    })
    const answer = await post(open.url, { query: '{ __typename }' }, { origin: FRONT_END })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, FRONT_END])
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('on the list can read why they are refused', async () => {
    const guarded = await serve({ corsOrigins: [FRONT_END], authentication: AUTHENTICATION })
    const answer = await post(guarded.url, { query: '{ __typename }' }, { origin: FRONT_END })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([401, FRONT_END])
    expect(answer.headers.get('access-control-expose-headers')).toContain('www-authenticate')
  })

  test.each([
    'https://evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'null',
  ])('that are not on it get nothing: %s', async (origin) => {
    expect((await preflight(origin)).status).toBe(403)
    const answer = await post(open.url, { query: '{ __typename }' }, { origin })
    expect(refusalOf(answer)).toEqual([403, null, ['ORIGIN_REFUSED']])
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('may open a WebSocket only from the list', async () => {
    const query = '{ __typename }'
    expect(await overWebSocket(open.url, { query }, { origin: FRONT_END })).toMatchObject({
      data: expect.anything(),
    })
    const socket = new WebSocket(open.url.replace('http', 'ws'), 'graphql-transport-ws', {
      headers: { origin: 'https://evil.example' },
    })
    socket.on('error', () => undefined)
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    expect(response.statusCode).toBe(403)
    socket.terminate()
  })

  test('cannot come by another name of this machine while nobody is asked for a credential', async () => {
    const { port } = new URL(open.origin)
    const socket = new WebSocket(open.url.replace('http', 'ws'), 'graphql-transport-ws', {
      headers: { host: `rebound.example:${port}`, origin: FRONT_END },
    })
    socket.on('error', () => undefined)
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    expect(response.statusCode).toBe(403)
    socket.terminate()
  })
})

describe('what a foreign page can send without asking changes nothing (CSRF):', () => {
  const mutation = 'mutation { createWorkflow(input: { name: "csrf" }) { __typename } }'

  test.each([
    ['a form', 'application/x-www-form-urlencoded', `query=${encodeURIComponent(mutation)}`],
    [
      'a form with files',
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="query"\r\n\r\n${mutation}\r\n--x--`,
    ],
    ['plain text', 'text/plain', JSON.stringify({ query: mutation })],
    ['GraphQL as text', 'application/graphql', mutation],
    ['JSON in disguise', 'text/plain; application/json', JSON.stringify({ query: mutation })],
  ])('%s', async (_what, contentType, body) => {
    const answer = await createGraphqlClient(server.url).post(body, { 'content-type': contentType })
    expect(refusalOf(answer)).toEqual([415, null, ['CONTENT_TYPE_REFUSED']])
  })

  test('a link', async () => {
    const response = await fetch(`${server.url}?query=${encodeURIComponent(mutation)}`)
    expect(response.status).toBe(405)
    await response.body?.cancel()
    const { data } = await post(server.url, { query: '{ workflows { totalCount } }' })
    expect(data).toEqual({ workflows: { totalCount: 0 } })
  })
})

describe('the rate limit', () => {
  const ask = (url: string, credential?: string) =>
    post(url, { query: '{ __typename }' }, credential ? bearer(credential) : {})

  test('lets so many requests of one credential pass per minute, and not one more', async () => {
    const limited = await serve({ authentication: AUTHENTICATION, requestsPerMinute: 3 })
    const [one, other] = [settingsKey('acme', 'VIEWER'), settingsKey('globex', 'VIEWER')]
    for (let i = 0; i < 3; i++) expect((await ask(limited.url, one)).status).toBe(200)
    const refused = await ask(limited.url, one)
    expect(refusalOf(refused)).toEqual([429, null, ['RATE_LIMITED']])
    const waitS = Number(refused.headers.get('retry-after'))
    expect(Number.isInteger(waitS) && waitS >= 1 && waitS <= 60).toBe(true)
    expect((await ask(limited.url, other)).status).toBe(200)
  })

  test('counts what comes over a WebSocket with the rest', async () => {
    const limited = await serve({ authentication: AUTHENTICATION, requestsPerMinute: 3 })
    const headers = bearer(settingsKey('acme', 'VIEWER'))
    const answers = []
    for (let i = 0; i < 3; i++)
      answers.push(await overWebSocket(limited.url, { query: '{ __typename }' }, headers))
    expect(answers.map(({ errors }) => errors ?? [])).toEqual([[], [], []])
    const { errors } = await overWebSocket(limited.url, { query: '{ __typename }' }, headers)
    expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'RATE_LIMITED' }])
    expect((await ask(limited.url, settingsKey('acme', 'VIEWER'))).status).toBe(429)
  })

  test('counts attempts with bad credentials by address, and does not hold up good ones', async () => {
    const limited = await serve({ authentication: AUTHENTICATION, requestsPerMinute: 3 })
    const statuses = []
    for (let i = 0; i < 5; i++) statuses.push((await ask(limited.url, `guess ${i}`.replace(' ', '-'))).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    expect((await ask(limited.url, settingsKey('acme', 'VIEWER'))).status).toBe(200)
  })

  test('keeps bad keys from the database once it is reached, and no good ones from coming in', async () => {
    let lookUps = 0
    const { apiKeys } = server.lume.services
    const counting = {
      ...apiKeys,
      find: (key: string) => {
        lookUps++
        return apiKeys.find(key)
      },
    }
    const lume = { ...server.lume, services: { ...server.lume.services, apiKeys: counting } }
    const limited = await startServer({ lume, port: 0, authentication: AUTHENTICATION, requestsPerMinute: 4 })
    started.push(limited)
    const created = async () => {
      const input = { name: 'x', role: 'VIEWER' as const, expiresAt: null }
      const made = await apiKeys.create(ownerId('acme'), input)
      if (made.kind !== 'created') throw new Error(made.kind)
      return made
    }
    const [seen, unseen] = [await created(), await created()]
    const guess = (n: number) => `lume_${String(n).padStart(40, 'A')}`
    expect((await ask(limited.url, seen.key)).status).toBe(200)
    const statuses = []
    for (let n = 0; n < 20; n++) statuses.push((await ask(limited.url, guess(n))).status)
    expect(statuses).toEqual([401, 401, 401, 401, ...Array.from({ length: 16 }, () => 429)])
    expect(lookUps).toBe(1 + 4)
    const { errors } = await overWebSocket(limited.url, { query: '{ __typename }' }, bearer(guess(20)))
    // Closed before there was an operation.
    expect(errors).toMatchObject({ code: 4403, reason: expect.stringMatching(/^RATE_LIMITED/) })
    expect(lookUps).toBe(1 + 4)
    // Good ones: one that was seen here, one of the settings, a token.
    const token = await tokenFor({ now: Date.now }, { owner: 'acme', role: 'VIEWER', forS: 60 })
    for (const credential of [seen.key, settingsKey('acme', 'VIEWER'), token])
      expect((await ask(limited.url, credential)).status).toBe(200)
    // One that nobody knows yet is not told from a guess.
    expect((await ask(limited.url, unseen.key)).status).toBe(429)
    // What was good once is not good for ever, and is looked up no more then.
    await apiKeys.revoke(ownerId('acme'), seen.id)
    lookUps = 0
    expect((await ask(limited.url, seen.key)).status).toBe(429)
    expect((await ask(limited.url, seen.key)).status).toBe(429)
    expect(lookUps).toBe(1)
  })

  test('is off for the local user unless it is set', async () => {
    const limited = await serve({ requestsPerMinute: 2 })
    const statuses = []
    for (let i = 0; i < 3; i++) statuses.push((await ask(limited.url)).status)
    expect(statuses).toEqual([200, 200, 429])
    for (let i = 0; i < 50; i++) expect((await ask(server.url)).status).toBe(200)
  })
})

describe('the subscriptions of an owner', () => {
  const MOST = 2
  let limited: Server
  beforeAll(async () => {
    limited = await serve({ authentication: AUTHENTICATION, maxSubscriptions: MOST, hasOpenMetrics: true })
  })
  const open = async () => {
    const text = await (await fetch(`${limited.origin}/metrics`)).text()
    const counts = [...text.matchAll(/^lume_subscriptions_open\{.*\} (\d+)$/gm)]
    return counts.reduce((sum, [, count]) => sum + Number(count), 0)
  }
  const ADMIN = bearer(settingsKey('acme', 'ADMIN'))
  const overStream = (headers = ADMIN) => openEventStream(limited.url, 'POST', FOLLOW, {}, headers)
  const overSocket = (headers = ADMIN) => {
    const socket = openWebSocket(limited.url, headers)
    const results = socket.subscribe(FOLLOW, {})
    const first = results.next().catch((fault: unknown) => fault)
    return { ...socket, first, leave: () => results.return(undefined) }
  }
  const refused = [{ message: expect.any(String), extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }]

  test('are not counted when their client does not accept event streams', async () => {
    const headers = { ...ADMIN, 'content-type': 'application/json', accept: 'application/json' }
    for (let i = 0; i <= MOST; i++) {
      const body = JSON.stringify({ query: FOLLOW.toString() })
      const response = await fetch(limited.url, { method: 'POST', headers, body })
      expect(response.status).toBe(406)
    }
    const stream = await overStream()
    await until('a stream is open', async () => (await open()) === 1)
    stream.cut()
    await until('it is gone', async () => (await open()) === 0)
  })

  test('are limited together, over all transports and credentials; those of others are not', async () => {
    const [socket, stream] = [overSocket(), await overStream(bearer(settingsKey('acme', 'VIEWER')))]
    await until('both are open', async () => (await open()) === MOST)
    const third = await overStream()
    expect((await third.results.next()).value).toEqual({ errors: refused })
    third.cut()
    const fourth = overSocket(bearer(settingsKey('acme', 'EDITOR')))
    expect(await fourth.first).toMatchObject({ value: { errors: refused } })
    await fourth.close()
    const others = overSocket(bearer(settingsKey('globex', 'VIEWER')))
    await until('somebody else’s is open', async () => (await open()) === MOST + 1)
    await others.close()
    stream.cut()
    await socket.close()
    await until('all are gone', async () => (await open()) === 0)
  })

  test.each<[how: string, end: () => Promise<unknown>]>([
    ['a stream is cut', async () => (await overStream()).cut()],
    [
      'a client leaves one of a WebSocket',
      async () => {
        const socket = overSocket()
        await until('it is open', async () => (await open()) > 0)
        await socket.leave()
        await until('it has ended', async () => (await open()) === 0)
        await socket.close()
      },
    ],
    [
      'a WebSocket is cut',
      async () => {
        const socket = overSocket()
        await until('it is open', async () => (await open()) > 0)
        socket.cut()
      },
    ],
    ['a WebSocket is closed before it is answered', async () => overSocket().close()],
    [
      'it is refused for another reason',
      async () => {
        const query = 'subscription { jobEvents(jobId: "x") { cursor } }'
        expect((await overWebSocket(limited.url, { query }, ADMIN)).errors).toMatchObject([
          { extensions: { code: 'NOT_FOUND' } },
        ])
      },
    ],
  ])('make room when %s', async (_how, end) => {
    for (let n = 0; n < 2 * MOST; n++) {
      await end()
      await until('it has ended', async () => (await open()) === 0)
    }
    const streams = [await overStream(), await overStream()]
    await until('as many as may be are open', async () => (await open()) === MOST)
    for (const stream of streams) stream.cut()
    await until('they have ended', async () => (await open()) === 0)
  })
})

describe('persisted documents', () => {
  const DOCUMENTS = {
    abc: 'query Blocks { blocks { type } }',
    def: 'query One($type: String!) { block(type: $type) { name } }',
  }
  let folder: string
  let closed: Server
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lume-documents-'))
    await writeFile(join(folder, 'good.json'), JSON.stringify(DOCUMENTS))
    closed = await serve({ persistedDocuments: join(folder, 'good.json') })
  })
  afterAll(() => rm(folder, { recursive: true }))

  const variables = { type: 'core.filter' }
  const named: readonly [string, Payload][] = [
    ['its id', { documentId: 'def', variables }],
    [
      'a hash, as Apollo names it',
      { extensions: { persistedQuery: { version: 1, sha256Hash: 'def' } }, variables },
    ],
    ['its own text', { query: DOCUMENTS.def, variables }],
  ]

  test.each(named)('run by %s', async (_what, payload) => {
    expect((await post(closed.url, payload)).data).toEqual({ block: { name: expect.any(String) } })
    expect((await overWebSocket(closed.url, payload)).data).toEqual({ block: { name: expect.any(String) } })
  })

  test('run by GET, so that what they answer can be cached', async () => {
    const get = async (params: Readonly<Record<string, string>>) => {
      const response = await fetch(`${closed.url}?${String(new URLSearchParams(params))}`)
      return { status: response.status, answer: (await response.json()) as Told }
    }
    const persistedQuery = { version: 1, sha256Hash: 'abc' }
    const byHash: Record<string, string> = { extensions: JSON.stringify({ persistedQuery }) }
    for (const params of [{ documentId: 'abc' }, byHash, { query: DOCUMENTS.abc }] as Record<
      string,
      string
    >[]) {
      expect((await get(params)).answer.data).toMatchObject({ blocks: expect.anything() })
    }
    expect(await get({ documentId: 'xyz' })).toMatchObject({
      status: 400,
      answer: { errors: [expect.anything()] },
    })
  })

  const others: readonly [string, Payload][] = [
    ['another text', { query: '{ workflows { totalCount } }' }],
    ['another text beside a good id that it is not', { documentId: 'xyz', query: DOCUMENTS.abc }],
    ['an id that is not there', { documentId: 'xyz' }],
    ['an id of the prototype', { documentId: 'constructor' }],
    ['an id that is no text', { documentId: 5 as never }],
    ['a hash that is not there', { extensions: { persistedQuery: { version: 1, sha256Hash: 'xyz' } } }],
    ['a text that is almost one', { query: `${DOCUMENTS.abc} ` }],
    ['introspection', { query: '{ __schema { types { name } } }' }],
    ['nothing', {}],
  ]

  test.each(others)('are the only ones: %s does not run', async (_what, payload) => {
    expect(refusalOf(await post(closed.url, payload))).toEqual([400, null, ['PERSISTED_DOCUMENT_NOT_FOUND']])
    const { errors } = await overWebSocket(closed.url, payload)
    expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'PERSISTED_DOCUMENT_NOT_FOUND' }])
  })

  test('win over a text that comes along', async () => {
    const { data } = await post(closed.url, { documentId: 'abc', query: '{ workflows { totalCount } }' })
    expect(Object.keys(data as object)).toEqual(['blocks'])
  })

  test.each([
    ['no JSON', '{'],
    ['a list', '["query"]'],
    ['a document that cannot be read', '{"abc":"query {"}'],
    ['a document that asks for what is not there', '{"abc":"{ nothing }"}'],
  ])('are refused at the start when the file has %s', async (_what, text) => {
    const path = join(folder, 'bad.json')
    await writeFile(path, text)
    await expect(startServer({ lume: server.lume, port: 0, persistedDocuments: path })).rejects.toMatchObject(
      {
        code: 'PERSISTED_DOCUMENTS_INVALID',
        message: expect.stringContaining(path),
      },
    )
  })

  test('are refused at the start when the file is missing', async () => {
    const persistedDocuments = join(folder, 'missing.json')
    await expect(startServer({ lume: server.lume, port: 0, persistedDocuments })).rejects.toMatchObject({
      code: 'PERSISTED_DOCUMENTS_INVALID',
    })
  })
})

describe('the metrics', () => {
  const readings = async (origin: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${origin}/metrics`, { headers })
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    }
  }

  test('tell Prometheus about this process', async () => {
    const { status, type, text } = await readings(server.origin)
    expect([status, type]).toEqual([200, expect.stringMatching(/^text\/plain; version=0\.0\.4/)])
    for (const line of [
      /^lume_http_requests_total\{route="graphql",status="200"\} [1-9]\d*$/m,
      /^lume_places_free 50$/m,
      /^lume_clock_offset_seconds -?[\d.e-]+$/m,
      /^lume_subscriptions_open\{transport="sse"\} 0$/m,
      /^lume_subscriptions_open\{transport="websocket"\} 0$/m,
      /^nodejs_eventloop_lag_seconds /m,
      /^process_cpu_seconds_total /m,
    ]) {
      expect(text).toMatch(line)
    }
  })

  test('are for operators where users are known, unless they are open', async () => {
    const guarded = await serve({ authentication: AUTHENTICATION, requestsPerMinute: 20 })
    const statusFor = async (headers?: Readonly<Record<string, string>>) =>
      (await readings(guarded.origin, headers)).status
    expect(await statusFor()).toBe(401)
    expect(await statusFor(bearer('guess'))).toBe(401)
    const admin = bearer(settingsKey('acme', 'ADMIN'))
    const { data } = await post(
      guarded.url,
      {
        query:
          'mutation { createApiKey(input: { name: "x", role: ADMIN }) { ... on CreateApiKeyPayload { key } } }',
      },
      admin,
    )
    const { key } = (data as { createApiKey: { key: string } }).createApiKey
    const token = await tokenFor({ now: Date.now }, { owner: 'acme', role: 'ADMIN', forS: 60 })
    const tenants = [settingsKey('acme', 'VIEWER'), settingsKey('acme', 'EDITOR'), key, token]
    for (const credential of tenants) {
      const { status, text } = await readings(guarded.origin, bearer(credential))
      expect([status, JSON.parse(text)]).toMatchObject([
        403,
        { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
      ])
    }
    expect(await statusFor(admin)).toBe(200)
    const open = await serve({ authentication: AUTHENTICATION, hasOpenMetrics: true })
    expect((await readings(open.origin)).status).toBe(200)
  })

  test('count against the rate limit', async () => {
    const guarded = await serve({ authentication: AUTHENTICATION, requestsPerMinute: 2 })
    const statuses = []
    for (let n = 0; n < 3; n++) {
      statuses.push((await readings(guarded.origin, bearer(settingsKey('acme', 'ADMIN')))).status)
    }
    expect(statuses).toEqual([200, 200, 429])
  })
})
