import { assertNever } from '../../../lib/index.ts'
import type { JsonObject } from '../../../lib/json/index.ts'
import { closest } from '../../../lib/text/index.ts'
import type { Diagnostic } from '../../definition/index.ts'
import { referenceTo } from './path-text.ts'
import { jsonTypeOf, memberOf, type JsonTypeName, type Member, type ValueType } from './value-type.ts'

/** What is known of the values that expressions name at their place; null: nothing. */
export interface KnownTypes {
  readonly input: ValueType | null
  /** Inside of a loop whose items are known. */
  readonly item: ValueType | null
  /** A node's output, where it is decided before the place. */
  readonly output: (nodeId: string) => ValueType | null
}

const LISTED_MAX = 20

type TypeFault = Pick<Diagnostic, 'code' | 'message' | 'severity' | 'suggestion'>

/** Where a name leads to before fields are looked up. */
interface Start {
  readonly type: ValueType | null
  /** How many keys of the path are behind it. */
  readonly depth: number
}

/** Says so when a path leads to a field that is known not to be there; looks for what was meant if `maySuggest` allows it. */
export function fieldFault(
  path: readonly string[],
  types: KnownTypes,
  maySuggest: () => boolean,
): TypeFault | null {
  const [root, , member] = path
  if (root === 'nodes' && member !== undefined && member !== 'output') {
    const node = referenceTo(path.slice(0, 2))
    return clash(`\`${node}\` has nothing but \`output\`.`, `Did you mean \`${node}.output\`?`)
  }
  let { type, depth } = startOf(path, types)
  for (; depth < path.length; depth++) {
    const found = memberOf(type, path[depth] ?? '')
    if (found.kind !== 'possible') return faultOf(found, { path, depth, maySuggest })
    type = found.type
  }
  return null
}

/** What is known of the value of a path; null when nothing is, or when it is not there. */
export function typeOfPath(path: readonly string[], types: KnownTypes): ValueType | null {
  let { type, depth } = startOf(path, types)
  for (; depth < path.length; depth++) {
    const found = memberOf(type, path[depth] ?? '')
    if (found.kind !== 'possible') return null
    type = found.type
  }
  return type
}

/** Says so when a value of one JSON type is put where only another one can be. */
export function valueFault(
  value: JsonTypeName | null,
  { field, what }: { field: ValueType | null; what: string },
): TypeFault | null {
  const wanted = jsonTypeOf(field)
  if (value === null || wanted === null || value === wanted) return null
  return clash(`${what} is ${NOUN[value]}, but ${NOUN[wanted]} belongs here.`, CONVERSION[wanted])
}

function startOf(path: readonly string[], types: KnownTypes): Start {
  const [root, name, member] = path
  if (root === 'input') return { type: types.input, depth: 1 }
  if (root === 'item') return { type: types.item, depth: 1 }
  if (root === 'nodes' && name !== undefined && member === 'output')
    return { type: types.output(name), depth: 3 }
  return { type: null, depth: path.length }
}

function faultOf(
  member: Exclude<Member, { kind: 'possible' }>,
  {
    path,
    depth,
    maySuggest,
  }: { readonly path: readonly string[]; readonly depth: number; readonly maySuggest: () => boolean },
): TypeFault {
  const missing = (properties: JsonObject) => missingField(owner, { key, properties, maySuggest })
  const owner = referenceTo(path.slice(0, depth))
  const key = path[depth] ?? ''
  switch (member.kind) {
    case 'fieldless':
      return clash(`\`${owner}\` is ${NOUN[member.type]}, so it has no field "${key}".`, undefined)
    case 'unnamed':
      // What a block gives beside the fields that it names is kept: this may be one of those.
      return { ...missing(member.properties), code: 'TYPE_CLASH', severity: 'warning' }
    case 'excluded':
      return {
        ...missing(member.properties),
        code: path[0] === 'input' ? 'INPUT_UNDECLARED' : 'TYPE_CLASH',
      }
    default:
      return assertNever(member)
  }
}

function missingField(
  owner: string,
  {
    key,
    properties,
    maySuggest,
  }: { readonly key: string; readonly properties: JsonObject; readonly maySuggest: () => boolean },
): TypeFault {
  const meant = maySuggest() ? closest(key, Object.keys(properties)) : null
  const names = firstNames(properties).map((name) => `"${name}"`)
  const suggestion = meant ? `Did you mean "${meant}"?` : `It has: ${names.join(', ') || 'no fields'}.`
  return clash(`By its schema \`${owner}\` has no field "${key}".`, suggestion)
}

/** The first twenty names. Found once per schema: an expression may ask a thousand times for those of a large one. */
function firstNames(properties: JsonObject): readonly string[] {
  const known = listed.get(properties)
  if (known) return known
  const names = Object.keys(properties).slice(0, LISTED_MAX)
  listed.set(properties, names)
  return names
}

const listed = new WeakMap<JsonObject, readonly string[]>()

function clash(message: string, suggestion: string | undefined): TypeFault {
  return {
    code: 'TYPE_CLASH',
    severity: 'error',
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

const NOUN: Readonly<Record<JsonTypeName, string>> = {
  null: 'null',
  boolean: 'true or false',
  number: 'a number',
  string: 'a text',
  array: 'a list',
  object: 'an object',
}

const CONVERSION: Readonly<Partial<Record<JsonTypeName, string>>> = {
  number:
    '`number(…)` reads a number from a text; a template that is nothing but one expression keeps its type.',
  string: '`string(…)` makes a text of a number, `json(…)` of anything.',
  boolean: '`bool(…)` reads true or false from a text.',
}
