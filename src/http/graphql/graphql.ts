import { createYoga } from 'graphql-yoga'
import type { Viewer } from '../../access/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import { RecentMap } from '../../lib/index.ts'
import { createContext, schema, type Context, type Services } from '../../schema/index.ts'
import type { Body, BudgetLimits, OperationTurns, ParseTurns } from '../intake/index.ts'
import { DEFAULT_LIMITS, RunningCost, SubscriptionLimit, useOperationLimits } from '../limits/index.ts'
import { createMaskError, type MaskError } from './mask-error.ts'
import { createOperations, useOperations, type Operations } from './operations.ts'
import { usePersistedDocuments, type PersistedDocuments } from './persisted-documents.ts'
import { createPrepare, type Prepare } from './prepare.ts'
import { useRequestParser } from './request-parser.ts'

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

/** The API over every transport. */
export interface Graphql extends Operations {
  /** Answers queries and mutations by POST and GET, and subscriptions by SSE. */
  fetch(request: Request, caller: Caller): Awaitable<Response>
  /** The class of the requests that `fetch` takes. */
  readonly Request: typeof Request
  /** Reads and validates a document. */
  readonly prepare: Prepare
  /** The context of an operation that does not come over HTTP. */
  contextOf(viewer: Viewer): Context
  /** What a client is shown of an error. */
  readonly maskError: MaskError
}

export function createGraphql(services: Services, options: GraphqlOptions): Graphql {
  const { isExplorable, documents, maxSubscriptions, turns, operationTurns } = options
  const maskError = createMaskError(services)
  const operations = createOperations({
    subscriptions: new SubscriptionLimit(maxSubscriptions, options.openRequests),
    runningCost: new RunningCost(services.clock),
    maskError,
  })
  const yoga = createYoga<Caller, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    // Node's own: a stream of Yoga's cannot be cancelled while it waits.
    fetchAPI: { Response, ReadableStream },
    landingPage: false,
    batching: false,
    cors: false,
    multipart: false,
    logging: false,
    maskedErrors: { maskError: (error) => maskError(error) },
    parserAndValidationCache: {
      documentCache: cacheOfSmallDocuments(),
      errorCache: cacheOfSmallDocuments(),
    },
    extraParamNames: documents ? ['documentId'] : [],
    plugins: [
      useRequestParser(turns, operationTurns),
      ...(documents ? [usePersistedDocuments(documents)] : []),
      useOperationLimits({ ...DEFAULT_LIMITS, allowIntrospection: isExplorable }),
      useOperations(operations),
    ],
    // The router serves the page.
    graphiql: false,
    context: ({ viewer }) => {
      if (!viewer) throw new Error('an operation came without a viewer')
      // Yoga copies what the context itself has.
      return { ...services, ...createContext(services, viewer) }
    },
  })
  return {
    ...operations,
    fetch: (request, caller) => yoga.fetch(request, caller),
    Request: yoga.fetchAPI.Request,
    prepare: createPrepare(yoga, cacheOfSmallDocuments()),
    contextOf: (viewer) => createContext(services, viewer),
    maskError,
  }
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
