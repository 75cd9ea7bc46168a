import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { getOperationAST, GraphQLError, type ExecutionArgs } from 'graphql'
import {
  CloseCode,
  handleProtocols,
  makeServer,
  MessageType,
  type ServerOptions,
  type SubscribePayload,
} from 'graphql-ws'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Viewer } from '../access/index.ts'
import type { Awaitable } from '../lib/turns/index.ts'
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
import { SocketOperations } from './socket-operations.ts'

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
 * The close code of a connection whose credential cannot be checked now (RFC 6455, "Try Again Later"). Clients of graphql-ws reconnect
 * after it.
 */
export const TRY_AGAIN_LATER = 1013
const UNAVAILABLE_STATUS = 503
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

/** Serves the same operations, under the same rules, over graphql-transport-ws on the same port. */
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
          sender: senderAt(req.socket.remoteAddress),
          client,
          viewer: null,
          open: new Set(),
          countPing: () => {},
          intake: null,
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
  /** Whose messages these are before it is known who sends them, and those of the local user. */
  readonly sender: string
  readonly client: WebSocket
  /** Who said hello; null before that. */
  viewer: Viewer | null
  /** Ids of its subscriptions. */
  readonly open: Set<string>
  /** Counts a ping or a pong, and closes the connection when there are too many. */
  countPing: () => void
  /** Takes its messages. */
  intake: MessageIntake | null
}

/** What graphql-ws does: it greets clients, and answers pings. */
function protocolOptions(options: WebSocketOptions): ServerOptions<Record<string, unknown>, Extra> {
  return {
    connectionInitWaitTimeout: options.helloMs ?? HELLO_MS,
    onConnect: async (connection) => {
      const { extra, connectionParams } = connection
      // graphql-ws keeps them as long as the connection is open; only the hello needs them.
      Object.assign(connection, { connectionParams: undefined })
      return greet(extra, connectionParams, options)
    },
    onPing: ({ extra }) => extra.countPing(),
    onPong: ({ extra }) => extra.countPing(),
  }
}

/**
 * Lets a client in by its first message, else by the headers of the request that it came with. 4403 refuses it; 1013 where its credential
 * cannot be checked now.
 */
async function greet(
  extra: Extra,
  params: Record<string, unknown> | undefined,
  { gate, connections }: Pick<WebSocketOptions, 'gate' | 'connections'>,
): Promise<boolean> {
  const { request, client } = extra
  try {
    const credential = credentialOfParams(params) ?? credentialOfHeaders(request.headers)
    const viewer = await gate.admit(credential, extra.sender)
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
    const code = fault.status === UNAVAILABLE_STATUS ? TRY_AGAIN_LATER : CloseCode.Forbidden
    leave(client, { code, reason: `${fault.code}: ${fault.message}` })
    return false
  }
}

/** An operation whose message was taken. */
interface AskedOperation {
  readonly extra: Extra
  readonly viewer: Viewer
  readonly params: SubscribePayload
}

/** Counts an operation. Returns the error if there are too many. */
function countOperation({ extra, viewer }: AskedOperation, gate: Gate): Awaitable<GraphQLError | null> {
  const refused = (fault: unknown) => {
    if (!(fault instanceof RefusedRequestError)) throw fault
    return new GraphQLError(fault.message, { extensions: { code: fault.code } })
  }
  try {
    const counting = gate.count(viewer, extra.sender)
    return counting instanceof Promise ? counting.then(() => null, refused) : null
  } catch (fault) {
    return refused(fault)
  }
}

/** Counts an operation and waits for its turn. Returns what is carried out, or why the operation is refused. */
function beginOperation(
  operation: AskedOperation,
  { gate, graphql, documents, operationTurns }: WebSocketOptions,
): Awaitable<ExecutionArgs | readonly GraphQLError[]> {
  const begin = () => argsOf(operation, graphql, documents)
  const beginInTurn = () => {
    const turn = operationTurns.take(operation.viewer.ownerId)
    return turn ? turn.then(begin) : begin()
  }
  const counting = countOperation(operation, gate)
  if (counting instanceof Promise) return counting.then((refusal) => (refusal ? [refusal] : beginInTurn()))
  return counting ? [counting] : beginInTurn()
}

function argsOf(
  { extra, viewer, params }: AskedOperation,
  graphql: Graphql,
  documents: PersistedDocuments | null,
): ExecutionArgs | readonly GraphQLError[] {
  const query = documents ? findDocument(documents, params) : params.query
  if (query instanceof GraphQLError) return [query]
  const document = graphql.prepare(query)
  if (!('kind' in document)) return document
  const { operationName = null, variables = null } = params
  if (!getOperationAST(document, operationName)) return [new GraphQLError('Unable to identify operation')]
  const contextValue = Object.assign(graphql.contextOf(viewer), {
    params,
    body: extra.intake?.sizeOf(params) ?? null,
  })
  return { schema, document, operationName, variableValues: variables, contextValue }
}

function connect(
  server: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>,
  connection: { readonly socket: Duplex; readonly extra: Extra },
  options: WebSocketOptions,
): void {
  const { graphql, budget, turns, unsent, clock, logger } = options
  const { socket, extra } = connection
  const { client } = extra
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
   * Sends a message. Returns nothing while little waits on the connection, else a promise that resolves when the message has
   * left. A subscription is not read before, so that no more than that waits for a slow client, and one result of each operation.
   */
  const send = (message: string): Awaitable<void> => {
    const data = Buffer.from(message)
    const bytes = data.length
    if (!isOpen() || !outbox.add(bytes)) return
    cork()
    waitingBytes += bytes
    const hasLeft = () => {
      waitingBytes -= bytes
      outbox.sent(bytes)
    }
    // A message that cannot be sent ends the connection, which ends the operations.
    if (waitingBytes <= UNAWAITED_MAX_BYTES) return client.send(data, { binary: false }, hasLeft)
    return new Promise<void>((resolve) => {
      client.send(data, { binary: false }, () => {
        hasLeft()
        resolve()
      })
    })
  }
  const operations = new SocketOperations({
    graphql,
    begin: (params) => {
      const { viewer } = extra
      if (!viewer) throw new Error('an operation came without a viewer')
      return beginOperation({ extra, viewer, params }, options)
    },
    send,
    close: (code, reason) => leave(client, { code, reason }),
    onBegun: (id) => {
      extra.open.add(id)
      extra.intake?.began(id)
    },
    onOver: (id) => {
      extra.open.delete(id)
      extra.intake?.over(id)
    },
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
  /** Has a message handled. A promise resolves when what the message asked for is over. */
  const handled = (
    message: { readonly type?: unknown; readonly id?: unknown } | null,
    handle: (message: never) => Promise<void>,
  ): Awaitable<void> => {
    const isKnown = extra.viewer !== null
    if (isKnown && message?.type === MessageType.Complete && message.id) return operations.complete(message)
    const isOperation = isKnown && message?.type === MessageType.Subscribe
    // graphql-ws takes a message that is parsed already as well.
    const handling = isOperation ? operations.subscribe(message) : handle(message as never)
    return handling?.then(undefined, (fault: unknown) => {
      if (!isOpen()) return // there is no client to answer
      logger.error({ err: fault }, 'a WebSocket message could not be handled')
      client.close(CloseCode.InternalServerError, 'Internal server error')
    })
  }
  const closed = server.opened(
    {
      protocol: client.protocol,
      send: async (message) => send(message),
      close: (code, reason) => leave(client, { code, reason }),
      onMessage: (handle) => {
        extra.intake = new MessageIntake({
          client,
          socket,
          budget,
          turns,
          sender: () => uploaderOf(extra.viewer) ?? extra.sender,
          leave: (code, reason) => leave(client, { code, reason }),
          count: () => {
            const isAllowed = messages.count()
            if (!isAllowed) flood()
            return isAllowed
          },
          handle: (message) => handled(message, handle),
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
    operations.close()
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
