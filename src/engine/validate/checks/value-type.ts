import { z } from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../../../lib/json/index.ts'

/**
 * What is known of a value before it exists: a JSON Schema that it is sure to satisfy. Every keyword of a schema can only
 * narrow what the others allow, so those that are not looked at here (`anyOf`, `if`, `not`…) may be left aside: whatever
 * follows from the others still holds. Null stands for "nothing is known".
 */
export interface ValueType {
  readonly schema: JsonObject
  /** The whole schema, in which `$ref` finds its way. */
  readonly root: JsonObject
}

export type JsonTypeName = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object'

/** What is known of a member of a value. */
export type Member =
  | { readonly kind: 'possible'; readonly type: ValueType | null }
  /** The value has fields, and the schema rules this one out. */
  | { readonly kind: 'excluded'; readonly properties: JsonObject }
  /** The schema names all fields that its author thought of, and not this one. */
  | { readonly kind: 'unnamed'; readonly properties: JsonObject }
  /** The value has no fields. */
  | { readonly kind: 'fieldless'; readonly type: JsonTypeName }

const MAX_REFERENCES = 20
/** Marks an object type that says nothing of fields that it does not name, although its JSON Schema closes it. */
const STRIPS = 'x-strips-unnamed'

/** What a JSON Schema says; null when it says nothing. */
export function typeOfSchema(schema: Json | undefined): ValueType | null {
  return isJsonObject(schema) ? { schema, root: schema } : null
}

/** The types that a block's schema gives to what goes in, or to what comes out. Computed once per schema. */
export function typeOfBlockSchema(schema: z.ZodType, io: 'input' | 'output'): ValueType | null {
  const known = blockTypes[io].get(schema)
  if (known !== undefined) return known
  const type = typeOfSchema(jsonSchemaOf(schema, io))
  blockTypes[io].set(schema, type)
  return type
}

const blockTypes = {
  input: new WeakMap<z.ZodType, ValueType | null>(),
  output: new WeakMap<z.ZodType, ValueType | null>(),
}

function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  try {
    return z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override({ zodSchema, jsonSchema }) {
        const { def } = zodSchema._zod
        if (io === 'input' && takesMoreThanItShows(def)) {
          for (const keyword of Object.keys(jsonSchema)) delete jsonSchema[keyword]
        }
        if (def.type === 'object' && !def.catchall) jsonSchema[STRIPS] = true
      },
    }) as Json
  } catch {
    // A schema that cannot be written as JSON Schema says nothing here.
    return {}
  }
}

/** Schemas that turn what they get into something else before they look at it. */
function takesMoreThanItShows(def: z.core.$ZodTypes['_zod']['def']): boolean {
  if ('coerce' in def && def.coerce === true) return true
  return def.type === 'catch' || (def.type === 'pipe' && def.in._zod.def.type === 'transform')
}

/** The one JSON type that the value has; null when it may have several. */
export function jsonTypeOf(type: ValueType | null): JsonTypeName | null {
  for (const { schema } of withReferences(type)) {
    if (schema.type === 'integer') return 'number'
    if (isTypeName(schema.type)) return schema.type
  }
  return null
}

/** What is known of a field of the value. */
export function memberOf(type: ValueType | null, key: string): Member {
  const parts = withReferences(type)
  const own = jsonTypeOf(type)
  if (own !== null && own !== 'object') return { kind: 'fieldless', type: own }
  let found: ValueType | null = null
  for (const { schema, root } of parts) {
    const properties = isJsonObject(schema.properties) ? schema.properties : {}
    const rest = schema.additionalProperties
    const member = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (member === false) return { kind: 'excluded', properties }
    if (member !== undefined) found ??= inside(member, root)
    else if (schema.patternProperties !== undefined) continue
    else if (rest === false) return { kind: schema[STRIPS] === true ? 'unnamed' : 'excluded', properties }
    else found ??= inside(rest, root)
  }
  return { kind: 'possible', type: found }
}

/** What is known of every item of a list. */
export function itemOf(type: ValueType | null): ValueType | null {
  if (jsonTypeOf(type) !== 'array') return null
  for (const { schema, root } of withReferences(type)) {
    if (schema.prefixItems !== undefined) continue
    const item = inside(schema.items, root)
    if (item) return item
  }
  return null
}

/** What is known of the value that a JSON pointer's keys lead to. */
export function typeAt(type: ValueType | null, keys: readonly string[]): ValueType | null {
  let at = type
  for (const key of keys) {
    if (at === null) return null
    if (jsonTypeOf(at) === 'array') at = itemOf(at)
    else {
      const member = memberOf(at, key)
      at = member.kind === 'possible' ? member.type : null
    }
  }
  return at
}

function inside(schema: Json | undefined, root: JsonObject): ValueType | null {
  // A schema with an `$id` of its own is a document of its own: its references do not start at our root.
  return isJsonObject(schema) && schema.$id === undefined ? { schema, root } : null
}

/** A schema and those that it refers to: all of them hold. Found once per schema: an expression may ask a thousand times. */
function withReferences(type: ValueType | null): readonly ValueType[] {
  if (type === null) return []
  const known = references.get(type.schema)
  if (known?.root === type.root) return known.parts
  const parts: ValueType[] = []
  for (let part: ValueType | null = type; part && parts.length < MAX_REFERENCES; part = referenceOf(part))
    parts.push(part)
  references.set(type.schema, { root: type.root, parts })
  return parts
}

const references = new WeakMap<
  JsonObject,
  { readonly root: JsonObject; readonly parts: readonly ValueType[] }
>()

function referenceOf({ schema, root }: ValueType): ValueType | null {
  const reference = schema.$ref
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return null
  let at: Json | undefined = root
  for (const key of reference.slice(2).split('/').map(unescaped)) {
    if (!isJsonObject(at) || !Object.hasOwn(at, key)) return null
    at = at[key]
  }
  return inside(at, root)
}

function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}

const TYPE_NAMES: readonly Json[] = ['null', 'boolean', 'number', 'string', 'array', 'object']

function isTypeName(name: Json | undefined): name is JsonTypeName {
  return TYPE_NAMES.includes(name ?? false)
}
