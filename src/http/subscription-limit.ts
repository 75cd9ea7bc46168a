import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { OwnerId } from '../lib/ids.ts'
import type { Context } from '../schema/index.ts'

/** Of one owner, in this process. */
export const DEFAULT_MAX_SUBSCRIPTIONS = 1_000

/**
 * Refuses a subscription of an owner who has so many open here already, by whatever transport and credential: its only
 * result is an error with the code `TOO_MANY_SUBSCRIPTIONS`. One counts from before it begins until it ends, its client goes, or it fails.
 */
export function useSubscriptionLimit(maxSubscriptions: number): Plugin<Context> {
  const open = new Map<OwnerId, number>()
  const take = (ownerId: OwnerId) => {
    const count = open.get(ownerId) ?? 0
    if (count >= maxSubscriptions) return null
    open.set(ownerId, count + 1)
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      const left = (open.get(ownerId) ?? 1) - 1
      if (left > 0) open.set(ownerId, left)
      else open.delete(ownerId)
    }
  }
  return {
    onSubscribe({ args, subscribeFn, setSubscribeFn, setResultAndStopExecution }) {
      const { ownerId, request } = args.contextValue as Context & { readonly request?: Request }
      // Yoga would refuse it after it has begun, and leave it open.
      if (request && !acceptsStream(request)) return setResultAndStopExecution({ errors: [notAcceptable()] })
      setSubscribeFn(
        async (given: ExecutionArgs): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> => {
          const giveBack = take(ownerId)
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
  const message = `You have ${maxSubscriptions} subscriptions open here, and that is the most: end some, or watch many jobs by one.`
  return new GraphQLError(message, { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } })
}

/** The same results, and a call when there are no more of them, or nobody wants more. */
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
