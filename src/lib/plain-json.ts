import { messageOf } from './errors.ts'
import { pointer, type Json } from './json.ts'
import { inOneGo, type Pieces } from './pieces.ts'

/** Why a value is not plain JSON, and where (a JSON pointer from the value's root). */
export interface NotPlainJson {
  readonly pointer: string
  readonly reason: string
}

export type PlainJsonResult =
  | { readonly ok: true; readonly text: string; readonly value: Json }
  | { readonly ok: false; readonly problem: NotPlainJson }

const MAX_DEPTH = 500
const MAX_VALUES = 2_000_000
const TOO_MANY_VALUES = `has more than ${MAX_VALUES} values`

/**
 * Serialises a value that must be plain JSON. The result holds both the text and the value that a reader of that text gets.
 * Refused, with the place: undefined (as a list item or the whole value; an object's undefined members are left out, as
 * JSON does), functions, symbols, BigInt, NaN and infinities, class instances other than those with a `toJSON`, cycles,
 * NUL characters (which Postgres cannot store), lone surrogates, nesting over 500 levels, and whatever throws when it is
 * read. Never throws itself.
 *
 * A value whose text has more than `maxBytes` bytes is refused, in most cases before the rest of it is walked.
 */
export function toPlainJson(value: unknown, maxBytes = Number.POSITIVE_INFINITY): PlainJsonResult {
  return inOneGo(plainJsonPieces(value, maxBytes))
}

/** The same in pieces, for values that may be large. */
export function* plainJsonPieces(
  value: unknown,
  maxBytes = Number.POSITIVE_INFINITY,
): Pieces<PlainJsonResult> {
  const problem = yield* new Walk(maxBytes).find(value)
  if (problem) return { ok: false, problem }
  yield
  try {
    const text = JSON.stringify(value)
    if (maxBytes < Number.POSITIVE_INFINITY && Buffer.byteLength(text) > maxBytes)
      return { ok: false, problem: { pointer: '', reason: tooManyBytes(maxBytes) } }
    yield
    return { ok: true, text, value: JSON.parse(text) as Json }
  } catch (thrown) {
    // A getter or a `toJSON` returned something else this time.
    return { ok: false, problem: { pointer: '', reason: unreadable(thrown) } }
  }
}

/** A list or object that is being walked through. */
interface Frame {
  readonly container: object
  /** Null: it is a list. */
  readonly keys: readonly string[] | null
  readonly length: number
  /** The index of the next item or key. */
  next: number
}

const VALUES_PER_PIECE = 8_192

/** Looks for the first value that JSON cannot carry. Only lists and objects cost memory. */
class Walk {
  readonly #frames: Frame[] = []
  /** The containers of the frames, so that a cycle is found without a search. */
  readonly #open = new Set<object>()
  readonly #maxBytes: number
  #visited = 0
  /** A lower bound of the bytes of the text so far. */
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Looks at the next item or member of a container, or leaves it. */
  #step(frame: Frame): string | null {
    if (frame.next >= frame.length) {
      this.#frames.pop()
      this.#open.delete(frame.container)
      return null
    }
    const at = frame.next++
    if (!frame.keys) return this.#meet((frame.container as readonly unknown[])[at])
    const key = frame.keys[at] ?? ''
    const member = (frame.container as { readonly [key: string]: unknown })[key]
    return member === undefined ? null : (this.#meet(key) ?? this.#meet(member))
  }

  *find(root: unknown): Pieces<NotPlainJson | null> {
    try {
      let reason = this.#meet(root)
      for (let turn = 1; reason === null; turn++) {
        const frame = this.#frames[this.#frames.length - 1]
        if (!frame) return null
        reason = this.#step(frame)
        if (turn % VALUES_PER_PIECE === 0) yield
      }
      const isOfWhole = reason === TOO_MANY_VALUES || reason === tooManyBytes(this.#maxBytes)
      return { pointer: isOfWhole ? '' : this.#pointer(), reason }
    } catch (thrown) {
      return { pointer: this.#pointer(), reason: unreadable(thrown) }
    }
  }

  #meet(met: unknown): string | null {
    let value = met
    for (let depth = this.#frames.length; ; depth++) {
      if (++this.#visited > MAX_VALUES) return TOO_MANY_VALUES
      if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`
      if (typeof value !== 'object' || value === null) return this.#excess(value) ?? scalarProblem(value)
      if (this.#open.has(value)) return 'contains itself'
      if (Array.isArray(value) || !('toJSON' in value) || typeof value.toJSON !== 'function') break
      value = value.toJSON()
    }
    return this.#excess(value) ?? this.#enter(value)
  }

  #excess(value: unknown): string | null {
    this.#bytes += typeof value === 'string' ? value.length + 2 : 1
    return this.#bytes > this.#maxBytes ? tooManyBytes(this.#maxBytes) : null
  }

  #enter(value: object): string | null {
    const isList = Array.isArray(value)
    if (!isList) {
      const prototype: unknown = Object.getPrototypeOf(value)
      // A plain object of another realm has a prototype that itself has none.
      const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
      if (!isPlain) return `is a ${value.constructor?.name ?? 'class'} instance`
    }
    const keys = isList ? null : Object.keys(value)
    const length = keys ? keys.length : (value as readonly unknown[]).length
    if (length > MAX_VALUES) return TOO_MANY_VALUES
    this.#open.add(value)
    this.#frames.push({ container: value, keys, length, next: 0 })
    return null
  }

  /** Where the value stands that was met last. */
  #pointer(): string {
    return pointer('', ...this.#frames.map(({ keys, next }) => (keys ? (keys[next - 1] ?? '') : next - 1)))
  }
}

function tooManyBytes(maxBytes: number): string {
  return `has more than ${maxBytes} bytes`
}

function unreadable(thrown: unknown): string {
  return `cannot be read: ${messageOf(thrown)}`
}

function scalarProblem(value: unknown): string | null {
  switch (typeof value) {
    case 'string':
      return textProblem(value)
    case 'number':
      return Number.isFinite(value) ? null : `is ${value}, which JSON cannot carry`
    case 'undefined':
      return 'is undefined'
    case 'bigint':
      return 'is a BigInt'
    case 'function':
    case 'symbol':
      return `is a ${typeof value}`
    default:
      return null
  }
}

/** Whether Postgres can keep a text as it is: without NUL characters and halves of surrogate pairs. */
export function isStorableText(text: string): boolean {
  return textProblem(text) === null
}

function textProblem(text: string): string | null {
  if (text.includes('\u0000')) return 'holds a NUL character'
  return text.isWellFormed() ? null : 'holds half of a surrogate pair'
}
