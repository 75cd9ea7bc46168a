import {
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLError,
  type GraphQLFormattedError,
} from 'graphql'
import { CloseCode, MessageType, validateMessage, type SubscribeMessage } from 'graphql-ws'
import { stringifyWithTexts } from '../lib/json/index.ts'
import type { Awaitable } from '../lib/turns/index.ts'
import { isSubscription, SubscriptionFailedError, type Graphql, type Results } from './graphql/index.ts'

/** The texts of results that several subscribers share, by their data. */
const sharedTexts = new WeakMap<object, string>()

export interface SocketOperationsOptions {
  readonly graphql: Pick<Graphql, 'execute' | 'subscribe' | 'maskError'>
  /** Counts an operation, waits for its turn, and returns what is carried out, or why it is refused. */
  readonly begin: (params: SubscribeMessage['payload']) => Awaitable<ExecutionArgs | readonly GraphQLError[]>
  /** Sends a message. A promise: the client is to take it before more is sent. */
  readonly send: (message: string) => Awaitable<void>
  readonly close: (code: number, reason: string) => void
  /** Called when a subscription has begun. */
  readonly onBegun: (id: string) => void
  /** Called before the last message of an operation, whose id the client may use again then. */
  readonly onOver: (id: string) => void
}

/** An operation that is not over. */
interface Open {
  /** Null: it is no subscription, or has not begun. */
  results: Results | null
}

/**
 * Carries out the operations of one WebSocket by the protocol graphql-transport-ws. graphql-ws does all else of the protocol.
 * Its own operations make three promises for each message, which are most of what a small operation costs.
 */
export class SocketOperations {
  readonly #options: SocketOperationsOptions
  readonly #open = new Map<string, Open>()

  constructor(options: SocketOperationsOptions) {
    this.#options = options
  }

  /** Takes a message `subscribe`. A promise resolves when its operation is over. */
  subscribe(message: object): Awaitable<void> {
    const { close } = this.#options
    if (!isSubscribe(message)) return close(CloseCode.BadRequest, 'Invalid message received')
    const { id } = message
    if (this.#open.has(id)) {
      return close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`)
    }
    const open: Open = { results: null }
    this.#open.set(id, open)
    return this.#carryOut(message, open)
  }

  /** Takes a message `complete`. */
  complete({ id }: { readonly id?: unknown }): void {
    const open = typeof id === 'string' ? this.#open.get(id) : null
    if (typeof id !== 'string' || !open) return
    this.#open.delete(id)
    leave(open)
  }

  /** Ends all operations: the client has gone. */
  close(): void {
    const all = [...this.#open.values()]
    this.#open.clear()
    for (const open of all) leave(open)
  }

  /** Awaits only what is not there: each `await` makes two promises. */
  async #carryOut({ id, payload }: SubscribeMessage, open: Open): Promise<void> {
    const { graphql } = this.#options
    try {
      const begun = this.#options.begin(payload)
      const args = begun instanceof Promise ? await begun : begun
      if (!('schema' in args)) {
        const sending = this.#error(id, open, args)
        return sending instanceof Promise ? await sending : sending
      }
      const answering = isSubscription(args) ? graphql.subscribe(args) : graphql.execute(args)
      const answer = answering instanceof Promise ? await answering : answering
      if (Symbol.asyncIterator in answer) {
        await this.#follow(id, open, answer)
        return
      }
      const sending = this.#next(id, open, answer)
      if (sending instanceof Promise) await sending
      const completing = this.#complete(id, open)
      if (completing instanceof Promise) await completing
    } finally {
      if (this.#isOpen(id, open)) this.#open.delete(id)
    }
  }

  /** Sends the results of a subscription until it ends. */
  async #follow(id: string, open: Open, results: Results): Promise<void> {
    open.results = results
    try {
      if (this.#isOpen(id, open)) this.#options.onBegun(id)
      while (this.#isOpen(id, open)) {
        const { done, value } = await results.next()
        if (done) break
        const sending = this.#next(id, open, value)
        if (sending instanceof Promise) await sending
      }
    } catch (fault) {
      leave(open)
      const { maskError } = this.#options.graphql
      const errors =
        fault instanceof SubscriptionFailedError
          ? fault.errors
          : [maskError(fault, OperationTypeNode.SUBSCRIPTION) as GraphQLError]
      return this.#error(id, open, errors)
    }
    if (!this.#isOpen(id, open)) leave(open)
    return this.#complete(id, open)
  }

  #next(id: string, open: Open, { errors, data, extensions }: ExecutionResult): Awaitable<void> {
    if (!this.#isOpen(id, open)) return
    // What is for HTTP alone is left out.
    const text = resultText({
      ...(data === undefined ? {} : { data }),
      ...(errors ? { errors: errors.map(withoutHttp) } : {}),
      ...(extensions ? { extensions } : {}),
    })
    return this.#options.send(`{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":${text}}`)
  }

  #complete(id: string, open: Open): Awaitable<void> {
    return this.#last(id, open, `{"id":${JSON.stringify(id)},"type":"${MessageType.Complete}"}`)
  }

  #error(id: string, open: Open, errors: readonly GraphQLError[]): Awaitable<void> {
    const message = { id, type: MessageType.Error, payload: errors.map(withoutHttp) }
    return this.#last(id, open, JSON.stringify(message))
  }

  /** Sends the last message of an operation, unless its client has ended it. */
  #last(id: string, open: Open, message: string): Awaitable<void> {
    const isOpen = this.#isOpen(id, open)
    this.#options.onOver(id)
    if (isOpen) return this.#options.send(message)
  }

  #isOpen(id: string, open: Open): boolean {
    return this.#open.get(id) === open
  }
}

/** Ends a subscription. Its client has ended it, or learns of another error, if that fails. */
function leave({ results }: Open): void {
  results?.return?.().catch(() => undefined)
}

function isSubscribe(message: object): message is SubscribeMessage {
  try {
    return validateMessage(message).type === MessageType.Subscribe
  } catch {
    return false
  }
}

function withoutHttp(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON()
  if (!extensions) return rest
  const { http: _http, ...shown } = extensions
  return { ...rest, extensions: shown }
}

/** A result as JSON text, which is written once for all subscribers that share its data. */
function resultText(result: FormattedExecutionResult): string {
  const { data, errors, extensions } = result
  if (!data || errors || extensions) return stringifyWithTexts(result)
  const text = sharedTexts.get(data) ?? stringifyWithTexts(result)
  sharedTexts.set(data, text)
  return text
}
