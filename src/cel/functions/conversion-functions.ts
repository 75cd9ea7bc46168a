import { toPlainJson } from '../../lib/json/index.ts'
import {
  aKind,
  failed,
  finite,
  isList,
  isMap,
  isNumeric,
  keysOf,
  kindOf,
  lengthOf,
  quoted,
  scalarText,
  toJson,
  typeError,
  whole,
  type Meter,
  type Numeric,
  type Value,
} from '../values/index.ts'
import { defineFunction } from './function.ts'

export const CONVERSION_FUNCTIONS = [
  defineFunction({
    name: 'size',
    group: 'lists',
    description: 'How many items a list, keys a map, characters a string or bytes a byte sequence has.',
    example: 'size(["a", "b"])',
    result: 2,
    parameters: ['value: any'],
    returns: 'number',
    run: ({ meter }, value) => sizeOf(value, meter),
  }),
  defineFunction({
    name: 'type',
    group: 'conversion',
    description: 'The name of the type: null, bool, number, string, list, map, timestamp, duration or bytes.',
    example: 'type([1, 2])',
    result: 'list',
    parameters: ['value: any'],
    returns: 'string',
    run: (_frame, value) => kindOf(value),
  }),
  defineFunction({
    name: 'dyn',
    group: 'conversion',
    description: 'The value itself; CEL has it for type checkers.',
    example: 'dyn(1)',
    result: 1,
    parameters: ['value: any'],
    returns: 'any',
    run: (_frame, value) => value,
  }),
  defineFunction({
    name: 'string',
    visits: 4,
    group: 'conversion',
    description:
      'The text of a number, bool, timestamp, duration or bytes (as UTF-8). json() writes any value.',
    example: 'string(12.5)',
    result: '12.5',
    parameters: ['value: any'],
    returns: 'string',
    run: ({ meter }, value) => (value instanceof Uint8Array ? decoded(value, meter) : scalarText(value)),
  }),
  ...(['number', 'double'] as const).map((name) =>
    defineFunction({
      name,
      visits: 4,
      group: 'conversion',
      description:
        'The number that a text writes, with white space around it allowed; an error for any other text.',
      example: `${name}(" 12.5 ")`,
      result: 12.5,
      parameters: ['value: any'],
      returns: 'number',
      run: (_frame, value) => (isNumeric(value) ? value : parsedNumber(value)),
    }),
  ),
  ...(['int', 'uint'] as const).map((name) =>
    defineFunction({
      name,
      visits: 4,
      group: 'conversion',
      description: 'A number without its fraction. Text of more digits than a number can carry stays exact.',
      example: `${name}(5.9)`,
      result: 5,
      parameters: ['value: any'],
      returns: 'number',
      run: (_frame, value) => integer(value),
    }),
  ),
  defineFunction({
    name: 'bool',
    group: 'conversion',
    description: 'True or false from text: "true" and "1", "false" and "0"; an error for any other text.',
    example: 'bool("true")',
    result: true,
    parameters: ['value: any'],
    returns: 'bool',
    run: (_frame, value) => truth(value),
  }),
  defineFunction({
    name: 'bytes',
    visits: 3,
    group: 'conversion',
    description: 'The UTF-8 bytes of a text; as a result they are written in base64.',
    example: 'bytes("Lume")',
    result: 'THVtZQ==',
    parameters: ['text: string'],
    returns: 'bytes',
    run({ meter }, text) {
      meter.characters(text.length)
      return new Uint8Array(Buffer.from(text))
    },
  }),
  defineFunction({
    name: 'json',
    visits: 5,
    group: 'conversion',
    description: 'The value as JSON text.',
    example: 'json({"a": [1, true]})',
    result: '{"a":[1,true]}',
    parameters: ['value: any'],
    returns: 'string',
    run({ meter }, value) {
      const text = JSON.stringify(toJson(value, meter))
      meter.text(text.length)
      return text
    },
  }),
  defineFunction({
    name: 'parseJson',
    visits: 40,
    group: 'conversion',
    description: 'The value that a JSON text writes; an error for any other text.',
    example: 'parseJson("{\\"a\\": [1, true]}")',
    result: { a: [1, true] },
    parameters: ['text: string'],
    returns: 'any',
    run: ({ meter }, text) => parsedJson(text, meter),
  }),
]

/** Characters beyond U+FFFF are counted and decoded one by one, which takes as long as copying that many. */
const CODE_POINTS_FACTOR = 3

function sizeOf(value: Value, meter: Meter): number {
  if (typeof value === 'string') {
    meter.characters(value.length * CODE_POINTS_FACTOR)
    return lengthOf(value)
  }
  if (isList(value) || value instanceof Uint8Array) return value.length
  if (isMap(value)) return keysOf(value, meter).length
  throw typeError(`${aKind(value)} has no size`)
}

function decoded(bytes: Uint8Array, meter: Meter): string {
  meter.characters(bytes.length * CODE_POINTS_FACTOR)
  const text = Buffer.from(bytes).toString('utf8')
  if (text.includes('\u0000')) throw failed('the bytes hold a NUL character, which text cannot')
  return text
}

function parsedNumber(value: Value): number {
  const text = textOf(value, 'number')
  if (text.length <= 100 && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return finite(Number(text))
  throw failed(`${quoted(text)} is not a number`)
}

function integer(value: Value): Numeric {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return finite(Math.trunc(value))
  const text = textOf(value, 'number')
  if (/^[+-]?\d{1,20}$/.test(text)) return whole(BigInt(text.replace('+', '')))
  throw failed(`${quoted(text)} is not a whole number`)
}

function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value
  const text = textOf(value, 'bool')
  if (/^(true|1|t)$/i.test(text)) return true
  if (/^(false|0|f)$/i.test(text)) return false
  throw failed(`${quoted(text)} is neither true nor false`)
}

function textOf(value: Value, kind: string): string {
  if (typeof value !== 'string') throw typeError(`${aKind(value)} cannot be made a ${kind}`)
  // Numbers and bools are short; a long text is neither, and not worth searching.
  return value.length > 100 ? value : value.trim()
}

// A character of JSON text takes as long to parse and to check as many characters take to copy.
const JSON_FACTOR = 32

function parsedJson(text: string, meter: Meter): Value {
  meter.characters(text.length * JSON_FACTOR)
  const result = toPlainJson(parsed(text))
  if (result.ok) return result.value
  throw failed(
    `the JSON text cannot be used: ${result.problem.pointer || 'its value'} ${result.problem.reason}`,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message shows a piece of the text.
    throw failed('the text is not JSON')
  }
}
