import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { isJsonObject, type Json, type JsonObject } from './json.ts'
import { inOneGo, type Pieces } from './pieces.ts'

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
  readonly keys: readonly string[]
  readonly length: number
  next: number
}

const VALUES_PER_PIECE = 8_192
/** Text is hashed in portions of about this many characters. */
const PORTION_LENGTH = 65_536

/** `canonicalHash` in pieces, for values that may be large and of any depth. */
export function* canonicalHashPieces(value: Json): Pieces<string> {
  return (yield* digestPieces(value, sorted)).sha256
}

/** The length of a JSON text in UTF-16 units, and its SHA-256 in lower-case hex. */
export interface TextDigest {
  readonly length: number
  readonly sha256: string
}

/** The digest of the text that `JSON.stringify` makes of a value, in pieces and without making the whole text. */
export function jsonTextDigestPieces(value: Json): Pieces<TextDigest> {
  return digestPieces(value, asTheyCome)
}

type KeysOf = (object: JsonObject) => readonly string[]
const sorted: KeysOf = (object) => Object.keys(object).sort()
const asTheyCome: KeysOf = (object) => Object.keys(object)

function* digestPieces(value: Json, keysOf: KeysOf): Pieces<TextDigest> {
  const hash = createHash('sha256')
  const frames: Frame[] = []
  let length = 0
  let text = open(value, frames, keysOf)
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
      if (at > 0) text += ','
      const key = frame.keys[at] ?? ''
      if (!frame.list) text += `${JSON.stringify(key)}:`
      text += open((frame.list ? frame.list[at] : frame.object[key]) ?? null, frames, keysOf)
    }
    if (turn % VALUES_PER_PIECE === 0) yield
  }
}

/** The text of a scalar, or the bracket that opens a list or an object, whose rest follows from its frame. */
function open(value: Json, frames: Frame[], keysOf: KeysOf): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isJsonObject(value)) {
    const keys = keysOf(value)
    frames.push({ list: null, object: value, keys, length: keys.length, next: 0 })
    return '{'
  }
  frames.push({ list: value, object: {}, keys: [], length: value.length, next: 0 })
  return '['
}
