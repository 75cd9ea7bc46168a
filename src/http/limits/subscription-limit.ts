import { getHeapStatistics } from 'node:v8'
import { GraphQLError, type DocumentNode, type ExecutionArgs } from 'graphql'
import { OwnerPermits } from '../../lib/turns/index.ts'
import type { Context } from '../../schema/index.ts'
import {
  BodyBudget,
  JsonStructure,
  RefusedRequestError,
  VALUE_WEIGHT_BYTES,
  type BudgetLimits,
  type RequestSize,
} from '../intake/index.ts'

/** Subscriptions that one owner may have open in one process, unless a setting says otherwise. */
export const DEFAULT_MAX_SUBSCRIPTIONS = 1_000
/**
 * Maximum bytes of the request of a subscription: of its body, its WebSocket message or its URL, with the document, the
 * variables and the extensions. They are retained as long as the subscription is open.
 */
export const SUBSCRIPTION_MAX_BYTES = 64 * 1024
/**
 * How much of the heap limit the requests of open subscriptions may take. A usual request counts about a kilobyte, so that a
 * heap of 512 MB has room for 70,000 of them.
 */
export const SUBSCRIPTIONS_HEAP_SHARE = 1 / 8
/** How much of that one owner may take: with a heap of 512 MB 18 MB, which is 18,000 usual requests. */
export const SUBSCRIPTIONS_OWNER_SHARE = 1 / 4
/** What a character of a document takes on the heap once it is parsed, in bytes. */
const DOCUMENT_CHARACTER_BYTES = 100

function budgetOfHeap(): BudgetLimits {
  const maxBytes = Math.floor(getHeapStatistics().heap_size_limit * SUBSCRIPTIONS_HEAP_SHARE)
  return { maxBytes, maxBytesOfSender: Math.floor(maxBytes * SUBSCRIPTIONS_OWNER_SHARE) }
}

/** What the context holds of the request, beside what resolvers get. */
interface Requested {
  /** Over HTTP. */
  readonly request?: Request
  /** The size of a body or of a WebSocket message; null: the request has none. */
  readonly body?: RequestSize | null
  readonly params?: { readonly query?: string | null }
}

/**
 * Refuses a subscription whose request is larger than `SUBSCRIPTION_MAX_BYTES` with `SUBSCRIPTION_TOO_LARGE`, and one whose
 * owner has the maximum open in this process, by number or by what their requests take on the heap, with
 * `TOO_MANY_SUBSCRIPTIONS`: over any transport and with any credential. The error is the only result. A subscription counts
 * from before it begins until it ends, fails or its client disconnects.
 */
export class SubscriptionLimit {
  readonly #maxSubscriptions: number
  readonly #limits: BudgetLimits
  readonly #open: OwnerPermits
  readonly #retained: RetainedRequests

  constructor(maxSubscriptions: number, limits = budgetOfHeap()) {
    this.#maxSubscriptions = maxSubscriptions
    this.#limits = limits
    this.#open = new OwnerPermits(maxSubscriptions)
    this.#retained = new RetainedRequests(limits)
  }

  /** Counts a subscription that is about to begin. Returns the function that ends that, or why it must not begin. */
  take({
    document,
    contextValue,
  }: Pick<ExecutionArgs, 'document' | 'contextValue'>): (() => void) | GraphQLError {
    const { ownerId, request, body, params } = contextValue as Context & Requested
    // Yoga would refuse it after it has begun, and leave it open.
    if (request && !acceptsStream(request)) return notAcceptable()
    const size = body ?? sizeOfUrl(request?.url ?? '')
    if (size.size > SUBSCRIPTION_MAX_BYTES) return tooLarge(size.size)
    const leave = this.#open.take(ownerId)
    if (!leave) return tooMany(this.#maxSubscriptions)
    const forget = this.#retained.add(ownerId, { size, document, text: params?.query ?? '' })
    if (!forget) {
      leave()
      return tooMuch(this.#limits.maxBytesOfSender)
    }
    return () => {
      leave()
      forget()
    }
  }
}

interface RetainedRequest {
  readonly size: RequestSize
  readonly document: DocumentNode
  readonly text: string
}

/** Counts what the requests of open subscriptions take on the heap: a document that several share only once. */
class RetainedRequests {
  readonly #budget: BodyBudget
  readonly #documents = new Map<DocumentNode, number>()

  constructor(limits: BudgetLimits) {
    this.#budget = new BodyBudget(limits)
  }

  /** Returns the function that ends it, once; null: there is no room. */
  add(owner: string, { size, document, text }: RetainedRequest): (() => void) | null {
    const hold = this.#budget.hold(owner)
    const users = this.#documents.get(document) ?? 0
    const ofDocument = users === 0 ? DOCUMENT_CHARACTER_BYTES * text.length : 0
    try {
      hold.add(size.size + VALUE_WEIGHT_BYTES * size.values + ofDocument)
    } catch (fault) {
      if (fault instanceof RefusedRequestError) return null
      throw fault
    }
    this.#documents.set(document, users + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      hold.release()
      const left = (this.#documents.get(document) ?? 1) - 1
      if (left > 0) this.#documents.set(document, left)
      else this.#documents.delete(document)
    }
  }
}

/** The size of a request whose parameters are in its URL. */
function sizeOfUrl(url: string): RequestSize {
  const structure = new JsonStructure()
  if (URL.canParse(url)) {
    const { searchParams } = new URL(url)
    for (const name of ['variables', 'extensions']) structure.write(Buffer.from(searchParams.get(name) ?? ''))
  }
  return { size: Buffer.byteLength(url), values: structure.values }
}

/** Whether the client of a request over HTTP takes what a subscription is answered by. */
function acceptsStream(request: Request): boolean {
  const accept = request.headers.get('accept')
  return accept === null || /text\/event-stream|text\/\*|\*\/\*/i.test(accept)
}

function notAcceptable(): GraphQLError {
  const message =
    'A subscription is answered by server-sent events: send `accept: text/event-stream`, or use a WebSocket.'
  return new GraphQLError(message, { extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } } })
}

function tooMany(maxSubscriptions: number): GraphQLError {
  const message = `You have ${maxSubscriptions} subscriptions open on this server, which is the limit. End some, or watch many jobs with one subscription.`
  return new GraphQLError(message, { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } })
}

function tooLarge(bytes: number): GraphQLError {
  const message = `The request of a subscription has at most ${SUBSCRIPTION_MAX_BYTES} bytes, and this one has ${bytes}. Ask for fewer fields in a shorter document, and send no more in \`variables\` and \`extensions\` than it needs.`
  return new GraphQLError(message, {
    extensions: {
      code: 'SUBSCRIPTION_TOO_LARGE',
      limit: SUBSCRIPTION_MAX_BYTES,
      http: { status: 413, spec: true },
    },
  })
}

function tooMuch(maxBytes: number): GraphQLError {
  const message = `The requests of your open subscriptions hold the memory that this server has for them, at most ${maxBytes} bytes for one owner. End some, send shorter documents and variables, or use the same document for all of them.`
  return new GraphQLError(message, { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } })
}
