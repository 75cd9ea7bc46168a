import { pointer } from '../../lib/json.ts'
import { DEFAULT_HANDLE, ERROR_HANDLE, type Block } from '../block.ts'
import { compileConfig, type ConfigTemplate } from '../config-template.ts'
import type { GraphDefinition, GraphNode } from '../definition.ts'
import { problem, type Diagnostic } from '../diagnostics.ts'
import type { PlanEdge, PlanGraph } from '../plan.ts'
import type { BlockRegistry } from '../registry.ts'
import { Ancestry, topologicalOrder } from './ancestry.ts'
import { compileNode } from './compile-node.ts'
import { expressionFault } from './expression-fault.ts'
import { checkReferences, type NodeNames, type VisibleNames } from './references.ts'

export interface GraphContext {
  /** Where the graph stands in the definition. */
  readonly at: string
  readonly blocks: Pick<BlockRegistry, 'get' | 'closest'>
  readonly report: (diagnostic: Diagnostic) => void
  readonly variables: ReadonlySet<string>
  /** Counts nodes; false when the definition has more than it may. */
  readonly admits: (nodeCount: number, at: string) => boolean
  readonly maySuggest: () => boolean
  /** What the loop around a body lets it see; null for the definition's own graph. */
  readonly outer: OuterGraph | null
}

export interface OuterGraph {
  /** Every id taken by the graphs around the body. */
  readonly nodes: NodeNames
  /** Whether the body may name a node because it is decided before the loop starts. */
  readonly isUpstream: (id: string) => boolean
}

/** Checks one graph and compiles it. The result is only meaningful when nothing was reported as an error. */
export function compileGraph(graph: GraphDefinition, context: GraphContext): PlanGraph {
  const { at, report, outer } = context
  if (!context.admits(graph.nodes.length, pointer(at, 'nodes'))) return { nodes: [], output: null }
  const indexById = indexNodes(graph.nodes, context)
  const found = graph.nodes.map((node, index) => findBlock(node, pointer(at, 'nodes', index), context))
  const edges = compileEdges(graph, { indexById, found, context })
  const entering = groupEdges(edges, 'target')
  const leaving = groupEdges(edges, 'source')
  const order = topologicalOrder(graph.nodes.length, edges)
  if (order.kind === 'cyclic') report(cycleProblem(order.cycle, graph, at))
  const ancestry = new Ancestry(graph.nodes.length, edges, order.kind === 'sorted' ? order.order : [])

  const nodes: NodeNames = {
    has: (id) => indexById.has(id) || (outer?.nodes.has(id) ?? false),
    all: () => [...indexById.keys(), ...(outer?.nodes.all() ?? [])],
  }
  /** Whether a node is decided before another one starts, or before the graph's own output is made. */
  const isUpstream = (id: string, of: number | 'output'): boolean => {
    const other = indexById.get(id)
    if (other === undefined) return outer?.isUpstream(id) ?? false
    // In a cyclic graph nothing is upstream of anything; the cycle itself is the one thing to say.
    return of === 'output' || order.kind === 'cyclic' || ancestry.isAncestor(other, of)
  }
  const visibleTo = (place: number | 'output'): VisibleNames => ({
    variables: context.variables,
    nodes,
    isUpstream: (id) => isUpstream(id, place),
    inLoop: outer !== null,
    onErrorRoute:
      place !== 'output' && (entering.get(place) ?? []).some(({ handle }) => handle === ERROR_HANDLE),
    binds: [],
    allowsSecrets: place !== 'output' && found[place]?.effect === 'external',
    maySuggest: context.maySuggest,
  })

  return {
    nodes: graph.nodes.flatMap((node, index) => {
      const block = found[index]
      if (!block) return []
      return compileNode(node, {
        index,
        block,
        at: pointer(at, 'nodes', index),
        report,
        names: visibleTo(index),
        incoming: entering.get(index) ?? [],
        outgoing: leaving.get(index) ?? [],
        compileBody: (body, bodyAt) =>
          compileGraph(body, {
            ...context,
            at: bodyAt,
            outer: { nodes, isUpstream: (id) => isUpstream(id, index) },
          }),
      })
    }),
    output: compileOutput(graph, context, visibleTo('output')),
  }
}

function indexNodes(nodes: readonly GraphNode[], { at, report, outer }: GraphContext): Map<string, number> {
  const indexById = new Map<string, number>()
  for (const [index, { id }] of nodes.entries()) {
    const isTaken = indexById.has(id) || outer?.nodes.has(id)
    if (!indexById.has(id)) indexById.set(id, index)
    if (!isTaken) continue
    const message = `The node id "${id}" is taken already; an id is unique in its graph and in those around it.`
    report(
      problem('NODE_ID_DUPLICATE', pointer(at, 'nodes', index, 'id'), message, {
        nodeId: id,
        relatedNodeIds: [id],
      }),
    )
  }
  return indexById
}

function findBlock(
  node: GraphNode,
  at: string,
  { blocks, report, maySuggest }: GraphContext,
): Block | undefined {
  const block = blocks.get(node.type)
  if (block) return block
  const meant = maySuggest() ? blocks.closest(node.type) : null
  report(
    problem('BLOCK_UNKNOWN', pointer(at, 'type'), `No block of type "${node.type}" is registered.`, {
      nodeId: node.id,
      suggestion: meant ? `Did you mean "${meant}"?` : 'The query `blocks` lists what there is.',
    }),
  )
  return undefined
}

function groupEdges(
  edges: readonly PlanEdge[],
  end: 'source' | 'target',
): ReadonlyMap<number, readonly PlanEdge[]> {
  const groups = new Map<number, PlanEdge[]>()
  for (const edge of edges) {
    const group = groups.get(edge[end])
    if (group) group.push(edge)
    else groups.set(edge[end], [edge])
  }
  return groups
}

interface EdgeContext {
  readonly indexById: ReadonlyMap<string, number>
  readonly found: readonly (Block | undefined)[]
  readonly context: GraphContext
}

function compileEdges(graph: GraphDefinition, { indexById, found, context }: EdgeContext): PlanEdge[] {
  const { at, report } = context
  const seen = new Set<string>()
  return graph.edges.flatMap((edge, i) => {
    const where = pointer(at, 'edges', i)
    const ends = (['source', 'target'] as const).map((end) => {
      const index = indexById.get(edge[end])
      if (index === undefined) {
        report(
          problem(
            'EDGE_DANGLING',
            pointer(where, end),
            `The edge’s ${end} "${edge[end]}" is not a node of this graph.`,
          ),
        )
      }
      return index
    })
    const [source, target] = ends
    if (source === undefined || target === undefined) return []
    const handle = edge.sourceHandle ?? DEFAULT_HANDLE
    const key = `${source} ${target} ${handle}`
    if (seen.has(key)) {
      const message = `"${edge.source}" and "${edge.target}" are joined by the handle "${handle}" already; remove this edge.`
      report(problem('EDGE_DUPLICATE', where, message, { nodeId: edge.source }))
      return []
    }
    seen.add(key)
    const node = graph.nodes[source]
    const block = found[source]
    if (node && block) checkHandle({ node, block, handle, where, report })
    return [{ source, target, handle }]
  })
}

function checkHandle({
  node,
  block,
  handle,
  where,
  report,
}: {
  node: GraphNode
  block: Block
  handle: string
  where: string
  report: GraphContext['report']
}): void {
  const handles = [...block.handles(node.config), ...(node.onError === 'route' ? [ERROR_HANDLE] : [])]
  if (handles.includes(handle)) return
  const suggestion =
    handle === ERROR_HANDLE
      ? 'Set the node’s `onError` to "route" to give it the handle "error".'
      : `It has: ${handles.map((name) => `"${name}"`).join(', ')}.`
  const message = `"${node.id}" has no handle "${handle}".`
  report(problem('HANDLE_UNKNOWN', pointer(where, 'sourceHandle'), message, { nodeId: node.id, suggestion }))
}

function cycleProblem(cycle: readonly number[], graph: GraphDefinition, at: string): Diagnostic {
  const ids = cycle.map((index) => graph.nodes[index]?.id ?? '')
  const [first = ''] = ids
  const message = `These nodes follow each other in a circle: ${[...ids, first].join(' → ')}. Remove one of the edges.`
  return problem('GRAPH_CYCLE', pointer(at, 'edges'), message, { nodeId: first, relatedNodeIds: ids })
}

function compileOutput(
  graph: GraphDefinition,
  { at, report }: GraphContext,
  names: VisibleNames,
): ConfigTemplate | null {
  if (graph.output === undefined) return null
  return compileConfig(graph.output, {
    at: pointer(at, 'output'),
    isRaw: () => false,
    onTemplate: (template, where) => checkReferences(template, { at: where, names, report }),
    onFault: (fault, where) => report(expressionFault(fault, where)),
  })
}
