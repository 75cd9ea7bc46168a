import {
  aKind,
  calculate,
  compare,
  isNumeric,
  quotient,
  sum,
  typeError,
  type Meter,
  type Numeric,
  type Value,
  type ValueList,
} from '../values/index.ts'
import { defineFunction } from './function.ts'

export const NUMBER_FUNCTIONS = [
  defineFunction({
    name: 'sum',
    group: 'numbers',
    description: 'The sum of a list of numbers; 0 for an empty list.',
    example: 'sum([1, 2.5])',
    result: 3.5,
    parameters: ['list: list'],
    returns: 'number',
    run: ({ meter }, list) => total(list, meter),
  }),
  defineFunction({
    name: 'avg',
    group: 'numbers',
    description: 'The mean of a list of numbers; null for an empty list.',
    example: 'avg([1, 2])',
    result: 1.5,
    parameters: ['list: list'],
    returns: 'number',
    run: ({ meter }, list) =>
      list.length === 0 ? null : calculate(quotient, total(list, meter), list.length),
  }),
  defineFunction({
    name: 'min',
    group: 'numbers',
    description: 'The least item of a list of numbers, strings or times; null for an empty list.',
    example: 'min([3, 1, 2])',
    result: 1,
    parameters: ['list: list'],
    returns: 'any',
    run: ({ meter }, list) => extreme(list, -1, meter),
  }),
  defineFunction({
    name: 'max',
    group: 'numbers',
    description: 'The greatest item of a list of numbers, strings or times; null for an empty list.',
    example: 'max([3, 1, 2])',
    result: 3,
    parameters: ['list: list'],
    returns: 'any',
    run: ({ meter }, list) => extreme(list, 1, meter),
  }),
]

function total(list: ValueList, meter: Meter): Numeric {
  meter.spend(list.length)
  return list.reduce<Numeric>((so, item) => {
    if (isNumeric(item)) return calculate(sum, so, item)
    throw typeError(`only numbers can be added up, not ${aKind(item)}`)
  }, 0)
}

function extreme(list: ValueList, sign: 1 | -1, meter: Meter): Value {
  meter.spend(list.length)
  let best: Value | undefined
  for (const item of list) if (best === undefined || sign * compare(item, best, meter) > 0) best = item
  return best ?? null
}
