import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'

const MAX_DEPTH = 10

/** Lists in lists multiply: what a sample has beyond so many values is null. */
const MAX_VALUES = 1_000

/**
 * A small value that a JSON Schema of the usual kind admits: what it names itself (`examples`, `default`, `const`, `enum`),
 * else by its type, objects with all properties that are described. No promise for schemas that ask for more.
 */
export function sampleOfSchema(schema: Json): Json {
  return sample(schema, { depth: 0, count: { left: MAX_VALUES } })
}

interface Sampling {
  readonly depth: number
  /** Of the whole sample. */
  readonly count: { left: number }
}

function sample(schema: Json, { depth, count }: Sampling): Json {
  if (!isJsonObject(schema) || depth > MAX_DEPTH || --count.left < 0) return null
  const deeper = { depth: depth + 1, count }
  const named = namedValue(schema)
  if (named !== undefined) return named
  const [alternative] = listOf(schema.anyOf ?? schema.oneOf)
  if (alternative !== undefined) return sample(alternative, deeper)
  const [type] = [schema.type].flat()
  switch (type) {
    case 'boolean':
      return true
    case 'string':
      return (typeof schema.format === 'string' && STRINGS[schema.format]) || 'text'
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 1
    case 'array':
      return Array.from({ length: lengthOf(schema.minItems, count) }, () =>
        sample(schema.items ?? null, deeper),
      )
    default:
      return type === 'object' || isJsonObject(schema.properties) || schema.required
        ? objectOf(schema, deeper)
        : null
  }
}

function namedValue(schema: JsonObject): Json | undefined {
  return listOf(schema.examples)[0] ?? schema.default ?? schema.const ?? listOf(schema.enum)[0]
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

/** As many items as a list must have, where that many can be made up. */
function lengthOf(minItems: Json | undefined, { left }: Sampling['count']): number {
  return typeof minItems === 'number' ? Math.min(minItems, left) : 1
}

function objectOf(schema: JsonObject, sampling: Sampling): Json {
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  const required = listOf(schema.required).filter((name): name is string => typeof name === 'string')
  const names = new Set([...Object.keys(properties), ...required])
  return Object.fromEntries(
    [...names].map((name) => [name, sample(properties[name] ?? { type: 'boolean' }, sampling)]),
  )
}

const STRINGS: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  uri: 'https://example.com/',
  date: '2027-01-01',
  'date-time': '2027-01-01T00:00:00Z',
  uuid: '00000000-0000-4000-8000-000000000000',
}
