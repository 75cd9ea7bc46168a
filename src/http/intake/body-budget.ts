import { getHeapStatistics } from 'node:v8'
import { RefusedRequestError } from './refused-request.ts'

/** How much of the heap limit the requests in flight may take: the rest is for the work that they cause. */
export const IN_FLIGHT_HEAP_SHARE = 1 / 4
/** Maximum bytes in flight of one owner, or of one address without a credential; at most half of the process's. */
export const IN_FLIGHT_MAX_BYTES_OF_SENDER = 128 * 1024 * 1024
/** What one JSON value counts beside its text, in bytes: an empty object takes 64 on the heap, one of a unique shape 100. */
export const VALUE_WEIGHT_BYTES = 100
/** How long a sender waits before it tries again, in seconds. */
const RETRY_S = 5

export interface BudgetLimits {
  /** Maximum bytes in flight in this process. */
  readonly maxBytes: number
  /** Maximum bytes in flight of one sender. */
  readonly maxBytesOfSender: number
}

/** Limits that hold for the heap limit of this process: with 512 MB about 146 MB in all, and half of that a sender. */
export function budgetOfHeap(): BudgetLimits {
  const maxBytes = Math.floor(getHeapStatistics().heap_size_limit * IN_FLIGHT_HEAP_SHARE)
  return { maxBytes, maxBytesOfSender: Math.min(IN_FLIGHT_MAX_BYTES_OF_SENDER, Math.floor(maxBytes / 2)) }
}

/** The part of the budget that one request holds, from its first byte until it is answered. */
export interface Hold {
  /** Adds to it. Throws 429 `TOO_MANY_UPLOADS` or 503 `SERVER_OVERLOADED` where a limit would be exceeded. */
  add(bytes: number): void
  /** Gives some of it back. */
  drop(bytes: number): void
  /** Gives all of it back; a second call does nothing. */
  release(): void
}

/**
 * Bounds the bytes in flight, in this process and of each sender: received, and not answered yet. Texts count by their
 * bytes, and JSON values by what they take on the heap besides.
 */
export class BodyBudget {
  readonly #limits: BudgetLimits
  readonly #ofSenders = new Map<string, number>()
  #bytes = 0

  constructor(limits: BudgetLimits) {
    this.#limits = limits
  }

  hold(sender: string): Hold {
    let held = 0
    const change = (bytes: number) => {
      held += bytes
      this.#bytes += bytes
      const ofSender = (this.#ofSenders.get(sender) ?? 0) + bytes
      if (ofSender > 0) this.#ofSenders.set(sender, ofSender)
      else this.#ofSenders.delete(sender)
    }
    return {
      add: (bytes) => {
        const { maxBytes, maxBytesOfSender } = this.#limits
        if ((this.#ofSenders.get(sender) ?? 0) + bytes > maxBytesOfSender)
          throw tooManyOfSender(maxBytesOfSender)
        if (this.#bytes + bytes > maxBytes) throw overloaded()
        change(bytes)
      },
      drop: (bytes) => change(-Math.min(held, bytes)),
      release: () => change(-held),
    }
  }
}

function tooManyOfSender(maxBytes: number): RefusedRequestError {
  return new RefusedRequestError({
    status: 429,
    code: 'TOO_MANY_UPLOADS',
    message: `Your requests in flight hold more than ${maxBytes} bytes. Send them one after another.`,
    headers: { 'retry-after': String(RETRY_S) },
  })
}

/** 503 `SERVER_OVERLOADED`. */
export function overloaded(): RefusedRequestError {
  return new RefusedRequestError({
    status: 503,
    code: 'SERVER_OVERLOADED',
    message: `The server has too many requests in flight. Retry in ${RETRY_S} s.`,
    headers: { 'retry-after': String(RETRY_S) },
  })
}
