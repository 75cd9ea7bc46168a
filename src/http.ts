import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import { sendNodeResponse } from '@whatwg-node/server'
import { createYoga } from 'graphql-yoga'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { Lume } from './app.ts'
import { isLoopback } from './config.ts'
import { createExampleReceiver, EXAMPLE_RECEIVER_PATH } from './http/example-receiver.ts'
import { graphiqlTabs } from './http/graphiql-tabs.ts'
import { createMaskError } from './http/mask-error.ts'
import { BodyTooLargeError, readBody, toWebRequest } from './http/node-request.ts'
import { DEFAULT_LIMITS, useOperationLimits } from './http/operation-limits.ts'
import { distrustOf } from './http/trusted-origin.ts'
import { Closers } from './lib/closers.ts'
import { codeOf, LumeError } from './lib/errors.ts'
import { ownerId } from './lib/ids.ts'
import { LOCAL_USER } from './jobs/execution-service.ts'
import { createContext, schema, type Context } from './schema/index.ts'

export interface ServerOptions {
  readonly lume: Lume
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 4000; 0 takes any free one. */
  readonly port?: number
}

/** A running server. */
export interface Server {
  /** Where GraphiQL and the API are. */
  readonly url: string
  readonly origin: string
  close(): Promise<void>
}

const GRAPHQL_PATH = '/graphql'
/** Of a request's body and of a WebSocket message (D6). */
const BODY_MAX_BYTES = 6 * 1024 * 1024
const CONNECTION_INIT_MS = 10_000

/**
 * Serves the GraphQL API over HTTP, SSE and WebSocket on one port, with GraphiQL, `/health` and `/ready`, and, bound to
 * loopback, the receiver of the example. Rejects with `PORT_IN_USE` or `HOST_UNUSABLE`.
 */
export async function startServer({
  lume,
  host = '127.0.0.1',
  port = 4_000,
}: ServerOptions): Promise<Server> {
  const closers = new Closers()
  const { services } = lume
  const yoga = createGraphql(lume)
  const receiver = isLoopback(host) ? createExampleReceiver() : null

  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    if (pathname === GRAPHQL_PATH) return yoga.fetch(request)
    if (receiver && isUnder(pathname, EXAMPLE_RECEIVER_PATH)) return receiver.handle(request)
    switch (pathname) {
      case '/':
        return Response.redirect(new URL(GRAPHQL_PATH, request.url), 302)
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
  const http = createServer((req, res) => {
    handle({ req, res }, answer, yoga.fetchAPI.Request).catch((fault: unknown) => {
      services.logger.error({ err: fault }, 'a request could not be answered')
      res.destroy()
    })
  })
  closers.add(() => closeHttp(http))
  closers.add(serveWebSockets(http, yoga))

  const address = await listen(http, { host, port })
  const origin = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${address.port}`
  if (isLoopback(host)) lume.allowOrigin(origin)
  return { url: `${origin}${GRAPHQL_PATH}`, origin, close: () => closers.close() }
}

type Yoga = ReturnType<typeof createGraphql>

function createGraphql({ services }: Lume) {
  return createYoga<object, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    batching: false,
    cors: false,
    multipart: false,
    logging: false,
    maskedErrors: { maskError: createMaskError(services.logger) },
    plugins: [useOperationLimits(DEFAULT_LIMITS)],
    // Nine megabytes of page: loaded when somebody first opens it.
    renderGraphiQL: async (options) =>
      (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
    graphiql: async (request) => ({
      title: 'Lume',
      subscriptionsProtocol: 'WS',
      defaultTabs: [...(await graphiqlTabs(new URL(request.url).origin))].map(({ query, variables }) => ({
        query,
        variables: variables ?? null,
      })),
    }),
    context: () => createContext(services, ownerId(LOCAL_USER)),
  })
}

async function handle(
  { req, res }: { req: IncomingMessage; res: ServerResponse },
  answer: (request: Request) => Promise<Response>,
  RequestType: typeof Request,
): Promise<void> {
  const response = await respond({ req, res }, answer, RequestType)
  await sendNodeResponse(response, res, req, false)
}

async function respond(
  { req, res }: { req: IncomingMessage; res: ServerResponse },
  answer: (request: Request) => Promise<Response>,
  RequestType: typeof Request,
): Promise<Response> {
  const distrust = distrustOf(req)
  if (distrust) return refuse(403, 'ORIGIN_REFUSED', distrust)
  try {
    const body = await readBody(req, BODY_MAX_BYTES)
    if (body && isUnder(req.url ?? '', GRAPHQL_PATH) && !isJson(req)) {
      // Other content types are what a foreign page can send without asking; JSON is not.
      return refuse(
        415,
        'CONTENT_TYPE_REFUSED',
        'Send GraphQL requests with `content-type: application/json`.',
      )
    }
    return await answer(toWebRequest({ req, res, body }, RequestType))
  } catch (fault) {
    if (!(fault instanceof BodyTooLargeError)) throw fault
    res.setHeader('connection', 'close')
    return refuse(413, 'BODY_TOO_LARGE', `A request has at most ${BODY_MAX_BYTES} bytes.`)
  }
}

function isJson(req: IncomingMessage): boolean {
  return /^application\/(json|graphql\+json)\s*(;|$)/i.test(req.headers['content-type'] ?? '')
}

function isUnder(pathname: string, base: string): boolean {
  return pathname === base || pathname.startsWith(`${base}/`) || pathname.startsWith(`${base}?`)
}

/** A refusal in the form of a GraphQL answer, which every client can read. */
function refuse(status: number, code: string, message: string): Response {
  return Response.json({ errors: [{ message, extensions: { code } }] }, { status })
}

/** The same operations over graphql-transport-ws, on the same port. Returns what closes it. */
function serveWebSockets(http: HttpServer, yoga: Yoga): () => Promise<void> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: BODY_MAX_BYTES })
  http.on('upgrade', (req, socket, head) => {
    const isWanted = new URL(req.url ?? '/', 'http://localhost').pathname === GRAPHQL_PATH
    if (!isWanted || distrustOf(req)) {
      socket.end(`HTTP/1.1 ${isWanted ? '403 Forbidden' : '404 Not Found'}\r\nConnection: close\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(req, socket, head, (client) => sockets.emit('connection', client, req))
  })
  const server = useServer(
    {
      connectionInitWaitTimeout: CONNECTION_INIT_MS,
      // Yoga's own pipeline, so that limits, masking and context are the same as over HTTP.
      execute: (args) => (args.rootValue as Enveloped).execute(args),
      subscribe: (args) => (args.rootValue as Enveloped).subscribe(args),
      onSubscribe: async (ctx, _id, params) => {
        const enveloped = yoga.getEnveloped({
          req: ctx.extra.request,
          params,
          connectionParams: ctx.connectionParams,
        })
        const { execute, subscribe, parse, validate, contextFactory } = enveloped
        const document = parse(params.query)
        const errors = validate(schema, document)
        if (errors.length > 0) return errors
        return {
          schema,
          document,
          operationName: params.operationName,
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        }
      },
    },
    sockets,
  )
  return async () => {
    await server.dispose()
    sockets.close()
  }
}

type Enveloped = Pick<ReturnType<Yoga['getEnveloped']>, 'execute' | 'subscribe'>

function listen(http: HttpServer, { host, port }: { host: string; port: number }): Promise<{ port: number }> {
  return new Promise((resolve, reject) => {
    http.once('error', (fault) => reject(listenError(fault, { host, port })))
    http.listen(port, host, () => {
      const address = http.address()
      if (address === null || typeof address === 'string') reject(new Error('the server has no port'))
      else resolve(address)
    })
  })
}

function listenError(fault: unknown, { host, port }: { host: string; port: number }): unknown {
  switch (codeOf(fault)) {
    case 'EADDRINUSE':
      return new LumeError(
        'PORT_IN_USE',
        `port ${port} of ${host} is in use; stop whoever has it, or set PORT to another`,
      )
    case 'EACCES':
      return new LumeError(
        'PORT_IN_USE',
        `port ${port} needs more rights than this user has; set PORT above 1023`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new LumeError(
        'HOST_UNUSABLE',
        `this machine has no address ${host}; set HOST to one that it has`,
      )
    default:
      return fault
  }
}

async function closeHttp(http: HttpServer): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()))
  http.closeAllConnections()
  await closed
}
