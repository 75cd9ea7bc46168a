import { createClient, type ExecutionResult } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { TypedDocumentString } from '../gql/graphql.ts'

/** A graphql-ws client that does not retry by itself and whose connection can be cut. */
export interface WebSocketClient {
  subscribe<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
  ): AsyncGenerator<ExecutionResult<Data>>
  /** Destroys the connection without a word, as a dead network does. */
  cut(): void
  close(): Promise<void>
}

/** `lazy: false` connects at once and keeps the connection while no operation is open. */
export function openWebSocket(
  url: string,
  connectionParams: Readonly<Record<string, unknown>> = {},
  { lazy = true }: { readonly lazy?: boolean } = {},
): WebSocketClient {
  let socket: WebSocket | undefined
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams,
    retryAttempts: 0,
    lazy,
    lazyCloseTimeout: 0,
    on: { opened: (opened) => (socket = opened as WebSocket) },
  })
  return {
    subscribe: <Data, Variables extends Record<string, unknown>>(
      document: TypedDocumentString<Data, Variables>,
      variables: Variables,
    ) => client.iterate({ query: document.toString(), variables }) as AsyncGenerator<ExecutionResult<Data>>,
    cut: () => socket?.terminate(),
    close: async () => client.dispose(),
  }
}
