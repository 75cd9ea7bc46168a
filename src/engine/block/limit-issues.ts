import type { z } from 'zod'

/** Maximum number of issues that Zod collects in one list or record; the items behind are not looked at. */
export const ISSUES_MAX = 500

type Schema = z.core.$ZodTypes
type Run = z.core.$ZodType['_zod']['run']
type Context = Parameters<Run>[1]

/** What a list or a record hands to the schema of its items. */
interface ItemContext extends Context {
  readonly [ITEMS]?: { left: number; readonly outer: Context }
}

const ITEMS = Symbol('items')
const limited = new WeakSet<object>()

/**
 * Makes every list and record of a schema stop looking at its items once they have had `ISSUES_MAX` issues. Zod collects all
 * issues first, and a list of 190,000 empty objects has seconds of them. What is valid stays valid and what is invalid stays
 * invalid: a list whose items have an issue is invalid whatever follows. `z.json()` copies its value, which is known to be JSON,
 * in place of looking at each value in it. Does its work once for each schema.
 */
export function limitIssues(schema: z.core.$ZodType): void {
  const pending: z.core.$ZodType[] = [schema]
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (limited.has(next)) continue
    limited.add(next)
    if (isAnyJson(next)) {
      copyJson(next, (value) => value !== undefined)
      continue
    }
    const { def } = (next as Schema)._zod
    if (def.type === 'array' && isAnyJson(def.element)) {
      copyJson(next, Array.isArray)
      continue
    }
    if (def.type === 'array') limitItems(next, def.element)
    if (def.type === 'record') limitItems(next, def.valueType, def.keyType)
    pending.push(...partsOf(next as Schema))
  }
}

/** Whether a schema is `z.json()`, or a description of it: what it reads is known to be JSON. */
function isAnyJson(schema: z.core.$ZodType): boolean {
  const inner = innerOf(schema)
  if (inner?._zod.def.type !== 'union') return false
  const types = inner._zod.def.options.map((option) => (option as Schema)._zod.def.type)
  const list = inner._zod.def.options.find((option) => (option as Schema)._zod.def.type === 'array')
  const item = list && ((list as z.core.$ZodArray)._zod.def.element as Schema)
  return types.join(' ') === 'string number boolean null array record' && !!item && innerOf(item) === inner
}

function innerOf(schema: z.core.$ZodType): Schema | null {
  return (schema as Schema)._zod.def.type === 'lazy'
    ? ((schema as z.core.$ZodLazy)._zod.innerType as Schema)
    : null
}

/** Makes `z.json()`, or a list of it, copy its value: Zod tries six alternatives for each value, one after the other. */
function copyJson(schema: z.core.$ZodType, fits: (value: unknown) => boolean): void {
  wrapParse(schema, (parse) => (payload, context) => {
    const { value } = payload
    if (!fits(value)) return parse(payload, context)
    payload.value = typeof value === 'object' && value !== null ? JSON.parse(JSON.stringify(value)) : value
    return payload
  })
}

/**
 * Puts a function around the parser of a schema. When a schema first parses, Zod replaces the parser by one that does not look
 * for cycles: it replaces what is inside of this function.
 */
function wrapParse(schema: z.core.$ZodType, wrap: (parse: Run) => Run): void {
  const { _zod: internals } = schema
  let { parse } = internals
  const wrapped = wrap((payload, context) => parse(payload, context))
  // A schema without further checks runs its parser directly.
  if (internals.run === parse) internals.run = wrapped
  Object.defineProperty(internals, 'parse', {
    get: () => wrapped,
    set: (replacement: Run) => {
      parse = replacement
    },
  })
}

/**
 * The schemas that a schema hands its value, or parts of it, to. Not those of an intersection, which weighs the issues of its
 * two sides against each other.
 */
function partsOf(schema: Schema): readonly z.core.$ZodType[] {
  const { def } = schema._zod
  switch (def.type) {
    case 'array':
      return [def.element]
    case 'record':
      return [def.keyType, def.valueType]
    case 'object':
      return [...Object.values(def.shape), ...(def.catchall ? [def.catchall] : [])]
    case 'union':
      return def.options
    case 'tuple':
      return [...def.items, ...(def.rest ? [def.rest] : [])]
    case 'pipe':
      return [def.in, def.out]
    case 'lazy':
      return [(schema as z.core.$ZodLazy)._zod.innerType]
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'success':
    case 'catch':
    case 'readonly':
    case 'promise':
      return [def.innerType]
    default:
      return []
  }
}

function limitItems(list: z.core.$ZodType, ...items: readonly z.core.$ZodType[]): void {
  wrapParse(
    list,
    (parse) => (payload, context) =>
      parse(payload, { ...context, [ITEMS]: { left: ISSUES_MAX, outer: context } } as ItemContext),
  )
  for (const item of items) if (!counting.has(item)) countIssues(item)
}

const counting = new WeakSet<object>()

/** Makes the schema of an item count its issues for the list or record around it, and accept items unseen at the limit. */
function countIssues(item: z.core.$ZodType): void {
  counting.add(item)
  const { _zod: internals } = item
  const { run: first, parse } = internals
  // A schema without further checks runs its parser, which Zod may replace.
  const run: Run = first === parse ? (payload, context) => internals.parse(payload, context) : first
  internals.run = (payload, context: ItemContext) => {
    const items = context[ITEMS]
    if (!items) return run(payload, context)
    if (items.left <= 0) return payload
    const result = run(payload, items.outer)
    if (result instanceof Promise) return result
    items.left -= numberOf(result.issues)
    return result
  }
}

/** How many issues there are, those of the alternatives of unions included. */
function numberOf(issues: readonly z.core.$ZodRawIssue[]): number {
  return issues.reduce((count, issue) => {
    const alternatives = issue.code === 'invalid_union' ? (issue['errors'] as readonly unknown[][]) : []
    return count + 1 + alternatives.reduce((inner, errors) => inner + errors.length, 0)
  }, 0)
}
