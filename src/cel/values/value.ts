/** An instant, in milliseconds since the epoch. */
export class Timestamp {
  readonly epochMs: number

  constructor(epochMs: number) {
    this.epochMs = epochMs
  }
}

/** A length of time, in milliseconds; finer fractions are kept. */
export class Duration {
  readonly ms: number

  constructor(ms: number) {
    this.ms = ms
  }
}

/**
 * What expressions compute with: JSON, and four things that exist only inside an evaluation and leave it as text. A
 * bigint is a whole number that a JSON number cannot carry exactly; every other number is a number.
 */
export type Value =
  | string
  | number
  | boolean
  | null
  | bigint
  | Timestamp
  | Duration
  | Uint8Array
  | ValueList
  | ValueMap
export type ValueList = readonly Value[]
export interface ValueMap {
  readonly [key: string]: Value
}

export type Kind = 'null' | 'bool' | 'number' | 'string' | 'list' | 'map' | 'timestamp' | 'duration' | 'bytes'

/** The name of a value's type, as `type()` and the error messages give it. */
export function kindOf(value: Value): Kind {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'number':
    case 'bigint':
      return 'number'
    default:
      return kindOfObject(value)
  }
}

function kindOfObject(value: object | null): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (value instanceof Timestamp) return 'timestamp'
  if (value instanceof Duration) return 'duration'
  return value instanceof Uint8Array ? 'bytes' : 'map'
}

export function isList(value: Value): value is ValueList {
  return Array.isArray(value)
}

export function isMap(value: Value): value is ValueMap {
  return typeof value === 'object' && kindOfObject(value) === 'map'
}

/**
 * A member of a map; undefined where there is none. Only own members count: `__proto__`, `constructor` and `toString`
 * are keys like any other and never reach what JavaScript means by them.
 */
export function member(value: Value, key: string): Value | undefined {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** A value with its article, for messages: `a string`, `null`. */
export function aKind(value: Value): string {
  const kind = kindOf(value)
  return kind === 'null' || kind === 'bytes' ? kind : `a ${kind}`
}
