import type { Json, JsonObject } from '../../src/lib/json/json.ts'

/** Each level asks for the next one twice: 2^60 checks, by a schema of four thousand characters. */
export const EXPONENTIAL_SCHEMA: JsonObject = exponential(60)

/** The value's depth in place of the schema's: 2^60 checks of sixty lists in each other. */
export const RECURSIVE_SCHEMA: JsonObject = {
  anyOf: [{ type: 'null' }, { type: 'array', items: { allOf: [{ $ref: '#' }, { $ref: '#' }] } }],
}
export const DEEP_INPUT: Json = Array.from({ length: 60 }).reduce<Json>((inner) => [inner], null)

/** As many items as 1 MiB holds, all compared with each other. */
export const MANY_ITEMS: Json = Array.from({ length: 150_000 }, (_, i) => i)

export const COLONS: Json = `http://${':'.repeat(100_000)}`

/** Sound, of about so many characters, and none like the other. */
export function largeSchema(characters: number, name = 'field'): JsonObject {
  const fields = Array.from({ length: Math.floor(characters / 45) }, (_, i) => `${name}${i}`)
  return { properties: Object.fromEntries(fields.map((field) => [field, { type: 'string', minLength: 1 }])) }
}

function exponential(levels: number): JsonObject {
  const twice = (level: number) => ({
    allOf: [{ $ref: `#/$defs/d${level}` }, { $ref: `#/$defs/d${level}` }],
  })
  const $defs = Object.fromEntries(Array.from({ length: levels }, (_, i) => [`d${i}`, twice(i + 1)]))
  return { $defs: { ...$defs, [`d${levels}`]: { type: 'string' } }, $ref: '#/$defs/d0' }
}
