import { getHeapStatistics } from 'node:v8'
import { GraphQLError } from 'graphql'
import type { OwnerId } from '../../lib/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { ANSWER_MAX_BYTES } from './answer-budget.ts'

/** How much of the heap limit the stored values may take, as text, that operations read at the same time. */
export const LARGE_ANSWERS_HEAP_SHARE = 1 / 16
/** Maximum number of operations of one owner that wait to read large values. */
export const LARGE_ANSWERS_MAX_WAITING_OF_OWNER = 20
/** How long an operation waits to read large values, in milliseconds. */
export const LARGE_ANSWERS_WAIT_MS = 10_000
const RETRY_S = 1

export interface LargeAnswersLimits {
  /** How many operations may hold large values in this process. */
  readonly max: number
  /** How many of them may be one owner's. */
  readonly maxOfOwner: number
}

/** Limits that hold for the heap limit of this process: with 512 MB two operations at a time, and one of an owner. */
export function largeAnswersOfHeap(): LargeAnswersLimits {
  const bytes = getHeapStatistics().heap_size_limit * LARGE_ANSWERS_HEAP_SHARE
  const max = Math.max(2, Math.floor(bytes / ANSWER_MAX_BYTES))
  return { max, maxOfOwner: Math.max(1, Math.floor(max / 2)) }
}

interface Waiting {
  readonly ownerId: OwnerId
  readonly enter: () => void
}

/**
 * Bounds how many operations hold large values at the same time, in this process and of each owner. An operation holds its
 * place from its first large value to its answer; the others wait in their order, each owner's behind its own.
 */
export class LargeAnswers {
  readonly #limits: LargeAnswersLimits
  readonly #clock: Pick<Clock, 'after'>
  readonly #holding = new Map<OwnerId, number>()
  readonly #waiting = new Set<Waiting>()
  #count = 0

  constructor(clock: Pick<Clock, 'after'>, limits = largeAnswersOfHeap()) {
    this.#clock = clock
    this.#limits = limits
  }

  /**
   * Takes a place; resolves with what gives it back. Rejects with 429 `TOO_MANY_LARGE_ANSWERS` when too many operations of
   * the owner wait already, and with 503 `SERVER_OVERLOADED` after `LARGE_ANSWERS_WAIT_MS`.
   */
  async take(ownerId: OwnerId): Promise<() => void> {
    if (!this.#hasRoom(ownerId)) await this.#wait(ownerId)
    else this.#enter(ownerId)
    let isHeld = true
    return () => {
      if (isHeld) this.#leave(ownerId)
      isHeld = false
    }
  }

  #hasRoom(ownerId: OwnerId): boolean {
    const { max, maxOfOwner } = this.#limits
    return this.#count < max && (this.#holding.get(ownerId) ?? 0) < maxOfOwner
  }

  #enter(ownerId: OwnerId): void {
    this.#count++
    this.#holding.set(ownerId, (this.#holding.get(ownerId) ?? 0) + 1)
  }

  #leave(ownerId: OwnerId): void {
    this.#count--
    const left = (this.#holding.get(ownerId) ?? 1) - 1
    if (left > 0) this.#holding.set(ownerId, left)
    else this.#holding.delete(ownerId)
    for (const waiting of this.#waiting) {
      if (this.#count >= this.#limits.max) return
      if (this.#hasRoom(waiting.ownerId)) waiting.enter()
    }
  }

  #wait(ownerId: OwnerId): Promise<void> {
    let ahead = 0
    for (const waiting of this.#waiting) if (waiting.ownerId === ownerId) ahead++
    if (ahead >= LARGE_ANSWERS_MAX_WAITING_OF_OWNER) throw tooMany(ahead)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        ownerId,
        enter: () => {
          forget()
          this.#waiting.delete(waiting)
          this.#enter(ownerId)
          resolve()
        },
      }
      const forget = this.#clock.after(LARGE_ANSWERS_WAIT_MS, () => {
        this.#waiting.delete(waiting)
        reject(overloaded())
      })
      this.#waiting.add(waiting)
    })
  }
}

function tooMany(waiting: number): GraphQLError {
  return new GraphQLError(
    `${waiting} of your operations wait to read large values already. Send this one again when they are answered.`,
    { extensions: extensionsOf('TOO_MANY_LARGE_ANSWERS', 429) },
  )
}

function overloaded(): GraphQLError {
  return new GraphQLError(
    `The server is busy with other large answers. Retry in ${RETRY_S} s, or ask for fewer values.`,
    { extensions: extensionsOf('SERVER_OVERLOADED', 503) },
  )
}

function extensionsOf(code: string, status: number) {
  const headers = { 'retry-after': String(RETRY_S) }
  return { code, retryAfterMs: RETRY_S * 1_000, http: { status, headers } }
}
