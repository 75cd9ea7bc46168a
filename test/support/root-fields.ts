import {
  isAbstractType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isObjectType,
  isRequiredInputField,
  isScalarType,
  isLeafType,
  OperationTypeNode,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql'

/** One field of the schema's three roots. */
export interface RootField {
  readonly schema: GraphQLSchema
  readonly operation: OperationTypeNode
  /** Such as `mutation createWorkflow`. */
  readonly title: string
  readonly field: GraphQLField<unknown, unknown>
  /** Of an input that wants exactly one of several parts: the one that is given; null: there is no such choice. */
  readonly part: string | null
}

/** Inputs of which only one of several parts can stand alone, or find anything: each is asked for in turn. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  'mutation createJob': ['workflow', 'search', 'uploadToMeta'],
  'query executions': ['workflowId', 'scheduleId'],
}
/** What is given although nothing requires it: without it nobody would look at the ids beside it. */
const ALWAYS_GIVEN: ReadonlySet<string> = new Set(['audienceId'])

/** All that can be asked of a schema. */
export function rootFieldsOf(schema: GraphQLSchema): readonly RootField[] {
  return Object.values(OperationTypeNode).flatMap((operation) =>
    Object.values(schema.getRootType(operation)?.getFields() ?? {}).flatMap((field) => {
      const title = `${operation} ${field.name}`
      const parts: readonly (string | null)[] = PARTS[title] ?? [null]
      const named = (part: string | null) => (part === null ? title : `${title} (${part})`)
      return parts.map((part) => ({ schema, operation, title: named(part), field, part }))
    }),
  )
}

interface Values extends ArgumentValues {
  readonly part: string | null
}

/** What arguments are made of. */
export interface ArgumentValues {
  /** For every argument of type ID. */
  readonly id: string
  /** For every `after` and `before`; null: they are left out. */
  readonly cursor: string | null
}

/** Values of arguments by their name, where the type does not say what would do. Add to it when a test asks for it. */
const TEXTS: Readonly<Record<string, string>> = {
  name: 'a name',
  description: 'a description',
  type: 'core.filter',
  value: 'a long enough value',
  cron: '0 9 * * 1-5',
  timeZone: 'Europe/Berlin',
  audienceId: '6008000000001',
  targets: 'acme',
}
const OBJECTS: Readonly<Record<string, unknown>> = {
  definition: { nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }], edges: [] },
}

/** A document that calls a root field with arguments for all that is required and all that names something. */
export function documentFor({ schema, operation, field, part }: RootField, asked: ArgumentValues) {
  const values = { ...asked, part }
  const given = field.args.filter((argument) => isWanted(argument, values))
  const declared = given.map(({ name, type }) => `$${name}: ${String(type)}`)
  const passed = given.map(({ name }) => `${name}: $${name}`)
  const variables = Object.fromEntries(
    given.map((argument) => [
      argument.name,
      valueOf(argument, argument.type, `${field.name}(${argument.name})`, values),
    ]),
  )
  const within = (open: string, parts: readonly string[], close: string) =>
    parts.length > 0 ? `${open}${parts.join(', ')}${close}` : ''
  const source = `${operation} Walk${within('(', declared, ')')} { ${field.name}${within('(', passed, ')')} ${selectionOf(schema, getNamedType(field.type), 3)} }`
  return { source, variables }
}

/** Whether a field can be told apart by what it is given: without an id or a cursor the answer is the owner's own. */
export function takesNames({ field }: RootField): boolean {
  return field.args.some(({ name, type }) => isName(name, type))
}

type Given = Pick<GraphQLArgument | GraphQLInputField, 'name' | 'type' | 'defaultValue'>

function isName(name: string, type: GraphQLInputType): boolean {
  const named = getNamedType(type)
  if (named.name === 'ID' || isCursor(name)) return true
  return (
    isInputObjectType(named) &&
    Object.values(named.getFields()).some((inner) => isName(inner.name, inner.type))
  )
}

function isCursor(name: string): boolean {
  return name === 'after' || name === 'before'
}

function isWanted(given: Given, { cursor, part }: Values): boolean {
  const { name, type } = given
  if (part !== null && isPartBeside(part, name)) return name === part
  if (isCursor(name) && getNamedType(type).name === 'String') return cursor !== null && name === 'after'
  // A schedule needs one of `cron` and `at`, which no type says.
  return isRequired(given) || isName(name, type) || name === 'cron' || ALWAYS_GIVEN.has(name)
}

function isPartBeside(part: string, name: string): boolean {
  return Object.values(PARTS).some((parts) => parts.includes(part) && parts.includes(name))
}

function isRequired({ type, defaultValue }: Given): boolean {
  return isRequiredInputField({ type, defaultValue } as GraphQLInputField)
}

function valueOf(given: Given, type: GraphQLInputType, path: string, values: Values): unknown {
  const nullable = getNullableType(type)
  if (isListType(nullable)) return [valueOf(given, nullable.ofType, path, values)]
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields()).filter((inner) => isWanted(inner, values))
    return Object.fromEntries(
      fields.map((inner) => [inner.name, valueOf(inner, inner.type, `${path}.${inner.name}`, values)]),
    )
  }
  if (isScalarType(nullable)) return scalarOf(nullable.name, given.name, path, values)
  throw new Error(`the walker knows no value of the type ${String(type)} for ${path}`)
}

function scalarOf(type: string, name: string, path: string, { id, cursor }: ArgumentValues): unknown {
  if (isCursor(name)) return type === 'String' ? cursor : 0
  const value = scalars[type]?.(name, id)
  if (value === undefined) {
    throw new Error(`the walker knows no ${type} for ${path}: teach it one in test/support/root-fields.ts`)
  }
  return value
}

const scalars: Readonly<Record<string, (name: string, id: string) => unknown>> = {
  ID: (_name, id) => id,
  Int: () => 1,
  Float: () => 1,
  Boolean: () => true,
  DateTime: () => '2099-01-01T00:00:00Z',
  String: (name) => TEXTS[name],
  JSON: (name) => OBJECTS[name],
}

/** Every field that needs no argument, some levels deep; fields of several types under names of their own. */
function selectionOf(schema: GraphQLSchema, type: GraphQLNamedType, depth: number): string {
  if (isLeafType(type)) return ''
  const types = isAbstractType(type) ? schema.getPossibleTypes(type) : [type]
  const parts = types.map((one) => `... on ${one.name} { __typename ${fieldsOf(schema, one, depth)} }`)
  return `{ ${parts.join(' ')} }`
}

function fieldsOf(schema: GraphQLSchema, type: GraphQLNamedType, depth: number): string {
  if (!isObjectType(type)) return ''
  return Object.values(type.getFields())
    .filter(({ args }) => !args.some((argument) => isRequired(argument)))
    .map(({ name, type: inner }) => {
      const named = getNamedType(inner)
      if (isLeafType(named)) return `${type.name}_${name}: ${name}`
      return depth > 0 ? `${type.name}_${name}: ${name} ${selectionOf(schema, named, depth - 1)}` : ''
    })
    .join(' ')
}
