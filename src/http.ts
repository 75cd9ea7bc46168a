import { setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { Lume } from './app.ts'
import { isLoopback } from './config.ts'
import { createExampleReceiver, EXAMPLE_RECEIVER_PATH } from './http/example-receiver.ts'
import { createGraphql, GRAPHQL_PATH } from './http/graphql.ts'
import { listen } from './http/listen.ts'
import { BodyTooLargeError, readBody, requestUrl, toWebRequest } from './http/node-request.ts'
import { refuse, sendResponse } from './http/node-response.ts'
import { distrustOf } from './http/trusted-origin.ts'
import { serveWebSockets } from './http/web-socket.ts'
import { Closers } from './lib/closers.ts'

export interface ServerOptions {
  readonly lume: Lume
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 4000; 0 takes any free one. */
  readonly port?: number
  /** Whether anybody may read the schema, and GraphiQL is served; default: on loopback only. */
  readonly isExplorable?: boolean
}

/** A running server. */
export interface Server {
  /** Where GraphiQL and the API are. */
  readonly url: string
  readonly origin: string
  /** Takes no more requests, answers those that it has, and ends streams. */
  close(): Promise<void>
}

/** Of a request's body and of a WebSocket message (D6). */
const BODY_MAX_BYTES = 6 * 1024 * 1024
/** How long requests may take to be answered when the server stops. */
const LAST_ANSWERS_MS = 3_000

/**
 * Serves the GraphQL API over HTTP, SSE and WebSocket on one port, with GraphiQL, `/health` and `/ready`, and, bound to
 * loopback, the receiver of the example. Rejects with `PORT_IN_USE` or `HOST_UNUSABLE`.
 */
export async function startServer({
  lume,
  host = '127.0.0.1',
  port = 4_000,
  isExplorable = isLoopback(host),
}: ServerOptions): Promise<Server> {
  const { services } = lume
  const graphql = createGraphql(services, { isExplorable })
  const receiver = isLoopback(host) ? createExampleReceiver() : null
  const closers = new Closers()

  const route = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === GRAPHQL_PATH) return graphql.fetch(request)
    if (receiver && isUnder(pathname, EXAMPLE_RECEIVER_PATH)) return receiver.handle(request)
    switch (pathname) {
      case '/':
        return new Response(null, { status: 302, headers: { location: GRAPHQL_PATH } })
      case '/health':
        return Response.json({ status: 'ok' })
      case '/ready':
        return (await lume.isReady())
          ? Response.json({ status: 'ready' })
          : refuse(503, 'NOT_READY', 'The database does not answer.')
      default:
        return refuse(404, 'NOT_FOUND', `There is nothing at ${pathname}; the API is at ${GRAPHQL_PATH}.`)
    }
  }
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal) // one per open stream
  const answering = new Set<Promise<void>>()
  const http = createServer((req, res) => {
    const answer = respond({ req, res }, route, graphql.fetchAPI.Request)
      .then((response) => sendResponse(response, res, stopping.signal))
      .catch((fault: unknown) => {
        // A client that goes away in the middle of its request is no fault of ours.
        if (!res.closed) services.logger.error({ err: fault }, 'a request could not be answered')
        res.destroy()
      })
      .finally(() => answering.delete(answer))
    answering.add(answer)
  })
  closers.add(async () => {
    stopping.abort(new Error('the server stops'))
    await closeHttp(http, answering)
  })
  closers.add(serveWebSockets(http, { graphql, maxMessageBytes: BODY_MAX_BYTES, logger: services.logger }))

  try {
    const address = await listen(http, { host, port })
    const origin = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${address.port}`
    if (isLoopback(host)) lume.allowOrigin(origin)
    return { url: `${origin}${GRAPHQL_PATH}`, origin, close: () => closers.close() }
  } catch (fault) {
    await closers.close()
    throw fault
  }
}

async function respond(
  { req, res }: { req: IncomingMessage; res: ServerResponse },
  route: (request: Request) => Promise<Response>,
  RequestType: typeof Request,
): Promise<Response> {
  const distrust = distrustOf(req)
  if (distrust) return refuse(403, 'ORIGIN_REFUSED', distrust)
  const url = requestUrl(req)
  if (!url) return refuse(400, 'BAD_REQUEST', 'The request names no path.')
  try {
    const body = await readBody(req, BODY_MAX_BYTES)
    if (req.method === 'POST' && isUnder(url.pathname, GRAPHQL_PATH) && !isJson(req)) {
      // Other content types are what a foreign page can send without asking; JSON is not.
      return refuse(
        415,
        'CONTENT_TYPE_REFUSED',
        'Send GraphQL requests with `content-type: application/json`.',
      )
    }
    return await route(toWebRequest({ req, res, url, body }, RequestType))
  } catch (fault) {
    if (!(fault instanceof BodyTooLargeError)) throw fault
    return refuse(413, 'BODY_TOO_LARGE', `A request has at most ${BODY_MAX_BYTES} bytes.`)
  }
}

function isJson(req: IncomingMessage): boolean {
  return /^application\/(json|graphql\+json)\s*(;|$)/i.test(req.headers['content-type'] ?? '')
}

function isUnder(pathname: string, base: string): boolean {
  return pathname === base || pathname.startsWith(`${base}/`)
}

/** Stops listening, waits a little for answers under way, and closes every connection. */
async function closeHttp(http: HttpServer, answering: ReadonlySet<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()))
  const patience = setTimeout(() => http.closeAllConnections(), LAST_ANSWERS_MS)
  await Promise.all(answering)
  clearTimeout(patience)
  http.closeAllConnections()
  await closed
}
