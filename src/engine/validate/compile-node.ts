import { isJsonObject, pointer, type Json } from '../../lib/json.ts'
import type { Block, ExpressionField } from '../block.ts'
import { compileConfig } from '../config-template.ts'
import { graphSchema, type GraphDefinition, type GraphNode } from '../definition.ts'
import { problem, type Diagnostic } from '../diagnostics.ts'
import { compileExpression, type Expression } from '../expression.ts'
import type { PlanEdge, PlanGraph, PlanNode } from '../plan.ts'
import { readConfig } from '../read-config.ts'
import { retryPolicySchema } from '../retry-policy.ts'
import { isTemplate } from '../template.ts'
import { expressionFault } from './expression-fault.ts'
import { checkExpression, checkReferences, type VisibleNames } from './references.ts'
import { issuesToDiagnostics, standingIssues } from './zod-issues.ts'

export interface NodeContext {
  readonly index: number
  readonly block: Block
  /** Where the node stands in the definition. */
  readonly at: string
  readonly report: (diagnostic: Diagnostic) => void
  readonly names: VisibleNames
  readonly incoming: readonly PlanEdge[]
  readonly outgoing: readonly PlanEdge[]
  readonly compileBody: (body: GraphDefinition, at: string) => PlanGraph
}

/** Where a loop's config holds its body. */
const BODY = 'body'

/** Checks one node's config, templates and expressions, and compiles it. */
export function compileNode(node: GraphNode, context: NodeContext): PlanNode {
  const { index, block, at, report, names, incoming, outgoing } = context
  const nodeId = node.id
  const configAt = pointer(at, 'config')
  const bodyAt = block.run === 'loop' ? pointer(configAt, BODY) : null
  const expressions = new Map<string, Expression>()
  const templateAt = new Set<string>()
  const secretNames = new Set(block.secrets)
  const noteSecrets = ({ references }: Expression): void => {
    for (const { path } of references)
      if (path[0] === 'secrets' && path[1] !== undefined) secretNames.add(path[1])
  }

  const compileBare = (source: string, where: string, binds: readonly string[]): void => {
    try {
      const expression = compileExpression(source)
      expressions.set(source, expression)
      noteSecrets(expression)
      checkExpression(expression, {
        at: where,
        names: { ...names, binds: [...names.binds, ...binds] },
        report,
        nodeId,
      })
    } catch (fault) {
      report(expressionFault(fault, where, nodeId))
    }
  }
  for (const field of block.expressions) {
    for (const { where, source } of findField(node.config, field, configAt))
      compileBare(source, where, field.binds)
  }
  if (node.retry?.retryIf !== undefined)
    compileBare(node.retry.retryIf, pointer(at, 'retry', 'retryIf'), ['error', 'attempt'])

  const config = compileConfig(node.config, {
    at: configAt,
    isRaw: (where) => where === bodyAt || block.expressions.some((field) => matches(where, field, configAt)),
    onTemplate: (template, where) => {
      templateAt.add(where)
      for (const part of template.parts) if (typeof part !== 'string') noteSecrets(part.expression)
      checkReferences(template, { at: where, names, report, nodeId })
    },
    onFault: (fault, where) => {
      templateAt.add(where)
      report(expressionFault(fault, where, nodeId))
    },
  })
  const read = readConfig(block, node.config)
  // What a template will yield is not known yet.
  const issues = standingIssues(read.ok ? [] : read.issues, (path) =>
    isAtOrUnder(pointer(configAt, ...path.map(String)), templateAt),
  )
  for (const diagnostic of issuesToDiagnostics(issues, { code: 'CONFIG_INVALID', at: configAt, nodeId }))
    report(diagnostic)
  const handles = block.handles(node.config)
  if (handles.some(isTemplate)) {
    const message = 'A handle cannot be a template: edges name it, so it must be known before the run.'
    report(problem('CONFIG_INVALID', configAt, message, { nodeId }))
  }
  return {
    index,
    id: nodeId,
    block,
    config,
    expressions,
    handles,
    incoming,
    outgoing,
    retry: retryPolicySchema.parse({ ...block.retry, ...node.retry }),
    timeoutMs: node.timeoutMs ?? block.timeoutMs,
    stepTimeoutMs: node.stepTimeoutMs ?? null,
    heartbeatMs: node.heartbeatMs ?? block.heartbeatMs,
    secretNames: [...secretNames],
    onError: node.onError,
    defaultOutput: node.defaultOutput ?? null,
    onUnknown: node.onUnknown,
    body: bodyAt === null ? null : compileBody(node, bodyAt, context),
  }
}

function isAtOrUnder(where: string, places: ReadonlySet<string>): boolean {
  for (const place of places) if (where === place || where.startsWith(`${place}/`)) return true
  return false
}

function compileBody(node: GraphNode, at: string, { report, compileBody: compile }: NodeContext): PlanGraph {
  const parsed = graphSchema.safeParse(node.config[BODY])
  if (!parsed.success) {
    // That there is no body at all is said by the loop's own config.
    const issues = isJsonObject(node.config[BODY]) ? parsed.error.issues : []
    issuesToDiagnostics(issues, { code: 'DEFINITION_MALFORMED', at, nodeId: node.id }).forEach(report)
    return NO_GRAPH
  }
  if (parsed.data.nodes.length === 0) {
    const message = 'The loop’s body has no nodes.'
    report(problem('DEFINITION_EMPTY', pointer(at, 'nodes'), message, { nodeId: node.id }))
    return NO_GRAPH
  }
  return compile(parsed.data, at)
}

const NO_GRAPH: PlanGraph = { nodes: [], output: null }

interface Found {
  readonly where: string
  readonly source: string
}

/** The strings that stand where a field points, `*` being every index of a list. */
function findField(config: Json, field: ExpressionField, configAt: string): readonly Found[] {
  const keys = field.pointer.split('/').slice(1)
  let found: { at: string; value: Json | undefined }[] = [{ at: configAt, value: config }]
  for (const key of keys) {
    found = found.flatMap(({ at, value }) => {
      if (Array.isArray(value))
        return key === '*' ? value.map((item: Json, i) => ({ at: pointer(at, i), value: item })) : []
      if (typeof value !== 'object' || value === null) return []
      return [{ at: pointer(at, key), value: (value as { [key: string]: Json })[key] }]
    })
  }
  return found.flatMap(({ at, value }) => (typeof value === 'string' ? [{ where: at, source: value }] : []))
}

function matches(where: string, field: ExpressionField, configAt: string): boolean {
  if (!where.startsWith(`${configAt}/`)) return false
  const keys = where.slice(configAt.length).split('/')
  const wanted = field.pointer.split('/')
  return keys.length === wanted.length && wanted.every((key, i) => key === '*' || key === keys[i])
}
