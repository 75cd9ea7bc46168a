import { isJsonObject, pointer, type Json } from '../../../lib/json/index.ts'
import type { Pieces } from '../../../lib/turns/index.ts'
import { edgeSchema, nodeSchema, problem, type GraphEdge, type GraphNode } from '../../definition/index.ts'
import type { Inspection } from './inspection.ts'
import { issuesToDiagnostics } from './zod-issues.ts'

/** A graph of the document, as much of it as can be read. Each part carries its place, because others may be missing. */
export interface ReadGraph {
  readonly at: string
  readonly nodes: readonly ReadNode[]
  readonly edges: readonly ReadEdge[]
  readonly output: Json | undefined
  /** False when an edge could not be read: then nobody knows what is upstream of what. */
  readonly hasAllEdges: boolean
}

export interface ReadNode {
  readonly id: string
  readonly at: string
  /** Null: it is malformed, and nothing further is said because of it. Edges and expressions may name it. */
  readonly node: GraphNode | null
}

export interface ReadEdge {
  readonly at: string
  readonly edge: GraphEdge
}

/** Fields of a node that can be left out without making anything else of the node wrong. */
const SPARE_FIELDS: ReadonlySet<PropertyKey> = new Set([
  'name',
  'position',
  'retry',
  'timeoutMs',
  'stepTimeoutMs',
  'heartbeatMs',
  'defaultOutput',
  'onUnknown',
])

/**
 * Reads a graph in pieces, part by part, and reports those that are malformed. Null when there are no nodes to read, or more than the
 * definition may have.
 */
export function* readGraph(
  document: { readonly [field: string]: Json },
  { at, nodeId, inspection }: { at: string; nodeId?: string; inspection: Inspection },
): Pieces<ReadGraph | null> {
  const { nodes, edges, output } = document
  const malformed = (where: string, message: string) =>
    inspection.report(problem('DEFINITION_MALFORMED', where, message, { nodeId }))
  if (edges !== undefined && !Array.isArray(edges))
    malformed(pointer(at, 'edges'), '`edges` is a list of edges.')
  if (!Array.isArray(nodes)) {
    malformed(pointer(at, 'nodes'), '`nodes` is a list of nodes.')
    inspection.leaveUnread(document)
    return null
  }
  if (nodes.length === 0)
    inspection.report(
      problem('DEFINITION_EMPTY', pointer(at, 'nodes'), 'The graph has no nodes; add at least one.', {
        nodeId,
      }),
    )
  if (!inspection.admitsNodes(nodes.length, pointer(at, 'nodes'))) return null
  const readNodes: ReadNode[] = []
  for (const [i, node] of (nodes as readonly Json[]).entries()) {
    readNodes.push(...readNode(node, pointer(at, 'nodes', i), inspection))
    yield
  }
  const readEdges: (ReadEdge | null)[] = []
  for (const [i, edge] of (Array.isArray(edges) ? (edges as readonly Json[]) : []).entries()) {
    readEdges.push(readEdge(edge, pointer(at, 'edges', i), inspection))
    yield
  }
  return {
    at,
    nodes: readNodes,
    edges: readEdges.filter((edge) => edge !== null),
    output,
    hasAllEdges: (edges === undefined || Array.isArray(edges)) && !readEdges.includes(null),
  }
}

function readNode(raw: Json, at: string, inspection: Inspection): readonly ReadNode[] {
  const parsed = nodeSchema.safeParse(raw)
  if (parsed.success) return [{ id: parsed.data.id, at, node: parsed.data }]
  const { issues } = parsed.error
  const id = isJsonObject(raw) && typeof raw.id === 'string' ? raw.id : undefined
  for (const diagnostic of issuesToDiagnostics(issues, { code: 'DEFINITION_MALFORMED', at, nodeId: id }))
    inspection.report(diagnostic)
  const rest = withoutSpareFields(raw, issues)
  if (rest) return [{ id: rest.id, at, node: rest }]
  inspection.leaveUnread(raw)
  return id === undefined ? [] : [{ id, at, node: null }]
}

/** The node without its malformed fields, if it can do without them. */
function withoutSpareFields(
  raw: Json,
  issues: readonly { readonly path: readonly PropertyKey[] }[],
): GraphNode | null {
  const fields = new Set(issues.map(({ path }) => path[0] ?? ''))
  if (!isJsonObject(raw) || [...fields].some((field) => !SPARE_FIELDS.has(field))) return null
  const rest = Object.fromEntries(Object.entries(raw).filter(([field]) => !fields.has(field)))
  return nodeSchema.safeParse(rest).data ?? null
}

function readEdge(raw: Json, at: string, inspection: Inspection): ReadEdge | null {
  const parsed = edgeSchema.safeParse(raw)
  if (parsed.success) return { at, edge: parsed.data }
  issuesToDiagnostics(parsed.error.issues, { code: 'DEFINITION_MALFORMED', at }).forEach((diagnostic) =>
    inspection.report(diagnostic),
  )
  return null
}
