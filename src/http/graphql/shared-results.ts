import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { rightsOf } from '../../access/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import type { Context } from '../../schema/index.ts'
import { isServerFault } from './mask-error.ts'

/** How long a result can be shared, in milliseconds. A subscriber that comes to the same event later executes it again. */
const SHARED_MS = 250

/** An event of a subscription's source. Subscriptions that get the same object mean the same event. */
type SourceEvent = object

type Results = Map<SourceEvent, Map<string, Awaitable<ExecutionResult>>>

/**
 * Executes a subscription once for each event of its source, for all subscribers with the same rights, document, operation and
 * variables. A result with errors is not shared, because it may be that of one subscriber alone, such as one that has just left;
 * only faults of the server are shared, by those that already wait for the result. Results are kept for some moments, by event and operation.
 */
export class SharedResults {
  #newest: Results = new Map()
  #older: Results = new Map()
  #timer: NodeJS.Timeout | null = null

  /** The result of an event for the subscribers that `operation` names; `run` makes it for the first of them. */
  of(
    event: unknown,
    operation: string,
    run: (event: unknown) => Awaitable<ExecutionResult>,
  ): Awaitable<ExecutionResult> {
    if (typeof event !== 'object' || event === null) return run(event)
    const made = this.#newest.get(event) ?? this.#older.get(event)
    const shared = made?.get(operation)
    if (!shared) {
      const result = run(event)
      if (result instanceof Promise) this.#forgetFailure(event, operation, result)
      else if (result.errors) return result
      if (made) made.set(operation, result)
      else this.#newest.set(event, new Map([[operation, result]]))
      this.#timer ??= setInterval(() => this.#age(), SHARED_MS).unref()
      return result
    }
    const orOwn = (result: ExecutionResult) => (isShareable(result) ? result : run(event))
    // A rejection is that of the subscriber that executed it.
    return shared instanceof Promise ? shared.then(orOwn, () => run(event)) : orOwn(shared)
  }

  /** A subscriber that comes once a result has failed executes the event again. */
  #forgetFailure(event: SourceEvent, operation: string, result: Promise<ExecutionResult>): void {
    const forget = () => {
      for (const results of [this.#newest, this.#older]) {
        const made = results.get(event)
        if (made?.get(operation) === result) made.delete(operation)
      }
    }
    result.then(({ errors }) => {
      if (errors) forget()
    }, forget)
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

function isShareable({ errors }: ExecutionResult): boolean {
  return !errors || errors.every(isServerFault)
}

const documentNumbers = new WeakMap<ExecutionArgs['document'], number>()
let documents = 0

/** All that a result depends on beside its event. Documents are parsed once, and known by their identity from then on. */
export function operationKey({
  document,
  operationName,
  variableValues,
  contextValue,
}: ExecutionArgs): string {
  const number = documentNumbers.get(document) ?? ++documents
  documentNumbers.set(document, number)
  const { viewer } = contextValue as Context
  return JSON.stringify([number, operationName ?? null, variableValues ?? null, rightsOf(viewer)])
}
