import type { BinaryOperator } from '@marcbachmann/cel-js'
import { failed, typeError, type ExpressionError } from './error.ts'
import type { Meter } from './meter.ts'
import {
  calculate,
  difference,
  isNumeric,
  product,
  quotient,
  remainder,
  sum,
  type Numeric,
} from './numbers.ts'
import {
  aKind,
  Duration,
  isList,
  isMap,
  kindOf,
  Timestamp,
  type Value,
  type ValueList,
  type ValueMap,
} from './value.ts'

type Operate = (left: Value, right: Value, meter: Meter) => Value

/** What the binary operators do, `&&` and `||` apart. Errors get their place from the caller. */
export const OPERATORS: Readonly<Record<BinaryOperator, Operate>> = {
  '==': isEqual,
  '!=': (left, right, meter) => !isEqual(left, right, meter),
  in: isIn,
  '<': (left, right, meter) => compare(left, right, meter) < 0,
  '<=': (left, right, meter) => compare(left, right, meter) <= 0,
  '>': (left, right, meter) => compare(left, right, meter) > 0,
  '>=': (left, right, meter) => compare(left, right, meter) >= 0,
  '+': add,
  '-': subtract,
  '*': (left, right) =>
    isNumeric(left) && isNumeric(right) ? calculate(product, left, right) : fail('*', left, right),
  '/': (left, right) =>
    isNumeric(left) && isNumeric(right) ? calculate(quotient, left, right) : fail('/', left, right),
  '%': (left, right) =>
    isNumeric(left) && isNumeric(right) ? calculate(remainder, left, right) : fail('%', left, right),
}

function add(left: Value, right: Value, meter: Meter): Value {
  if (isNumeric(left) && isNumeric(right)) return calculate(sum, left, right)
  if (typeof left === 'string' && typeof right === 'string') {
    meter.text(left.length + right.length)
    return left + right
  }
  if (isList(left) && isList(right)) {
    meter.list(left.length + right.length)
    meter.spend(left.length + right.length)
    return left.concat(right)
  }
  if (left instanceof Duration && right instanceof Duration) return new Duration(left.ms + right.ms)
  if (left instanceof Timestamp && right instanceof Duration) return instant(left.epochMs + right.ms)
  if (left instanceof Duration && right instanceof Timestamp) return instant(left.ms + right.epochMs)
  return fail('+', left, right)
}

function subtract(left: Value, right: Value): Value {
  if (isNumeric(left) && isNumeric(right)) return calculate(difference, left, right)
  if (left instanceof Duration && right instanceof Duration) return new Duration(left.ms - right.ms)
  if (left instanceof Timestamp && right instanceof Timestamp)
    return new Duration(left.epochMs - right.epochMs)
  if (left instanceof Timestamp && right instanceof Duration) return instant(left.epochMs - right.ms)
  return fail('-', left, right)
}

const FIRST_INSTANT = Date.parse('0001-01-01T00:00:00Z')
const LAST_INSTANT = Date.parse('9999-12-31T23:59:59.999Z')

/** A timestamp within CEL's range, the years 1 to 9999. */
export function instant(epochMs: number): Timestamp {
  if (epochMs >= FIRST_INSTANT && epochMs <= LAST_INSTANT) return new Timestamp(epochMs)
  throw failed('the timestamp lies outside of the years 1 to 9999')
}

/** Equality of JSON: by value, all the way down; values of different types are simply not equal. */
export function isEqual(left: Value, right: Value, meter: Meter): boolean {
  if (typeof left === 'string' && typeof right === 'string') {
    if (left.length !== right.length) return false
    meter.characters(left.length)
    return left === right
  }
  if (left === right) return true
  // By order, because a bigint equals the number of the same value.
  if (isNumeric(left) && isNumeric(right)) return order(left, right) === 0
  if (isList(left) && isList(right)) return isEqualList(left, right, meter)
  if (isMap(left) && isMap(right)) return isEqualMap(left, right, meter)
  if (left instanceof Timestamp && right instanceof Timestamp) return left.epochMs === right.epochMs
  if (left instanceof Duration && right instanceof Duration) return left.ms === right.ms
  return left instanceof Uint8Array && right instanceof Uint8Array && isEqualBytes(left, right, meter)
}

function isEqualBytes(left: Uint8Array, right: Uint8Array, meter: Meter): boolean {
  meter.characters(left.length)
  return Buffer.compare(left, right) === 0
}

function isEqualList(left: ValueList, right: ValueList, meter: Meter): boolean {
  if (left.length !== right.length) return false
  return left.every((item, i) => {
    meter.spend(1)
    return isEqual(item, right[i] ?? null, meter)
  })
}

function isEqualMap(left: ValueMap, right: ValueMap, meter: Meter): boolean {
  const keys = keysOf(left, meter)
  if (keys.length !== keysOf(right, meter).length) return false
  return keys.every(
    (key) => Object.hasOwn(right, key) && isEqual(left[key] ?? null, right[key] ?? null, meter),
  )
}

/** The keys of a map, in order. */
export function keysOf(map: ValueMap, meter: Meter): readonly string[] {
  const keys = Object.keys(map)
  meter.members(keys.length)
  return keys
}

function isIn(left: Value, right: Value, meter: Meter): boolean {
  if (isMap(right)) return Object.hasOwn(right, keyOf(left))
  if (!isList(right)) {
    const suggestion = typeof right === 'string' ? 'contains' : undefined
    throw typeError(`"in" needs a list or a map on its right, but got ${aKind(right)}`, suggestion)
  }
  return right.some((item) => {
    meter.spend(1)
    return isEqual(left, item, meter)
  })
}

/** The key that a value stands for in a map. JSON's keys are strings, so numbers and bools are spelled out. */
export function keyOf(value: Value): string {
  if (typeof value === 'string') return value
  if (isNumeric(value) || typeof value === 'boolean') return String(value)
  throw typeError(`a key must be a string, a number or a bool, not ${aKind(value)}`)
}

/** Negative, zero or positive, as for sorting; throws for values that have no order. */
export function compare(left: Value, right: Value, meter: Meter): number {
  if (isNumeric(left) && isNumeric(right)) return order(left, right)
  if (typeof left === 'string' && typeof right === 'string') {
    meter.characters(Math.min(left.length, right.length))
    return order(left, right)
  }
  if (typeof left === 'boolean' && typeof right === 'boolean') return order(left, right)
  if (left instanceof Timestamp && right instanceof Timestamp) return order(left.epochMs, right.epochMs)
  if (left instanceof Duration && right instanceof Duration) return order(left.ms, right.ms)
  throw typeError(`cannot compare ${aKind(left)} with ${aKind(right)}`)
}

function order<T extends Numeric | string | boolean>(left: T, right: T): number {
  if (left < right) return -1
  return left > right ? 1 : 0
}

function fail(operator: string, left: Value, right: Value): never {
  throw mismatch(operator, left, right)
}

function mismatch(operator: string, left: Value, right: Value): ExpressionError {
  const mixesText = operator === '+' && (kindOf(left) === 'string') !== (kindOf(right) === 'string')
  const hint = mixesText ? '; string() makes text of a value' : ''
  return typeError(`"${operator}" cannot work on ${aKind(left)} and ${aKind(right)}${hint}`)
}
