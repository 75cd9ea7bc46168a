import { getHeapStatistics } from 'node:v8'
import { GraphQLError, type ExecutionResult } from 'graphql'
import { OwnerShares, type Awaitable } from '../../lib/turns/index.ts'
import type { Clock } from '../../lib/time/index.ts'

/** The share of the heap limit that the objects of one owner's operations in progress may take. */
export const RUNNING_COST_HEAP_SHARE = 1 / 16
/** The memory that is counted for each object of an answer while its operation is in progress, in bytes. */
export const OBJECT_HEAP_BYTES = 2 * 1024
/** The cost of an operation that waits for no other. */
export const SMALL_OPERATION_MAX_COST = 50
/** How long an operation waits for others of its owner, in milliseconds. */
export const RUNNING_COST_WAIT_MS = 10_000
const RETRY_S = 1

/** The cost of one owner's operations in progress, by the heap limit of this process: 16,384 for 512 MB. */
export function runningCostOfHeap(): number {
  return Math.floor((getHeapStatistics().heap_size_limit * RUNNING_COST_HEAP_SHARE) / OBJECT_HEAP_BYTES)
}

/**
 * Bounds the cost of the operations that are in progress at the same time: each is bounded alone, but hundreds that wait for the database
 * together would hold millions of objects. Further operations wait, each owner's behind its own; after `RUNNING_COST_WAIT_MS` they are
 * refused with 503 `SERVER_OVERLOADED`. `clock` ends the waits.
 */
export class RunningCost {
  readonly #clock: Pick<Clock, 'after'>
  readonly #shares: OwnerShares

  constructor(clock: Pick<Clock, 'after'>, ownerMaxCost = runningCostOfHeap()) {
    this.#clock = clock
    this.#shares = new OwnerShares(ownerMaxCost)
  }

  /** Carries out an operation once its cost fits; one of little cost at once. An operation that is refused is not carried out. */
  within(
    ownerId: string,
    cost: number,
    execute: () => Awaitable<ExecutionResult>,
  ): Awaitable<ExecutionResult> {
    return cost <= SMALL_OPERATION_MAX_COST ? execute() : this.#inTurn(ownerId, cost, execute)
  }

  async #inTurn(
    ownerId: string,
    cost: number,
    execute: () => Awaitable<ExecutionResult>,
  ): Promise<ExecutionResult> {
    let leave: () => void
    try {
      leave = await this.#enter(ownerId, cost)
    } catch (refusal) {
      if (refusal instanceof GraphQLError) return { errors: [refusal] }
      throw refusal
    }
    try {
      return await execute()
    } finally {
      leave()
    }
  }

  async #enter(ownerId: string, cost: number): Promise<() => void> {
    const wait = new AbortController()
    const stopTimer = this.#clock.after(RUNNING_COST_WAIT_MS, () => wait.abort(overloaded()))
    try {
      return await this.#shares.enter(ownerId, cost, wait.signal)
    } finally {
      stopTimer()
    }
  }
}

function overloaded(): GraphQLError {
  return new GraphQLError(
    `The server is busy with other operations of this owner. Retry in ${RETRY_S} s, or ask for shorter pages.`,
    {
      extensions: {
        code: 'SERVER_OVERLOADED',
        retryAfterMs: RETRY_S * 1_000,
        http: { status: 503, headers: { 'retry-after': String(RETRY_S) } },
      },
    },
  )
}
