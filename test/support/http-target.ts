import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

const BOMB_BYTES = 50_000_000
const DRIP_MS = 5

/** One request as it came in. */
export interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface HttpTarget {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  readonly port: number
  /** All requests so far, in order. */
  readonly seen: readonly SeenRequest[]
  /** Resolves as soon as a request for the path has come in, at once if one has. */
  received(path: string): Promise<void>
  /** Resolves as soon as no client is connected. */
  deserted(): Promise<void>
  close(): Promise<void>
}

/**
 * A server on loopback that behaves as badly as the real ones:
 * `/echo` answers what it got; `/answer?status=&type=&body=` what it is told, with every other parameter as a header;
 * `/redirect?status=&to=` and `/redirects?left=` send on; `/silent` never answers; `/drip` and `/gzip-drip` never end;
 * `/huge` sends without end; `/cut` hangs up in the middle; `/refuse` before the beginning; `/bomb`, `/gzip`, `/br`, `/deflate` are
 * compressed, `/broken-gzip` is so in part, `/headers` answers with 32 KiB of headers.
 */
export async function startHttpTarget(): Promise<HttpTarget> {
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const waits = new Set<{ fact: () => boolean; resolve: () => void }>()
  const notice = () => {
    for (const wait of waits) if (wait.fact() && waits.delete(wait)) wait.resolve()
  }
  const waitFor = (fact: () => boolean) =>
    new Promise<void>((resolve) => {
      waits.add({ fact, resolve })
      notice()
    })

  const server = createServer((request, response) => {
    void text(request)
      .then((body) => {
        const { method = '', url = '', headers } = request
        const seenRequest = { method, url, headers, body }
        seen.push(seenRequest)
        answer(seenRequest, request, response)
        notice()
      })
      .catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket)
        notice()
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    seen,
    received: (path) => waitFor(() => seen.some(({ url }) => url.split('?')[0] === path)),
    deserted: () => waitFor(() => sockets.size === 0),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function answer(seen: SeenRequest, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(seen.url, 'http://target')
  const parameter = (name: string) => searchParams.get(name) ?? ''
  switch (pathname) {
    case '/echo':
      response.setHeader('content-type', 'application/json').end(JSON.stringify(seen))
      return
    case '/answer': {
      const { status = '200', type = 'text/plain', body = '', ...headers } = Object.fromEntries(searchParams)
      response.writeHead(Number(status), { 'content-type': type, ...headers }).end(body)
      return
    }
    case '/cookies':
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-many': ['1', '2'] }).end()
      return
    case '/bytes':
      response.setHeader('content-type', parameter('type')).end(Buffer.from(parameter('hex'), 'hex'))
      return
    case '/redirect':
      response.writeHead(Number(parameter('status') || '302'), { location: parameter('to') }).end('moved')
      return
    case '/redirects': {
      const left = Number(parameter('left'))
      response.writeHead(302, { location: left > 1 ? `/redirects?left=${left - 1}` : '/echo' }).end()
      return
    }
    case '/silent':
      return
    case '/drip': {
      response.write('.')
      const drip = setInterval(() => response.write('.'), DRIP_MS)
      response.on('close', () => clearInterval(drip))
      return
    }
    case '/gzip-drip':
      response
        .writeHead(200, { 'content-encoding': 'gzip' })
        .write(gzipSync('{"packed":true}').subarray(0, 20))
      return
    case '/huge': {
      response.statusCode = Number(parameter('status') || '200')
      const chunk = Buffer.alloc(64_000, 'x')
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', pour)
      pour()
      return
    }
    case '/cut':
      response
        .writeHead(200, { 'content-length': '100' })
        .write('only a part', () => request.socket.destroy())
      return
    case '/refuse':
      request.socket.destroy()
      return
    case '/bomb':
      compressed(response, 'gzip', gzipSync(Buffer.alloc(BOMB_BYTES)))
      return
    case '/gzip':
      compressed(response, 'gzip', gzipSync('{"packed":true}'))
      return
    case '/br':
      compressed(response, 'br', brotliCompressSync('{"packed":true}'))
      return
    case '/deflate':
      compressed(response, 'deflate', deflateSync('{"packed":true}'))
      return
    case '/gzip-br':
      compressed(response, 'gzip, br', brotliCompressSync(gzipSync('{"packed":true}')))
      return
    case '/broken-gzip':
      compressed(response, 'gzip', gzipSync('{"packed":true}').subarray(0, 20))
      return
    case '/headers':
      response.setHeader('x-long', 'x'.repeat(32_768)).end()
      return
    default:
      response.writeHead(404, { 'content-type': 'text/plain' }).end('no such page')
  }
}

function compressed(response: ServerResponse, encoding: string, body: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(body)
}
