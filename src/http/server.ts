import { setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { validateSchema } from 'graphql'
import {
  createAuthenticator,
  isAuthenticated,
  isLoopback,
  NO_AUTHENTICATION,
  requireSafeHost,
  type AuthenticationSettings,
} from '../access/index.ts'
import { createExampleReceiver } from '../example-receiver/index.ts'
import { LOCAL_USER } from '../jobs/library/index.ts'
import { Closers } from '../lib/async/index.ts'
import { ownerId } from '../lib/index.ts'
import { noteArrival } from '../lib/turns/index.ts'
import { schema, type Services } from '../schema/index.ts'
import { createGate, createOrigins } from './auth/index.ts'
import { graphiqlPage } from './graphiql/index.ts'
import { createGraphql, GRAPHQL_PATH, readPersistedDocuments } from './graphql/index.ts'
import {
  BODY_MAX_BYTES,
  BodyBudget,
  budgetOfHeap,
  createBodyReader,
  OperationTurns,
  ParseTurns,
  PipelinedRequests,
  UnsentBytes,
  unsentLimitsOfHeap,
  type BudgetLimits,
  type UnsentLimits,
} from './intake/index.ts'
import {
  Connections,
  createRateLimit,
  DEFAULT_MAX_SUBSCRIPTIONS,
  PAGES_PER_MINUTE,
  REQUESTS_PER_MINUTE,
  WEBSOCKETS_PER_SUBSCRIPTION,
} from './limits/index.ts'
import { listen } from './listen.ts'
import type { Load } from './load.ts'
import { createMetrics } from './metrics.ts'
import { isStream, sendResponse, untilSent } from './node-response.ts'
import { createReadiness, type ReadinessProblem } from './readiness.ts'
import { createRouter } from './router.ts'
import { createServedPage } from './served-page.ts'
import { serveWebSockets } from './web-socket.ts'

/** What the server needs of a running Lume. */
export interface ServedLume {
  /** What the GraphQL layer is built on. */
  readonly services: Services
  /** Loads what the first requests would wait for. */
  prepare(): Promise<void>
  /** Returns why this process cannot do its work now, within 2 seconds; empty: it can. */
  readiness(): Promise<readonly ReadinessProblem[]>
  /** Returns what this process runs, for its metrics. */
  load(): Promise<Load>
  /** Lets `api.http` reach one exact origin although it is not public. */
  allowOrigin(origin: string): void
}

export interface ServerOptions {
  readonly lume: ServedLume
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Default 4000; 0 takes any free one. */
  readonly port?: number | undefined
  /** Whether anybody may read the schema, and GraphiQL is served; default: on loopback only. */
  readonly isExplorable?: boolean | undefined
  /** How users are known; default: not at all, and then only loopback is served. */
  readonly authentication?: AuthenticationSettings | undefined
  /** Origins whose pages may use this server from a browser, such as `http://localhost:5173`; default: its own only. */
  readonly corsOrigins?: readonly string[] | undefined
  /** Of each key, token or address; 0: no limit. Default: 600 with authentication, no limit without. */
  readonly requestsPerMinute?: number | undefined
  /** How many subscriptions one owner may have open here; default 1,000. */
  readonly maxSubscriptions?: number | undefined
  /**
   * Maximum connections of one address that carry no event stream and no acknowledged WebSocket; 0: no limit. Default: 1,000, and
   * no limit for loopback addresses.
   */
  readonly maxConnectionsOfAddress?: number | undefined
  /** The same of all addresses; default: by the heap limit of the process. */
  readonly maxConnections?: number | undefined
  /** Maximum acknowledged WebSockets of one owner in this process; default: twice `maxSubscriptions`. */
  readonly maxWebSockets?: number | undefined
  /** A JSON file of documents by id: then only those run. */
  readonly persistedDocuments?: string | undefined
  /** Whether anybody may read `/metrics`, not operators alone; default: only without authentication. */
  readonly hasOpenMetrics?: boolean | undefined
  /** How long a WebSocket's client may take to say hello; default 10 s. */
  readonly helloMs?: number | undefined
  /** How long a request may take to arrive, its body included; default 60 s. */
  readonly requestMs?: number | undefined
  /** The budget of bytes in flight; default: by the heap limit of the process. */
  readonly inFlight?: BudgetLimits | undefined
  /** The budget of the requests of open subscriptions; default: by the heap limit of the process. */
  readonly openRequests?: BudgetLimits | undefined
  /** Limits of what waits for clients that do not read; default: by the heap limit of the process. */
  readonly unsent?: Partial<UnsentLimits> | undefined
}

/** A running server. */
export interface Server {
  /** Where GraphiQL and the API are. */
  readonly url: string
  readonly origin: string
  /** Takes no more requests, answers those that it has, and ends streams. */
  close(): Promise<void>
}

/** How long the head of a request may take to arrive. */
export const HEAD_MS = 15_000
/** How long all of it may take: 6 MiB over a line of a megabit per second. */
export const REQUEST_MS = 60_000
/** How often it is looked for those that take longer. */
const LATE_LOOK_MS = 5_000
/** How long requests may take to be answered when the server stops, in milliseconds. */
const LAST_ANSWERS_MS = 3_000

/**
 * Serves the GraphQL API over HTTP, SSE and WebSocket on one port, with GraphiQL, `/health`, `/ready` and `/metrics`, and,
 * for the local user, the receiver of the example. Rejects with `PORT_IN_USE`, `HOST_UNUSABLE`, `HOST_NOT_LOOPBACK` or
 * `PERSISTED_DOCUMENTS_INVALID`.
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { lume, host = '127.0.0.1', port = 4_000, authentication = NO_AUTHENTICATION } = options
  requireSafeHost(host, authentication)
  const isLocal = !isAuthenticated(authentication)
  const { isExplorable = isLoopback(host), hasOpenMetrics = isLocal } = options
  const { requestsPerMinute = isLocal ? 0 : REQUESTS_PER_MINUTE, corsOrigins = [] } = options
  const { persistedDocuments, helloMs, requestMs = REQUEST_MS } = options
  const { maxSubscriptions = DEFAULT_MAX_SUBSCRIPTIONS } = options
  const { apiKeys, clock, logger, outage } = lume.services

  const documents =
    persistedDocuments === undefined ? null : await readPersistedDocuments(persistedDocuments, schema)
  const gate = createGate({
    authenticator: createAuthenticator({
      settings: authentication,
      apiKeys,
      clock,
      localUser: ownerId(LOCAL_USER),
    }),
    rateLimit: createRateLimit(requestsPerMinute),
    pageLimit: createRateLimit(Math.min(PAGES_PER_MINUTE, requestsPerMinute || PAGES_PER_MINUTE)),
    clock,
    logger,
    outage,
  })
  const budget = new BodyBudget(options.inFlight ?? budgetOfHeap())
  const turns = new ParseTurns(clock)
  const operationTurns = new OperationTurns(clock)
  const pipelined = new PipelinedRequests()
  const unsent = new UnsentBytes({ ...unsentLimitsOfHeap(), ...options.unsent }, clock)
  const connections = new Connections(
    {
      maxOfAddress: options.maxConnectionsOfAddress,
      max: options.maxConnections,
      maxWebSocketsOfOwner: options.maxWebSockets ?? WEBSOCKETS_PER_SUBSCRIPTION * maxSubscriptions,
    },
    clock,
  )
  const graphql = createGraphql(lume.services, {
    isExplorable,
    documents,
    maxSubscriptions,
    openRequests: options.openRequests,
    turns,
    operationTurns,
  })
  const origins = createOrigins({ allowed: corsOrigins, isLocal })
  const streams = new Set<ServerResponse>()
  const metrics = createMetrics({
    load: lume.load,
    connections,
    openSubscriptions: () => ({ sse: streams.size, websocket: sockets.openSubscriptions() }),
  })
  const answer = createRouter({
    connections,
    isStopping: () => stopping.signal.aborted,
    readiness: createReadiness(() => lume.readiness(), clock),
    page: isExplorable ? createServedPage(() => graphiqlPage({ needsCredential: !isLocal })) : null,
    graphql,
    gate,
    origins,
    metrics,
    hasOpenMetrics,
    receiver: isLocal ? createExampleReceiver() : null,
    readBody: createBodyReader({ maxBytes: BODY_MAX_BYTES, budget }),
  })

  const closers = new Closers()
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal) // one per open stream
  const answering = new Set<Promise<void>>()
  const patience = {
    headersTimeout: Math.min(HEAD_MS, requestMs),
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(LATE_LOOK_MS, requestMs),
  }
  const http = createServer(patience, (req, res) => {
    req.socket.setTimeout(0)
    const sent = pipelined
      .run(
        req.socket,
        async () => {
          await respond(req, res)
          await untilSent(res)
        },
        () => void req.destroy(),
      )
      .catch((fault: unknown) => {
        // A client that goes away in the middle of its request is no fault of ours.
        if (!res.closed) logger.error({ err: fault }, 'a request could not be answered')
        res.destroy()
      })
      .finally(() => answering.delete(sent))
    answering.add(sent)
  })
  http.on('connection', (socket: Socket) => {
    noteArrival()
    connections.add(socket)
    pipelined.watch(socket)
    // The time limits of Node begin with the first byte of a request. Where one has come, its answer (408) comes before this.
    socket.setTimeout(patience.headersTimeout + 2 * patience.connectionsCheckingInterval)
  })
  // The messages of a WebSocket are bounded where they are taken.
  http.on('upgrade', ({ socket }: IncomingMessage) => pipelined.unwatch(socket))
  closers.add(async () => {
    stopping.abort(new Error('the server stops'))
    await closeHttp(http, answering)
  })
  const sockets = serveWebSockets(http, {
    graphql,
    gate,
    origins,
    connections,
    documents,
    budget,
    turns,
    operationTurns,
    unsent,
    clock,
    logger,
    maxMessageBytes: BODY_MAX_BYTES,
    ...(helloMs === undefined ? {} : { helloMs }),
  })
  closers.add(() => sockets.close())

  try {
    validateSchema(schema)
    await lume.prepare()
    const address = await listen(http, { host, port })
    const origin = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${address.port}`
    if (isLocal) lume.allowOrigin(origin)
    return { url: `${origin}${GRAPHQL_PATH}`, origin, close: () => closers.close() }
  } catch (fault) {
    await closers.close()
    throw fault
  }

  async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { response, viewer, body, bytes } = await answer(req, res)
    metrics.count({
      route: req.url?.startsWith(GRAPHQL_PATH) ? 'graphql' : 'other',
      status: response.status,
    })
    // A stream ends with the credential that opened it.
    const credentialEnded = new AbortController()
    const isOpen = isStream(response)
    const unwatch = isOpen && viewer ? gate.watch(viewer, () => credentialEnded.abort()) : () => {}
    // What a subscription retains is counted with the open subscriptions.
    if (isOpen) body?.release()
    const disown = isOpen ? connections.own(req.socket) : () => {}
    if (isOpen) streams.add(res)
    try {
      const ends = { serverStops: stopping.signal, credentialEnds: credentialEnded.signal }
      await sendResponse(response, res, { ...ends, unsent, bytes })
    } finally {
      streams.delete(res)
      disown()
      unwatch()
      body?.release()
    }
  }
}

/**
 * Stops listening, waits a little for answers under way, and closes every connection. Operations whose clients are cut off then may
 * still be under way: one that waits for the database may take as long as a statement may.
 */
async function closeHttp(http: HttpServer, answering: ReadonlySet<Promise<void>>): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()))
  let patience: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (patience = setTimeout(resolve, LAST_ANSWERS_MS)))
  await Promise.race([Promise.all(answering), late])
  clearTimeout(patience)
  http.closeAllConnections()
  await closed
}
