import { messageOf } from './errors.ts'
import { JSON_MAX_DEPTH } from './json-heap.ts'
import { pointer, type Json } from './json.ts'

/** Why a value is not plain JSON, and where (a JSON pointer from the value's root). */
export interface NotPlainJson {
  readonly pointer: string
  readonly reason: string
  /** True when nothing but the value's size is wrong. */
  readonly isTooLarge: boolean
}

export type PlainJsonResult =
  | { readonly ok: true; readonly text: string; readonly value: Json }
  | { readonly ok: false; readonly problem: NotPlainJson }

export type JsonTextResult =
  | { readonly ok: true; readonly text: string }
  | Extract<PlainJsonResult, { ok: false }>

export interface PlainJsonLimits {
  /**
   * The text may have this many bytes. The value is refused as soon as its strings, keys and brackets have more
   * characters, before any text is made of it; a text may still be longer, by its escapes and in UTF-8. Default: no limit.
   */
  readonly maxBytes?: number
}

/** The most values of a JSON value, object keys included. */
export const PLAIN_JSON_MAX_VALUES = 2_000_000

/**
 * Serialises a value that must be plain JSON, and returns both the text and the value as anybody will read it from
 * that text. Refuses, with the place: undefined (as a list item or the whole value; an object's undefined members are
 * left out, as JSON does), functions, symbols, BigInt, NaN and infinities, class instances other than those with a
 * `toJSON`, cycles, NUL characters (which Postgres cannot store), lone surrogates, nesting over 500 levels, and whatever
 * throws when it is read. Never throws itself.
 */
export function toPlainJson(value: unknown, limits?: PlainJsonLimits): PlainJsonResult {
  const written = toJsonText(value, limits)
  return written.ok ? { ...written, value: JSON.parse(written.text) as Json } : written
}

/** The size of a value that has been walked, before any text is made of it. */
export interface WalkedSize {
  /** Without escapes and commas, in UTF-16 units: at least this many bytes of JSON text. */
  readonly bytes: number
  /** Object keys included. */
  readonly values: number
}

/** What `toJsonText` would refuse, and the size of what it would not. */
export function measurePlainJson(
  value: unknown,
  limits: PlainJsonLimits = {},
): { readonly ok: true; readonly size: WalkedSize } | Extract<PlainJsonResult, { ok: false }> {
  const walk = new Walk(limits.maxBytes ?? Number.POSITIVE_INFINITY)
  const problem = walk.problemOf(value)
  return problem ? { ok: false, problem } : { ok: true, size: walk.size }
}

/** The same without reading the text back. */
export function toJsonText(value: unknown, limits: PlainJsonLimits = {}): JsonTextResult {
  const measured = measurePlainJson(value, limits)
  return measured.ok ? writeMeasured(value) : measured
}

/** The text of a value that was measured just before, in the same turn of the event loop. */
export function writeMeasured(value: unknown): JsonTextResult {
  try {
    const text = JSON.stringify(value) as string | undefined
    return text === undefined ? refused('is undefined') : { ok: true, text }
  } catch (thrown) {
    // A getter or a `toJSON` returned something else this time.
    return refused(unreadable(thrown))
  }
}

function refused(reason: string): Extract<JsonTextResult, { ok: false }> {
  return { ok: false, problem: { pointer: '', reason, isTooLarge: false } }
}

/** A list or an object that the walk is inside of. */
interface Level {
  readonly container: object
  /** The keys of an object; null: it is a list. */
  readonly keys: readonly string[] | null
  readonly length: number
  /** The index of the member that is visited next. */
  next: number
}

/** Visits a value in order, depth first; holds one level for each container that is open, however large they are. */
class Walk {
  readonly #maxBytes: number
  readonly #levels: Level[] = []
  #visited = 0
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get size(): WalkedSize {
    return { bytes: this.#bytes, values: this.#visited }
  }

  problemOf(root: unknown): NotPlainJson | null {
    let problem = this.#visit(root, 0)
    while (!problem) {
      const level = this.#levels.at(-1)
      if (!level) return null
      if (level.next === level.length) this.#levels.pop()
      else problem = this.#visitMember(level)
    }
    return problem
  }

  #visitMember(level: Level): NotPlainJson | null {
    const { container, keys } = level
    const key = keys?.[level.next] ?? level.next
    level.next++
    let value: unknown
    try {
      value = (container as Record<string | number, unknown>)[key]
      if (typeof key === 'string') {
        if (value === undefined) return null
        this.#visited++
        this.#bytes += key.length + 3
        const reason = textProblem(key)
        if (reason) return this.#at(reason)
      }
    } catch (thrown) {
      return this.#at(unreadable(thrown))
    }
    return this.#visit(value, this.#levels.length)
  }

  #visit(given: unknown, outerDepth: number): NotPlainJson | null {
    let value = given
    try {
      for (let depth = outerDepth; ; depth++) {
        if (++this.#visited > PLAIN_JSON_MAX_VALUES) return this.#tooLarge(TOO_MANY_VALUES)
        if (depth > JSON_MAX_DEPTH) return this.#at(`is nested deeper than ${JSON_MAX_DEPTH} levels`)
        const reason = this.#reasonOf(value)
        if (reason) return this.#at(reason)
        if (!hasToJson(value)) break
        value = value.toJSON()
      }
      if (this.#bytes > this.#maxBytes) return this.#tooLarge(`has more than ${this.#maxBytes} bytes`)
      return this.#enter(value)
    } catch (thrown) {
      return this.#at(unreadable(thrown))
    }
  }

  #reasonOf(value: unknown): string | null {
    switch (typeof value) {
      case 'string':
        this.#bytes += value.length + 2
        return textProblem(value)
      case 'number':
        this.#bytes += 1
        return Number.isFinite(value) ? null : `is ${value}, which JSON cannot carry`
      case 'boolean':
        this.#bytes += 4
        return null
      case 'undefined':
        return 'is undefined'
      case 'bigint':
        return 'is a BigInt'
      case 'function':
      case 'symbol':
        return `is a ${typeof value}`
      default:
        this.#bytes += 2
        return this.#objectProblem(value as object | null)
    }
  }

  #objectProblem(value: object | null): string | null {
    if (value === null) return null
    if (this.#levels.some(({ container }) => container === value)) return 'contains itself'
    if (Array.isArray(value)) return value.length > PLAIN_JSON_MAX_VALUES ? TOO_MANY_VALUES : null
    if (hasToJson(value)) return null
    const prototype: unknown = Object.getPrototypeOf(value)
    // A plain object of another realm has a prototype that itself has none.
    const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
    return isPlain ? null : `is a ${value.constructor?.name ?? 'class'} instance`
  }

  #enter(value: unknown): null {
    if (typeof value !== 'object' || value === null) return null
    const keys = Array.isArray(value) ? null : Object.keys(value)
    const length = keys ? keys.length : (value as readonly unknown[]).length
    if (length > 0) this.#levels.push({ container: value, keys, length, next: 0 })
    return null
  }

  #at(reason: string): NotPlainJson {
    return { pointer: this.#pointer(), reason, isTooLarge: reason === TOO_MANY_VALUES }
  }

  #tooLarge(reason: string): NotPlainJson {
    return { pointer: '', reason, isTooLarge: true }
  }

  /** The member that was visited last on every level. */
  #pointer(): string {
    return pointer('', ...this.#levels.map(({ keys, next }) => keys?.[next - 1] ?? next - 1))
  }
}

const TOO_MANY_VALUES = `has more than ${PLAIN_JSON_MAX_VALUES} values`

function unreadable(thrown: unknown): string {
  return `cannot be read: ${messageOf(thrown)}`
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'toJSON' in value &&
    typeof value.toJSON === 'function'
  )
}

/** Whether Postgres can keep a text as it is: without NUL characters and halves of surrogate pairs. */
export function isStorableText(text: string): boolean {
  return textProblem(text) === null
}

function textProblem(text: string): string | null {
  if (text.includes('\u0000')) return 'holds a NUL character'
  return text.isWellFormed() ? null : 'holds half of a surrogate pair'
}
