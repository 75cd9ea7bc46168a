import { createSourceEventStream, execute, type ExecutionArgs, type ExecutionResult } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { rightsOf } from '../../access/index.ts'
import type { Context } from '../../schema/index.ts'

/** How long a result can be shared, in milliseconds. A subscriber that comes to the same event later executes it again. */
const SHARED_MS = 250

/** An event of a subscription's source. Subscriptions that get the same object mean the same event. */
type SourceEvent = object

/**
 * Executes a subscription once for each event of its source, for all subscribers with the same rights, document, operation and
 * variables. A result with errors is not shared: it may be that of one subscriber alone, such as one that has just left.
 */
export function useSharedResults(): Plugin<Context> {
  const results = new SharedResults()
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn(async (args: ExecutionArgs) => {
        const source = await createSourceEventStream(args)
        return Symbol.asyncIterator in source ? eachExecuted(source, args, results) : source
      })
    },
  }
}

function eachExecuted(
  source: AsyncIterable<unknown>,
  args: ExecutionArgs,
  results: SharedResults,
): AsyncIterableIterator<ExecutionResult, void> {
  const events = source[Symbol.asyncIterator]()
  const operation = operationKey(args)
  const run = async (event: unknown) => execute({ ...args, rootValue: event })
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      const { done, value: event } = await events.next()
      if (done) return { done, value: undefined }
      const isShared = typeof event === 'object' && event !== null
      return { done: false, value: await (isShared ? results.of(event, operation, run) : run(event)) }
    },
    async return() {
      await events.return?.()
      return { done: true, value: undefined }
    },
  }
}

type Results = Map<SourceEvent, Map<string, Promise<ExecutionResult>>>

/** The results of the last moments, by event and operation. */
class SharedResults {
  #newest: Results = new Map()
  #older: Results = new Map()
  #timer: NodeJS.Timeout | null = null

  async of(
    event: SourceEvent,
    operation: string,
    run: (event: SourceEvent) => Promise<ExecutionResult>,
  ): Promise<ExecutionResult> {
    const made = this.#newest.get(event) ?? this.#older.get(event)
    const shared = made?.get(operation)
    if (!shared) {
      const result = run(event)
      if (made) made.set(operation, result)
      else this.#newest.set(event, new Map([[operation, result]]))
      this.#timer ??= setInterval(() => this.#age(), SHARED_MS).unref()
      return result
    }
    try {
      const result = await shared
      if (!result.errors) return result
    } catch {
      // It failed for the subscriber that executed it.
    }
    return run(event)
  }

  #age(): void {
    if (this.#older.size === 0 && this.#newest.size === 0 && this.#timer) {
      clearInterval(this.#timer)
      this.#timer = null
    }
    this.#older = this.#newest
    this.#newest = new Map()
  }
}

const documentNumbers = new WeakMap<ExecutionArgs['document'], number>()
let documents = 0

/** All that a result depends on beside its event. Documents are parsed once, and known by their identity from then on. */
function operationKey({ document, operationName, variableValues, contextValue }: ExecutionArgs): string {
  const number = documentNumbers.get(document) ?? ++documents
  documentNumbers.set(document, number)
  const { viewer } = contextValue as Context
  return JSON.stringify([number, operationName ?? null, variableValues ?? null, rightsOf(viewer)])
}
