import { isQuickMisfit } from '../../engine/json-schema/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'

const MAX_DEPTH = 8
/** References and lists multiply: a value of more parts, or a text of more characters, is not made up. */
const MAX_VALUES = 1_000
const MAX_TEXT_LENGTH = 100_000
const TEXTS_BY_FORMAT: Readonly<Record<string, string>> = {
  email: 'mary@example.com',
  uri: 'https://example.com/',
  date: '2027-01-15',
  'date-time': '2027-01-15T09:00:00Z',
  uuid: '0b9f6e1e-6a51-4a1c-9a43-3d1f0c6e8a10',
}
const WORDS = ['trail running', 'a good fit', 'Acme', 'growing team']

/**
 * A value as a schema describes it, for runs that ask no model; null where it is known not to fit, since the schema asks
 * for more than can be made up (patterns, references without end).
 */
export function sampleOfSchema(schema: JsonObject, random: () => number): Json {
  const value = sample(schema, { root: schema, random, depth: 0, count: { left: MAX_VALUES } })
  return isQuickMisfit(schema, value) ? null : value
}

interface Sampling {
  readonly root: JsonObject
  readonly random: () => number
  readonly depth: number
  /** Of the whole value. */
  readonly count: { left: number }
}

function sample(schema: Json | undefined, sampling: Sampling): Json {
  if (!isJsonObject(schema) || sampling.depth > MAX_DEPTH || --sampling.count.left < 0) return null
  const deeper = { ...sampling, depth: sampling.depth + 1 }
  if ('const' in schema) return schema['const'] ?? null
  for (const list of [schema['enum'], schema['examples']]) {
    if (Array.isArray(list) && list.length > 0) return pick(list as readonly Json[], sampling.random)
  }
  if (typeof schema['$ref'] === 'string') return sample(resolve(schema['$ref'], sampling.root), deeper)
  for (const list of [schema['anyOf'], schema['oneOf'], schema['allOf']]) {
    if (Array.isArray(list)) return sample((list as readonly Json[])[0], deeper)
  }
  const type = Array.isArray(schema['type']) ? (schema['type'] as readonly Json[])[0] : schema['type']
  switch (type ?? ('properties' in schema ? 'object' : 'string')) {
    case 'object':
      return sampleObject(schema, deeper)
    case 'array':
      return Array.from(
        { length: Math.min(Math.max(1, numberOf(schema['minItems'], 1)), sampling.count.left) },
        () => sample(schema['items'] ?? true, deeper),
      )
    case 'integer':
    case 'number':
      return sampleNumber(schema, type === 'integer', sampling.random)
    case 'boolean':
      return sampling.random() < 0.5
    case 'null':
      return null
    default:
      return sampleText(schema, sampling.random)
  }
}

function sampleObject(schema: JsonObject, sampling: Sampling): JsonObject {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
  return Object.fromEntries(
    Object.entries(properties)
      .slice(0, sampling.count.left)
      .map(([name, inner]) => [name, sample(inner, sampling)]),
  )
}

function sampleNumber(schema: JsonObject, isInteger: boolean, random: () => number): number {
  const least = numberOf(schema['minimum'], 0)
  const most = numberOf(schema['maximum'], Math.max(least + 1, 100))
  const value = least + random() * (most - least)
  return isInteger ? Math.round(value) : Math.round(value * 100) / 100
}

function sampleText(schema: JsonObject, random: () => number): string {
  const format = typeof schema['format'] === 'string' ? TEXTS_BY_FORMAT[schema['format']] : undefined
  const text = format ?? pick(WORDS, random)
  const padded = text.padEnd(Math.min(numberOf(schema['minLength'], 0), MAX_TEXT_LENGTH), '.')
  return padded.slice(0, numberOf(schema['maxLength'], padded.length))
}

/** Follows a pointer within the schema, such as `#/$defs/person`. */
function resolve(reference: string, root: JsonObject): Json {
  const keys = reference.replace(/^#\/?/, '').split('/').filter(Boolean)
  return keys.reduce<Json>((at, key) => (isJsonObject(at) ? (at[key] ?? null) : null), root)
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T
}

function numberOf(value: Json | undefined, fallback: number): number {
  return typeof value === 'number' ? value : fallback
}
