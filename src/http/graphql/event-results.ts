import { GraphQLError, OperationTypeNode, type ExecutionArgs, type ExecutionResult } from 'graphql'
import { isQueryTimeout } from '../../db/sql/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import { READ_DELAYS_MS } from '../../live/index.ts'
import { readNextResult, type Context } from '../../schema/index.ts'
import { SERVICE_UNAVAILABLE } from '../intake/index.ts'
import { withinAnswerLimits } from '../limits/index.ts'
import { isServerFault, type MaskError } from './mask-error.ts'

/** How often a result of a subscription that cannot be resumed is tried again while the database cannot be reached, in milliseconds. */
const WAIT_FOR_DATABASE_MS = 5_000

/**
 * A subscription has ended because the result of an event could not be made, or because its source failed. The cursor of the result
 * before it is still valid.
 */
export class SubscriptionFailedError extends Error {
  /** As clients see them. A client that subscribes again may get further: unknown faults of the server say so, too. */
  readonly errors: readonly GraphQLError[]

  /** `errors`: masked. */
  constructor(errors: readonly Error[]) {
    super('the subscription has failed')
    this.errors = errors.map((error) => retryable(error as GraphQLError))
  }
}

function retryable(error: GraphQLError): GraphQLError {
  const { code, reference } = error.extensions
  if (code !== 'INTERNAL_SERVER_ERROR') return error
  const message = `The server could not read the next result. Subscribe again, with your last cursor where there is one. If it happens again, ask the operator for reference ${String(reference)}.`
  return new GraphQLError(message, {
    path: error.path,
    nodes: error.nodes,
    extensions: { code: SERVICE_UNAVAILABLE.code, reference },
  })
}

export interface EventResultsOptions {
  readonly args: ExecutionArgs
  /** Executes the operation for an event. */
  readonly execute: (event: unknown) => Awaitable<ExecutionResult>
  readonly maskError: MaskError
  /** Whether a client that subscribes again misses nothing. */
  readonly isResumable: boolean
  /** Aborts when the subscriber has left. */
  readonly left: AbortSignal
}

/**
 * The results of one subscription, each of one event. No event is passed over:
 *
 * - A fault of the server, in any field, makes no result. The event is executed again after each of `READ_DELAYS_MS`; then the
 *   subscription fails with `SERVICE_UNAVAILABLE`, or with `QUERY_TIMEOUT`, which is not tried again. A subscription without a cursor
 *   would lose the event: it is executed again for as long as the database cannot be reached and the subscriber stays.
 * - An error of a field's own, such as a limit, is part of the result, as in any answer. Where it leaves nothing of the event, the
 *   subscription fails with it.
 */
export class EventResults {
  readonly #options: EventResultsOptions

  constructor(options: EventResultsOptions) {
    this.#options = options
  }

  /** Rejects with `SubscriptionFailedError`. */
  of(event: unknown): Awaitable<ExecutionResult> {
    const settle = (result: ExecutionResult) => (result.errors ? this.#settle(event, result) : result)
    const result = this.#try(event)
    return result instanceof Promise ? result.then(settle) : settle(result)
  }

  #try(event: unknown): Awaitable<ExecutionResult> {
    const { args, execute } = this.#options
    return withinAnswerLimits(args, () => execute(event))
  }

  async #settle(event: unknown, first: ExecutionResult): Promise<ExecutionResult> {
    const { args, maskError, left } = this.#options
    const { clock } = args.contextValue as Context
    let result = first
    for (let failures = 0; !left.aborted; failures++) {
      const delayMs = this.#delayOf(result, failures)
      if (delayMs === null) break
      await clock.wait(delayMs, left).catch(() => {}) // the subscriber has left: the condition ends it
      if (left.aborted) break
      readNextResult(args.contextValue as Context)
      result = await this.#try(event)
    }
    if (!result.errors) return result
    const errors = result.errors.map((error) => maskError(error, OperationTypeNode.SUBSCRIPTION))
    if (result.errors.some(isServerFault) || !hasEvent(result)) throw new SubscriptionFailedError(errors)
    return { ...result, errors: errors as GraphQLError[] }
  }

  /** How long to wait before the event is executed again; null: the result is final. */
  #delayOf({ errors = [] }: ExecutionResult, failures: number): number | null {
    const faults = errors.filter(isServerFault)
    // A statement that takes too long would take as long again.
    if (faults.length === 0 || faults.some((fault) => isQueryTimeout(fault.originalError))) return null
    const delayMs = READ_DELAYS_MS[failures]
    if (delayMs !== undefined) return delayMs
    return !this.#options.isResumable && faults.every((fault) => this.#isUnavailable(fault))
      ? WAIT_FOR_DATABASE_MS
      : null
  }

  /** Masking the error instead would log an unknown fault under a reference that no client receives. */
  #isUnavailable({ originalError }: GraphQLError): boolean {
    const { outage } = this.#options.args.contextValue as Context
    return outage.takes(originalError)
  }
}

/** Whether a result with errors holds the event: an error in a field that is never null takes the event with it. */
function hasEvent({ data }: ExecutionResult): boolean {
  return data !== null && data !== undefined && !Object.values(data).includes(null)
}
