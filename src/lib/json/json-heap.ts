import type { Pieces } from '../turns/index.ts'

/** The size of a JSON value in memory, estimated from its text. */
export interface JsonHeapSize {
  /** Estimated bytes on the V8 heap once the text is parsed and the value is frozen. */
  readonly heapBytes: number
  /** The number of strings, numbers, booleans, nulls, arrays and objects, without object keys. */
  readonly values: number
  /** The number of keys of the object that has the most. */
  readonly maxMembers: number
  /** Whether the text is nested deeper than `JSON_MAX_DEPTH`. The scan stops there: the other numbers are then too small. */
  readonly isTooDeep: boolean
}

/** The deepest nesting of a JSON value that Lume accepts. */
export const JSON_MAX_DEPTH = 500

/** Characters that are scanned before other work has the thread. */
const PIECE_LENGTH = 64 * 1024

// What V8 of Node 20 to 24 allocates on 64-bit machines, without pointer compression.
const SLOT_BYTES = 8
const ARRAY_BYTES = 32
const ELEMENTS_HEADER_BYTES = 16
const OBJECT_BYTES = 24
/** `JSON.parse` reserves this many properties in an empty object. */
const MIN_PROPERTIES = 4
/** A number that is no small integer is boxed; a frozen list boxes all its fractions. */
const HEAP_NUMBER_BYTES = 16
const STRING_HEADER_BYTES = 16
const SMALL_INTEGER_MAX_LENGTH = 9
/**
 * An object whose keys no earlier object had in this order has its own hidden class, with a transition and a
 * descriptor for each key, and one more once it is frozen; with very many keys, a dictionary instead.
 */
const SHAPE_BYTES = 200
const DESCRIPTOR_BYTES = 24
const MAX_DESCRIPTORS = 32
/** An object with more keys is a dictionary, which has no hidden class. */
const FAST_KEYS_MAX = 128
const DICTIONARY_ENTRY_BYTES = 64

/** Hidden classes are distinguished by a hash, in a table of one bit per character of the text, within these limits. */
const SHAPE_TABLE_MIN_BITS = 1 << 10
const SHAPE_TABLE_MAX_BITS = 1 << 22
const NO_OBJECT = -1
/** Unknown to those who write the texts, so that they cannot choose keys that collide. */
const SEED = Math.floor(Math.random() * 0x7fffffff) | 1

const QUOTE = 34
const COMMA = 44
const MINUS = 45
const ZERO = 48
const NINE = 57
const COLON = 58
const OPEN_LIST = 91
const BACKSLASH = 92
const CLOSE_LIST = 93
const LOWER_U = 117
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

/**
 * Estimates how much heap a JSON text takes once it is parsed and frozen, in one pass over the text and without parsing
 * it. The estimate is at least two thirds of what V8 allocates, whatever the value (a test measures it). It may be several times
 * too large where V8 shares short strings. A text that is not JSON has an estimate, too.
 */
export function jsonHeapSize(text: string): JsonHeapSize {
  return new HeapScan(text).scan(text.length)
}

/** `jsonHeapSize` in pieces. */
export function* jsonHeapSizePieces(text: string): Pieces<JsonHeapSize> {
  const scan = new HeapScan(text)
  for (let end = PIECE_LENGTH; end < text.length; end += PIECE_LENGTH) {
    const { isTooDeep } = scan.scan(end)
    if (isTooDeep) break
    yield
  }
  return scan.scan(text.length)
}

class HeapScan {
  readonly #text: string
  readonly #shapes: ShapeTable
  #at = 0
  #heapBytes = 0
  #values = 0
  #depth = 0
  /** Whether the next string is the key of an object. */
  #isKey = false

  constructor(text: string) {
    this.#text = text
    this.#shapes = new ShapeTable(text.length)
  }

  /** Scans on, to the end of the value that reaches `end`, and returns the size of what has been scanned. */
  scan(end: number): JsonHeapSize {
    const text = this.#text
    const shapes = this.#shapes
    // Locals: this loop is run for each character of each value that is recorded.
    let at = this.#at
    let heapBytes = this.#heapBytes
    let values = this.#values
    let depth = this.#depth
    let isKey = this.#isKey
    while (at < end && depth <= JSON_MAX_DEPTH) {
      const char = text.charCodeAt(at)
      if (char === QUOTE && isKey) {
        const key = readKey(text, at)
        at = key.end
        isKey = false
        heapBytes += SLOT_BYTES + shapes.key(depth, key)
      } else if (char === QUOTE) {
        const string = readString(text, at)
        at = string.end
        values++
        heapBytes += SLOT_BYTES + string.bytes
      } else if (char === COMMA) {
        isKey = shapes.isOpen(depth)
        at++
      } else if (char === OPEN_LIST || char === OPEN_OBJECT) {
        values++
        if (++depth > JSON_MAX_DEPTH) break
        isKey = char === OPEN_OBJECT
        shapes.open(depth, isKey)
        if (isKey) heapBytes += SLOT_BYTES + OBJECT_BYTES + MIN_PROPERTIES * SLOT_BYTES
        else {
          const isEmpty = nextChar(text, at + 1) === CLOSE_LIST
          heapBytes += SLOT_BYTES + ARRAY_BYTES + (isEmpty ? 0 : ELEMENTS_HEADER_BYTES)
        }
        at++
      } else if (char === CLOSE_LIST || char === CLOSE_OBJECT) {
        depth = Math.max(0, depth - 1)
        isKey = false
        at++
      } else if (char === MINUS || (char >= ZERO && char <= NINE)) {
        const numberEnd = endOfNumber(text, at)
        values++
        heapBytes += SLOT_BYTES + (isSmallInteger(text, at, numberEnd) ? 0 : HEAP_NUMBER_BYTES)
        at = numberEnd
      } else if (char > COLON) {
        // A literal: true, false or null.
        values++
        heapBytes += SLOT_BYTES
        at = endOfLiteral(text, at)
      } else at++
    }
    this.#at = at
    this.#heapBytes = heapBytes
    this.#values = values
    this.#depth = depth
    this.#isKey = isKey
    return { heapBytes, values, maxMembers: shapes.maxMembers, isTooDeep: depth > JSON_MAX_DEPTH }
  }
}

interface ScannedString {
  /** Behind the closing quote. */
  readonly end: number
  readonly bytes: number
}

interface ScannedKey extends ScannedString {
  readonly hash: number
}

function readString(text: string, start: number): ScannedString {
  let at = start + 1
  let characters = 0
  let union = 0
  let char = text.charCodeAt(at)
  // NaN, which equals nothing, stands behind the end of the text.
  while (char !== QUOTE && char === char) {
    if (char === BACKSLASH) {
      const isUnicode = text.charCodeAt(at + 1) === LOWER_U
      if (isUnicode && (text.charCodeAt(at + 2) !== ZERO || text.charCodeAt(at + 3) !== ZERO)) union = 0xffff
      at += isUnicode ? 6 : 2
    } else at++
    union |= char
    characters++
    char = text.charCodeAt(at)
  }
  return { end: at + 1, bytes: stringBytes(characters, union) }
}

function readKey(text: string, start: number): ScannedKey {
  const { end, bytes } = readString(text, start)
  let hash = SEED
  for (let at = start + 1; at < end - 1; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) + at - start
  return { end, bytes, hash }
}

/** `union`: all characters, or-ed. One beyond Latin-1 makes the whole string take two bytes per character. */
function stringBytes(characters: number, union: number): number {
  return STRING_HEADER_BYTES + (((union > 0xff ? 2 * characters : characters) + 7) & ~7)
}

function nextChar(text: string, from: number): number {
  let at = from
  let char = text.charCodeAt(at)
  while (char <= 32) char = text.charCodeAt(++at)
  return char
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1
  for (let char = text.charCodeAt(at); char > 32 && char !== COMMA && !isClose(char);) {
    char = text.charCodeAt(++at)
  }
  return at
}

function isSmallInteger(text: string, start: number, end: number): boolean {
  if (end - start > SMALL_INTEGER_MAX_LENGTH) return false
  if (text.charCodeAt(start) === MINUS && end - start === 2 && text.charCodeAt(start + 1) === ZERO)
    return false
  for (let at = start + 1; at < end; at++) {
    const char = text.charCodeAt(at)
    if (char < ZERO || char > NINE) return false
  }
  return true
}

function endOfLiteral(text: string, start: number): number {
  let at = start + 1
  for (let char = text.charCodeAt(at); char > 32 && char !== COMMA && char !== QUOTE && !isBracket(char);) {
    char = text.charCodeAt(++at)
  }
  return at
}

function isBracket(char: number): boolean {
  return isClose(char) || char === OPEN_LIST || char === OPEN_OBJECT
}

function isClose(char: number): boolean {
  return char === CLOSE_LIST || char === CLOSE_OBJECT
}

/** Which hidden classes have been counted, found by the keys that lead to them. */
class ShapeTable {
  readonly #bits: number
  #seen: Uint8Array | null = null
  /** By depth: the hidden class so far of the object that is open there, and its number of keys. */
  readonly #paths: number[] = []
  readonly #keys: number[] = []
  maxMembers = 0

  constructor(textLength: number) {
    const bits = 1 << Math.ceil(Math.log2(textLength + 1))
    this.#bits = Math.min(Math.max(bits, SHAPE_TABLE_MIN_BITS), SHAPE_TABLE_MAX_BITS)
  }

  open(depth: number, isObject: boolean): void {
    this.#paths[depth] = SEED
    this.#keys[depth] = isObject ? 0 : NO_OBJECT
  }

  /** Whether an object is open at this depth, not a list. */
  isOpen(depth: number): boolean {
    return (this.#keys[depth] ?? NO_OBJECT) !== NO_OBJECT
  }

  /** The bytes that one more key takes beyond its slot; 0 where an earlier object had the same keys so far. */
  key(depth: number, { hash, bytes }: ScannedKey): number {
    const count = (this.#keys[depth] ?? 0) + 1
    const path = mix((this.#paths[depth] ?? SEED) ^ hash)
    this.#keys[depth] = count
    if (count > this.maxMembers) this.maxMembers = count
    this.#paths[depth] = path
    const isNew = this.#isNew(path)
    if (count <= FAST_KEYS_MAX)
      return isNew ? SHAPE_BYTES + bytes + DESCRIPTOR_BYTES * Math.min(count, MAX_DESCRIPTORS) : 0
    const entries = count === FAST_KEYS_MAX + 1 ? count : 1
    return entries * DICTIONARY_ENTRY_BYTES + (isNew ? bytes : 0)
  }

  #isNew(path: number): boolean {
    const bit = path & (this.#bits - 1)
    this.#seen ??= new Uint8Array(this.#bits >> 3)
    const mask = 1 << (bit & 7)
    const seen = this.#seen[bit >> 3] ?? 0
    this.#seen[bit >> 3] = seen | mask
    return (seen & mask) === 0
  }
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x45d9f3b)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x119de1f3)
  return mixed ^ (mixed >>> 16)
}
