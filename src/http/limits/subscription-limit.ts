import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { OwnerPermits } from '../../lib/async/index.ts'
import type { Context } from '../../schema/index.ts'

/** Subscriptions that one owner may have open in one process, unless a setting says otherwise. */
export const DEFAULT_MAX_SUBSCRIPTIONS = 1_000

/**
 * Refuses a subscription when its owner has the maximum open in this process, over any transport and with any credential:
 * its only result is an error with the code `TOO_MANY_SUBSCRIPTIONS`. A subscription counts from before it begins until it
 * ends, fails or its client disconnects.
 */
export function useSubscriptionLimit(maxSubscriptions: number): Plugin<Context> {
  const open = new OwnerPermits(maxSubscriptions)
  return {
    onSubscribe({ args, subscribeFn, setSubscribeFn, setResultAndStopExecution }) {
      const { ownerId, request } = args.contextValue as Context & { readonly request?: Request }
      // Yoga would refuse it after it has begun, and leave it open.
      if (request && !acceptsStream(request)) return setResultAndStopExecution({ errors: [notAcceptable()] })
      setSubscribeFn(
        async (given: ExecutionArgs): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> => {
          const giveBack = open.take(ownerId)
          if (!giveBack) return { errors: [tooMany(maxSubscriptions)] }
          try {
            const result = await subscribeFn(given)
            if (Symbol.asyncIterator in result) return endingWith(result, giveBack)
            giveBack()
            return result
          } catch (fault) {
            giveBack()
            throw fault
          }
        },
      )
    },
  }
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

/** The same results. Calls `onEnd` when they end, fail, or the consumer stops. */
function endingWith<T>(results: AsyncIterable<T>, onEnd: () => void): AsyncIterableIterator<T, void> {
  const source = results[Symbol.asyncIterator]()
  const watched = async (step: Promise<IteratorResult<T>>): Promise<IteratorResult<T, void>> => {
    try {
      const result = await step
      if (result.done) onEnd()
      return result
    } catch (fault) {
      onEnd()
      throw fault
    }
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => watched(source.next()),
    async return() {
      onEnd()
      return (await source.return?.()) ?? { done: true, value: undefined }
    },
  }
}
