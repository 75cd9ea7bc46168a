/** The SQL types of the elements of arrays that are sent in binary form. */
export type ElementType = 'bigint' | 'bool' | 'float8' | 'int' | 'text' | 'uuid'

/**
 * Encodes the values of a parameter of type `type[]` as Postgres sends arrays itself in binary form (`array_send` in its source: dimensions,
 * whether there are nulls, the type's OID, length and lower bound; then each element with its length). The driver sends a Buffer as
 * it is. A text in such an array is neither escaped here nor unescaped there, which is most of the work on JSON texts.
 */
export function binaryArray(type: ElementType, values: readonly unknown[]): Buffer {
  const { oid, size, write } = ELEMENTS[type]
  const sizes = values.map((value) => (isNull(value) ? NULL_SIZE : size(value as never)))
  const total = sizes.reduce((sum, one) => sum + LENGTH_BYTES + Math.max(one, 0), HEAD_BYTES)
  const buffer = Buffer.allocUnsafe(total)
  buffer.writeInt32BE(values.length > 0 ? 1 : 0, 0)
  buffer.writeInt32BE(sizes.includes(NULL_SIZE) ? 1 : 0, 4)
  buffer.writeInt32BE(oid, 8)
  buffer.writeInt32BE(values.length, 12)
  buffer.writeInt32BE(1, 16)
  let offset = HEAD_BYTES
  for (const [place, value] of values.entries()) {
    const length = sizes[place] ?? NULL_SIZE
    offset = buffer.writeInt32BE(length, offset)
    if (length === NULL_SIZE) continue
    write(buffer, value as never, offset)
    offset += length
  }
  // An array without elements has no dimensions.
  return values.length > 0 ? buffer : buffer.subarray(0, EMPTY_BYTES)
}

const HEAD_BYTES = 20
const EMPTY_BYTES = 12
const LENGTH_BYTES = 4
/** What stands for the length of a null. */
const NULL_SIZE = -1

function isNull(value: unknown): boolean {
  return value === null || value === undefined
}

interface Element<Value> {
  /** From `pg_type`. The OIDs of built-in types never change. */
  readonly oid: number
  /** The number of bytes of a value. */
  size(value: Value): number
  write(buffer: Buffer, value: Value, offset: number): void
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
  bigint: { oid: 20, size: () => 8, write: (buffer, value, at) => buffer.writeBigInt64BE(BigInt(value), at) },
  bool: { oid: 16, size: () => 1, write: (buffer, value, at) => buffer.writeUInt8(value ? 1 : 0, at) },
  float8: { oid: 701, size: () => 8, write: (buffer, value, at) => buffer.writeDoubleBE(value, at) },
  int: { oid: 23, size: () => 4, write: (buffer, value, at) => buffer.writeInt32BE(value, at) },
  text: {
    oid: 25,
    size: (value) => Buffer.byteLength(value),
    write: (buffer, value, at) => buffer.write(value, at),
  },
  uuid: {
    oid: 2950,
    size: () => 16,
    write(buffer, value, at) {
      if (buffer.write(value.replaceAll('-', ''), at, 'hex') !== 16)
        throw new Error(`"${value}" is not a UUID`)
    },
  },
}
