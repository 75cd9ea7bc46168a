import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { Json } from '../../../src/lib/json/json.ts'
import { Gate } from '../manual-clock.ts'

/** One call as it came in. */
export interface SeenCall {
  readonly method: string
  /** Without query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Decompressed. */
  readonly body: string
  /** The body when it is JSON, else null. */
  readonly json: Json
}

export interface Answer {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text is sent as it is, as text/plain unless the headers say otherwise; everything else as JSON. */
  readonly body?: unknown
  /** Writes the body itself, for answers that come bit by bit. */
  readonly write?: (response: ServerResponse) => void
}

/**
 * What goes wrong with a call. An answer is given in place of the real one; `cut` breaks the connection, `part` in the
 * middle of an answer; `silence` leaves the call without an answer. `isDone`: the server has done its work before.
 */
export type Fault = (Answer | { readonly kind: 'cut' | 'part' | 'silence' }) & { readonly isDone?: boolean }

/** Which calls are meant: those to a path, by equality or pattern; default: all. */
export type CallMatch = string | RegExp

export interface ProviderServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** The ledger: all calls so far, in order. */
  readonly calls: readonly SeenCall[]
  callsTo(match: CallMatch, method?: string): readonly SeenCall[]
  /** The next call that fits goes wrong; several faults for the same calls happen in turn. */
  failNext(fault: Fault, match?: CallMatch): void
  /** The next call that fits is answered only once the gate opens. */
  holdNext(match?: CallMatch): Gate
  /** Resolves as soon as that many calls that fit have come in. */
  received(match: CallMatch, count?: number): Promise<void>
  /** Resolves as soon as no client is connected. */
  deserted(): Promise<void>
  close(): Promise<void>
}

/**
 * A provider's stand-in: real HTTP on loopback. `handle` answers like the provider; what goes wrong is scripted here.
 */
export async function startProviderServer(
  handle: (call: SeenCall) => Answer | Promise<Answer>,
): Promise<ProviderServer> {
  const calls: SeenCall[] = []
  const sockets = new Set<Socket>()
  const faults: { readonly fault: Fault; readonly match: CallMatch }[] = []
  const holds: { readonly gate: Gate; readonly match: CallMatch }[] = []
  const waits = new Set<{ readonly fact: () => boolean; readonly resolve: () => void }>()
  const notice = () => {
    for (const wait of waits) if (wait.fact() && waits.delete(wait)) wait.resolve()
  }
  const waitFor = (fact: () => boolean) =>
    new Promise<void>((resolve) => {
      waits.add({ fact, resolve })
      notice()
    })
  const callsTo = (match: CallMatch, method?: string) =>
    calls.filter((call) => fits(call.path, match) && (method === undefined || call.method === method))

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request)
    calls.push(call)
    const fault = takeFirst(faults, call.path)?.fault
    const hold = takeFirst(holds, call.path)
    if (hold) {
      notice()
      await hold.gate.pass()
    }
    const answering = !fault || fault.isDone ? handle(call) : {}
    // Only now: whoever waits for the call may count on what it set off.
    notice()
    const real = await answering
    if (!fault) return send(response, real)
    if (!('kind' in fault)) return send(response, fault)
    if (fault.kind === 'cut') request.socket.destroy()
    if (fault.kind === 'part') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"data":', () => request.socket.destroy())
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((fault: unknown) => {
      // A stand-in that fails by itself must not look like a provider that does.
      response.writeHead(599, { 'content-type': 'text/plain' }).end(`the stand-in failed: ${String(fault)}`)
    })
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

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    callsTo,
    failNext: (fault, match = /./) => void faults.push({ fault, match }),
    holdNext(match = /./) {
      const gate = new Gate()
      holds.push({ gate, match })
      return gate
    },
    received: (match, count = 1) => waitFor(() => callsTo(match).length >= count),
    deserted: () => waitFor(() => sockets.size === 0),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function readCall(request: IncomingMessage): Promise<SeenCall> {
  const { method = '', url = '/', headers } = request
  const { pathname, searchParams } = new URL(url, 'http://stand-in')
  const body = decompressed(await buffer(request), headers['content-encoding']).toString()
  return { method, path: decodeURI(pathname), query: searchParams, headers, body, json: jsonOf(body) }
}

/** Official clients compress what they send. */
function decompressed(body: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'br') return brotliDecompressSync(body)
  return encoding === 'gzip' ? gunzipSync(body) : body
}

function jsonOf(body: string): Json {
  try {
    return JSON.parse(body) as Json
  } catch {
    return null
  }
}

function send(response: ServerResponse, { status = 200, headers = {}, body, write }: Answer): void {
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
  response.writeHead(status, { ...(body !== undefined && { 'content-type': type }), ...headers })
  if (write) write(response)
  else if (body === undefined) response.end()
  else response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

function fits(path: string, match: CallMatch): boolean {
  return typeof match === 'string' ? path === match : match.test(path)
}

function takeFirst<T extends { readonly match: CallMatch }>(list: T[], path: string): T | undefined {
  const index = list.findIndex(({ match }) => fits(path, match))
  return index < 0 ? undefined : list.splice(index, 1)[0]
}
