import { once } from 'node:events'
import { get } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { storeDrafts, storeOutputs } from '../support/large-rows.ts'
import { settingsKey } from '../support/access.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

// What ended a process with a heap of 512 MB, or silenced it, before.

const VIEWER = settingsKey('acme', 'VIEWER')
const KEYS = `acme:VIEWER:${VIEWER}`

let database: TestDatabase
let issuer: TokenIssuer
let server: ServerProcess
beforeAll(async () => {
  database = await createTestDatabase()
  issuer = await startTokenIssuer()
})
beforeEach(async () => {
  server = await startServerProcess({
    DATABASE_URL: database.url,
    NODE_OPTIONS: '--max-old-space-size=512',
    LUME_API_KEYS: KEYS,
    LUME_JWT_JWKS_URL: issuer.url,
    LUME_JWT_ISSUER: 'https://issuer.example',
    LUME_JWT_AUDIENCE: 'lume',
    LUME_RATE_LIMIT: '100',
    LUME_EXPLORABLE: 'yes',
  })
})
afterEach(async () => {
  // It is the same process that is still there, and it stops in good order.
  expect((await fetch(new URL('/health', server.url))).status).toBe(200)
  expect(await server.stop()).toBe(0)
}, 60_000)
afterAll(async () => {
  await issuer.close()
  await database.drop()
})

interface Refusal {
  readonly status: number
  readonly code: string | undefined
}

async function post(body: string, credential = VIEWER): Promise<Refusal> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
    body,
  })
  const answer = (await response.json()) as { errors?: { extensions: { code: string } }[] }
  return { status: response.status, code: answer.errors?.[0]?.extensions.code }
}

const JOBS = 'query($k:[JobStatus!]){ jobs(filter:{status:$k}){ totalCount } }'
const filled = (piece: string, times: number) => `[${`${piece},`.repeat(times - 1)}${piece}]`
const EMPTY_LISTS = filled('[]', 1_900_000)

describe('a request of a VIEWER', () => {
  test.each([
    [
      '500,000 unknown values of an enum',
      `{"query":${JSON.stringify(JOBS)},"variables":{"k":${filled('"NOPE"', 500_000)}}}`,
    ],
    [
      '600,000 values of an enum',
      `{"query":${JSON.stringify(JOBS)},"variables":{"k":${filled('"FAILED"', 600_000)}}}`,
    ],
    [
      'a definition of millions of lists',
      `{"query":"query($i:ValidateWorkflowInput!){validateWorkflow(input:$i){__typename}}","variables":{"i":{"definition":${EMPTY_LISTS}}}}`,
    ],
    ['an input of millions of lists', `{"query":"{__typename}","variables":{"i":${EMPTY_LISTS}}}`],
  ])('with %s is refused ten times at once with BODY_TOO_COMPLEX', async (_what, body) => {
    expect(body.length).toBeLessThan(6 * 1024 * 1024)
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(body)))
    for (const answer of answers) expect(answer).toEqual({ status: 413, code: 'BODY_TOO_COMPLEX' })
  })

  test('with millions of lists in its extensions is refused six times at once with BODY_TOO_COMPLEX', async () => {
    const body = `{"query":"{__typename}","extensions":{"x":${EMPTY_LISTS}}}`
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(body)))
    for (const answer of answers) expect(answer).toEqual({ status: 413, code: 'BODY_TOO_COMPLEX' })
  })

  test('with 150,000 values of an enum is refused with LIST_TOO_LONG', async () => {
    for (const value of ['"NOPE"', '"FAILED"']) {
      const body = `{"query":${JSON.stringify(JOBS)},"variables":{"k":${filled(value, 150_000)}}}`
      expect(await post(body)).toEqual({ status: 400, code: 'LIST_TOO_LONG' })
    }
  })

  test('of nearly 6 MiB with 190,000 values is answered or refused by a code, forty at once', async () => {
    const values = filled(`{"k${'x'.repeat(20)}":[]}`, 95_000)
    const body = `{"query":"{__typename}","extensions":{"x":${values},"y":"${'y'.repeat(2_800_000)}"}}`
    expect(body.length).toBeLessThan(6 * 1024 * 1024)
    const answers = await Promise.all(Array.from({ length: 40 }, () => post(body)))
    const kinds = new Set(answers.map(({ status, code }) => `${status} ${code ?? ''}`))
    for (const kind of kinds) {
      expect(['200 ', '429 TOO_MANY_UPLOADS', '503 SERVER_OVERLOADED']).toContain(kind)
    }
    expect(kinds).toContain('200 ')
  }, 60_000)

  test('with fifty unknown fields beside a text of five megabytes is answered by small errors', async () => {
    const strange = Array.from({ length: 45 }, (_, index) => `"strange${index}":1`).join(',')
    const body = `{"query":"mutation($i:ExecuteWorkflowInput!){executeWorkflow(input:$i){__typename}}","variables":{"i":{"definition":"${'x'.repeat(5_000_000)}",${strange}}}}`
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(body)))
    for (const { code } of answers) expect(['BAD_USER_INPUT', 'TOO_MANY_UPLOADS']).toContain(code)
  }, 60_000)
})

describe('a page', () => {
  const query = (sql: string, values: readonly unknown[]) => database.pool.query(sql, [...values])
  const emptyLists = (count: number) => Array.from({ length: count }, () => [])
  const pageOf = (list: string, fields: string) =>
    JSON.stringify({ query: `{ ${list}(first: 100) { edges { node { ${fields} } } } }` })
  const tenTimes = async (body: string) => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(body)))
    return new Set(answers.map(({ code }) => code))
  }

  test('of outputs of 1.3 MB of empty lists is refused ten times at once with ANSWER_TOO_LARGE', async () => {
    await storeOutputs(query, { owner: 'acme', count: 20, output: JSON.stringify(emptyLists(433_000)) })
    expect(await tenTimes(pageOf('executions', 'output'))).toEqual(new Set(['ANSWER_TOO_LARGE']))
    // A page within the limit is answered, ten times at once.
    const few = JSON.stringify({ query: '{ executions(first: 3) { edges { node { output } } } }' })
    expect(await tenTimes(few)).toEqual(new Set([undefined]))
  }, 60_000)

  test('of drafts of 4 MB is refused ten times at once, and whether they are published is answered', async () => {
    const value = { nodes: [], edges: [], metadata: [emptyLists(180_000), 'x'.repeat(3_500_000)] }
    await storeDrafts(query, { owner: 'acme', count: 12, value, isHashed: true })
    expect(await tenTimes(pageOf('workflows', 'definition'))).toEqual(new Set(['ANSWER_TOO_LARGE']))
    expect(await tenTimes(pageOf('workflows', 'graph { nodes { id } }'))).toEqual(
      new Set(['ANSWER_TOO_LARGE']),
    )
    expect(await tenTimes(pageOf('workflows', 'hasUnpublishedChanges'))).toEqual(new Set([undefined]))
  }, 60_000)
})

describe('a WebSocket client', () => {
  test('that sends 5,000 pings of 60 kB and reads no answer is closed', async () => {
    const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws')
    socket.on('error', () => undefined)
    const closed = once(socket, 'close')
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connection_init', payload: { apiKey: VIEWER } }))
    await once(socket, 'message')
    socket.pause()
    const message = JSON.stringify({ type: 'ping', payload: { padding: 'x'.repeat(60_000) } })
    let sent = 0
    for (; sent < 5_000 && socket.readyState === WebSocket.OPEN; sent++) {
      await new Promise((resolve) => socket.send(message, resolve))
    }
    // It never learns of the code, since it does not read: its connection is ended.
    await closed
    expect(sent).toBeLessThan(5_000)
  }, 60_000)

  test('that sends 6 MiB on each of fifty connections is bounded with the rest', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws')
        socket.on('error', () => undefined)
        const closed = once(socket, 'close') as Promise<[number]>
        await once(socket, 'open')
        socket.send(JSON.stringify({ type: 'connection_init', payload: { apiKey: VIEWER } }))
        await once(socket, 'message')
        return { socket, closed }
      }),
    )
    const message = JSON.stringify({
      id: '1',
      type: 'subscribe',
      payload: { query: 'subscription { jobsChanged { id } }', extensions: { x: 'x'.repeat(6_000_000) } },
    })
    for (const { socket } of sockets) socket.send(message)
    const [code] = await Promise.race(sockets.map(({ closed }) => closed))
    expect(code).toBe(1013)
    for (const { socket } of sockets) socket.terminate()
  }, 60_000)
})

test('forty clients that ask for the page at once share it', async () => {
  const pageOf = () =>
    new Promise<number>((resolve, reject) => {
      get(
        server.url,
        { headers: { accept: 'text/html', 'accept-encoding': 'br' }, agent: false },
        (response) => {
          let bytes = 0
          response.on('data', (chunk: Buffer) => (bytes += chunk.length))
          response.on('end', () => resolve(bytes))
        },
      ).on('error', reject)
    })
  const sizes = await Promise.all(Array.from({ length: 40 }, pageOf))
  expect(new Set(sizes).size).toBe(1)
  expect(sizes[0]).toBeLessThan(4_000_000)
}, 60_000)

test('forged tokens are refused with 429 after a hundred while the issuer fails, which is hardly asked', async () => {
  issuer.answerWith({ status: 500 })
  const before = issuer.asked
  const token = await issuer.sign({
    iss: 'https://issuer.example',
    aud: 'lume',
    sub: 'eve',
    exp: 4_000_000_000,
  })
  const statuses: number[] = []
  for (let sent = 0; sent < 300; sent++) statuses.push((await post('{"query":"{__typename}"}', token)).status)
  expect(statuses.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 503))
  expect(statuses.slice(100)).toEqual(Array.from({ length: 200 }, () => 429))
  expect(issuer.asked - before).toBeLessThan(10)
  issuer.answerWith(null)
  // A key of the settings is asked for nothing of the issuer.
  expect((await post('{"query":"{__typename}"}')).status).toBe(200)
}, 60_000)
