import { isJsonObject, pointer, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import type { BreakingReason } from './breaking-reason.ts'

interface Schemas {
  readonly before: Json | undefined
  readonly after: Json | undefined
  readonly at: string
}

/** Adds why inputs that the earlier schema takes may be refused by the later one, in pieces. */
export function* inputReasons(
  before: Json | undefined,
  after: Json | undefined,
  add: (found: readonly BreakingReason[]) => void,
): Pieces<void> {
  const pending: Schemas[] = [{ before, after, at: '/inputSchema' }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    yield
    add(reasonsAt(next))
    for (const inner of schemasInside(next).toReversed()) pending.push(inner)
  }
}

function reasonsAt({ before, after, at }: Schemas): readonly BreakingReason[] {
  if (after === false && before !== false)
    return [{ code: 'INPUT_TYPE_CHANGED', pointer: at, message: 'No input is accepted any more.' }]
  if (!isJsonObject(after)) return []
  const earlier = isJsonObject(before) ? before : {}
  return [
    ...typeReasons(earlier, after, at),
    ...requiredReasons(earlier, after, at),
    ...closingReasons(earlier, after, at),
  ]
}

/** The schemas of members and items that both sides have. */
function schemasInside({ before, after, at }: Schemas): readonly Schemas[] {
  if (!isJsonObject(before) || !isJsonObject(after)) return []
  const known = new Map(propertiesOf(before))
  const members = propertiesOf(after).flatMap(([name, schema]) =>
    known.has(name) ? [{ before: known.get(name), after: schema, at: pointer(at, 'properties', name) }] : [],
  )
  return isJsonObject(before.items)
    ? [...members, { before: before.items, after: after.items, at: `${at}/items` }]
    : members
}

function typeReasons(before: JsonObject, after: JsonObject, at: string): readonly BreakingReason[] {
  const [earlier, later] = [typesOf(before), typesOf(after)]
  const isNarrowed =
    later !== null &&
    (earlier === null || [...earlier].some((type) => !later.has(type) && !isWidened(type, later)))
  const refused = isNarrowed ? `a ${[...later].join(' or ')}` : refusedValues(before, after)
  if (refused === null) return []
  const message = `It must be ${refused} now.`
  return [{ code: 'INPUT_TYPE_CHANGED', pointer: at, message }]
}

function refusedValues(before: JsonObject, after: JsonObject): string | null {
  if (!Array.isArray(after.enum)) return null
  const later = new Set((after.enum as readonly Json[]).map((value) => JSON.stringify(value)))
  const earlier = Array.isArray(before.enum) ? (before.enum as readonly Json[]) : null
  const isNarrowed = earlier === null || earlier.some((value) => !later.has(JSON.stringify(value)))
  return isNarrowed ? `one of ${[...later].join(', ')}` : null
}

function requiredReasons(before: JsonObject, after: JsonObject, at: string): readonly BreakingReason[] {
  const earlier = new Set(requiredOf(before))
  return requiredOf(after)
    .filter((name) => !earlier.has(name))
    .map((name) => ({
      code: 'INPUT_REQUIRED_ADDED',
      pointer: pointer(at, 'properties', name),
      message: `\`${name}\` is required now.`,
    }))
}

function closingReasons(before: JsonObject, after: JsonObject, at: string): readonly BreakingReason[] {
  if (after.additionalProperties !== false) return []
  if (before.additionalProperties !== false) {
    const message = 'Fields that the schema does not name are refused now.'
    return [{ code: 'INPUT_FIELD_REFUSED', pointer: `${at}/additionalProperties`, message }]
  }
  const later = new Map(propertiesOf(after))
  return propertiesOf(before)
    .filter(([name]) => !later.has(name))
    .map(([name]) => ({
      code: 'INPUT_FIELD_REFUSED',
      pointer: pointer(at, 'properties', name),
      message: `\`${name}\` is refused now.`,
    }))
}

/** Null: any type. */
function typesOf({ type }: JsonObject): ReadonlySet<string> | null {
  if (typeof type === 'string') return new Set([type])
  if (!Array.isArray(type)) return null
  return new Set((type as readonly Json[]).filter((one) => typeof one === 'string'))
}

function isWidened(type: string, later: ReadonlySet<string>): boolean {
  return type === 'integer' && later.has('number')
}

function requiredOf({ required }: JsonObject): readonly string[] {
  return Array.isArray(required) ? (required as readonly Json[]).filter((one) => typeof one === 'string') : []
}

function propertiesOf({ properties }: JsonObject): readonly (readonly [string, Json])[] {
  return isJsonObject(properties) ? Object.entries(properties) : []
}
