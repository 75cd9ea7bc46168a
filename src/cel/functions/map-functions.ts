import {
  aKind,
  keysOf,
  typeError,
  type Meter,
  type Value,
  type ValueList,
  type ValueMap,
} from '../values/index.ts'
import { defineFunction } from './function.ts'

/** All of them make maps by `fromEntries` and spread, which set own members whatever these are called. */
export const MAP_FUNCTIONS = [
  defineFunction({
    name: 'keys',
    group: 'maps',
    description: 'The keys of the map, in order.',
    example: 'keys({"a": 1, "b": 2})',
    result: ['a', 'b'],
    parameters: ['map: map'],
    returns: 'list',
    run: ({ meter }, map) => keysOf(map, meter),
  }),
  defineFunction({
    name: 'values',
    group: 'maps',
    description: 'The values of the map, in order.',
    example: 'values({"a": 1, "b": 2})',
    result: [1, 2],
    parameters: ['map: map'],
    returns: 'list',
    run({ meter }, map) {
      keysOf(map, meter)
      return Object.values(map)
    },
  }),
  defineFunction({
    name: 'merge',
    visits: 6,
    group: 'maps',
    description: 'Both maps in one; where both have a key, the second wins.',
    example: 'merge({"a": 1, "b": 1}, {"b": 2})',
    result: { a: 1, b: 2 },
    parameters: ['map: map', 'other: map'],
    returns: 'map',
    run({ meter }, map, other) {
      meter.list(keysOf(map, meter).length + keysOf(other, meter).length)
      return { ...map, ...other }
    },
  }),
  defineFunction({
    name: 'pick',
    visits: 6,
    group: 'maps',
    description: 'The map with only these keys, as far as it has them.',
    example: 'pick({"a": 1, "b": 2}, ["a", "x"])',
    result: { a: 1 },
    parameters: ['map: map', 'keys: list'],
    returns: 'map',
    run({ meter }, map, keys) {
      const names = [...namesOf(keys, meter)].filter((name) => Object.hasOwn(map, name))
      return Object.fromEntries(names.map((name): [string, Value] => [name, map[name] ?? null]))
    },
  }),
  defineFunction({
    name: 'omit',
    visits: 4,
    group: 'maps',
    description: 'The map without these keys.',
    example: 'omit({"a": 1, "b": 2}, ["a"])',
    result: { b: 2 },
    parameters: ['map: map', 'keys: list'],
    returns: 'map',
    run: ({ meter }, map, keys) => without(map, namesOf(keys, meter), meter),
  }),
]

function namesOf(keys: ValueList, meter: Meter): ReadonlySet<string> {
  meter.spend(keys.length)
  return new Set(
    keys.map((key) => {
      if (typeof key === 'string') return key
      throw typeError(`the keys must be strings, not ${aKind(key)}`)
    }),
  )
}

function without(map: ValueMap, names: ReadonlySet<string>, meter: Meter): ValueMap {
  keysOf(map, meter)
  return Object.fromEntries(Object.entries(map).filter(([key]) => !names.has(key)))
}
