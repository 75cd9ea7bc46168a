import {
  createSourceEventStream,
  execute,
  getOperationAST,
  GraphQLError,
  Kind,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Awaitable } from '../../lib/turns/index.ts'
import { onBehalfOf } from '../../lib/index.ts'
import { isResumable, type Context } from '../../schema/index.ts'
import {
  inputErrorsOf,
  judgeCost,
  withCost,
  withinAnswerLimits,
  type RunningCost,
  type SubscriptionLimit,
} from '../limits/index.ts'
import { EventResults, SubscriptionFailedError } from './event-results.ts'
import type { MaskError } from './mask-error.ts'
import { operationKey, SharedResults } from './shared-results.ts'

/** The results of a subscription. `next` rejects with `SubscriptionFailedError`; the results end with that. */
export type Results = AsyncIterableIterator<ExecutionResult, void>

/**
 * Carries out valid operations under the rules that hold over every transport: the limits of inputs, costs, subscriptions and
 * answers, and the masking of errors. What is in memory is answered without a promise.
 */
export interface Operations {
  execute(args: ExecutionArgs): Awaitable<ExecutionResult>
  subscribe(args: ExecutionArgs): Promise<Results | ExecutionResult>
}

export interface OperationsOptions {
  readonly subscriptions: SubscriptionLimit
  readonly runningCost: RunningCost
  readonly maskError: MaskError
}

export function createOperations({ subscriptions, runningCost, maskError }: OperationsOptions): Operations {
  const shared = new SharedResults()
  const masked = (result: ExecutionResult, args: ExecutionArgs): ExecutionResult => {
    if (!result.errors) return result
    const type = operationTypeOf(args)
    const errors = result.errors.map((error) => maskError(error, type) as GraphQLError)
    return { ...result, errors: isPartlyDone(result, args) ? errors.map(withoutStatus) : errors }
  }

  /** Why the operation is refused before it begins; empty: it is not. */
  const judge = (args: ExecutionArgs): { errors: readonly GraphQLError[]; cost: number } => {
    const errors = inputErrorsOf(args)
    if (errors.length > 0) return { errors, cost: 0 }
    const { cost, refusal } = judgeCost(args)
    return { errors: refusal ? [refusal] : errors, cost }
  }

  return {
    execute(args) {
      const { errors, cost } = judge(args)
      if (errors.length > 0) return masked({ errors }, args)
      const { ownerId } = args.contextValue as Context
      const answer = () => withinAnswerLimits(args, () => execute(args))
      const result = runningCost.within(ownerId, cost, answer)
      const shown = (answered: ExecutionResult) => withCost(masked(answered, args), cost, args.contextValue)
      return result instanceof Promise ? result.then(shown) : shown(result)
    },
    async subscribe(args) {
      const { errors } = judge(args)
      if (errors.length > 0) return masked({ errors }, args)
      const context = args.contextValue as Context
      const giveBack = subscriptions.take(args)
      if (typeof giveBack !== 'function') {
        context.answer.end()
        return masked({ errors: [giveBack] }, args)
      }
      try {
        const source = await onBehalfOf(context.ownerId, () => createSourceEventStream(args))
        if (Symbol.asyncIterator in source) return resultsOf(source, args, giveBack)
        giveBack()
        context.answer.end()
        return masked(source, args)
      } catch (fault) {
        giveBack()
        context.answer.end()
        throw fault
      }
    },
  }

  function resultsOf(source: AsyncIterable<unknown>, args: ExecutionArgs, giveBack: () => void): Results {
    const context = args.contextValue as Context
    const events = source[Symbol.asyncIterator]()
    const operation = operationKey(args)
    const run = (event: unknown) => execute({ ...args, rootValue: event })
    const left = new AbortController()
    const results = new EventResults({
      args,
      execute: (event) => shared.of(event, operation, run),
      maskError,
      isResumable: isResumable(source),
      left: left.signal,
    })
    const end = () => {
      giveBack()
      context.answer.end()
    }
    const next = async (): Promise<IteratorResult<ExecutionResult, void>> => {
      try {
        const { done, value: event } = await events.next()
        if (done) {
          end()
          return { done, value: undefined }
        }
        const result = results.of(event)
        return { done: false, value: result instanceof Promise ? await result : result }
      } catch (fault) {
        end()
        events.return?.().catch(() => {}) // the client gets the fault that ended it
        throw fault instanceof SubscriptionFailedError
          ? fault
          : new SubscriptionFailedError([maskError(fault, OperationTypeNode.SUBSCRIPTION)])
      }
    }
    return {
      [Symbol.asyncIterator]() {
        return this
      },
      next: () => onBehalfOf(context.ownerId, next),
      async return() {
        left.abort(new Error('the subscriber has left'))
        end()
        await events.return?.()
        return { done: true, value: undefined }
      },
    }
  }
}

/** Whether a valid operation is a subscription. */
export function isSubscription(args: ExecutionArgs): boolean {
  return operationTypeOf(args) === OperationTypeNode.SUBSCRIPTION
}

function operationTypeOf({ document, operationName }: ExecutionArgs): OperationTypeNode | undefined {
  return getOperationAST(document, operationName)?.operation
}

/**
 * Some mutations of the document have taken effect before one failed: a client that sent all of it again because of the status of the answer
 * would do those twice. Mutations are carried out in their order, and an error in a field that is not null leaves no data.
 */
function isPartlyDone({ data, errors = [] }: ExecutionResult, args: ExecutionArgs): boolean {
  const operation = getOperationAST(args.document, args.operationName)
  if (operation?.operation !== OperationTypeNode.MUTATION) return false
  if (data) return Object.values(data).some((value) => value !== null)
  const [first] = operation.selectionSet.selections
  const firstName = first?.kind === Kind.FIELD ? (first.alias ?? first.name).value : null
  return errors.some(({ path }) => path !== undefined && path[0] !== firstName)
}

function withoutStatus(error: GraphQLError): GraphQLError {
  const { nodes, source, positions, path, originalError, message } = error
  const { http: _status, ...extensions } = error.extensions
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions })
}

/** Makes Yoga carry out operations by these functions. */
export function useOperations({ execute, subscribe }: Operations): Plugin<Context> {
  return {
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
    onSubscribe: ({ setSubscribeFn }) =>
      setSubscribeFn(async (args: ExecutionArgs) => {
        const results = await subscribe(args)
        return Symbol.asyncIterator in results ? endingWithErrors(results) : results
      }),
  }
}

/**
 * Server-sent events have no message for an error: where a subscription fails, its last result has the errors and no data. Yoga would
 * break the connection, and the client would not learn why.
 */
function endingWithErrors(results: Results): Results {
  let hasFailed = false
  return {
    ...results,
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      if (hasFailed) return { done: true, value: undefined }
      try {
        return await results.next()
      } catch (fault) {
        if (!(fault instanceof SubscriptionFailedError)) throw fault
        hasFailed = true
        return { done: false, value: { errors: fault.errors } }
      }
    },
  }
}
