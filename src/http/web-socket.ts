import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { GraphQLError, type DocumentNode } from 'graphql'
import { CloseCode, handleProtocols, makeServer, type ServerOptions } from 'graphql-ws'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Logger } from '../lib/logger.ts'
import { schema } from '../schema/index.ts'
import { GRAPHQL_PATH, type Graphql } from './graphql.ts'
import { requestUrl } from './node-request.ts'
import { distrustOf } from './trusted-origin.ts'

const CONNECTION_INIT_MS = 10_000
/** How often a connection is asked whether it is still there; one that does not answer until the next time is cut. */
const PING_MS = 12_000
/** How long clients may take to say goodbye when the server stops. */
const GOODBYE_MS = 1_000

export interface WebSocketOptions {
  readonly graphql: Graphql
  readonly maxMessageBytes: number
  readonly logger: Pick<Logger, 'error'>
}

/** Serves the same operations over graphql-transport-ws on the same port. Returns what closes it. */
export function serveWebSockets(http: Server, options: WebSocketOptions): () => Promise<void> {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    handleProtocols,
  })
  const server = makeServer<Record<string, unknown>, Extra>(protocolOptions(options.graphql))
  http.on('upgrade', (req, socket, head) => {
    if (requestUrl(req)?.pathname !== GRAPHQL_PATH) refuseUpgrade(socket, '404 Not Found')
    else if (distrustOf(req)) refuseUpgrade(socket, '403 Forbidden')
    else sockets.handleUpgrade(req, socket, head, (client) => connect(server, { client, req, ...options }))
  })
  return async () => {
    for (const client of sockets.clients) client.close(1001, 'Going away')
    const patience = setTimeout(() => {
      for (const client of sockets.clients) client.terminate()
    }, GOODBYE_MS)
    await new Promise<void>((resolve) => sockets.close(() => resolve()))
    clearTimeout(patience)
  }
}

interface Extra {
  readonly request: IncomingMessage
}

/** Yoga's own pipeline, so that limits, masking and context are the same as over HTTP. */
function protocolOptions(graphql: Graphql): ServerOptions<Record<string, unknown>, Extra> {
  return {
    connectionInitWaitTimeout: CONNECTION_INIT_MS,
    execute: (args) => (args.rootValue as Pipeline).execute(args),
    subscribe: (args) => (args.rootValue as Pipeline).subscribe(args),
    onSubscribe: async ({ extra, connectionParams }, _id, params) => {
      const { execute, subscribe, parse, validate, contextFactory } = graphql.getEnveloped({
        req: extra.request,
        params,
        connectionParams,
      })
      const document = parseOr(parse, params.query)
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
  }
}

type Pipeline = Pick<ReturnType<Graphql['getEnveloped']>, 'execute' | 'subscribe'>

/** A syntax error is the answer to one operation; thrown, it would close the connection with all others on it. */
function parseOr(parse: (query: string) => DocumentNode, query: string): DocumentNode | GraphQLError {
  try {
    return parse(query)
  } catch (fault) {
    if (fault instanceof GraphQLError) return fault
    throw fault
  }
}

function connect(
  server: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>,
  { client, req, logger }: { client: WebSocket; req: IncomingMessage } & WebSocketOptions,
): void {
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
      close: (code, reason) => client.close(code, reason),
      onMessage: (handle) =>
        void client.on('message', (message: Buffer) => {
          handle(message.toString()).catch((fault: unknown) => {
            if (!isOpen()) return // nobody is left to be answered
            logger.error({ err: fault }, 'a WebSocket message could not be handled')
            client.close(CloseCode.InternalServerError, 'Internal server error')
          })
        }),
    },
    { request: req },
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
