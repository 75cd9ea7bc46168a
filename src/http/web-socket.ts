import type { Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { GraphQLError, type DocumentNode } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { schema } from '../schema/index.ts'
import { GRAPHQL_PATH, type Graphql } from './graphql.ts'
import { requestUrl } from './node-request.ts'
import { distrustOf } from './trusted-origin.ts'

const CONNECTION_INIT_MS = 10_000
/** How long clients may take to say goodbye when the server stops. */
const GOODBYE_MS = 1_000

/** Serves the same operations over graphql-transport-ws on the same port. Returns what closes it. */
export function serveWebSockets(
  http: Server,
  { graphql, maxMessageBytes }: { graphql: Graphql; maxMessageBytes: number },
): () => Promise<void> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes })
  http.on('upgrade', (req, socket, head) => {
    if (requestUrl(req)?.pathname !== GRAPHQL_PATH) refuseUpgrade(socket, '404 Not Found')
    else if (distrustOf(req)) refuseUpgrade(socket, '403 Forbidden')
    else sockets.handleUpgrade(req, socket, head, (client) => sockets.emit('connection', client, req))
  })
  const server = useServer(
    {
      connectionInitWaitTimeout: CONNECTION_INIT_MS,
      // Yoga's own pipeline, so that limits, masking and context are the same as over HTTP.
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
    },
    sockets,
  )
  return async () => {
    const patience = setTimeout(() => {
      for (const client of sockets.clients) client.terminate()
    }, GOODBYE_MS)
    await server.dispose()
    clearTimeout(patience)
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

function refuseUpgrade(socket: Duplex, status: string): void {
  // The client may be gone already, and an error that nobody hears would end the process.
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
