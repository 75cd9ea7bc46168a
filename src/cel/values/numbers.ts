import { failed } from './error.ts'

/**
 * The numbers of expressions are those of JSON: there is one kind, `5 / 2` is 2.5, `1 == 1.0` and `xs[i]` takes any
 * whole number; `int()` cuts a fraction off. CEL's separate int, uint and double exist only in spelling. Two departures
 * from doubles keep results honest: what JSON cannot carry (infinities, not-a-number) is an error, and a whole number
 * beyond 2^53, which only a literal or `int()` of text can make, stays exact as a 64-bit bigint as long as it meets only
 * whole numbers.
 */
export type Numeric = number | bigint

const MAX_INT = 2n ** 64n - 1n
const MIN_INT = -(2n ** 63n)

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** A double that JSON can carry; throws where it is none. There is no negative zero in JSON texts that people compare. */
export function finite(value: number): number {
  if (Number.isFinite(value)) return value === 0 ? 0 : value
  throw failed('the result is too large for a number')
}

/** A whole number: as a number where that is exact, else as a bigint; throws beyond 64 bits. */
export function whole(value: bigint): Numeric {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  if (value > MAX_INT || value < MIN_INT) throw failed('the whole number does not fit into 64 bits')
  return value
}

interface Arithmetic {
  readonly doubles: (left: number, right: number) => number
  readonly integers: (left: bigint, right: bigint) => Numeric
}

export const sum: Arithmetic = { doubles: (a, b) => a + b, integers: (a, b) => whole(a + b) }
export const difference: Arithmetic = { doubles: (a, b) => a - b, integers: (a, b) => whole(a - b) }
export const product: Arithmetic = { doubles: (a, b) => a * b, integers: (a, b) => whole(a * b) }
export const quotient: Arithmetic = {
  doubles: (a, b) => a / nonZero(b),
  integers: (a, b) => (a % nonZero(b) === 0n ? whole(a / b) : finite(Number(a) / Number(b))),
}
/** The sign is the dividend's. */
export const remainder: Arithmetic = {
  doubles: (a, b) => a % nonZero(b),
  integers: (a, b) => whole(a % nonZero(b)),
}

/** Computes with doubles, or exactly where a bigint takes part and both numbers are whole. */
export function calculate({ doubles, integers }: Arithmetic, left: Numeric, right: Numeric): Numeric {
  if (typeof left === 'number' && typeof right === 'number') return finite(doubles(left, right))
  if (isWhole(left) && isWhole(right)) return integers(BigInt(left), BigInt(right))
  return finite(doubles(Number(left), Number(right)))
}

function isWhole(value: Numeric): boolean {
  return typeof value === 'bigint' || Number.isInteger(value)
}

function nonZero<T extends Numeric>(divisor: T): T {
  if (divisor === 0 || divisor === 0n) throw failed('division by zero')
  return divisor
}
