import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { inOneGo, type Pieces } from '../turns/index.ts'
import { isJsonObject, type Json, type JsonObject } from './json.ts'

/** The one text of a JSON value: members sorted, no white space, numbers as ECMAScript writes them (RFC 8785). */
export function canonicalJson(value: Json): string {
  return (canonicalize as unknown as (value: Json) => string)(value)
}

/** SHA-256 of the canonical text, in lower-case hex: equal values, and only they, have equal hashes. */
export function canonicalHash(value: Json): string {
  return inOneGo(canonicalHashPieces(value))
}

/** A list or object of which the items or members before `next` are written. */
interface Frame {
  readonly list: readonly Json[] | null
  readonly object: JsonObject
  /** In their order once the first member is written. */
  keys: readonly string[]
  readonly length: number
  next: number
}

const VALUES_PER_PIECE = 8_192
/** More keys than this are put in order in pieces. */
const KEYS_PER_PIECE = 4_096
/** Text is hashed in portions of about this many characters. */
const PORTION_LENGTH = 65_536

/** `canonicalHash` in pieces, for values that may be large and of any depth. */
export function* canonicalHashPieces(value: Json): Pieces<string> {
  return (yield* digestPieces(value, 'sorted')).sha256
}

/** The length of a JSON text in UTF-16 units, and its SHA-256 in lower-case hex. */
export interface TextDigest {
  readonly length: number
  readonly sha256: string
}

/** The digest of the text that `JSON.stringify` makes of a value, in pieces and without making the whole text. */
export function jsonTextDigestPieces(value: Json): Pieces<TextDigest> {
  return digestPieces(value, 'asTheyCome')
}

type KeyOrder = 'sorted' | 'asTheyCome'

function* digestPieces(value: Json, order: KeyOrder): Pieces<TextDigest> {
  const hash = createHash('sha256')
  const frames: Frame[] = []
  let length = 0
  let text = open(value, frames, order)
  for (let turn = 1; ; turn++) {
    const frame = frames.at(-1)
    if (!frame || text.length > PORTION_LENGTH) {
      hash.update(text)
      length += text.length
      text = ''
    }
    if (!frame) return { length, sha256: hash.digest('hex') }
    if (frame.next === frame.length) {
      text += frame.list ? ']' : '}'
      frames.pop()
    } else {
      const at = frame.next++
      if (order === 'sorted' && at === 0 && frame.keys.length > KEYS_PER_PIECE)
        frame.keys = yield* sortPieces(frame.keys)
      if (at > 0) text += ','
      const key = frame.keys[at] ?? ''
      if (!frame.list) text += `${JSON.stringify(key)}:`
      text += open((frame.list ? frame.list[at] : frame.object[key]) ?? null, frames, order)
    }
    if (turn % VALUES_PER_PIECE === 0) yield
  }
}

/** The text of a scalar, or the bracket that opens a list or an object, whose rest follows from its frame. */
function open(value: Json, frames: Frame[], order: KeyOrder): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isJsonObject(value)) {
    const keys = Object.keys(value)
    if (order === 'sorted' && keys.length <= KEYS_PER_PIECE) keys.sort()
    frames.push({ list: null, object: value, keys, length: keys.length, next: 0 })
    return '{'
  }
  frames.push({ list: value, object: {}, keys: [], length: value.length, next: 0 })
  return '['
}

/** Sorts keys by their UTF-16 units, as `sort` does: runs of keys first, which are then merged two by two. */
function* sortPieces(keys: readonly string[]): Pieces<readonly string[]> {
  let runs: (readonly string[])[] = []
  for (let start = 0; start < keys.length; start += KEYS_PER_PIECE) {
    runs.push(keys.slice(start, start + KEYS_PER_PIECE).sort())
    yield
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = []
    for (let i = 0; i < runs.length; i += 2) merged.push(yield* mergePieces(runs[i] ?? [], runs[i + 1] ?? []))
    runs = merged
  }
  return runs[0] ?? []
}

function* mergePieces(left: readonly string[], right: readonly string[]): Pieces<readonly string[]> {
  const merged: string[] = []
  let [l, r] = [0, 0]
  while (merged.length < left.length + right.length) {
    const [a, b] = [left[l], right[r]]
    if (b === undefined || (a !== undefined && a <= b)) {
      merged.push(a ?? '')
      l++
    } else {
      merged.push(b)
      r++
    }
    if (merged.length % VALUES_PER_PIECE === 0) yield
  }
  return merged
}
