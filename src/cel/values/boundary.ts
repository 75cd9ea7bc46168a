import type { Json } from '../../lib/json/index.ts'
import { MAX_TEXT, tooCostly, type Meter } from './meter.ts'
import { durationText, timestampText } from './scalar-text.ts'
import { Duration, isList, Timestamp, type Value, type ValueList, type ValueMap } from './value.ts'

const MAX_DEPTH = 500

/**
 * Makes plain JSON of a value: timestamps and durations become text, bytes base64, and whole numbers beyond 2^53 text.
 * What is JSON already comes back as it is. Every part is paid for, because a small value can be large as JSON: a list
 * may hold the same long list many times.
 */
export function toJson(value: Value, meter: Meter): Json {
  return new Boundary(meter).convert(value, 0)
}

class Boundary {
  readonly #meter: Meter
  #textLeft = MAX_TEXT

  constructor(meter: Meter) {
    this.#meter = meter
  }

  convert(value: Value, depth: number): Json {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'bigint':
        return value.toString()
      case 'number':
      case 'boolean':
        return value
      default:
        return value === null ? null : this.#convertObject(value, depth)
    }
  }

  #text(text: string): string {
    this.#meter.characters(text.length)
    this.#textLeft -= text.length
    if (this.#textLeft < 0) throw tooCostly(`makes a value with more than ${MAX_TEXT} characters of text`)
    return text
  }

  #convertObject(value: Timestamp | Duration | Uint8Array | ValueList | ValueMap, depth: number): Json {
    if (depth > MAX_DEPTH) throw tooCostly(`makes a value that is nested deeper than ${MAX_DEPTH} levels`)
    if (isList(value)) return this.#convertList(value, depth)
    if (value instanceof Timestamp) return timestampText(value)
    if (value instanceof Duration) return durationText(value)
    if (value instanceof Uint8Array) return this.#text(Buffer.from(value).toString('base64'))
    return this.#convertMap(value, depth)
  }

  #convertList(list: ValueList, depth: number): Json {
    this.#meter.spend(list.length)
    const converted = list.map((item) => this.convert(item, depth + 1))
    return converted.every((item, i) => item === list[i]) ? (list as readonly Json[]) : converted
  }

  #convertMap(map: ValueMap, depth: number): Json {
    const entries = Object.entries(map)
    this.#meter.members(entries.length)
    const converted = entries.map(
      ([key, value]) => [this.#text(key), this.convert(value, depth + 1)] as const,
    )
    return converted.every(([, value], i) => value === entries[i]?.[1])
      ? (map as { readonly [key: string]: Json })
      : Object.fromEntries(converted)
  }
}
