import { isJsonObject, type Json } from '../../lib/json/index.ts'
import {
  compare,
  failed,
  isList,
  keyOf,
  member,
  quoted,
  toJson,
  type Meter,
  type Value,
  type ValueList,
} from '../values/index.ts'
import { defineFunction } from './function.ts'

/** To look a text up in a set, or to add it, takes as long as that many visits. */
const VISITS_PER_KEY = 4
/** To add a list to a list takes as long as that many visits. */
const VISITS_PER_CHUNK = 2

/** `key` is the name of a member or a dotted path to one, such as `company.domain`; empty for the item itself. */
export const LIST_FUNCTIONS = [
  defineFunction({
    name: 'uniq',
    group: 'lists',
    description: 'The list without items that came before.',
    example: 'uniq([1, 2, 1])',
    result: [1, 2],
    parameters: ['list: list'],
    returns: 'list',
    run: ({ meter }, list) => firsts(list, (item) => identity(item, meter), meter),
  }),
  defineFunction({
    name: 'uniqBy',
    group: 'lists',
    description:
      'The first item for each value under `key`, a name or a dotted path. Items without one are all kept.',
    example: 'uniqBy([{"email": "a@x.de", "n": 1}, {"email": "a@x.de", "n": 2}], "email")',
    result: [{ email: 'a@x.de', n: 1 }],
    parameters: ['list: list', 'key: string'],
    returns: 'list',
    run({ meter }, list, key) {
      const find = finder(key, list, meter)
      return firsts(list, (item) => identityOrNull(find(item), meter), meter)
    },
  }),
  defineFunction({
    name: 'sortBy',
    group: 'lists',
    description:
      'The items in the order of their values under `key`, a name or a dotted path; "" is the item itself, `order` is ' +
      '"asc" or "desc". Equal items stay as they were, items without a value come last.',
    example: 'sortBy([{"score": 3}, {"score": 9}, {"score": 5}], "score", "desc")',
    result: [{ score: 9 }, { score: 5 }, { score: 3 }],
    parameters: ['list: list', 'key: string', 'order?: string'],
    returns: 'list',
    run: ({ meter }, list, key, order = 'asc') =>
      sorted(list, finder(key, list, meter), signOf(order), meter),
  }),
  defineFunction({
    name: 'groupBy',
    group: 'lists',
    description:
      'A map from each value under `key`, a name or a dotted path, to its items; without one, under "".',
    example: 'groupBy([{"c": "DE", "n": 1}, {"c": "FR", "n": 2}, {"c": "DE", "n": 3}], "c")',
    result: {
      DE: [
        { c: 'DE', n: 1 },
        { c: 'DE', n: 3 },
      ],
      FR: [{ c: 'FR', n: 2 }],
    },
    parameters: ['list: list', 'key: string'],
    returns: 'map',
    run: ({ meter }, list, key) => grouped(list, finder(key, list, meter), meter),
  }),
  defineFunction({
    name: 'chunk',
    group: 'lists',
    description: 'The list cut into lists of `size` items; the last one has what is left.',
    example: 'chunk([1, 2, 3], 2)',
    result: [[1, 2], [3]],
    parameters: ['list: list', 'size: number'],
    returns: 'list',
    run({ meter }, list, size) {
      if (!Number.isInteger(size) || size < 1)
        throw failed(`the size of a chunk is a whole number from 1, not ${size}`)
      meter.spend(list.length)
      const count = Math.ceil(list.length / size)
      meter.list(count)
      meter.spend(count * VISITS_PER_CHUNK)
      return Array.from({ length: count }, (_, i) => list.slice(i * size, (i + 1) * size))
    },
  }),
  defineFunction({
    name: 'slice',
    group: 'lists',
    description: 'The items from `start` up to, not including, `end`; negative positions count from the end.',
    example: 'slice([1, 2, 3, 4], 1, 3)',
    result: [2, 3],
    parameters: ['list: list', 'start: number', 'end?: number'],
    returns: 'list',
    run({ meter }, list, start, end) {
      const items = list.slice(start, end)
      meter.spend(items.length)
      return items
    },
  }),
  defineFunction({
    name: 'flatten',
    group: 'lists',
    description: 'The items of the lists in the list; other items stay. One level deep.',
    example: 'flatten([[1, 2], [3], 4])',
    result: [1, 2, 3, 4],
    parameters: ['list: list'],
    returns: 'list',
    run({ meter }, list) {
      const length = list.reduce<number>((total, item) => total + (isList(item) ? item.length : 1), 0)
      meter.list(length)
      meter.spend(list.length + length)
      return list.flat()
    },
  }),
]

/** Reads the member under a key or dotted path; null where there is none. A member that has the whole name wins. */
function finder(key: string, list: ValueList, meter: Meter): (item: Value) => Value {
  if (key === '') return (item) => item
  meter.characters(key.length)
  const names = key.split('.')
  meter.spend(names.length * list.length)
  return (item) => {
    const own = member(item, key)
    if (own !== undefined || names.length === 1) return own ?? null
    return names.reduce<Value>((value, name) => member(value, name) ?? null, item)
  }
}

/** Items without an identity are all kept. */
function firsts(list: ValueList, identify: (item: Value) => string | null, meter: Meter): ValueList {
  meter.spend(list.length * VISITS_PER_KEY)
  const seen = new Set<string>()
  return list.filter((item) => {
    const id = identify(item)
    if (id === null) return true
    if (seen.has(id)) return false
    seen.add(id)
    return true
  })
}

function identityOrNull(value: Value, meter: Meter): string | null {
  return value === null ? null : identity(value, meter)
}

/** A text that equal values share, and only they. */
function identity(value: Value, meter: Meter): string {
  if (typeof value === 'string') {
    meter.characters(value.length)
    return `"${value}`
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return textOf(toJson(value, meter), meter)
}

/** The JSON text of a value with the members of objects in the order of their keys. */
function textOf(value: Json, meter: Meter): string {
  if (Array.isArray(value))
    return `[${(value as readonly Json[]).map((item) => textOf(item, meter)).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value)
  const keys = Object.keys(value).sort()
  meter.spend(keys.length * VISITS_PER_KEY)
  meter.sort(keys.length)
  return `{${keys.map((key) => `${JSON.stringify(key)}:${textOf(value[key] ?? null, meter)}`).join(',')}}`
}

function signOf(order: string): 1 | -1 {
  if (order === 'asc') return 1
  if (order === 'desc') return -1
  throw failed(`the order is "asc" or "desc", not ${quoted(order)}`)
}

function sorted(list: ValueList, find: (item: Value) => Value, sign: 1 | -1, meter: Meter): ValueList {
  meter.spend(list.length * Math.ceil(Math.log2(list.length + 1)))
  const keyed = list.map((item) => ({ item, key: find(item) }))
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null)
    return sign * compare(a.key, b.key, meter)
  })
  return keyed.map(({ item }) => item)
}

function grouped(list: ValueList, find: (item: Value) => Value, meter: Meter): Value {
  meter.spend(list.length * VISITS_PER_KEY)
  const groups = new Map<string, Value[]>()
  for (const item of list) {
    const value = find(item)
    const key = value === null ? '' : keyOf(value)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return Object.fromEntries(groups)
}
