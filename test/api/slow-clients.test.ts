import { once } from 'node:events'
import { get, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { startServer, type Server, type ServerOptions } from '../../src/http/server.ts'
import { SOCKET_PINGS_PER_MINUTE } from '../../src/http/intake/message-rate.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated } from '../support/definitions.ts'
import { JOB_EVENTS, start } from '../support/runs.ts'
import { until } from '../support/until.ts'

let server: ApiServer
const started: Server[] = []
/** The codes that the server closes open connections with. The answer to a client's close frame is not among them. */
const codes: (number | undefined)[] = []
const { close } = WebSocket.prototype
let destroyed = 0
const { destroy } = ServerResponse.prototype
const open: WebSocket[] = []
beforeAll(async () => {
  server = await startApiServer()
  WebSocket.prototype.close = function watched(this: WebSocket, code?: number, reason?: string) {
    const isServer = (this as unknown as { readonly _isServer: boolean })._isServer
    if (isServer && this.readyState === WebSocket.OPEN) codes.push(code)
    close.call(this, code, reason)
  }
  ServerResponse.prototype.destroy = function watched(this: ServerResponse, fault?: Error) {
    destroyed++
    return destroy.call(this, fault)
  } as typeof destroy
})
afterEach(() => {
  codes.length = 0
  for (const socket of open.splice(0)) socket.terminate()
})
afterAll(async () => {
  WebSocket.prototype.close = close
  ServerResponse.prototype.destroy = destroy
  for (const one of started) await one.close()
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function serve(options: Omit<ServerOptions, 'lume' | 'port'> = {}): Promise<Server> {
  const one = await startServer({ lume: server.lume, port: 0, ...options })
  started.push(one)
  return one
}

interface Client {
  readonly socket: WebSocket
  readonly closed: Promise<readonly [code: number, reason: string]>
  say(message: object): void
  readonly heard: { readonly type: string; readonly id?: string }[]
}

async function greeted(url = server.url): Promise<Client> {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')
  open.push(socket)
  socket.on('error', () => undefined)
  const heard: Client['heard'] = []
  socket.on('message', (message: Buffer) => void heard.push(JSON.parse(message.toString()) as never))
  const closed = once(socket, 'close').then(([code, reason]) => [code as number, String(reason)] as const)
  await once(socket, 'open')
  const say = (message: object) => socket.send(JSON.stringify(message))
  say({ type: 'connection_init' })
  await until('the server says hello', () => heard.shift())
  return { socket, closed, say, heard }
}

const ping = (characters: number) => ({ type: 'ping', payload: { padding: 'x'.repeat(characters) } })

describe('a WebSocket client that does not read', () => {
  test('what it is sent by pings is closed with 4413', async () => {
    const { url } = await serve({ unsent: { maxBytesOfConnection: 1_000_000 } })
    const client = await greeted(url)
    client.socket.pause()
    for (let sent = 0; sent < 400; sent++) client.say(ping(60_000))
    await until('the server closes the connection', () => codes.includes(4413), 20_000)
    // The code comes behind what the buffers of the kernel hold.
    client.socket.resume()
    expect(await client.closed).toEqual([4413, 'SLOW_READER: too much waits to be read'])
  })

  test('the pongs of its protocol is closed with 4413 or, when they fit into the kernel, with 4420', async () => {
    const { url } = await serve({ unsent: { maxBytesOfConnection: 100 } })
    const client = await greeted(url)
    client.socket.pause()
    const payload = 'x'.repeat(125)
    const flood = setInterval(() => {
      for (let sent = 0; sent < 50; sent++) client.socket.ping(payload)
    }, 1)
    await until('the server closes the connection', () => codes.length > 0, 20_000).finally(() =>
      clearInterval(flood),
    )
    client.socket.resume()
    expect([4413, 4420]).toContain((await client.closed)[0])
  })

  test('for too long is closed, while others on the same server are served', async () => {
    const { url } = await serve({ unsent: { stallMs: 50 } })
    const slow = await greeted(url)
    slow.socket.pause()
    for (let sent = 0; sent < 400; sent++) slow.say(ping(60_000))
    const other = await greeted(url)
    other.say({ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } })
    expect(await until('an answer comes', () => other.heard.shift())).toMatchObject({ id: '1', type: 'next' })
    await until('the server closes the slow connection', () => codes.includes(4413), 20_000)
    slow.socket.resume()
    expect([4413, 1006]).toContain((await slow.closed)[0])
  })
})

describe('a WebSocket client that sends too many pings is closed with 4420', () => {
  test.each<[kind: string, send: (client: Client) => void]>([
    ['graphql-ws pings', ({ say }) => say({ type: 'ping' })],
    ['graphql-ws pongs', ({ say }) => say({ type: 'pong' })],
    ['pings of the protocol', ({ socket }) => socket.ping()],
    ['pongs of the protocol', ({ socket }) => socket.pong()],
  ])('as %s', async (_kind, send) => {
    const client = await greeted()
    for (let sent = 0; sent <= SOCKET_PINGS_PER_MINUTE; sent++) send(client)
    expect(await client.closed).toEqual([4420, 'TOO_MANY_MESSAGES: send fewer messages a minute'])
  })
})

describe('a WebSocket message', () => {
  test.each([
    ['has too many values', `{"type":"ping","payload":{"x":[${'[],'.repeat(200_000)}1]}}`],
    ['is nested too deeply', `{"type":"ping","payload":{"x":${'['.repeat(1_001)}${']'.repeat(1_001)}}}`],
  ])('that %s closes the connection with 1009 before it is parsed', async (_what, message) => {
    const client = await greeted()
    client.socket.send(message)
    const [code, reason] = await client.closed
    expect([code, reason.split(':')[0]]).toEqual([1009, 'BODY_TOO_COMPLEX'])
  })

  test('that is a JSON text with a message in it is no message', async () => {
    const client = await greeted()
    client.socket.send(JSON.stringify(JSON.stringify({ type: 'ping' })))
    expect((await client.closed)[0]).toBe(4400)
  })

  test('with an id of more than 255 characters closes the connection with 4400', async () => {
    const client = await greeted()
    client.say({ id: 'x'.repeat(256), type: 'subscribe', payload: { query: '{ __typename }' } })
    expect((await client.closed)[0]).toBe(4400)
  })

  test('counts while it is not whole: sockets that each hold a part of one are closed at the budget', async () => {
    const { url } = await serve({ inFlight: { maxBytes: 2_000_000, maxBytesOfSender: 1_500_000 } })
    const clients = await Promise.all([greeted(url), greeted(url), greeted(url)])
    // A frame that announces 6 MB, and a tenth of it.
    const head = Buffer.alloc(14)
    head.writeUInt8(0x81, 0)
    head.writeUInt8(0x80 | 127, 1)
    head.writeBigUInt64BE(6_000_000n, 2)
    for (const { socket } of clients) {
      const raw = (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket
      raw.write(Buffer.concat([head, Buffer.alloc(600_000)]))
    }
    const [code, reason] = await Promise.race(clients.map(({ closed }) => closed))
    expect([code, reason]).toEqual([1013, 'TOO_MANY_UPLOADS'])
  })
})

describe('the request of a subscription', () => {
  const LIMIT = 64 * 1024
  const watch = (jobId: string, padding: number, query = JOB_EVENTS.toString()) => ({
    query,
    variables: { jobId },
    extensions: { padding: 'x'.repeat(padding) },
  })
  const byStream = (url: string, request: object) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify(request),
    })

  test('of more than 64 KiB is refused over a WebSocket and over server-sent events', async () => {
    const { jobId } = await start(server, { definition: gated('large request') })
    const client = await greeted()
    client.say({ id: '1', type: 'subscribe', payload: watch(jobId, LIMIT) })
    const answer = JSON.stringify(await until('it is answered', () => client.heard.shift()))
    for (const text of [answer, await (await byStream(server.url, watch(jobId, LIMIT))).text()]) {
      expect(text).toContain('SUBSCRIPTION_TOO_LARGE')
      expect(text).toContain(`at most ${LIMIT} bytes`)
    }
    client.say({ id: '2', type: 'subscribe', payload: watch(jobId, LIMIT - 2_000) })
    await until('a smaller one is followed', () =>
      client.heard.find(({ type, id }) => type === 'next' && id === '2'),
    )
    server.gate('large request').open()
  })

  test('takes no place among the bodies in flight while the subscription is open', async () => {
    const { url } = await serve({ inFlight: { maxBytes: 200_000, maxBytesOfSender: 150_000 } })
    const { jobId } = await start(server, { definition: gated('open request') })
    const client = await greeted(url)
    const streams = []
    for (let opened = 0; opened < 5; opened++) {
      client.say({ id: String(opened), type: 'subscribe', payload: watch(jobId, 60_000) })
      await until('it is followed', () =>
        client.heard.find(({ type, id }) => type === 'next' && id === String(opened)),
      )
      const stream = await byStream(url, watch(jobId, 60_000))
      expect(stream.status).toBe(200)
      streams.push(stream)
    }
    for (const { body } of streams) await body?.cancel()
    server.gate('open request').open()
  })

  test('counts with those of all open subscriptions until it ends, a document that they share only once', async () => {
    const { url } = await serve({ openRequests: { maxBytes: 400_000, maxBytesOfSender: 250_000 } })
    const { jobId } = await start(server, { definition: gated('retained request') })
    const client = await greeted(url)
    const answered = (id: string) =>
      until(`${id} is answered`, () => client.heard.find((message) => message.id === id))
    /** 100 kB once it is parsed. */
    const document = `${JOB_EVENTS.toString().replaceAll(/\s+/g, ' ')}#`.padEnd(1_000, '-')
    for (const id of ['1', '2', '3']) {
      client.say({ id, type: 'subscribe', payload: watch(jobId, 20_000, document) })
      expect(await answered(id)).toMatchObject({ type: 'next', payload: { data: {} } })
    }
    // Another document of the same length.
    client.say({ id: '4', type: 'subscribe', payload: watch(jobId, 20_000, `${document}-`) })
    expect(JSON.stringify(await answered('4'))).toContain('TOO_MANY_SUBSCRIPTIONS')
    for (const id of ['1', '2', '3']) client.say({ id, type: 'complete' })
    await until('they have ended', async () => {
      const text = await (await fetch(new URL('/metrics', url))).text()
      return text.includes('lume_subscriptions_open{transport="websocket"} 0')
    })
    client.say({ id: '5', type: 'subscribe', payload: watch(jobId, 20_000, `${document}-`) })
    expect(await answered('5')).toMatchObject({ type: 'next', payload: { data: {} } })
    server.gate('retained request').open()
  })
})

describe('connections', () => {
  const portOf = (url: string) => Number(new URL(url).port)
  /** An open connection on which nothing is sent. */
  async function idle(url: string): Promise<Socket> {
    const socket = connect(portOf(url), '127.0.0.1')
    socket.on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  /** The answer to a request on a connection of its own. */
  const ask = (url: string, path = '/health') =>
    new Promise<{ readonly status: number | undefined; readonly text: string }>((resolve, reject) => {
      get(new URL(path, url), { agent: false }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.once('end', () => resolve({ status: response.statusCode, text }))
      }).once('error', reject)
    })
  const isFree = (url: string) => until('there is room', async () => (await ask(url)).status === 200)
  const sockets: Socket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  test.each([
    ['of one address', { maxConnectionsOfAddress: 3 }],
    ['of all addresses', { maxConnections: 3 }],
  ])(
    '%s beyond the limit are refused with 429 TOO_MANY_CONNECTIONS, idle ones counted',
    async (_whose, limits) => {
      const { url } = await serve(limits)
      const held = [await idle(url), await idle(url), await idle(url)]
      await until('all are counted', async () => (await ask(url)).status === 429)
      const refused = await ask(url, '/graphql?query={__typename}')
      expect(refused.status).toBe(429)
      expect(refused.text).toContain('TOO_MANY_CONNECTIONS')
      const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')
      socket.on('error', () => undefined)
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
      expect(response.statusCode).toBe(429)
      socket.terminate()
      held[0]?.destroy()
      await isFree(url)
      expect((await ask(url, '/metrics')).text).toMatch(/lume_connections_refused_total [1-9]/)
    },
  )

  test('that carry event streams and acknowledged WebSockets do not count against their address', async () => {
    const { url } = await serve({ maxConnectionsOfAddress: 2 })
    const { jobId } = await start(server, { definition: gated('own connections') })
    for (let opened = 0; opened < 4; opened++) {
      await greeted(url)
      const stream = connect(portOf(url), '127.0.0.1')
      sockets.push(stream)
      const path = `/graphql?query=${encodeURIComponent(JOB_EVENTS.toString())}&variables=${encodeURIComponent(JSON.stringify({ jobId }))}`
      stream.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`)
      await once(stream, 'data')
    }
    await isFree(url)
    const { text } = await ask(url, '/metrics')
    expect(text).toContain('lume_connections_open{kind="owned"} 8')
    for (const socket of open) socket.terminate()
    for (const socket of sockets) socket.destroy()
    await until('none is left', async () =>
      (await ask(url, '/metrics')).text.includes('lume_connections_open{kind="owned"} 0'),
    )
    // They count against nothing any more either.
    await idle(url)
    await isFree(url)
    server.gate('own connections').open()
  })

  test('of WebSockets beyond the limit of their owner are closed with 4429', async () => {
    const { url } = await serve({ maxWebSockets: 2 })
    const first = await greeted(url)
    await greeted(url)
    const third = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')
    open.push(third)
    await once(third, 'open')
    third.send(JSON.stringify({ type: 'connection_init' }))
    const [code, reason] = (await once(third, 'close')) as [number, Buffer]
    expect([code, String(reason)]).toEqual([
      4429,
      'TOO_MANY_WEBSOCKETS: send your subscriptions over fewer WebSockets',
    ])
    first.socket.close()
    await first.closed
    await until('the first has ended here', async () =>
      (await ask(url, '/metrics')).text.includes('lume_connections_open{kind="owned"} 1'),
    )
    await greeted(url)
  })

  test('on which nothing is sent are closed after the time for the head of a request', async () => {
    const { url } = await serve({ requestMs: 100 })
    await once((await idle(url)).resume(), 'close')
    // A stream that is silent for longer stays open.
    const { jobId } = await start(server, { definition: gated('silent stream') })
    const stream = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: JOB_EVENTS.toString(), variables: { jobId } }),
    })
    await once((await idle(url)).resume(), 'close')
    server.gate('silent stream').open()
    expect(await stream.text()).toContain('event: complete')
  })

  test('whose request body comes in chunks of a byte are answered with 413 BODY_TOO_COMPLEX', async () => {
    const { url } = await serve()
    const socket = await idle(url)
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    const head =
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
    socket.write(`${head}${'1\r\n \r\n'.repeat(100_000)}0\r\n\r\n`)
    await until('it is answered', () => answer.includes('BODY_TOO_COMPLEX'))
    expect(answer).toContain('HTTP/1.1 413')
  })

  test('that ask for an upgrade elsewhere are closed although their client keeps its half open', async () => {
    const { url } = await serve()
    const socket = connect({ port: portOf(url), host: '127.0.0.1', allowHalfOpen: true })
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.write(
      'GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    )
    await once(socket, 'data')
    await until('it is closed', async () =>
      (await ask(url, '/metrics')).text.includes('lume_connections_open{kind="unattributed"} 1'),
    )
  })
})

test('the id of a subscription may be used again in the same turn as its end, and nothing of either is left behind', async () => {
  const { jobId } = await start(server, { definition: gated('same turn') })
  const client = await greeted()
  const watch = {
    id: '1',
    type: 'subscribe',
    payload: { query: JOB_EVENTS.toString(), variables: { jobId } },
  }
  client.say(watch)
  await until('the first is followed', () => client.heard.shift())
  client.say({ id: '1', type: 'complete' })
  client.say(watch)
  await until('the second is followed', () => client.heard.find(({ type }) => type === 'next'))
  expect(client.heard.filter(({ type }) => type === 'complete')).toEqual([])
  server.gate('same turn').open()
  await until('the second ends with its job', () => client.heard.find(({ type }) => type === 'complete'))
  client.socket.terminate()
  await until('none is left', async () => {
    const text = await (await fetch(new URL('/metrics', server.url))).text()
    return text.includes('lume_subscriptions_open{transport="websocket"} 0')
  })
})

test('an HTTP client that does not read is cut after a while, in the middle of its answer', async () => {
  const { url } = await serve({ unsent: { stallMs: 50 } })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  let bytes = 0
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
  socket.pause()
  const ended = once(socket, 'close')
  const before = destroyed
  socket.write(`GET /graphql HTTP/1.1\r\naccept: text/html\r\nhost: ${new URL(url).host}\r\n\r\n`)
  await until('the server cuts it', () => destroyed > before, 20_000)
  socket.resume()
  await ended
  expect(bytes).toBeLessThan(9_000_000)
})

test('subscriptions of one connection that follow each other unread end with the connection', async () => {
  const { url, origin } = await serve()
  const body = JSON.stringify({ query: 'subscription { jobsChanged { id } }' })
  const request = [
    'POST /graphql HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    'accept: text/event-stream',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
  const open = async () => {
    const text = await (await fetch(new URL('/metrics', origin))).text()
    return Number(/subscriptions_open\{transport="sse"\} (\d+)/.exec(text)?.[1])
  }
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  client.on('error', () => undefined)
  client.write(request.repeat(8))
  await once(client, 'data')
  expect(await open()).toBe(1)
  client.resetAndDestroy()
  // A connection that is not read is found closed by the next ping.
  await until('no subscription is open', async () => (await open()) === 0, 20_000)
}, 30_000)
