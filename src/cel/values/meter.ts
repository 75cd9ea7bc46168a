import { ExpressionError } from './error.ts'

/** How many elements one evaluation may visit, loops inside loops multiplied out. */
export const MAX_VISITS = 1_000_000
/** The longest text that an expression may make, and all text of one result together, in UTF-16 units. */
export const MAX_TEXT = 4 * 1024 * 1024
/** The longest list that an expression may make. */
export const MAX_ITEMS = 100_000

// What else costs time is expressed in visits, so that the whole budget is at most a quarter of a second of work whatever
// the expression does: copying text, looking for one text in another (V8's search is quadratic at its worst), and throwing.
const CHARACTERS_PER_VISIT = 64
const COMPARISONS_PER_VISIT = 4096
const VISITS_PER_ERROR = 30
/** The members of a map with more keys than this are far apart in memory. */
const LARGE_MAP = 1_000
const VISITS_PER_FAR_MEMBER = 6
const KEYS_PER_SORT_VISIT = 16

/**
 * The cost of one evaluation. CEL has no endless loops, but its loops nest, and its operators hide loops of their own;
 * each of them pays here before it works.
 */
export class Meter {
  readonly #budget: number
  #left: number

  /** `budget` is in visits. */
  constructor(budget = MAX_VISITS) {
    this.#budget = budget
    this.#left = budget
  }

  /** How much may still be spent. */
  get left(): number {
    return this.#left
  }

  /** Pays for that many visited elements. */
  spend(visits: number): void {
    this.#left -= visits
    if (this.#left < 0) {
      throw tooCostly(
        `visits more than ${this.#budget} elements; let it work on a smaller list, or in smaller steps`,
      )
    }
  }

  /** Pays for looking at all members of a map. */
  members(count: number): void {
    this.spend(count > LARGE_MAP ? count * VISITS_PER_FAR_MEMBER : count)
  }

  /** Pays for putting that many keys in order; a few cost nothing beside the look at them. */
  sort(count: number): void {
    this.spend(Math.floor((count * Math.log2(count + 1)) / KEYS_PER_SORT_VISIT))
  }

  /** Pays for reading or copying that many characters. */
  characters(length: number): void {
    if (length >= CHARACTERS_PER_VISIT) this.spend(Math.ceil(length / CHARACTERS_PER_VISIT))
  }

  /** Pays for looking for a part in a text. */
  search(text: string, part: string): void {
    this.characters(text.length)
    this.spend(Math.floor((text.length * part.length) / COMPARISONS_PER_VISIT))
  }

  /** Pays for a text of that length, which is about to be made; refuses one that is too long. */
  text(length: number): void {
    if (length > MAX_TEXT) throw tooCostly(`makes text of more than ${MAX_TEXT} characters`)
    this.characters(length)
  }

  /** Refuses a list that is too long. The visits that fill it are paid apart. */
  list(length: number): void {
    if (length > MAX_ITEMS) throw tooCostly(`makes a list of more than ${MAX_ITEMS} items`)
  }

  /** Lets an evaluation go on after an error, as CEL's logic does; never after the one that stops it. */
  forgive(thrown: unknown): ExpressionError {
    if (!(thrown instanceof ExpressionError) || thrown.code === 'EXPRESSION_TOO_COSTLY') throw thrown
    this.spend(VISITS_PER_ERROR)
    return thrown
  }
}

export function tooCostly(what: string): ExpressionError {
  return new ExpressionError('EXPRESSION_TOO_COSTLY', `the expression ${what}`)
}
