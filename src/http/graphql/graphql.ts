import { createYoga } from 'graphql-yoga'
import type { Viewer } from '../../access/index.ts'
import { RecentMap } from '../../lib/index.ts'
import { createContext, schema, type Context, type Services } from '../../schema/index.ts'
import type { Body, BudgetLimits, OperationTurns, ParseTurns } from '../intake/index.ts'
import {
  DEFAULT_LIMITS,
  MAX_COST,
  useAnswerLimits,
  useInputLimits,
  useOperationCost,
  useOperationLimits,
  useRunningCost,
  useSubscriptionLimit,
} from '../limits/index.ts'
import { createMaskError } from './mask-error.ts'
import { usePersistedDocuments, type PersistedDocuments } from './persisted-documents.ts'
import { useRequestParser } from './request-parser.ts'
import { useSharedResults } from './shared-results.ts'

export const GRAPHQL_PATH = '/graphql'

/** A parsed document takes about a hundred times its text. */
const CACHED_DOCUMENT_CHARACTERS = 5_000
const CACHED_DOCUMENTS = 200

export interface GraphqlOptions {
  /** Whether clients may read the schema. */
  readonly isExplorable: boolean
  /** The only documents that run; null: any. */
  readonly documents: PersistedDocuments | null
  /** How many one owner may have open here. */
  readonly maxSubscriptions: number
  /** The budget of the requests of open subscriptions; default: by the heap limit of the process. */
  readonly openRequests?: BudgetLimits | undefined
  /** The order in which large bodies are parsed. */
  readonly turns: ParseTurns
  /** The turns of the event loop in which operations begin. */
  readonly operationTurns: OperationTurns
}

/** What comes with a request from the outside of Yoga. */
export interface Caller {
  readonly viewer: Viewer | null
  /** The body of a POST, which is parsed when it is its turn. */
  readonly body: Body | null
}

export type Graphql = ReturnType<typeof createGraphql>

/** The API as a fetch handler: queries and mutations by POST and GET, subscriptions by SSE; and GraphiQL. */
export function createGraphql(services: Services, options: GraphqlOptions) {
  const { isExplorable, documents, maxSubscriptions, turns, operationTurns } = options
  return createYoga<Caller, Context>({
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
    extraParamNames: documents ? ['documentId'] : [],
    plugins: [
      useSharedResults(),
      useRequestParser(turns, operationTurns),
      ...(documents ? [usePersistedDocuments(documents)] : []),
      useOperationLimits({ ...DEFAULT_LIMITS, allowIntrospection: isExplorable }),
      useInputLimits(),
      useOperationCost(MAX_COST),
      useSubscriptionLimit(maxSubscriptions, options.openRequests),
      useAnswerLimits(),
      useRunningCost(services.clock),
    ],
    // The router serves the page.
    graphiql: false,
    context: ({ viewer }) => {
      if (!viewer) throw new Error('an operation came without a viewer')
      return createContext(services, viewer)
    },
  })
}

/** Front ends repeat small documents; a large one is not worth the memory. */
function cacheOfSmallDocuments<T>() {
  const cache = new RecentMap<string, T>(CACHED_DOCUMENTS)
  return {
    get: (text: string) => cache.get(text),
    set: (text: string, value: T) => {
      if (text.length <= CACHED_DOCUMENT_CHARACTERS) cache.set(text, value)
    },
  }
}
