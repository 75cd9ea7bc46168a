import { once } from 'node:events'
import { createConnection } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { startServer } from '../../src/http/server.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated } from '../support/definitions.ts'
import { JOB_EVENTS, start } from '../support/runs.ts'
import { until } from '../support/until.ts'

// graphql-transport-ws, word by word: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

let server: ApiServer
let jobId: string
const open: Connection[] = []
beforeAll(async () => {
  server = await startApiServer()
  jobId = (await start(server, { definition: gated('protocol') })).jobId
  await server.gate('protocol').reached
})
afterEach(() => {
  for (const { socket } of open.splice(0)) socket.terminate()
})
afterAll(async () => {
  server.gate('protocol').open()
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

interface Message {
  readonly type: string
  readonly id?: string
  readonly payload?: unknown
}

interface Connection {
  readonly socket: WebSocket
  readonly closed: Promise<readonly [code: number, reason: string]>
  say(message: object | string): void
  /** The next message, in order. */
  hear(): Promise<Message>
}

async function connect(url = server.url, protocol = 'graphql-transport-ws'): Promise<Connection> {
  const socket = new WebSocket(url.replace('http', 'ws'), protocol)
  const heard: Message[] = []
  socket.on('message', (message: Buffer) => void heard.push(JSON.parse(message.toString()) as Message))
  const closed = once(socket, 'close').then(([code, reason]) => [code as number, String(reason)] as const)
  await once(socket, 'open')
  const connection = {
    socket,
    closed,
    say: (message: object | string) =>
      socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    hear: () => until('a message comes', () => heard.shift()),
  }
  open.push(connection)
  return connection
}

async function greeted(): Promise<Connection> {
  const connection = await connect()
  connection.say({ type: 'connection_init' })
  expect(await connection.hear()).toEqual({ type: 'connection_ack' })
  return connection
}

const watch = (id: string) => ({
  id,
  type: 'subscribe',
  payload: { query: JOB_EVENTS.toString(), variables: { jobId } },
})
const ask = (id: string, query = '{ __typename }') => ({ id, type: 'subscribe', payload: { query } })

async function openSubscriptions(): Promise<number> {
  const text = await (await fetch(`${server.origin}/metrics`)).text()
  return Number(/^lume_subscriptions_open\{transport="websocket"\} (\d+)$/m.exec(text)?.[1])
}

describe('a connection', () => {
  test('that does not say hello in time is closed with 4408', async () => {
    const hasty = await startServer({ lume: server.lume, port: 0, helloMs: 20 })
    expect(await (await connect(hasty.url)).closed).toEqual([4408, 'Connection initialisation timeout'])
    await hasty.close()
  })

  test('that does not say goodbye either is cut', async () => {
    const hasty = await startServer({ lume: server.lume, port: 0, helloMs: 20 })
    const { hostname, port, host } = new URL(hasty.url)
    const socket = createConnection(Number(port), hostname)
    socket.write(
      `GET /graphql HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
        'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
    )
    socket.on('error', () => undefined)
    const startedAt = performance.now()
    socket.resume()
    await once(socket, 'close')
    // By itself ws would wait for half a minute.
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await hasty.close()
  })

  test('may send little before it is let in, and large messages after that', async () => {
    const stranger = await connect()
    stranger.say(JSON.stringify({ type: 'ping', payload: { padding: 'x'.repeat(1024 * 1024) } }))
    expect((await stranger.closed)[0]).toBe(1009)
    const many = await connect()
    const flood = setInterval(() => many.say({ type: 'ping', payload: { padding: 'x'.repeat(1000) } }), 1)
    expect((await many.closed)[0]).toBe(1009)
    clearInterval(flood)
    const known = await greeted()
    known.say({ type: 'ping', payload: { padding: 'x'.repeat(1024 * 1024) } })
    expect((await known.hear()).type).toBe('pong')
  })

  test('that says hello twice is closed with 4429', async () => {
    const connection = await greeted()
    connection.say({ type: 'connection_init' })
    expect(await connection.closed).toEqual([4429, 'Too many initialisation requests'])
  })

  test('that says hello twice at once is closed with 4429, too', async () => {
    const connection = await connect()
    connection.say({ type: 'connection_init' })
    connection.say({ type: 'connection_init' })
    expect((await connection.closed)[0]).toBe(4429)
  })

  test('that subscribes without a hello is closed with 4401', async () => {
    const connection = await connect()
    connection.say(ask('1'))
    expect(await connection.closed).toEqual([4401, 'Unauthorized'])
  })

  test.each(['', 'graphql-ws', 'chat'])('of the subprotocol %p is closed with 4406', async (protocol) => {
    // ws refuses by itself an answer without the subprotocol that it asked for.
    const socket = protocol
      ? new WebSocket(server.url.replace('http', 'ws'), protocol)
      : new WebSocket(server.url.replace('http', 'ws'))
    const ended = protocol
      ? once(socket, 'error').then(() => 'refused')
      : once(socket, 'close').then(([code]) => code as number)
    expect(await ended).toBe(protocol ? 'refused' : 4406)
    socket.terminate()
  })

  test.each([
    ['no JSON', 'hello'],
    ['no object', '"hello"'],
    ['null', 'null'],
    ['no type', '{}'],
    ['an unknown type', '{"type":"shout"}'],
    ['a type of the prototype', '{"type":"constructor"}'],
    ['a subscription without an id', '{"type":"subscribe","payload":{"query":"{ __typename }"}}'],
    ['a subscription with an empty id', '{"id":"","type":"subscribe","payload":{"query":"{ __typename }"}}'],
    ['a subscription without a payload', '{"id":"1","type":"subscribe"}'],
    ['a subscription without a query', '{"id":"1","type":"subscribe","payload":{}}'],
    ['a query that is no text', '{"id":"1","type":"subscribe","payload":{"query":{}}}'],
    [
      'variables that are no object',
      '{"id":"1","type":"subscribe","payload":{"query":"{ a }","variables":"x"}}',
    ],
    ['a hello whose payload is no object', '{"type":"connection_init","payload":"x"}'],
  ])('that says %s is closed with 4400', async (_what, message) => {
    const connection = await greeted()
    connection.say(message)
    expect(await connection.closed).toEqual([4400, 'Invalid message received'])
  })

  test('may ping at any time, before its hello as well, and gets its payload back', async () => {
    const connection = await connect()
    connection.say({ type: 'ping' })
    expect(await connection.hear()).toEqual({ type: 'pong' })
    connection.say({ type: 'ping', payload: { sent: 1 } })
    expect(await connection.hear()).toEqual({ type: 'pong', payload: { sent: 1 } })
    connection.say({ type: 'pong' })
    connection.say({ type: 'connection_init' })
    expect(await connection.hear()).toEqual({ type: 'connection_ack' })
  })
})

describe('an operation', () => {
  test('with the id of one that is open closes the connection with 4409', async () => {
    const connection = await greeted()
    connection.say(watch('1'))
    await connection.hear()
    connection.say(watch('1'))
    expect(await connection.closed).toEqual([4409, 'Subscriber for 1 already exists'])
  })

  test('may have the id of one that has ended', async () => {
    const connection = await greeted()
    for (let round = 0; round < 2; round++) {
      connection.say(ask('1'))
      expect(await connection.hear()).toEqual({
        id: '1',
        type: 'next',
        payload: { data: { __typename: 'Query' } },
      })
      expect(await connection.hear()).toEqual({ id: '1', type: 'complete' })
    }
  })

  test('that is not valid is answered by an error alone, and the connection stays', async () => {
    const connection = await greeted()
    for (const [query, code] of [
      ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
      ['{', 'GRAPHQL_PARSE_FAILED'],
    ] as const) {
      connection.say(ask('1', query))
      const { id, type, payload } = await connection.hear()
      expect([id, type]).toEqual(['1', 'error'])
      expect(payload).toEqual([expect.objectContaining({ extensions: { code } })])
    }
    connection.say(ask('1'))
    expect((await connection.hear()).type).toBe('next')
  })

  test('runs beside others on the same connection', async () => {
    const connection = await greeted()
    connection.say(watch('a'))
    connection.say(watch('b'))
    const first = [await connection.hear(), await connection.hear()]
    expect(new Set(first.map(({ id }) => id))).toEqual(new Set(['a', 'b']))
    connection.say(ask('c'))
    expect([await connection.hear(), await connection.hear()].map(({ id, type }) => [id, type])).toEqual([
      ['c', 'next'],
      ['c', 'complete'],
    ])
    expect(await openSubscriptions()).toBe(2)
  })

  test('ends when its client says so, or goes, and nothing is left of it', async () => {
    const connection = await greeted()
    connection.say(watch('1'))
    connection.say(watch('2'))
    await connection.hear()
    await connection.hear()
    connection.say({ id: '1', type: 'complete' })
    await until('one is left', async () => (await openSubscriptions()) === 1)
    connection.say({ id: 'never', type: 'complete' })
    connection.say(watch('1'))
    expect(await connection.hear()).toMatchObject({ id: '1', type: 'next' })
    connection.socket.terminate()
    await until('none is left', async () => (await openSubscriptions()) === 0)
  })
})
