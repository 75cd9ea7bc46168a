import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ExecutionResult } from 'graphql'
import { WebSocket } from 'ws'
import { startServer } from '../../src/http/server.ts'
import { graphql } from '../gql/index.ts'
import type { Role } from '../gql/graphql.ts'
import { AUTHENTICATION, bearer, settingsKey, tokenFor } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { SIMPLE } from '../support/definitions.ts'
import { openEventStream } from '../support/event-stream.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { EXECUTE, JOB_EVENTS } from '../support/runs.ts'
import { unsigned } from '../support/token-issuer.ts'
import { until } from '../support/until.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const VIEWER = graphql(`
  query Viewer {
    viewer {
      ownerId
      role
      authentication
      name
      expiresAt
    }
  }
`)

const CREATE_API_KEY = graphql(`
  mutation CreateApiKey($input: CreateApiKeyInput!) {
    createApiKey(input: $input) {
      __typename
      ... on CreateApiKeyPayload {
        key
        apiKey {
          id
          name
          prefix
          role
          createdAt
          expiresAt
          lastUsedAt
          revokedAt
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

const REVOKE_API_KEY = graphql(`
  mutation RevokeApiKey($input: RevokeApiKeyInput!) {
    revokeApiKey(input: $input) {
      __typename
      ... on RevokeApiKeyPayload {
        apiKey {
          id
          revokedAt
        }
      }
      ... on Error {
        code
        path
      }
    }
  }
`)

const API_KEYS = graphql(`
  query ApiKeys($first: Int, $after: String) {
    apiKeys(first: $first, after: $after) {
      totalCount
      edges {
        node {
          id
          name
          prefix
          lastUsedAt
          revokedAt
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`)

const clock = new ManualClock()
const admin = bearer(settingsKey('acme', 'ADMIN'))
let server: ApiServer
beforeAll(async () => {
  // Nobody runs jobs here: their timelines stay open.
  server = await startApiServer({ authentication: AUTHENTICATION, clock, role: 'api' })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

const clientWith = (headers: Readonly<Record<string, string>>) => createGraphqlClient(server.url, headers)
const asAdmin = () => clientWith(admin)

async function createKey(input: { name?: string; role?: Role; expiresAt?: string } = {}) {
  const { createApiKey } = await asAdmin().ask(CREATE_API_KEY, {
    input: { name: 'a key', role: 'EDITOR', ...input },
  })
  if (createApiKey.__typename !== 'CreateApiKeyPayload') throw new Error(JSON.stringify(createApiKey))
  return createApiKey
}

async function revoke(id: string) {
  return (await asAdmin().ask(REVOKE_API_KEY, { input: { id } })).revokeApiKey
}

async function startedJob(): Promise<string> {
  const { executeWorkflow } = await asAdmin().ask(EXECUTE, { input: { definition: SIMPLE } })
  if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload')
    throw new Error(JSON.stringify(executeWorkflow))
  return executeWorkflow.job.id
}

/** How a connection that says hello with these is answered: `ack`, or the close code and reason. */
async function hello(
  params: Readonly<Record<string, unknown>> | undefined,
  headers: Readonly<Record<string, string>> = {},
) {
  const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws', { headers })
  const closed = once(socket, 'close') as Promise<[number, Buffer]>
  await once(socket, 'open')
  const said = once(socket, 'message').then(([message]) => String(message))
  socket.send(JSON.stringify({ type: 'connection_init', ...(params ? { payload: params } : {}) }))
  const answer = await Promise.race([said, closed.then(([code, reason]) => `${code} ${String(reason)}`)])
  return { socket, closed, answer }
}

const ACK = '{"type":"connection_ack"}'

describe('without a credential', () => {
  test.each(['POST', 'GET'])('a %s is refused as GraphQL and as HTTP', async (method) => {
    const query = '{ __typename }'
    const response =
      method === 'POST'
        ? await fetch(server.url, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query }),
          })
        : await fetch(`${server.url}?query=${encodeURIComponent(query)}`)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="lume"')
    expect(await response.json()).toEqual({
      errors: [
        { message: expect.stringContaining('Authorization'), extensions: { code: 'UNAUTHENTICATED' } },
      ],
    })
  })

  test('nothing of a request is read: a broken body and a mutation are answered alike', async () => {
    for (const body of ['{', JSON.stringify({ query: 'mutation { nothing }' }), 'x'.repeat(100_000)]) {
      const answer = await server.client.post(body)
      expect([answer.status, answer.errors[0]?.extensions?.code]).toEqual([401, 'UNAUTHENTICATED'])
    }
  })

  test('an event stream is refused', async () => {
    const stream = await openEventStream(server.url, 'GET', JOB_EVENTS, { jobId: await startedJob() })
    expect(stream.status).toBe(401)
    stream.cut()
  })

  test.each([undefined, {}, { authorization: '' }, { authorization: 5 }])(
    'a WebSocket that says hello with %j is closed',
    async (params) => {
      const { answer } = await hello(params)
      expect(answer).toMatch(/^4403 UNAUTHENTICATED/)
    },
  )

  test('GraphiQL’s page may be seen, and what it asks is refused', async () => {
    const page = await fetch(server.url, { headers: { accept: 'text/html' } })
    const html = await page.text()
    expect([page.status, html]).toEqual([200, expect.stringContaining('<html')])
    // Over a WebSocket it could send no credential.
    expect(html).toContain('"subscriptionsProtocol":"SSE"')
    const query = encodeURIComponent('{ viewer { ownerId } }')
    const both = await fetch(`${server.url}?query=${query}`, {
      headers: { accept: 'application/json, text/html' },
    })
    expect(both.headers.get('content-type')).toContain('text/html')
    await both.body?.cancel()
    const post = await fetch(server.url, {
      method: 'POST',
      headers: { accept: 'text/html', 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ viewer { ownerId } }' }),
    })
    expect(post.status).toBe(401)
  })

  test('health may be asked, and the example has no receiver', async () => {
    expect((await fetch(`${server.origin}/health`)).status).toBe(200)
    expect((await fetch(`${server.origin}/ready`)).status).toBe(200)
    expect((await fetch(`${server.origin}/examples/receiver`)).status).toBe(404)
  })
})

describe('a good credential', () => {
  const credentials: readonly [string, () => Promise<string>, object][] = [
    [
      'a key of the settings',
      async () => settingsKey('acme', 'EDITOR'),
      { ownerId: 'acme', role: 'EDITOR', authentication: 'SETTINGS', name: 'acme', expiresAt: null },
    ],
    [
      'a stored key',
      async () => (await createKey({ name: 'CI', role: 'VIEWER' })).key,
      { ownerId: 'acme', role: 'VIEWER', authentication: 'API_KEY', name: 'CI', expiresAt: null },
    ],
    [
      'a token',
      () => tokenFor(clock, { owner: 'ada', role: 'ADMIN', forS: 55 }),
      {
        ownerId: 'ada',
        role: 'ADMIN',
        authentication: 'JWT',
        name: 'ada',
        expiresAt: new Date(clock.now() + 60_000).toISOString(),
      },
    ],
  ]

  test.each(credentials)('%s says who asks, wherever it stands', async (_what, make, viewer) => {
    const credential = await make()
    const overHttp = [
      bearer(credential),
      { authorization: `bearer  ${credential}` },
      { 'x-api-key': credential },
    ]
    for (const headers of overHttp) {
      expect((await clientWith(headers).ask(VIEWER, {})).viewer).toEqual(viewer)
    }
    const overWebSocket = [bearer(credential), { authorization: credential }, { apiKey: credential }]
    for (const params of overWebSocket) {
      const socket = openWebSocket(server.url, params)
      const { value } = (await socket.subscribe(VIEWER, {}).next()) as { value: ExecutionResult }
      expect(value.data).toEqual({ viewer })
      await socket.close()
    }
    const { socket, answer } = await hello(undefined, bearer(credential))
    expect(answer).toBe(ACK)
    socket.terminate()
  })
})

describe('a bad credential', () => {
  const never = `lume_${'A'.repeat(40)}`
  test.each<[string, () => Promise<string> | string]>([
    ['a key that was never made', () => never],
    ['what is no key', () => 'hunter2'],
    ['a part of a key', () => settingsKey('acme', 'ADMIN').slice(0, -1)],
    ['a token that has expired', () => tokenFor(clock, { owner: 'acme', role: 'ADMIN', forS: -10 })],
    ['a token without a signature', () => unsigned({ sub: 'acme', lume_role: 'ADMIN', exp: 4_000_000_000 })],
    [
      'a key that was revoked',
      async () => {
        const { key, apiKey } = await createKey()
        await revoke(apiKey.id)
        return key
      },
    ],
    [
      'a key that has expired',
      async () => {
        const expiresAt = new Date(clock.now() + 1_000).toISOString()
        const { key } = await createKey({ expiresAt })
        expect((await clientWith(bearer(key)).send(VIEWER, {})).status).toBe(200)
        await clock.advance(1_000)
        return key
      },
    ],
  ])('%s is refused everywhere, in the same words', async (_what, make) => {
    const credential = await make()
    const answer = await clientWith(bearer(credential)).send(VIEWER, {})
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="lume", error="invalid_token"')
    expect(answer.errors).toEqual([
      { message: 'This credential is not valid, or not any more.', extensions: { code: 'UNAUTHENTICATED' } },
    ])
    const { answer: closed } = await hello({ authorization: credential })
    expect(closed).toBe('4403 UNAUTHENTICATED: This credential is not valid, or not any more.')
  })

  test('in the first message is not made good by a header', async () => {
    const { answer } = await hello({ apiKey: never }, bearer(settingsKey('acme', 'ADMIN')))
    expect(answer).toMatch(/^4403/)
  })
})

describe('a stored key', () => {
  test('is told once, is listed without its value, and nothing in the database gives it away', async () => {
    const { key, apiKey } = await createKey({ name: '  shop  ', role: 'EDITOR' })
    expect(key).toMatch(/^lume_[A-Za-z0-9]{40}$/)
    expect(apiKey).toEqual({
      id: expect.any(String),
      name: 'shop',
      prefix: key.slice(0, 11),
      role: 'EDITOR',
      createdAt: new Date(clock.now()).toISOString(),
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
    })
    const listed = await asAdmin().ask(API_KEYS, {})
    expect(listed.apiKeys.edges[0]?.node).toMatchObject({ id: apiKey.id, prefix: apiKey.prefix })
    expect(JSON.stringify(listed)).not.toContain(key)
    const rows = await server.query('SELECT api_keys::text AS row FROM api_keys')
    expect(JSON.stringify(rows)).not.toContain(key.slice(apiKey.prefix.length))
  })

  test('tells when it was last used, to the minute', async () => {
    const { key, apiKey } = await createKey()
    const lastUse = async () => {
      const { apiKeys } = await asAdmin().ask(API_KEYS, { first: 1 })
      expect(apiKeys.edges[0]?.node.id).toBe(apiKey.id)
      return apiKeys.edges[0]?.node.lastUsedAt ?? null
    }
    const use = () => clientWith(bearer(key)).ask(VIEWER, {})
    const first = new Date(clock.now()).toISOString()
    await use()
    await until('the first use is noted', async () => (await lastUse()) === first)
    await clock.advance(59_999)
    await use()
    expect(await lastUse()).toBe(first)
    await clock.advance(1)
    await use()
    const second = new Date(clock.now()).toISOString()
    await until('a use a minute later is noted', async () => (await lastUse()) === second)
  })

  test('is revoked for good; a second time changes nothing', async () => {
    const { apiKey } = await createKey()
    const revoked = await revoke(apiKey.id)
    expect(revoked).toEqual({
      __typename: 'RevokeApiKeyPayload',
      apiKey: { id: apiKey.id, revokedAt: new Date(clock.now()).toISOString() },
    })
    await clock.advance(5)
    expect(await revoke(apiKey.id)).toEqual(revoked)
  })

  test.each([
    [{ name: ' ' }, ['input', 'name']],
    [{ name: 'x'.repeat(101) }, ['input', 'name']],
    [{ name: 'a\u0000b' }, ['input', 'name']],
    [{ expiresAt: '2001-01-01T00:00:00Z' }, ['input', 'expiresAt']],
  ])('cannot be made of %j', async (input, path) => {
    const { createApiKey } = await asAdmin().ask(CREATE_API_KEY, {
      input: { name: 'x', role: 'VIEWER', ...input },
    })
    expect(createApiKey).toMatchObject({ __typename: 'InvalidArgument', code: 'INVALID_ARGUMENT', path })
  })

  test('that is not there cannot be revoked', async () => {
    for (const id of ['nonsense', 'QXBpS2V5OjE=', '00000000-0000-4000-8000-000000000000']) {
      expect(await revoke(id)).toEqual({ __typename: 'NotFound', code: 'NOT_FOUND', path: ['input', 'id'] })
    }
  })
})

describe('an open connection ends with its credential:', () => {
  type Ending = readonly [what: string, credential: () => Promise<{ value: string; end(): Promise<unknown> }>]
  const endings: readonly Ending[] = [
    [
      'when a token expires',
      async () => ({
        value: await tokenFor(clock, { owner: 'acme', role: 'VIEWER', forS: 5 }),
        end: () => clock.advance(10_000),
      }),
    ],
    [
      'when a key expires',
      async () => ({
        value: (await createKey({ expiresAt: new Date(clock.now() + 3_000).toISOString() })).key,
        end: () => clock.advance(3_000),
      }),
    ],
    [
      'when a key is revoked',
      async () => {
        const { key, apiKey } = await createKey()
        return { value: key, end: () => revoke(apiKey.id) }
      },
    ],
    [
      'when another process revokes a key',
      async () => {
        const { key } = await createKey({ name: 'elsewhere' })
        const end = async () => {
          await server.query(`UPDATE api_keys SET revoked_at = now() WHERE name = 'elsewhere'`)
          await clock.advance(5_000)
        }
        return { value: key, end }
      },
    ],
  ]

  test.each(endings)('a WebSocket, with its subscriptions, %s', async (_when, make) => {
    const jobId = await startedJob()
    const { value, end } = await make()
    const { socket, closed, answer } = await hello({ apiKey: value })
    expect(answer).toBe(ACK)
    const payload = { query: JOB_EVENTS.toString(), variables: { jobId } }
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
    const [message] = (await once(socket, 'message')) as [Buffer]
    expect(JSON.parse(String(message))).toMatchObject({ type: 'next', payload: { data: expect.anything() } })
    await end()
    const [code, reason] = await closed
    expect([code, String(reason)]).toEqual([
      4403,
      'UNAUTHENTICATED: the credential has expired or was revoked',
    ])
  })

  test.each(endings)('an event stream, with the reason, %s', async (_when, make) => {
    const jobId = await startedJob()
    const { value, end } = await make()
    const stream = await openEventStream(server.url, 'GET', JOB_EVENTS, { jobId }, bearer(value))
    expect((await stream.results.next()).value).toMatchObject({ data: expect.anything() })
    await end()
    const results = []
    for await (const result of stream.results) results.push(result)
    expect(results).toEqual([
      { errors: [{ message: expect.any(String), extensions: { code: 'UNAUTHENTICATED' } }] },
    ])
  })

  test('and one whose credential lasts stays', async () => {
    const { socket, answer } = await hello({ apiKey: settingsKey('acme', 'VIEWER') })
    expect(answer).toBe(ACK)
    await clock.advance(20_000)
    socket.send('{"type":"ping"}')
    expect(String((await once(socket, 'message'))[0])).toBe('{"type":"pong"}')
    socket.terminate()
  })
})

describe('a server without authentication', () => {
  test('has one local user, who may do everything; a credential that is sent is checked all the same', async () => {
    const local = await startServer({ lume: server.lume, port: 0 })
    const viewerOf = async (headers: Readonly<Record<string, string>>) =>
      createGraphqlClient(local.url, headers).send(VIEWER, {})
    expect((await viewerOf({})).data?.viewer).toEqual({
      ownerId: 'local',
      role: 'ADMIN',
      authentication: 'LOCAL',
      name: 'local',
      expiresAt: null,
    })
    const { key } = await createKey({ name: 'stored' })
    expect((await viewerOf(bearer(key))).data?.viewer).toMatchObject({ ownerId: 'acme', name: 'stored' })
    expect((await viewerOf(bearer('hunter2'))).status).toBe(401)
    await local.close()
  })

  test('serves nobody but this machine', async () => {
    await expect(startServer({ lume: server.lume, port: 0, host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'HOST_NOT_LOOPBACK',
    })
  })

  test('that requires it all the same knows stored keys alone', async () => {
    const authentication = { keys: [], jwt: null, isRequired: true }
    const closed = await startServer({ lume: server.lume, port: 0, authentication })
    const { key } = await createKey()
    expect((await createGraphqlClient(closed.url).send(VIEWER, {})).status).toBe(401)
    expect((await createGraphqlClient(closed.url, admin).send(VIEWER, {})).status).toBe(401)
    expect((await createGraphqlClient(closed.url, bearer(key)).send(VIEWER, {})).status).toBe(200)
    await closed.close()
  })
})
