import { inOneGo, type Pieces } from '../turns/index.ts'
import { messageOf } from '../index.ts'
import { JSON_MAX_DEPTH } from './json-heap.ts'
import { pointer, type Json } from './json.ts'

/** Why a value is not plain JSON, and where (a JSON pointer from the value's root). */
export interface NotPlainJson {
  readonly pointer: string
  readonly reason: string
  /** The value is plain JSON as far as it was read, but has too many values or bytes. */
  readonly isTooLarge: boolean
}

export type PlainJsonResult =
  | { readonly ok: true; readonly text: string; readonly value: Json }
  | { readonly ok: false; readonly problem: NotPlainJson }

export type JsonTextResult =
  | { readonly ok: true; readonly text: string }
  | Extract<PlainJsonResult, { ok: false }>

/** The most values of a JSON value, object keys included. */
export const PLAIN_JSON_MAX_VALUES = 2_000_000

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

/** The same without reading the text back. */
export function toJsonText(value: unknown, maxBytes = Number.POSITIVE_INFINITY): JsonTextResult {
  return inOneGo(jsonTextPieces(value, maxBytes))
}

/** The same in pieces, for values that may be large. */
export function* plainJsonPieces(
  value: unknown,
  maxBytes = Number.POSITIVE_INFINITY,
): Pieces<PlainJsonResult> {
  const written = yield* jsonTextPieces(value, maxBytes)
  if (!written.ok) return written
  yield
  return { ...written, value: JSON.parse(written.text) as Json }
}

/** `toJsonText` in pieces, for values that may be large. */
export function* jsonTextPieces(value: unknown, maxBytes: number): Pieces<JsonTextResult> {
  const problem = yield* new Walk(maxBytes).find(value)
  if (problem) return { ok: false, problem }
  yield
  return writeMeasured(value, maxBytes)
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
  maxBytes = Number.POSITIVE_INFINITY,
): { readonly ok: true; readonly size: WalkedSize } | Extract<PlainJsonResult, { ok: false }> {
  if (typeof value !== 'object' || value === null) return measureScalar(value, maxBytes)
  const walk = new Walk(maxBytes)
  const problem = inOneGo(walk.find(value))
  return problem ? { ok: false, problem } : { ok: true, size: walk.size }
}

function measureScalar(value: unknown, maxBytes: number): ReturnType<typeof measurePlainJson> {
  const bytes = scalarBytes(value)
  const isTooLarge = bytes > maxBytes
  const reason = isTooLarge ? tooManyBytes(maxBytes) : scalarProblem(value)
  if (reason !== null) return { ok: false, problem: { pointer: '', reason, isTooLarge } }
  return { ok: true, size: { bytes, values: 1 } }
}

/** The text of a value that was measured just before, in the same turn of the event loop. */
export function writeMeasured(value: unknown, maxBytes = Number.POSITIVE_INFINITY): JsonTextResult {
  try {
    const text = JSON.stringify(value) as string | undefined
    if (text === undefined) return refused('is undefined')
    if (maxBytes < Number.POSITIVE_INFINITY && Buffer.byteLength(text) > maxBytes)
      return { ok: false, problem: { pointer: '', reason: tooManyBytes(maxBytes), isTooLarge: true } }
    return { ok: true, text }
  } catch (thrown) {
    // A getter or a `toJSON` returned something else this time.
    return refused(unreadable(thrown))
  }
}

function refused(reason: string): Extract<JsonTextResult, { ok: false }> {
  return { ok: false, problem: { pointer: '', reason, isTooLarge: false } }
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
const TOO_MANY_VALUES = `has more than ${PLAIN_JSON_MAX_VALUES} values`

/** Looks for the first value that JSON cannot carry. It holds one frame for each container that is open. */
class Walk {
  readonly #maxBytes: number
  readonly #tooManyBytes: string
  readonly #frames: Frame[] = []
  /** The containers of the frames, so that a cycle is found without a search. */
  readonly #open = new Set<object>()
  #visited = 0
  /** A lower bound of the bytes of the text so far. */
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#tooManyBytes = tooManyBytes(maxBytes)
  }

  get size(): WalkedSize {
    return { bytes: this.#bytes, values: this.#visited }
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
      const isTooLarge = reason === TOO_MANY_VALUES || reason === this.#tooManyBytes
      return { pointer: isTooLarge ? '' : this.#pointer(), reason, isTooLarge }
    } catch (thrown) {
      return { pointer: this.#pointer(), reason: unreadable(thrown), isTooLarge: false }
    }
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

  #meet(met: unknown): string | null {
    let value = met
    for (let depth = this.#frames.length; ; depth++) {
      if (++this.#visited > PLAIN_JSON_MAX_VALUES) return TOO_MANY_VALUES
      if (depth > JSON_MAX_DEPTH) return `is nested deeper than ${JSON_MAX_DEPTH} levels`
      if (typeof value !== 'object' || value === null) return this.#scalarProblem(value)
      if (this.#open.has(value)) return 'contains itself'
      if (Array.isArray(value) || !('toJSON' in value) || typeof value.toJSON !== 'function') break
      value = value.toJSON()
    }
    return this.#enter(value)
  }

  #scalarProblem(value: unknown): string | null {
    this.#bytes += scalarBytes(value)
    if (this.#bytes > this.#maxBytes) return this.#tooManyBytes
    return scalarProblem(value)
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
    if (length > PLAIN_JSON_MAX_VALUES) return TOO_MANY_VALUES
    this.#bytes += 2
    if (this.#bytes > this.#maxBytes) return this.#tooManyBytes
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

/** At least this many bytes of JSON text. */
function scalarBytes(value: unknown): number {
  return typeof value === 'string' ? value.length + 2 : 1
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
