import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts'

const MAX_DEPTH = 10

/**
 * A small value that a JSON Schema of the usual kind admits: what it names itself (`examples`, `default`, `const`, `enum`),
 * else by its type, objects with all properties that are described. No promise for schemas that ask for more.
 */
export function sampleOfSchema(schema: Json, depth = 0): Json {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return null
  const named = namedValue(schema)
  if (named !== undefined) return named
  const [alternative] = listOf(schema.anyOf ?? schema.oneOf)
  if (alternative !== undefined) return sampleOfSchema(alternative, depth + 1)
  const [type] = [schema.type].flat()
  switch (type) {
    case 'boolean':
      return true
    case 'string':
      return STRINGS[String(schema.format)] ?? 'text'
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 1
    case 'array':
      return Array.from({ length: Number(schema.minItems ?? 1) }, () =>
        sampleOfSchema(schema.items ?? null, depth + 1),
      )
    default:
      return type === 'object' || isJsonObject(schema.properties) || schema.required
        ? objectOf(schema, depth)
        : null
  }
}

function namedValue(schema: JsonObject): Json | undefined {
  return listOf(schema.examples)[0] ?? schema.default ?? schema.const ?? listOf(schema.enum)[0]
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

function objectOf(schema: JsonObject, depth: number): Json {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const required = listOf(schema.required).filter((name): name is string => typeof name === 'string')
  const names = new Set([...Object.keys(properties), ...required])
  return Object.fromEntries(
    [...names].map((name) => [name, sampleOfSchema(properties[name] ?? { type: 'boolean' }, depth + 1)]),
  )
}

const STRINGS: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  uri: 'https://example.com/',
  date: '2027-01-01',
  'date-time': '2027-01-01T00:00:00Z',
  uuid: '00000000-0000-4000-8000-000000000000',
}
