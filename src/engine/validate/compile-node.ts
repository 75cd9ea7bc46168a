import type { Expression } from '../../cel/index.ts'
import { isJsonObject, pointer, type Json } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import { readConfig, retryPolicySchema, type Block, type ExpressionField } from '../block/index.ts'
import {
  compileConfig,
  isTemplate,
  NO_GRAPH,
  problem,
  type GraphNode,
  type PlanEdge,
  type PlanGraph,
  type PlanNode,
  type Template,
} from '../definition/index.ts'
import { isSchemaLike } from '../json-schema/index.ts'
import {
  checkExpression,
  checkReferences,
  configDiagnostics,
  itemOf,
  jsonTypeOf,
  readGraph,
  standingIssues,
  typeAt,
  typeOfBlockSchema,
  typeOfPath,
  valueFault,
  type Inspection,
  type ReadGraph,
  type ValidationPieces,
  type ValueType,
  type VisibleNames,
} from './checks/index.ts'

export interface NodeContext {
  readonly index: number
  readonly block: Block
  readonly handles: readonly string[]
  /** Where the node stands in the definition. */
  readonly at: string
  readonly inspection: Inspection
  readonly names: VisibleNames
  readonly incoming: readonly PlanEdge[]
  readonly outgoing: readonly PlanEdge[]
  /** How many loops are around the node. */
  readonly depth: number
  /** Compiles the body of a loop, given what is known of its items. */
  readonly compileBody: (body: ReadGraph, item: ValueType | null) => ValidationPieces<PlanGraph>
}

/** Where a loop's config holds its body, and its items. */
const BODY = 'body'
const ITEMS = 'items'
/** How deep loops may nest: ten of ten items each are ten billion steps already. */
export const DEFINITION_MAX_LOOP_DEPTH = 10
/** Issues of one config beyond this many are not reported. */
const MAX_CONFIG_ISSUES = 500

/** Checks one node's config, templates and expressions, and compiles it, in pieces. */
export function* compileNode(node: GraphNode, context: NodeContext): ValidationPieces<PlanNode> {
  const { index, block, handles, at, inspection, names, incoming, outgoing } = context
  const nodeId = node.id
  const configAt = pointer(at, 'config')
  const bodyAt = block.run === 'loop' ? pointer(configAt, BODY) : null
  const secretNames = new Set(block.secrets)
  for (const name of block.secrets) inspection.secretUses.push({ name, nodeId, pointer: pointer(at, 'type') })
  const expressions = new Map<string, Expression>()
  const templates = new Map<string, Template | null>()

  const config = yield* compileConfig(node.config, {
    at: configAt,
    isRaw: (where) => where === bodyAt || block.expressions.some((field) => matches(where, field, configAt)),
    *compileText(text, where) {
      const template = yield* inspection.compileText(text, where, nodeId)
      templates.set(where, template)
      if (template) {
        yield* checkReferences(template, { at: where, names, inspection, nodeId, secretNames })
        checkValue(template, where, configAt, context, nodeId)
      }
      return template
    },
  })
  function* compileBare(source: string, where: string, visible: VisibleNames): Pieces<void> {
    const expression = yield* inspection.compileBare(source, where, nodeId)
    if (!expression) return
    expressions.set(source, expression)
    checkExpression(expression, { at: where, names: visible, inspection, nodeId, secretNames })
  }
  for (const field of block.expressions) {
    const visible = binding(names, field, itemsOf(templates, pointer(configAt, field.itemsOf ?? ''), names))
    for (const { where, source } of findField(node.config, field, configAt)) {
      if (source !== null) yield* compileBare(source, where, visible)
      yield
    }
  }
  if (node.retry?.retryIf !== undefined) {
    const visible = binding(names, { binds: ['error', 'attempt'] }, null)
    yield* compileBare(node.retry.retryIf, pointer(at, 'retry', 'retryIf'), visible)
  }

  yield
  const read = readConfig(block, node.config)
  // What a template will yield is not known yet.
  const issues = standingIssues(read.ok ? [] : read.issues, (path) => isAtOrUnder(configAt, path, templates))
  const reported = issues.slice(0, MAX_CONFIG_ISSUES)
  configDiagnostics(reported, { block, config: node.config, at: configAt, nodeId }).forEach((diagnostic) =>
    inspection.report(diagnostic),
  )
  yield
  yield* checkSchemas(node, configAt, templates, context)
  if (handles.some(isTemplate)) {
    const message = 'A handle cannot be a template: edges name it, so it must be known before the run.'
    inspection.report(problem('CONFIG_INVALID', configAt, message, { nodeId }))
  }
  const itemType = bodyAt === null ? null : itemsOf(templates, pointer(configAt, ITEMS), names)
  const body = bodyAt === null ? null : yield* compileBody(node, bodyAt, context, itemType)
  return {
    index,
    id: nodeId,
    block,
    config,
    expressions,
    secretNames: [...secretNames],
    handles,
    incoming,
    outgoing,
    retry: retryPolicySchema.parse({ ...block.retry, ...node.retry }),
    timeoutMs: node.timeoutMs ?? block.timeoutMs,
    stepTimeoutMs: node.stepTimeoutMs ?? null,
    heartbeatMs: node.heartbeatMs ?? block.heartbeatMs,
    onError: node.onError,
    defaultOutput: node.defaultOutput ?? null,
    onUnknown: node.onUnknown,
    body,
  }
}

/** Reports a template whose value cannot be what its field takes, as far as both are known. */
function checkValue(
  template: Template,
  where: string,
  configAt: string,
  { block, names, inspection }: NodeContext,
  nodeId: string,
): void {
  const field = typeAt(typeOfBlockSchema(block.config, 'input'), keysOf(where.slice(configAt.length)))
  const path = pathOf(template)
  const value = template.isWhole ? path && jsonTypeOf(typeOfPath(path, names.types)) : 'string'
  const what = template.isWhole ? `\`${template.text.trim()}\`` : 'Text with expressions in it'
  const fault = valueFault(value, { field, what })
  if (!fault) return
  const { code, message, severity, suggestion } = fault
  inspection.report(problem(code, where, message, { severity, nodeId, suggestion, ...rangeOf(template) }))
}

/** Looks at the JSON Schemas of a config; one with templates in it is looked at when they have been filled. */
function* checkSchemas(
  { id: nodeId, config }: GraphNode,
  configAt: string,
  templates: ReadonlyMap<string, unknown>,
  { block, inspection }: NodeContext,
): ValidationPieces<void> {
  for (const field of block.schemas) {
    const schema = config[field]
    const at = pointer(configAt, field)
    if (!isSchemaLike(schema) || [...templates.keys()].some((where) => where.startsWith(`${at}/`))) continue
    yield* inspection.schemas.admits(schema, { at, code: 'CONFIG_INVALID', subject: 'The schema', nodeId })
  }
}

/** The path that a template is, when it is nothing else. */
function pathOf({ isWhole, parts: [part] }: Template): readonly string[] | null {
  return isWhole && typeof part === 'object' ? part.expression.path : null
}

function rangeOf({ isWhole, parts: [part] }: Template): { range?: { start: number; end: number } } {
  if (!isWhole || typeof part !== 'object') return {}
  const { offset, expression } = part
  return { range: { start: offset, end: offset + expression.source.length } }
}

/** The names around an expression, and those that its block binds for it. */
function binding(
  names: VisibleNames,
  { binds, itemsOf: list }: Pick<ExpressionField, 'binds' | 'itemsOf'>,
  item: ValueType | null,
): VisibleNames {
  const bound = { ...names, binds: [...names.binds, ...binds] }
  if (list === undefined || !binds.includes('item')) return bound
  return { ...bound, bindsKnownItem: true, types: { ...names.types, item } }
}

/** What is known of the items of the list that stands at a place, when it is a plain path to one. */
function itemsOf(
  templates: ReadonlyMap<string, Template | null>,
  at: string,
  { types }: VisibleNames,
): ValueType | null {
  const template = templates.get(at)
  const path = template ? pathOf(template) : null
  return path && itemOf(typeOfPath(path, types))
}

function isAtOrUnder(
  base: string,
  path: readonly PropertyKey[],
  templates: ReadonlyMap<string, unknown>,
): boolean {
  let where = base
  if (templates.has(where)) return true
  return path.some((key) => templates.has((where = pointer(where, String(key)))))
}

function* compileBody(
  node: GraphNode,
  at: string,
  { inspection, depth, compileBody: compile }: NodeContext,
  item: ValueType | null,
): ValidationPieces<PlanGraph> {
  const body = node.config[BODY]
  // That there is no body at all is said by the loop's own config.
  if (!isJsonObject(body)) return NO_GRAPH
  if (depth >= DEFINITION_MAX_LOOP_DEPTH) {
    const message = `Loops may be nested ${DEFINITION_MAX_LOOP_DEPTH} deep at most.`
    inspection.report(problem('DEFINITION_TOO_DEEP', at, message, { nodeId: node.id }))
    inspection.leaveUnread(body)
    return NO_GRAPH
  }
  const graph = yield* readGraph(body, { at, nodeId: node.id, inspection })
  return graph ? yield* compile(graph, item) : NO_GRAPH
}

/** The keys of a JSON pointer. */
function keysOf(where: string): string[] {
  return where
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

interface Found {
  readonly where: string
  /** Null: no string stands there. */
  readonly source: string | null
}

/** What stands where a field points, `*` being every index of a list. */
function* findField(config: Json, field: ExpressionField, configAt: string): Generator<Found, void> {
  yield* findKeys(config, field.pointer.split('/').slice(1), configAt)
}

function* findKeys(
  value: Json | undefined,
  [key, ...rest]: readonly string[],
  at: string,
): Generator<Found, void> {
  if (key === undefined) {
    yield { where: at, source: typeof value === 'string' ? value : null }
  } else if (Array.isArray(value)) {
    if (key !== '*') return
    for (const [i, item] of (value as readonly Json[]).entries()) yield* findKeys(item, rest, pointer(at, i))
  } else if (isJsonObject(value)) {
    yield* findKeys(value[key], rest, pointer(at, key))
  }
}

function matches(where: string, field: ExpressionField, configAt: string): boolean {
  if (!where.startsWith(`${configAt}/`)) return false
  const keys = where.slice(configAt.length).split('/')
  const wanted = field.pointer.split('/')
  return keys.length === wanted.length && wanted.every((key, i) => key === '*' || key === keys[i])
}
