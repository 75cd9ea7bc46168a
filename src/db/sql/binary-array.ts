/** The SQL types of the elements of arrays that are sent in binary form. */
export type ElementType = 'bigint' | 'bool' | 'float8' | 'int' | 'text' | 'uuid'

/** Encodes one array: see `BinaryArrays`. */
export function binaryArray(type: ElementType, values: readonly unknown[]): Buffer {
  const arrays = new BinaryArrays(values.length)
  arrays.add(type, values, (value) => value)
  return arrays.take()[0] ?? Buffer.alloc(0)
}

/**
 * Encodes the values of parameters of types `type[]` as Postgres sends arrays itself in binary form (`array_send` in its source:
 * dimensions, whether there are nulls, the type's OID, length and lower bound; then each element with its length). The driver sends a
 * Buffer as it is. A text in such an array is neither escaped here nor unescaped there, which is most of the work on JSON texts. All
 * arrays share one buffer.
 */
export class BinaryArrays {
  #buffer: Buffer
  #length = 0
  /** Where each array ends. */
  readonly #ends: number[] = []

  /** `count`: about the number of elements of all arrays. */
  constructor(count: number) {
    this.#buffer = Buffer.allocUnsafe(HEAD_BYTES + count * USUAL_BYTES)
  }

  /** Adds an array of one value of each row. */
  add<Row>(type: ElementType, rows: readonly Row[], valueOf: (row: Row) => unknown): void {
    const { oid, maxBytes, write } = ELEMENTS[type]
    const head = this.#length
    this.#reserve(HEAD_BYTES)
    this.#length += HEAD_BYTES
    let hasNulls = 0
    for (const row of rows) {
      const value = valueOf(row) as never
      if (value === null || value === undefined) {
        hasNulls = 1
        this.#reserve(LENGTH_BYTES)
        this.#length = this.#buffer.writeInt32BE(NULL_LENGTH, this.#length)
        continue
      }
      this.#reserve(LENGTH_BYTES + maxBytes(value))
      const start = this.#length + LENGTH_BYTES
      const end = write(this.#buffer, value, start)
      this.#buffer.writeInt32BE(end - start, this.#length)
      this.#length = end
    }
    const buffer = this.#buffer
    buffer.writeInt32BE(rows.length > 0 ? 1 : 0, head)
    buffer.writeInt32BE(hasNulls, head + 4)
    buffer.writeInt32BE(oid, head + 8)
    buffer.writeInt32BE(rows.length, head + 12)
    buffer.writeInt32BE(1, head + 16)
    // An array without elements has no dimensions.
    if (rows.length === 0) this.#length = head + EMPTY_BYTES
    this.#ends.push(this.#length)
  }

  /** Returns the arrays, in the order in which they were added. */
  take(): readonly Buffer[] {
    let start = 0
    return this.#ends.map((end) => {
      const array = this.#buffer.subarray(start, end)
      start = end
      return array
    })
  }

  /** Makes room for this many bytes. */
  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, needed))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}

const HEAD_BYTES = 20
const EMPTY_BYTES = 12
const LENGTH_BYTES = 4
/** What stands for the length of a null. */
const NULL_LENGTH = -1
/** The buffer begins with this many bytes for each element, and grows. */
const USUAL_BYTES = 24
/** A longer text is measured; a shorter one may take room for three bytes a character, the most that one takes in UTF-8. */
const MEASURED_LENGTH = 1_024

interface Element<Value> {
  /** From `pg_type`. The OIDs of built-in types never change. */
  readonly oid: number
  /** The most bytes that a value may take. */
  maxBytes(value: Value): number
  /** Writes a value, and returns where it ends. */
  write(buffer: Buffer, value: Value, at: number): number
}

/** The binary forms of the types, as their functions `…recv` read them. */
const ELEMENTS: {
  readonly bigint: Element<bigint | number>
  readonly bool: Element<boolean>
  readonly float8: Element<number>
  readonly int: Element<number>
  readonly text: Element<string>
  readonly uuid: Element<string>
} = {
  bigint: {
    oid: 20,
    maxBytes: () => 8,
    write: writeInt64,
  },
  bool: { oid: 16, maxBytes: () => 1, write: (buffer, value, at) => buffer.writeUInt8(value ? 1 : 0, at) },
  float8: { oid: 701, maxBytes: () => 8, write: (buffer, value, at) => buffer.writeDoubleBE(value, at) },
  int: { oid: 23, maxBytes: () => 4, write: (buffer, value, at) => buffer.writeInt32BE(value, at) },
  text: {
    oid: 25,
    maxBytes: (value) => (value.length > MEASURED_LENGTH ? Buffer.byteLength(value) : 3 * value.length),
    write: (buffer, value, at) => at + buffer.write(value, at),
  },
  uuid: { oid: 2950, maxBytes: () => 16, write: writeUuid },
}

const WORD = 2 ** 32

/** Almost all integers are exact numbers, which are faster than BigInts. */
function writeInt64(buffer: Buffer, value: bigint | number, at: number): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) return buffer.writeBigInt64BE(BigInt(value), at)
  return buffer.writeUInt32BE(number >>> 0, buffer.writeInt32BE(Math.floor(number / WORD), at))
}

/** Reads the digits itself: a text without the dashes would be one more string for each id. */
function writeUuid(buffer: Buffer, text: string, at: number): number {
  let digits = 0
  let byte = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === DASH) continue
    const digit = DIGITS[code] ?? NO_DIGIT
    if (digit === NO_DIGIT || digits === UUID_DIGITS) throw new Error(`"${text}" is not a UUID`)
    byte = (byte << 4) | digit
    if (++digits % 2 === 0) buffer[at + digits / 2 - 1] = byte & 0xff
  }
  if (digits !== UUID_DIGITS) throw new Error(`"${text}" is not a UUID`)
  return at + UUID_DIGITS / 2
}

const DASH = 45
const UUID_DIGITS = 32
const NO_DIGIT = 16
/** The hexadecimal digits by their ASCII codes. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? NO_DIGIT : digit
})
