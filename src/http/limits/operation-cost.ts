import {
  getArgumentValues,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { VARIABLE_MAX_ERRORS } from './input-limits.ts'
import { weightOf } from './field-weight.ts'

/** What an operation may cost. A page of 100 with a page of 50 in each item is 10,201. */
export const MAX_COST = 25_000

/** Of a list without `first`, `last` or `ids`: nobody knows how long it is. A list of names or times costs nothing then. */
const LIST_LENGTH = 10
/** Of a connection that is asked for no number. */
const DEFAULT_PAGE = 20
/** No page is longer, whatever is asked for. */
const MAX_PAGE = 1_000

/** By this header, or by `extensions: { cost: true }` in the request, a client asks what its operation costs. */
const COST_HEADER = 'x-lume-cost'

/** What an operation costs, and why it is refused; null: it is not. */
export interface CostVerdict {
  readonly cost: number
  readonly refusal: GraphQLError | null
}

/**
 * Refuses an operation that would read too much before anything is read: HTTP 400, code `OPERATION_TOO_COSTLY`. The cost is
 * the number of objects that the answer may hold, pages at the length that was asked for, and what payloads weigh
 * (`weightOf`). Other plain fields cost nothing.
 */
export function judgeCost(args: CostedOperation): CostVerdict {
  const cost = costOf(args)
  return { cost, refusal: cost > MAX_COST ? tooCostly(cost, MAX_COST) : null }
}

/** The result with the cost of its operation, where the request asks for that. */
export function withCost(result: ExecutionResult, cost: number, context: unknown): ExecutionResult {
  if (!isAskedFor(context as Asking)) return result
  const extensions = { ...result.extensions, cost: { requested: cost, limit: MAX_COST } }
  return { ...result, extensions }
}

function tooCostly(cost: number, maxCost: number): GraphQLError {
  return new GraphQLError(
    `This operation may cost ${cost}, and ${maxCost} is the most. Ask for shorter pages, or for less in each item, payloads such as \`input\` and \`output\` first of all.`,
    { extensions: { code: 'OPERATION_TOO_COSTLY', http: { status: 400, spec: true } } },
  )
}

interface Asking {
  readonly request?: Request
  readonly params?: { readonly extensions?: Readonly<Record<string, unknown>> | null }
}

function isAskedFor({ request, params }: Asking): boolean {
  return request?.headers.get(COST_HEADER) === '1' || params?.extensions?.cost === true
}

type CostedOperation = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>

interface Operation {
  readonly schema: GraphQLSchema
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly variables: Readonly<Record<string, unknown>>
  /** Set where the cost depends on variables. */
  dependsOnVariables: boolean
}

/** By document and name: the costs of operations that depend on no variable. */
const fixedCosts = new WeakMap<DocumentNode, Map<string | null, number>>()

/**
 * The cost of a valid operation. A cost that depends on no variable is computed once for each document. One that does is 0
 * where the variables are invalid, which the executor reports.
 */
export function costOf(args: CostedOperation): number {
  const { document, operationName = null } = args
  const fixed = fixedCosts.get(document)
  const known = fixed?.get(operationName)
  if (known !== undefined) return known
  const { cost, isFixed } = computeCost(args)
  if (isFixed) fixedCosts.set(document, (fixed ?? new Map<string | null, number>()).set(operationName, cost))
  return cost
}

function computeCost(args: CostedOperation): { readonly cost: number; readonly isFixed: boolean } {
  const { schema, document, operationName, variableValues } = args
  const operation = getOperationAST(document, operationName)
  const root = operation && schema.getRootType(operation.operation)
  if (!operation || !root) return { cost: 0, isFixed: false }
  // With the defaults that the document gives them.
  const variables = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {}, {
    maxErrors: VARIABLE_MAX_ERRORS,
  })
  if (!variables.coerced) return { cost: 0, isFixed: false }
  const within: Operation = {
    schema,
    fragments: fragmentsOf(document),
    variables: variables.coerced,
    dependsOnVariables: false,
  }
  const cost = selectionCost(operation.selectionSet, root, within)
  return { cost, isFixed: !within.dependsOnVariables }
}

function fragmentsOf({ definitions }: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
  return new Map((fragments as FragmentDefinitionNode[]).map((fragment) => [fragment.name.value, fragment]))
}

function selectionCost(
  set: SelectionSetNode,
  type: GraphQLNamedType,
  within: Operation,
  length = LIST_LENGTH,
): number {
  let cost = 0
  for (const selection of set.selections) {
    switch (selection.kind) {
      case Kind.FIELD:
        cost += fieldCost(selection, type, within, length)
        break
      case Kind.INLINE_FRAGMENT:
        cost += selectionCost(
          selection.selectionSet,
          typeOn(selection.typeCondition?.name.value, type, within),
          within,
          length,
        )
        break
      case Kind.FRAGMENT_SPREAD: {
        const fragment = within.fragments.get(selection.name.value)
        if (!fragment) break
        const on = typeOn(fragment.typeCondition.name.value, type, within)
        cost += selectionCost(fragment.selectionSet, on, within, length)
      }
    }
  }
  return cost
}

function typeOn(name: string | undefined, type: GraphQLNamedType, { schema }: Operation): GraphQLNamedType {
  return (name === undefined ? undefined : schema.getType(name)) ?? type
}

/** `pageLength` is that of the connection which the field may be the `edges` of. */
function fieldCost(node: FieldNode, parent: GraphQLNamedType, within: Operation, pageLength: number): number {
  if (!isObjectType(parent) && !isInterfaceType(parent)) return 0
  const field = parent.getFields()[node.name.value]
  const type = field && getNamedType(field.type)
  // Introspection is bounded by its fields, and reads nothing.
  if (!field || !type) return 0
  const weight = weightOf(parent, field)
  const isList = isListType(getNullableType(field.type))
  const page = pageOf(field, node, within)
  if (!node.selectionSet || !isCompositeType(type)) return weight + (isList ? (page ?? 0) : 0)
  if (!isList) return weight + 1 + selectionCost(node.selectionSet, type, within, page ?? LIST_LENGTH)
  const { ids } = readArguments(field, node, within)
  const count = page ?? (Array.isArray(ids) ? ids.length : pageLength)
  return weight + count * (1 + selectionCost(node.selectionSet, type, within))
}

/** How long a page the field is asked for; null when it takes no such number. */
function pageOf(field: GraphQLField<unknown, unknown>, node: FieldNode, within: Operation): number | null {
  if (!field.args.some(({ name }) => name === 'first')) return null
  const { first, last } = readArguments(field, node, within)
  const asked = [first, last].filter((count) => typeof count === 'number')
  return asked.length > 0 ? Math.min(MAX_PAGE, Math.max(0, ...asked)) : DEFAULT_PAGE
}

/** Returns no argument where one is invalid, which the executor reports. */
function readArguments(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  within: Operation,
): Readonly<Record<string, unknown>> {
  within.dependsOnVariables ||= (node.arguments ?? []).some(({ value }) => namesVariable(value))
  try {
    return getArgumentValues(field, node, within.variables)
  } catch (fault) {
    if (fault instanceof GraphQLError) return {}
    throw fault
  }
}

function namesVariable(value: ValueNode): boolean {
  switch (value.kind) {
    case Kind.VARIABLE:
      return true
    case Kind.LIST:
      return value.values.some(namesVariable)
    case Kind.OBJECT:
      return value.fields.some((field) => namesVariable(field.value))
    default:
      return false
  }
}
