import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { GraphQLError, type DocumentNode, type GraphQLFormattedError } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type ServerOptions, type SubscribePayload } from 'graphql-ws'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Viewer } from '../access/index.ts'
import type { Logger } from '../lib/logger.ts'
import { schema } from '../schema/index.ts'
import { credentialOfHeaders, credentialOfParams } from './credentials.ts'
import type { Gate } from './gate.ts'
import { GRAPHQL_PATH, type Graphql } from './graphql.ts'
import { requestUrl } from './node-request.ts'
import type { Origins } from './origins.ts'
import { findDocument, type PersistedDocuments } from './persisted-documents.ts'
import { senderAt } from './rate-limit.ts'
import { RefusedRequestError } from './refused-request.ts'

/** How long a client may take to say hello. */
const HELLO_MS = 10_000
/** How often a connection is asked whether it is still there; one that does not answer until the next time is cut. */
const PING_MS = 12_000
/** How long clients may take to say goodbye; then they are cut. */
const GOODBYE_MS = 1_000
/** What a client may send before it is known who it is: its hello, and pings. */
const STRANGER_MAX_BYTES = 64 * 1024
/** RFC 6455, 7.4.1. */
const TOO_BIG = 1009

export interface WebSocketOptions {
  readonly graphql: Graphql
  readonly gate: Gate
  readonly origins: Origins
  /** The only documents that run; null: any. */
  readonly documents: PersistedDocuments | null
  readonly maxMessageBytes: number
  /** How long a client may take to say hello; default 10 s. */
  readonly helloMs?: number
  readonly logger: Pick<Logger, 'error'>
}

export interface WebSockets {
  /** Subscriptions that are open on all connections. */
  openSubscriptions(): number
  close(): Promise<void>
}

/** Serves the same operations over graphql-transport-ws on the same port. */
export function serveWebSockets(http: Server, options: WebSocketOptions): WebSockets {
  const connections = new Set<Extra>()
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    handleProtocols,
  })
  const server = makeServer<Record<string, unknown>, Extra>(protocolOptions(options))
  http.on('upgrade', (req, socket, head) => {
    if (requestUrl(req)?.pathname !== GRAPHQL_PATH) refuseUpgrade(socket, '404 Not Found')
    else if (options.origins.distrust(req)) refuseUpgrade(socket, '403 Forbidden')
    else {
      sockets.handleUpgrade(req, socket, head, (client) => {
        const extra: Extra = { request: req, client, viewer: null, open: new Set() }
        connections.add(extra)
        client.once('close', () => connections.delete(extra))
        boundStranger(socket, extra)
        connect(server, extra, options)
      })
    }
  })
  const close = async () => {
    for (const client of sockets.clients) client.close(1001, 'Going away')
    const patience = setTimeout(() => {
      for (const client of sockets.clients) client.terminate()
    }, GOODBYE_MS)
    await new Promise<void>((resolve) => sockets.close(() => resolve()))
    clearTimeout(patience)
  }
  return {
    close,
    openSubscriptions: () => [...connections].reduce((sum, { open }) => sum + open.size, 0),
  }
}

/** Counts what comes before a client is let in, as it comes: a message that is not whole yet is held as well. */
function boundStranger(socket: Duplex, extra: Extra): void {
  let bytes = 0
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    if (!extra.viewer && bytes <= STRANGER_MAX_BYTES) return
    socket.off('data', count)
    if (extra.viewer) return
    extra.client.pause()
    leave(extra.client, TOO_BIG, `At most ${STRANGER_MAX_BYTES} bytes before the connection is acknowledged`)
  }
  // Ahead of the one that puts messages together.
  socket.prependListener('data', count)
}

/** Says goodbye to a client, and cuts one that does not answer that. */
function leave(client: WebSocket, code?: number, reason?: string): void {
  client.close(code, reason)
  const patience = setTimeout(() => client.terminate(), GOODBYE_MS)
  client.once('close', () => clearTimeout(patience))
}

/** One connection. */
interface Extra {
  readonly request: IncomingMessage
  readonly client: WebSocket
  /** Who said hello; null before that. */
  viewer: Viewer | null
  /** Ids of its subscriptions. */
  readonly open: Set<string>
}

/** Yoga's own pipeline, so that limits, masking and context are the same as over HTTP. */
function protocolOptions(options: WebSocketOptions): ServerOptions<Record<string, unknown>, Extra> {
  const { graphql, gate, helloMs = HELLO_MS } = options
  return {
    connectionInitWaitTimeout: helloMs,
    onConnect: ({ extra, connectionParams }) => greet(extra, connectionParams, gate),
    execute: (args) => (args.rootValue as Pipeline).execute(args),
    subscribe: (args) => (args.rootValue as Pipeline).subscribe(args),
    onSubscribe: async ({ extra, connectionParams }, _id, params) => {
      const { viewer } = extra
      if (!viewer) return [new GraphQLError('Say hello first.', { extensions: { code: 'UNAUTHENTICATED' } })]
      const query = await admitOperation({ ...options, extra, viewer, params })
      if (query instanceof GraphQLError) return [query]
      const { execute, subscribe, parse, validate, contextFactory } = graphql.getEnveloped({
        req: extra.request,
        params,
        connectionParams,
        viewer,
      })
      const document = parseOr(parse, query)
      const errors = document instanceof GraphQLError ? [document] : validate(schema, document)
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
    onOperation: ({ extra }, id, _params, _args, result) => {
      if (Symbol.asyncIterator in result) extra.open.add(id)
    },
    onComplete: ({ extra }, id) => void extra.open.delete(id),
    // What HTTP is to be told has no place here.
    onNext: (_context, _id, _params, _args, { errors, ...result }) =>
      errors && { ...result, errors: errors.map(withoutHttp) },
    onError: (_context, _id, _params, errors) => errors.map(withoutHttp),
  }
}

/** Lets a client in by its first message, else by the headers of the request that it came with; 4403 refuses it. */
async function greet(
  extra: Extra,
  params: Record<string, unknown> | undefined,
  gate: Gate,
): Promise<boolean> {
  const { request, client } = extra
  try {
    const credential = credentialOfParams(params) ?? credentialOfHeaders(request.headers)
    const viewer = await gate.admit(credential, senderAt(request.socket.remoteAddress))
    extra.viewer = viewer
    const unwatch = gate.watch(viewer, () =>
      leave(client, CloseCode.Forbidden, 'UNAUTHENTICATED: the credential has expired or was revoked'),
    )
    if (client.readyState === client.OPEN) client.once('close', unwatch)
    else unwatch()
    return true
  } catch (fault) {
    if (!(fault instanceof RefusedRequestError)) throw fault
    leave(client, CloseCode.Forbidden, `${fault.code}: ${fault.message}`)
    return false
  }
}

/** The text of an operation that may run now, or why it may not. */
async function admitOperation(
  operation: WebSocketOptions & { extra: Extra; viewer: Viewer; params: SubscribePayload },
): Promise<string | GraphQLError> {
  const { gate, documents, extra, viewer, params } = operation
  try {
    await gate.count(viewer, senderAt(extra.request.socket.remoteAddress))
  } catch (fault) {
    if (!(fault instanceof RefusedRequestError)) throw fault
    return new GraphQLError(fault.message, { extensions: { code: fault.code } })
  }
  return documents ? findDocument(documents, params) : params.query
}

function withoutHttp(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON()
  if (!extensions) return rest
  const { http: _http, ...shown } = extensions
  return { ...rest, extensions: shown }
}

type Pipeline = Pick<ReturnType<Graphql['getEnveloped']>, 'execute' | 'subscribe'>

/** A syntax error is the answer to one operation; thrown, it would close the connection with all others on it. */
function parseOr(parse: (query: string) => DocumentNode, query: string): DocumentNode | GraphQLError {
  try {
    return parse(query)
  } catch (fault) {
    if (fault instanceof GraphQLError) return parseError(fault)
    throw fault
  }
}

/** With the code that it has over HTTP. */
function parseError(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message, {
    source: error.source ?? null,
    positions: error.positions ?? null,
    extensions: { code: 'GRAPHQL_PARSE_FAILED', ...error.extensions },
  })
}

function connect(
  server: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>,
  extra: Extra,
  { logger }: WebSocketOptions,
): void {
  const { client } = extra
  const isOpen = () => client.readyState === client.OPEN
  const closed = server.opened(
    {
      protocol: client.protocol,
      // Resolves when the message has left: a subscription is not read on before (no unbounded buffer).
      send: (message) =>
        new Promise((resolve, reject) => {
          if (isOpen()) client.send(message, (fault) => (fault ? reject(fault) : resolve()))
          else resolve()
        }),
      close: (code, reason) => leave(client, code, reason),
      onMessage: (handle) =>
        void client.on('message', (message: Buffer) => {
          handle(message.toString()).catch((fault: unknown) => {
            if (!isOpen()) return // nobody is left to be answered
            logger.error({ err: fault }, 'a WebSocket message could not be handled')
            client.close(CloseCode.InternalServerError, 'Internal server error')
          })
        }),
    },
    extra,
  )
  const endPings = ping(client)
  // Broken or oversized frames: ws closes the connection with the code that says so.
  client.on('error', () => undefined)
  client.once('close', (code, reason) => {
    endPings()
    void closed(code, String(reason))
  })
}

function ping(client: WebSocket): () => void {
  let isAlive = true
  client.on('pong', () => (isAlive = true))
  const timer = setInterval(() => {
    if (!isAlive) return client.terminate()
    isAlive = false
    client.ping()
  }, PING_MS)
  return () => clearInterval(timer)
}

function refuseUpgrade(socket: Duplex, status: string): void {
  // The client may be gone already, and an error that nobody hears would end the process.
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
