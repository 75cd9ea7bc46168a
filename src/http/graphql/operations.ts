import {
  createSourceEventStream,
  execute,
  getOperationAST,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Awaitable } from '../../lib/turns/index.ts'
import { onBehalfOf } from '../../lib/index.ts'
import type { Context } from '../../schema/index.ts'
import {
  inputErrorsOf,
  judgeCost,
  withCost,
  withinAnswerLimits,
  type RunningCost,
  type SubscriptionLimit,
} from '../limits/index.ts'
import { operationKey, SharedResults } from './shared-results.ts'

/** The results of a subscription. */
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
  readonly maskError: (error: unknown) => Error
}

export function createOperations({ subscriptions, runningCost, maskError }: OperationsOptions): Operations {
  const shared = new SharedResults()
  const masked = (result: ExecutionResult): ExecutionResult =>
    result.errors
      ? { ...result, errors: result.errors.map((error) => maskError(error) as GraphQLError) }
      : result

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
      if (errors.length > 0) return masked({ errors })
      const { ownerId } = args.contextValue as Context
      const answer = () => withinAnswerLimits(args, () => execute(args))
      const result = runningCost.within(ownerId, cost, answer)
      const shown = (answered: ExecutionResult) => withCost(masked(answered), cost, args.contextValue)
      return result instanceof Promise ? result.then(shown) : shown(result)
    },
    async subscribe(args) {
      const { errors } = judge(args)
      if (errors.length > 0) return masked({ errors })
      const context = args.contextValue as Context
      const giveBack = subscriptions.take(args)
      if (typeof giveBack !== 'function') {
        context.answer.end()
        return masked({ errors: [giveBack] })
      }
      try {
        const source = await onBehalfOf(context.ownerId, () => createSourceEventStream(args))
        if (Symbol.asyncIterator in source) return resultsOf(source, args, giveBack)
        giveBack()
        context.answer.end()
        return masked(source)
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
    const next = async (): Promise<IteratorResult<ExecutionResult, void>> => {
      try {
        const { done, value: event } = await events.next()
        if (done) {
          giveBack()
          context.answer.end()
          return { done, value: undefined }
        }
        const answered = withinAnswerLimits(args, () => shared.of(event, operation, run))
        return { done: false, value: masked(answered instanceof Promise ? await answered : answered) }
      } catch (fault) {
        giveBack()
        context.answer.end()
        throw fault
      }
    }
    return {
      [Symbol.asyncIterator]() {
        return this
      },
      next: () => onBehalfOf(context.ownerId, next),
      async return() {
        giveBack()
        context.answer.end()
        await events.return?.()
        return { done: true, value: undefined }
      },
    }
  }
}

/** Whether a valid operation is a subscription. */
export function isSubscription({ document, operationName }: ExecutionArgs): boolean {
  return getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION
}

/** Makes Yoga carry out operations by these functions. */
export function useOperations({ execute, subscribe }: Operations): Plugin<Context> {
  return {
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
    onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe),
  }
}
