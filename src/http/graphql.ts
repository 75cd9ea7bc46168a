import { createYoga } from 'graphql-yoga'
import { LOCAL_USER } from '../jobs/execution-service.ts'
import { ownerId } from '../lib/ids.ts'
import { createContext, schema, type Context, type Services } from '../schema/index.ts'
import { graphiqlOptions, graphiqlPage } from './graphiql-page.ts'
import { graphiqlTabs } from './graphiql-tabs.ts'
import { createMaskError } from './mask-error.ts'
import { DEFAULT_LIMITS, useOperationLimits } from './operation-limits.ts'

export const GRAPHQL_PATH = '/graphql'

/** A parsed document takes about a hundred times its text. */
const CACHED_DOCUMENT_CHARACTERS = 5_000
const CACHED_DOCUMENTS = 200

export interface GraphqlOptions {
  /** Whether anybody may read the schema, and GraphiQL is served. */
  readonly isExplorable: boolean
}

export type Graphql = ReturnType<typeof createGraphql>

/** The API as a fetch handler: queries and mutations by POST and GET, subscriptions by SSE; and GraphiQL. */
export function createGraphql(services: Services, { isExplorable }: GraphqlOptions) {
  return createYoga<object, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    // Node's own: a stream of Yoga's cannot be cancelled while it waits.
    fetchAPI: { Response, ReadableStream },
    landingPage: false,
    batching: false,
    cors: false,
    multipart: false,
    logging: false,
    maskedErrors: { maskError: createMaskError(services.logger) },
    parserAndValidationCache: {
      documentCache: cacheOfSmallDocuments(),
      errorCache: cacheOfSmallDocuments(),
    },
    plugins: [useOperationLimits({ ...DEFAULT_LIMITS, allowIntrospection: isExplorable })],
    renderGraphiQL: graphiqlPage,
    graphiql:
      isExplorable && (async (request) => graphiqlOptions(await graphiqlTabs(new URL(request.url).origin))),
    context: () => createContext(services, ownerId(LOCAL_USER)),
  })
}

/** What front ends send again and again is small; what is large is not worth the memory. The oldest makes room. */
function cacheOfSmallDocuments<T>() {
  const cache = new Map<string, T>()
  return {
    get: (text: string) => cache.get(text),
    set: (text: string, value: T) => {
      if (text.length > CACHED_DOCUMENT_CHARACTERS) return
      if (cache.size >= CACHED_DOCUMENTS) cache.delete(cache.keys().next().value ?? '')
      cache.set(text, value)
    },
  }
}
