import { inOneGo, type Pieces } from '../../lib/turns/index.ts'
import { LumeError } from '../../lib/index.ts'
import { isJsonObject, type Json } from '../../lib/json/index.ts'
import { breaksIn, jsonQuotesIn } from './breaks.ts'
import { NEEDLE_MIN_LENGTH, Needles, united, type Range, type SearchWork } from './needles.ts'
import { writingsPieces } from './writings.ts'

/** What stands in a secret's place. */
export const MASK = '***'

// Where a JSON text holds none of these, a string that holds a writing shows one in the text, too: only quotes and line
// breaks are escaped, and of those that may have them the escaped form is a writing of its own.
const HIDING_ESCAPE = /\\[u/\\]/

/**
 * Maximum length of the secret values that one execution uses, together and in characters. Each value that was replaced while the
 * execution ran counts as well, and a short value counts as `SECRET_COUNTED_MIN_LENGTH`. A value is looked for in up to 150 writings.
 */
export const EXECUTION_SECRETS_MAX_LENGTH = 16 * 1024
/** The least that one value counts, in characters. */
export const SECRET_COUNTED_MIN_LENGTH = 128
/** The code of a step whose secrets exceed it. */
export const SECRETS_TOO_LARGE = 'SECRETS_TOO_LARGE'
/**
 * How many characters one search compares one by one at most, all values that it looks for together: about 0.3 s of work. A text of which
 * the rest cannot be searched is masked as a whole.
 */
export const SCRUB_MAX_WORK = 64 * 1024 * 1024

type Masking = (text: string) => string

/**
 * P7: knows secret values and takes them out of whatever is recorded or published, raw or in one of the usual encodings
 * (`writingsPieces`). Values under 8 characters are ignored: they would be found in every text.
 */
export class Scrubber {
  readonly #needles = new Needles()
  /** Values whose writings are all looked for. */
  readonly #known = new Set<string>()
  /** Values that count, also while their writings are being made. */
  readonly #counted = new Set<string>()
  #length = 0

  /** From here on this value is masked. Throws `SECRETS_TOO_LARGE`, and does not know the value, where there is no room for it. */
  add(value: string): void {
    inOneGo(this.addPieces(value))
  }

  /** The same in pieces: the value is masked from their end on. */
  *addPieces(value: string): Pieces<void> {
    if (value.length < NEEDLE_MIN_LENGTH || this.#known.has(value)) return
    this.#count(value)
    for (const writing of yield* writingsPieces(value)) {
      this.#needles.add(writing)
      yield
    }
    this.#known.add(value)
  }

  #count(value: string): void {
    if (this.#counted.has(value)) return
    const length = this.#length + Math.max(value.length, SECRET_COUNTED_MIN_LENGTH)
    if (length > EXECUTION_SECRETS_MAX_LENGTH) throw tooLarge()
    this.#counted.add(value)
    this.#length = length
  }

  /** Knows no value: everything passes untouched, at no cost. */
  get isIdle(): boolean {
    return this.#needles.size === 0
  }

  /** The length of the longest text that is looked for; 0 when there is none. */
  get longest(): number {
    return this.#needles.longest
  }

  /** Free text: a message, a log line, a chunk of a stream. */
  text(text: string): string {
    return this.#text(text, newWork())
  }

  #text(text: string, work: SearchWork): string {
    if (this.isIdle || text.length < NEEDLE_MIN_LENGTH) return text
    return masked(text, this.#needles.find(text, work))
  }

  /**
   * Text for people that somebody may have cut before it came here, such as an error's: at its end and before an ellipsis
   * the beginning of a writing is masked, too, from 6 characters on. Not for what flows on: a text may end in `https:`.
   */
  excerpt(text: string): string {
    return this.#excerpt(text, newWork())
  }

  #excerpt(text: string, work: SearchWork): string {
    if (this.isIdle) return text
    const needles = this.#needles
    return masked(
      text,
      united([
        ...needles.find(text, work),
        ...needles.findBroken(text, breaksIn(text)),
        ...jsonQuotesIn(text),
      ]),
    )
  }

  /** JSON text; what comes out is valid JSON of the same shape: only strings, keys and numbers that hold a value change. */
  json(text: string): string {
    if (this.isIdle) return text
    const work = newWork()
    if (!HIDING_ESCAPE.test(text) && this.#needles.find(text, work).length === 0) return text
    const value = JSON.parse(text) as Json
    const scrubbed = this.#value(value, (part) => this.#text(part, work))
    return scrubbed === value ? text : JSON.stringify(scrubbed)
  }

  /** A JSON value, the same object when nothing had to change. A number that holds a value becomes a string. */
  value<T extends Json>(value: T): T
  value(value: Json): Json {
    if (this.isIdle) return value
    const work = newWork()
    return this.#value(value, (text) => this.#text(text, work))
  }

  /** The same with every text taken as an `excerpt`: what stands beside an error or a log line. */
  excerpts<T extends Json>(value: T): T
  excerpts(value: Json): Json {
    if (this.isIdle) return value
    const work = newWork()
    return this.#value(value, (text) => this.#excerpt(text, work))
  }

  #value(value: Json, mask: Masking): Json {
    if (typeof value === 'string') return mask(value)
    if (typeof value === 'number') return this.#number(value)
    if (isJsonObject(value)) return this.#object(value, mask)
    return typeof value === 'object' && value !== null ? this.#list(value, mask) : value
  }

  #number(number: number): Json {
    const text = String(number)
    return this.text(text) === text ? number : MASK
  }

  #list(list: readonly Json[], mask: Masking): Json {
    const scrubbed = list.map((item) => this.#value(item, mask))
    return scrubbed.every((item, i) => item === list[i]) ? list : scrubbed
  }

  #object(object: { readonly [key: string]: Json }, mask: Masking): Json {
    const members = Object.entries(object).map(([key, value]) => ({
      key,
      shown: mask(key),
      value,
      scrubbed: this.#value(value, mask),
    }))
    if (members.every(({ key, shown, value, scrubbed }) => key === shown && value === scrubbed)) return object
    // Two keys may become one text; both members stay.
    const taken = new Set(members.filter(({ key, shown }) => key === shown).map(({ key }) => key))
    return Object.fromEntries(
      members.map(({ key, shown, scrubbed }) => {
        let name = shown
        while (name !== key && taken.has(name)) name += '*'
        taken.add(name)
        return [name, scrubbed]
      }),
    )
  }
}

function newWork(): SearchWork {
  return { left: SCRUB_MAX_WORK }
}

function tooLarge(): LumeError {
  return new LumeError(
    SECRETS_TOO_LARGE,
    `The secrets of one execution have at most ${EXECUTION_SECRETS_MAX_LENGTH} characters together, each counted as at least ${SECRET_COUNTED_MIN_LENGTH}. Use fewer or shorter secrets, or divide the work between executions.`,
  )
}

function masked(text: string, ranges: readonly Range[]): string {
  if (ranges.length === 0) return text
  const kept = ranges.map(({ start }, i) => text.slice(ranges[i - 1]?.end ?? 0, start))
  return [...kept, text.slice(ranges.at(-1)?.end)].join(MASK)
}
