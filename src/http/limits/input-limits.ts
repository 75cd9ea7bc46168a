import {
  coerceInputValue,
  getNamedType,
  getNullableType,
  getOperationAST,
  GraphQLError,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isScalarType,
  Kind,
  typeFromAST,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLInputType,
  type GraphQLSchema,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql'
import { shorten } from '../../lib/text/index.ts'
import { maxItemsOf, NAME_MAX_LENGTH, STRING_MAX_LENGTH } from '../../schema/index.ts'
import { BODY_MAX_VALUES } from '../intake/index.ts'
import { MESSAGE_MAX_LENGTH, reasonWithoutValue } from './variable-error.ts'

/** Maximum number of JSON values in all arguments of an operation, its variables put in place; 32 characters of a text count as one. */
export const OPERATION_MAX_VALUES = 2 * BODY_MAX_VALUES

/** Maximum number of errors about the variables of one operation; reading stops there. */
export const VARIABLE_MAX_ERRORS = 50
/** Maximum number of fields of an input object beyond those that its type has. */
const UNKNOWN_MAX_FIELDS = 50
/** Maximum number of UTF-16 units of the name of a field that is not in the type. */
const UNKNOWN_MAX_LENGTH = 100

type Operation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>
type Variables = Readonly<Record<string, unknown>>

/**
 * Checks the input of a valid operation before anything else reads it: the length of every list against the limit that its
 * description states (`LIST_TOO_LONG`), the length of every text (`TEXT_TOO_LONG`), and then that the variables have
 * their types, at most `VARIABLE_MAX_ERRORS` errors of it (`BAD_USER_INPUT`). The walk follows the declared types, so
 * that it visits no list that is too long, and nothing inside of a JSON value. Returns the errors; empty: the input is accepted.
 */
export function inputErrorsOf(operation: Operation): readonly GraphQLError[] {
  const { schema, document, operationName } = operation
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? []
  const variables = (operation.variableValues ?? {}) as Variables
  try {
    const uses = usesOf(schema, document)
    for (const definition of definitions) checkVariable(schema, definition, { variables, uses })
    checkRepeatedJson(uses, variables)
    checkNulls(uses, definitions, variables)
  } catch (refusal) {
    if (refusal instanceof GraphQLError) return [refusal]
    throw refusal
  }
  return coercionErrorsOf(schema, definitions, variables)
}

/** Where a document puts its variables, and what is wrong with its literals. */
interface Uses {
  readonly error: GraphQLError | null
  /** The least limit of the lists that a variable stands for as a whole. */
  readonly maxItems: ReadonlyMap<string, number>
  /** For each argument, the variables that it puts into JSON values, as often as it does; only arguments with several. */
  readonly repeated: readonly (readonly string[])[]
  /** The variables of arguments that take no null. A nullable variable is valid there if one of both has a default. */
  readonly required: ReadonlySet<string>
  /** The variables of all arguments, each as often as it is used. */
  readonly used: readonly string[]
}

const known = new WeakMap<DocumentNode, Uses>()

function usesOf(schema: GraphQLSchema, document: DocumentNode): Uses {
  const uses = known.get(document) ?? readUses(schema, document)
  known.set(document, uses)
  if (uses.error) throw uses.error
  return uses
}

function readUses(schema: GraphQLSchema, document: DocumentNode): Uses {
  const maxItems = new Map<string, number>()
  const repeated: string[][] = []
  const used: string[] = []
  const required = new Set<string>()
  const types = new TypeInfo(schema)

  const readLiteral = (node: ValueNode, { type, limit, place }: Place, inJson: string[]): void => {
    const nullable = type === null ? null : getNullableType(type)
    if (node.kind === Kind.VARIABLE) {
      const name = node.name.value
      used.push(name)
      if (type !== null && isNonNullType(type)) required.add(name)
      if (isListType(nullable) && limit !== null) {
        maxItems.set(name, Math.min(maxItems.get(name) ?? Infinity, limit))
      }
      if (nullable === null || isJson(nullable)) inJson.push(name)
      return
    }
    if (isListType(nullable)) {
      const item = { type: nullable.ofType, limit, place }
      if (node.kind !== Kind.LIST) return readLiteral(node, item, inJson)
      checkLength(node.values.length, { limit, place })
      for (const value of node.values) readLiteral(value, item, inJson)
      return
    }
    if (isInputObjectType(nullable)) {
      if (node.kind !== Kind.OBJECT) return
      const fields = nullable.getFields()
      for (const { name, value } of node.fields) {
        const field = fields[name.value]
        if (field) readLiteral(value, placeOf(field, `${place}.${name.value}`), inJson)
      }
      return
    }
    if (node.kind === Kind.STRING && nullable !== null)
      checkText(node.value.length, { type: nullable, place })
    // In a literal of a JSON value.
    const inner = { type: null, limit: null, place }
    if (node.kind === Kind.LIST) for (const value of node.values) readLiteral(value, inner, inJson)
    if (node.kind === Kind.OBJECT) for (const { value } of node.fields) readLiteral(value, inner, inJson)
  }
  try {
    visit(
      document,
      visitWithTypeInfo(types, {
        Argument({ name, value }) {
          const argument = types.getArgument()
          if (!argument) return
          const inJson: string[] = []
          readLiteral(value, placeOf(argument, name.value), inJson)
          if (inJson.length > 1) repeated.push(inJson)
        },
        VariableDefinition({ variable, type, defaultValue }) {
          const declared = typeFromAST(schema, type)
          if (!defaultValue || !isInputType(declared)) return
          const limit = maxItemsOf({ type: declared, extensions: {} })
          readLiteral(defaultValue, { type: declared, limit, place: `$${variable.name.value}` }, [])
        },
      }),
    )
  } catch (refusal) {
    if (refusal instanceof GraphQLError) return { error: refusal, maxItems, repeated, used, required }
    throw refusal
  }
  return { error: null, maxItems, repeated, used, required }
}

/** A place that a value is given for. */
interface Place {
  /** Null: inside of a JSON value. */
  readonly type: GraphQLInputType | null
  /** The maximum number of items, where the type is a list. */
  readonly limit: number | null
  /** How messages name it. */
  readonly place: string
}

function placeOf(input: Parameters<typeof maxItemsOf>[0], place: string): Place {
  return { type: input.type, limit: maxItemsOf(input), place }
}

function checkVariable(
  schema: GraphQLSchema,
  { variable, type }: VariableDefinitionNode,
  { variables, uses }: { readonly variables: Variables; readonly uses: Uses },
): void {
  const name = variable.name.value
  const declared = typeFromAST(schema, type)
  if (!isInputType(declared) || !Object.hasOwn(variables, name)) return
  const limit = uses.maxItems.get(name) ?? maxItemsOf({ type: declared, extensions: {} })
  checkValue(variables[name], { type: declared, limit, place: `$${name}` })
}

function checkValue(value: unknown, { type, limit, place }: Place): void {
  if (value === null || value === undefined || type === null) return
  const nullable = getNullableType(type)
  if (isListType(nullable)) {
    const item = { type: nullable.ofType, limit, place }
    if (!Array.isArray(value)) return checkValue(value, item)
    checkLength(value.length, { limit, place })
    for (const one of value) checkValue(one, item)
    return
  }
  if (isInputObjectType(nullable)) {
    if (typeof value !== 'object' || Array.isArray(value)) return
    const given = value as Readonly<Record<string, unknown>>
    const fields = nullable.getFields()
    const names = Object.keys(given)
    const isStrange = (name: string) => name.length > UNKNOWN_MAX_LENGTH && !Object.hasOwn(fields, name)
    if (names.length > Object.keys(fields).length + UNKNOWN_MAX_FIELDS || names.some(isStrange)) {
      throw refused(
        'BAD_USER_INPUT',
        `\`${place}\` has fields that the type "${nullable.name}" does not have.`,
      )
    }
    for (const name of names) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined
      if (field) checkValue(given[name], placeOf(field, `${place}.${name}`))
    }
    return
  }
  if (typeof value === 'string') checkText(value.length, { type: nullable, place })
}

function checkLength(length: number, { limit, place }: Pick<Place, 'limit' | 'place'>): void {
  if (limit === null || length <= limit) return
  const message = `The list \`${place}\` has ${length} items; the maximum is ${limit}.`
  throw refused('LIST_TOO_LONG', message, { argument: place, length, limit })
}

function checkText(length: number, { type, place }: { type: GraphQLInputType; place: string }): void {
  if (isJson(type)) return
  const limit = getNamedType(type).name === 'String' ? STRING_MAX_LENGTH : NAME_MAX_LENGTH
  if (length <= limit || !(isScalarType(type) || isEnumType(type))) return
  const message = `The text \`${place}\` has ${length} characters; the maximum is ${limit}.`
  throw refused('TEXT_TOO_LONG', message, { argument: place, length, limit })
}

function isJson(type: GraphQLInputType): boolean {
  return isScalarType(type) && type.name === 'JSON'
}

/**
 * A document may use the same variable many times, and what it stands for is then walked as often. So an argument holds as many
 * values as a whole request may hold, and all arguments together twice as many: a request that uses each variable once never has more.
 */
function checkRepeatedJson({ repeated, used }: Uses, variables: Variables): void {
  const sizes = new Map<string, number>()
  const check = (names: readonly string[], what: string, limit: number) => {
    let values = 0
    for (const name of names) {
      const size = sizes.get(name) ?? sizeOf(variables[name])
      sizes.set(name, size)
      values += size
      if (values <= limit) continue
      const message = `With its variables in place, ${what} has more than ${limit} values.`
      throw refused('BODY_TOO_COMPLEX', message, { limit }, 413)
    }
  }
  for (const names of repeated) check(names, 'an argument', BODY_MAX_VALUES)
  check(used, 'the operation', OPERATION_MAX_VALUES)
}

/** An executor reports this once for each object that the argument is read for, however many there are. */
function checkNulls(
  { required }: Uses,
  definitions: readonly VariableDefinitionNode[],
  variables: Variables,
): void {
  for (const { variable } of definitions) {
    const name = variable.name.value
    if (!required.has(name) || !Object.hasOwn(variables, name) || variables[name] !== null) continue
    throw refused(
      'BAD_USER_INPUT',
      `The variable \`$${name}\` is null, and an argument that it is used for takes no null.`,
    )
  }
}

/** Characters that weigh as much as one value. */
const CHARACTERS_OF_VALUE = 32

/** The number of values in a JSON value, long texts counted as several; no more than just over the limit is counted. */
function sizeOf(root: unknown): number {
  const pending = [root]
  let size = 0
  for (let value = pending.pop(); value !== undefined && size <= BODY_MAX_VALUES; value = pending.pop()) {
    size += 1
    if (typeof value === 'string') size += Math.floor(value.length / CHARACTERS_OF_VALUE)
    else if (Array.isArray(value)) for (const item of value) pending.push(item)
    else if (typeof value === 'object' && value !== null) {
      for (const member of Object.values(value)) pending.push(member)
    }
  }
  return size
}

/**
 * What `getVariableValues` of graphql-js reports, but for the values themselves: it would write the whole of an object
 * into the message of each of its errors. What is missing or null is left for it to report.
 */
function coercionErrorsOf(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
  variables: Variables,
): readonly GraphQLError[] {
  const errors: GraphQLError[] = []
  try {
    for (const node of definitions) {
      const name = node.variable.name.value
      const type = typeFromAST(schema, node.type)
      if (!isInputType(type) || variables[name] == null || !Object.hasOwn(variables, name)) continue
      coerceInputValue(variables[name], type, (path, _value, { message }) => {
        if (errors.length >= VARIABLE_MAX_ERRORS) throw new TooManyErrors()
        errors.push(coercionError(node, path, message))
      })
    }
  } catch (fault) {
    if (!(fault instanceof TooManyErrors)) throw fault
    const message = `The variables have more than ${VARIABLE_MAX_ERRORS} errors; these are the first.`
    errors.push(new GraphQLError(message, { extensions: BAD_INPUT }))
  }
  return errors
}

/** As graphql-js answers variables that do not fit: HTTP 400 for clients of the newer media type. */
const BAD_INPUT = { code: 'BAD_USER_INPUT', http: { status: 400, spec: true } }

class TooManyErrors extends Error {}

function coercionError(
  node: VariableDefinitionNode,
  path: readonly (string | number)[],
  reason: string,
): GraphQLError {
  const name = node.variable.name.value
  const steps = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  const at = path.length === 0 ? '' : ` at "${name}${steps}"`
  const message = `Variable "$${name}" got an invalid value${at}; ${reasonWithoutValue(reason)}`
  return new GraphQLError(shorten(message, MESSAGE_MAX_LENGTH), {
    nodes: node,
    extensions: BAD_INPUT,
  })
}

function refused(
  code: string,
  message: string,
  facts: Readonly<Record<string, unknown>> = {},
  status = 400,
): GraphQLError {
  return new GraphQLError(shorten(message, MESSAGE_MAX_LENGTH), {
    extensions: { code, ...facts, http: { status } },
  })
}
