import { GraphQLError } from 'graphql'
import type { BoundedRead } from '../../db/stores/index.ts'
import type { OwnerId } from '../../lib/index.ts'

/** Maximum bytes of the stored values that one operation reads, as JSON text; no answer has more characters either. */
export const ANSWER_MAX_BYTES = 16 * 1024 * 1024
/** Maximum bytes that an operation's stored values take on the heap where they have to be parsed, as estimated. */
export const ANSWER_MAX_PARSED_BYTES = 64 * 1024 * 1024
/** Maximum number of values that the items of all lists of one answer make: each item times the fields selected in it. */
export const ANSWER_MAX_VALUES = 200_000
/**
 * Maximum number of errors of fields of one operation, or of one result of a subscription. At the last one the operation
 * stops: no further resolver begins, and what is under way ends without an error of its own.
 */
export const ANSWER_MAX_ERRORS = 100
/** Bytes of stored values, as JSON text, that an operation reads without waiting for a place among large answers. */
export const SMALL_ANSWER_MAX_BYTES = 64 * 1024

/** Where operations with large values take a place. */
export interface AnswerPlaces {
  take(ownerId: OwnerId): Promise<() => void>
}

/** Reads stored values if all of them together have at most `maxBytes`. */
type BoundedReading<Value> = (maxBytes: number) => Promise<BoundedRead<Value>>

/**
 * What one operation, or one result of a subscription, may read and answer. What exceeds it is refused with
 * `ANSWER_TOO_LARGE`, and so is everything that the operation reads from then on. Resolvers may outlive the answer: an
 * error in a field that is not null ends it while the fields beside it are still being read. They are refused as well.
 */
export class AnswerBudget {
  readonly #ownerId: OwnerId
  readonly #places: AnswerPlaces
  #refusal: GraphQLError | null = null
  #errors = 0
  #stop: GraphQLError | null = null
  #readBytes = 0
  #parsedBytes = 0
  #values = 0
  #hasEnded = false
  /** Gives the place among large answers back; null: the operation has none. */
  #giveBack: Promise<() => void> | null = null
  /** Large readings of one operation follow each other, so that each knows what is left. */
  #lastReading: Promise<unknown> | null = null

  constructor(ownerId: OwnerId, places: AnswerPlaces) {
    this.#ownerId = ownerId
    this.#places = places
  }

  /** Why the operation is refused; null: it is not. */
  get refusal(): GraphQLError | null {
    return this.#refusal
  }

  /** The error that fields fail with once the operation has stopped at `ANSWER_MAX_ERRORS`; null: it has not. */
  get stop(): GraphQLError | null {
    return this.#stop
  }

  /** The error that fields fail with once the operation has stopped or is answered; null: it is under way. */
  get over(): GraphQLError | null {
    return this.#stop ?? (this.#hasEnded ? ANSWERED : null)
  }

  /** Counts an error of a field. Returns the error that the field fails with: the given one, or `stop` after the limit. */
  fail(error: unknown): unknown {
    if (this.#stop) return this.#stop
    if (++this.#errors >= ANSWER_MAX_ERRORS) this.#stop = stopped()
    return error
  }

  /** Reads stored values within the budget. `field` names what asks for them: `Execution.output`. */
  async read<Value>(field: string, reading: BoundedReading<Value>): Promise<readonly Value[]> {
    this.#requireOpen()
    const { values, bytes } = await reading(Math.max(0, SMALL_ANSWER_MAX_BYTES - this.#readBytes))
    if (values) {
      this.#readBytes += bytes
      return values
    }
    const read = () => this.#readLarge(field, reading)
    const large = this.#lastReading ? this.#lastReading.then(read) : read()
    this.#lastReading = large.catch(() => {}) // its own caller gets the error
    return large
  }

  async #readLarge<Value>(field: string, reading: BoundedReading<Value>): Promise<readonly Value[]> {
    this.#requireOpen()
    this.#giveBack ??= this.#places.take(this.#ownerId)
    await this.#giveBack
    this.#requireOpen()
    const { values, bytes } = await reading(ANSWER_MAX_BYTES - this.#readBytes)
    if (!values)
      throw this.refuse(
        `${field}: the values that were asked for have at least ${bytes} bytes`,
        ANSWER_MAX_BYTES,
      )
    this.#readBytes += bytes
    return values
  }

  /** Counts a value that is going to be parsed. */
  parse(field: string, heapBytes: number): void {
    this.#requireOpen()
    this.#parsedBytes += heapBytes
    if (this.#parsedBytes > ANSWER_MAX_PARSED_BYTES)
      throw this.refuse(
        `${field}: the values that were asked for take ${this.#parsedBytes} bytes of memory`,
        ANSWER_MAX_PARSED_BYTES,
      )
  }

  /** Counts the items of a list, each of which answers `fields` fields. */
  list(field: string, items: number, fields: number): void {
    this.#requireOpen()
    this.#values += items * Math.max(1, fields)
    if (this.#values > ANSWER_MAX_VALUES)
      throw this.refuse(`${field}: the lists of this answer have ${this.#values} values`, ANSWER_MAX_VALUES)
  }

  /** Refuses the operation; returns the error. Only the first one is kept. */
  refuse(what: string, limit: number): GraphQLError {
    this.#refusal ??= answerTooLarge(what, limit)
    return this.#refusal
  }

  /** The answer is made, or the operation has failed. Gives the place back when the readings under way have ended. */
  end(): void {
    this.#hasEnded = true
    const giveBack = this.#giveBack
    this.#giveBack = null
    giveBack?.then(
      (leave) => (this.#lastReading ? this.#lastReading.then(leave) : leave()),
      () => {}, // there was no place to give back
    )
  }

  #requireOpen(): void {
    if (this.#stop) throw this.#stop
    if (this.#refusal) throw this.#refusal
    if (this.#hasEnded) throw ANSWERED
  }
}

/** What reads fail with after the answer; no client sees it. */
const ANSWERED = new GraphQLError('The operation has been answered.', { path: [] })

/** HTTP 400, code `ANSWER_TOO_LARGE`. */
export function answerTooLarge(what: string, limit: number): GraphQLError {
  return new GraphQLError(
    `${what}; the maximum for one answer is ${limit}. Ask for a smaller page (\`first\`), for fewer values, or for the large ones one by one.`,
    { extensions: { code: 'ANSWER_TOO_LARGE', limit, http: { status: 400, spec: true } } },
  )
}

/**
 * The error of every field of a stopped operation. An executor copies an error for each field, with its place and a stack
 * trace, unless the error has a path.
 */
function stopped(): GraphQLError {
  return new GraphQLError('The operation was stopped because of its errors.', {
    path: [],
    extensions: { code: 'TOO_MANY_ERRORS' },
  })
}
