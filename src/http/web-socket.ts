import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { GraphQLError, type DocumentNode, type GraphQLFormattedError } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type ServerOptions, type SubscribePayload } from 'graphql-ws'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Viewer } from '../access/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { schema } from '../schema/index.ts'
import { credentialOfHeaders, credentialOfParams, type Gate, type Origins } from './auth/index.ts'
import { findDocument, GRAPHQL_PATH, type Graphql, type PersistedDocuments } from './graphql/index.ts'
import {
  MessageIntake,
  MessageRate,
  RefusedRequestError,
  SOCKET_MESSAGES_PER_MINUTE,
  SOCKET_PINGS_PER_MINUTE,
  TOO_BIG,
  type BodyBudget,
  type OperationTurns,
  type ParseTurns,
  type Refusal,
  type UnsentBytes,
} from './intake/index.ts'
import { senderAt, TOO_MANY_CONNECTIONS, type Connections } from './limits/index.ts'
import { requestUrl } from './node-request.ts'
import { uploaderOf } from './router.ts'
import { WrittenResults } from './written-results.ts'

/** How long a client may take to say hello. */
export const HELLO_MS = 10_000
/** How often a connection is asked whether it is still there; one that does not answer until the next time is cut. */
const PING_MS = 12_000
/** How long clients may take to say goodbye; then they are cut. */
const GOODBYE_MS = 1_000
/** What a client may send before it is known who it is: its hello, and pings. */
export const STRANGER_MAX_BYTES = 64 * 1024
/** The close code of a connection whose client does not read what it is sent. */
export const SLOW_READER = 4413
/** The close code of a connection that sends too many messages or pings. */
export const FLOOD = 4420
/** The close code of a connection whose owner has the maximum open. Clients of graphql-ws do not reconnect after it. */
export const TOO_MANY_WEBSOCKETS = 4429
/**
 * Maximum bytes that wait to be sent on a connection while its operations continue. A result and the message that ends its
 * operation leave in one write. Beyond this many bytes an operation continues only when its result has left.
 */
export const UNAWAITED_MAX_BYTES = 16 * 1024
/** How long a slow client may take to read what waits for it, and the close code behind it, in milliseconds. */
const SLOW_GOODBYE_MS = 5_000
/** Maximum pieces that a message may come in, and maximum packets that it may arrive in. */
const MESSAGE_MAX_FRAGMENTS = 1_024
const MESSAGE_MAX_CHUNKS = 16_384

export interface WebSocketOptions {
  readonly graphql: Graphql
  readonly gate: Gate
  readonly origins: Origins
  readonly connections: Connections
  /** The only documents that run; null: any. */
  readonly documents: PersistedDocuments | null
  readonly maxMessageBytes: number
  /** How long a client may take to say hello; default 10 s. */
  readonly helloMs?: number
  /** Bounds what was received and is not answered yet. */
  readonly budget: BodyBudget
  /** The order in which large messages are parsed. */
  readonly turns: ParseTurns
  /** The turns of the event loop in which operations begin. */
  readonly operationTurns: OperationTurns
  /** Bounds what clients do not read. */
  readonly unsent: UnsentBytes
  readonly clock: Pick<Clock, 'now'>
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
    maxFragments: MESSAGE_MAX_FRAGMENTS,
    maxBufferedChunks: MESSAGE_MAX_CHUNKS,
    // Pongs are counted, and bounded by what the client reads.
    autoPong: false,
    handleProtocols,
  })
  const server = makeServer<Record<string, unknown>, Extra>(protocolOptions(options))
  http.on('upgrade', (req, socket, head) => {
    req.socket.setTimeout(0)
    if (options.connections.isRefused(req.socket))
      refuseUpgrade(socket, '429 Too Many Requests', TOO_MANY_CONNECTIONS)
    else if (requestUrl(req)?.pathname !== GRAPHQL_PATH) refuseUpgrade(socket, '404 Not Found')
    else if (options.origins.distrust(req)) refuseUpgrade(socket, '403 Forbidden')
    else {
      sockets.handleUpgrade(req, socket, head, (client) => {
        const extra: Extra = {
          request: req,
          client,
          viewer: null,
          open: new Set(),
          countPing: () => {},
          intake: null,
          written: new WrittenResults(),
        }
        connections.add(extra)
        client.once('close', () => connections.delete(extra))
        boundStranger(socket, extra)
        connect(server, { socket, extra }, options)
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
    leave(extra.client, {
      code: TOO_BIG,
      reason: `At most ${STRANGER_MAX_BYTES} bytes before the connection is acknowledged`,
    })
  }
  // Ahead of the one that puts messages together.
  socket.prependListener('data', count)
}

/** Closes a connection, and ends it when the client does not answer that. */
function leave(
  client: WebSocket,
  close: {
    readonly code?: number | undefined
    readonly reason?: string | undefined
    readonly goodbyeMs?: number
  },
): void {
  const { code, reason, goodbyeMs = GOODBYE_MS } = close
  client.close(code, reason)
  const patience = setTimeout(() => client.terminate(), goodbyeMs)
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
  /** Counts a ping or a pong, and closes the connection when there are too many. */
  countPing: () => void
  /** Takes its messages. */
  intake: MessageIntake | null
  /** Its results that are being sent. */
  readonly written: WrittenResults
}

/** Yoga's own pipeline, so that limits, masking and context are the same as over HTTP. */
function protocolOptions(options: WebSocketOptions): ServerOptions<Record<string, unknown>, Extra> {
  const { graphql, operationTurns, helloMs = HELLO_MS } = options
  return {
    connectionInitWaitTimeout: helloMs,
    onConnect: async (connection) => {
      const { extra, connectionParams } = connection
      // graphql-ws keeps them as long as the connection is open; only the hello needs them.
      Object.assign(connection, { connectionParams: undefined })
      return greet(extra, connectionParams, options)
    },
    execute: (args) => (args.rootValue as Pipeline).execute(args),
    subscribe: (args) => (args.rootValue as Pipeline).subscribe(args),
    onSubscribe: async ({ extra }, _id, params) => {
      const { viewer } = extra
      if (!viewer) return [new GraphQLError('Say hello first.', { extensions: { code: 'UNAUTHENTICATED' } })]
      const query = await admitOperation({ ...options, extra, viewer, params })
      if (query instanceof GraphQLError) return [query]
      const turn = operationTurns.take(viewer.ownerId)
      if (turn) await turn
      const { execute, subscribe, parse, validate, contextFactory } = graphql.getEnveloped({
        req: extra.request,
        params,
        viewer,
        body: extra.intake?.sizeOf(params) ?? null,
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
      if (!(Symbol.asyncIterator in result)) return
      extra.open.add(id)
      extra.intake?.began(id)
    },
    onPing: ({ extra }) => extra.countPing(),
    onPong: ({ extra }) => extra.countPing(),
    onComplete: ({ extra }, id) => {
      extra.open.delete(id)
      extra.intake?.over(id)
    },
    // What is for HTTP alone is left out.
    onNext: ({ extra }, _id, _params, _args, { errors, data, extensions }) =>
      extra.written.add({
        ...(data === undefined ? {} : { data }),
        ...(errors ? { errors: errors.map(withoutHttp) } : {}),
        ...(extensions ? { extensions } : {}),
      }),
    onError: (_context, _id, _params, errors) => errors.map(withoutHttp),
  }
}

/** Lets a client in by its first message, else by the headers of the request that it came with; 4403 refuses it. */
async function greet(
  extra: Extra,
  params: Record<string, unknown> | undefined,
  { gate, connections }: Pick<WebSocketOptions, 'gate' | 'connections'>,
): Promise<boolean> {
  const { request, client } = extra
  try {
    const credential = credentialOfParams(params) ?? credentialOfHeaders(request.headers)
    const viewer = await gate.admit(credential, senderAt(request.socket.remoteAddress))
    if (client.readyState !== client.OPEN) return false
    const giveBack = connections.takeWebSocket(viewer.ownerId)
    if (!giveBack) {
      leave(client, {
        code: TOO_MANY_WEBSOCKETS,
        reason: 'TOO_MANY_WEBSOCKETS: send your subscriptions over fewer WebSockets',
      })
      return false
    }
    const disown = connections.own(request.socket)
    client.once('close', () => {
      giveBack()
      disown()
    })
    extra.viewer = viewer
    const unwatch = gate.watch(viewer, () =>
      leave(client, {
        code: CloseCode.Forbidden,
        reason: 'UNAUTHENTICATED: the credential has expired or was revoked',
      }),
    )
    client.once('close', unwatch)
    return true
  } catch (fault) {
    if (!(fault instanceof RefusedRequestError)) throw fault
    leave(client, { code: CloseCode.Forbidden, reason: `${fault.code}: ${fault.message}` })
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
  connection: { readonly socket: Duplex; readonly extra: Extra },
  { budget, turns, unsent, clock, logger }: WebSocketOptions,
): void {
  const { socket, extra } = connection
  const { client, request } = extra
  const isOpen = () => client.readyState === client.OPEN
  const outbox = unsent.open((reason) => {
    if (reason === 'memory') return client.terminate()
    client.pause()
    leave(client, {
      code: SLOW_READER,
      reason: 'SLOW_READER: too much waits to be read',
      goodbyeMs: SLOW_GOODBYE_MS,
    })
  })
  let isCorked = false
  /** What is sent in one turn of the event loop leaves in one write. */
  const cork = () => {
    if (isCorked) return
    isCorked = true
    socket.cork()
    setImmediate(() => {
      isCorked = false
      socket.uncork()
    })
  }
  let waitingBytes = 0
  /**
   * Resolves when the message has left, or at once while little waits on the connection. A subscription is not read before, so
   * that no more than that waits for a slow client, and one result of each operation.
   */
  const send = (serialised: string) =>
    new Promise<void>((resolve, reject) => {
      const message = extra.written.fill(serialised)
      const bytes = Buffer.byteLength(message)
      if (!isOpen() || !outbox.add(bytes)) return resolve()
      cork()
      waitingBytes += bytes
      client.send(message, (fault) => {
        waitingBytes -= bytes
        outbox.sent(bytes)
        if (fault) reject(fault)
        else resolve()
      })
      if (waitingBytes <= UNAWAITED_MAX_BYTES) resolve()
    })
  const flood = () => {
    client.pause()
    leave(client, { code: FLOOD, reason: 'TOO_MANY_MESSAGES: send fewer messages a minute' })
  }
  const messages = new MessageRate(SOCKET_MESSAGES_PER_MINUTE, clock)
  const pings = new MessageRate(SOCKET_PINGS_PER_MINUTE, clock)
  extra.countPing = () => {
    if (!pings.count()) flood()
  }
  const closed = server.opened(
    {
      protocol: client.protocol,
      send,
      close: (code, reason) => leave(client, { code, reason }),
      onMessage: (handle) => {
        extra.intake = new MessageIntake({
          client,
          socket,
          budget,
          turns,
          sender: () => uploaderOf(extra.viewer) ?? senderAt(request.socket.remoteAddress),
          leave: (code, reason) => leave(client, { code, reason }),
          count: () => {
            const isAllowed = messages.count()
            if (!isAllowed) flood()
            return isAllowed
          },
          // graphql-ws takes a message that is parsed already as well.
          handle: (message) =>
            handle(message as never).catch((fault: unknown) => {
              if (!isOpen()) return // there is no client to answer
              logger.error({ err: fault }, 'a WebSocket message could not be handled')
              client.close(CloseCode.InternalServerError, 'Internal server error')
            }),
        })
      },
    },
    extra,
  )
  client.on('ping', (payload: Buffer) => {
    extra.countPing()
    if (!isOpen() || !outbox.add(payload.length)) return
    client.pong(payload, false, () => outbox.sent(payload.length))
  })
  client.on('pong', () => extra.countPing())
  const endPings = ping(client)
  // Broken or oversized frames: ws closes the connection with the code that says so.
  client.on('error', () => undefined)
  client.once('close', (code, reason) => {
    endPings()
    outbox.close()
    void closed(code, String(reason))
  })
}

function ping(client: WebSocket): () => void {
  let isAlive = true
  client.on('pong', () => (isAlive = true))
  const timer = setInterval(() => {
    // While nothing is read from the client its answers are not either.
    if (client.isPaused) return
    if (!isAlive) return client.terminate()
    isAlive = false
    client.ping()
  }, PING_MS)
  return () => clearInterval(timer)
}

function refuseUpgrade(socket: Duplex, status: string, refusal: Refusal | null = null): void {
  // The client may be gone already, and an error without a listener would end the process.
  socket.on('error', () => socket.destroy())
  // Its client may keep its half open, and no timeout of the HTTP server applies any more.
  const patience = setTimeout(() => socket.destroy(), GOODBYE_MS)
  socket.once('close', () => clearTimeout(patience))
  const { code = '', message = '', headers = {} } = refusal ?? {}
  const body = refusal ? JSON.stringify({ errors: [{ message, extensions: { code } }] }) : ''
  const head = {
    ...headers,
    connection: 'close',
    'content-length': String(Buffer.byteLength(body)),
    ...(refusal ? { 'content-type': 'application/json' } : {}),
  }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}
