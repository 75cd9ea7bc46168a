import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { ExecutionResult } from 'graphql'
import type { TypedDocumentString } from '../gql/graphql.ts'

/** A subscription over server-sent events. */
export interface EventStream<Data> {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Ends with the stream's own `complete`; throws when the connection ends before. */
  readonly results: AsyncGenerator<ExecutionResult<Data>>
  /** Destroys the connection without a word. */
  cut(): void
}

/** Subscribes by POST as fetch-based clients do, or by GET as `EventSource` does. */
export async function openEventStream<Data, Variables>(
  url: string,
  method: 'POST' | 'GET',
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventStream<Data>> {
  const query = document.toString()
  const target = new URL(url)
  if (method === 'GET') {
    target.searchParams.set('query', query)
    target.searchParams.set('variables', JSON.stringify(variables))
  }
  const sent = request(target, {
    method,
    headers: {
      ...headers,
      accept: 'text/event-stream',
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
    },
  })
  sent.end(method === 'POST' ? JSON.stringify({ query, variables }) : undefined)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    results: readResults(response),
    cut: () => sent.destroy(),
  }
}

async function* readResults<Data>(response: IncomingMessage): AsyncGenerator<ExecutionResult<Data>> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const { event, data } = readMessage(text.slice(0, end))
      text = text.slice(end + 2)
      if (event === 'complete') return
      if (event === 'next') yield JSON.parse(data) as ExecutionResult<Data>
    }
  }
  throw new Error('the stream ended without `complete`')
}

function readMessage(message: string): { readonly event: string; readonly data: string } {
  const fields = new Map(
    message.split('\n').map((line) => [line.split(':', 1)[0], line.replace(/^\w*: ?/, '')]),
  )
  return { event: fields.get('event') ?? '', data: fields.get('data') ?? '' }
}
