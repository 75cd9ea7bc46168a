import { pointer } from '../../lib/json.ts'
import { DEFAULT_HANDLE, ERROR_HANDLE, type Block } from '../block.ts'
import { compileConfig, type ConfigTemplate } from '../config-template.ts'
import type { GraphDefinition, GraphNode } from '../definition.ts'
import { problem, type Diagnostic } from '../diagnostics.ts'
import type { PlanEdge, PlanGraph, PlanNode } from '../plan.ts'
import type { BlockRegistry } from '../registry.ts'
import { Ancestry, topologicalOrder } from './ancestry.ts'
import { compileNode } from './compile-node.ts'
import { expressionFault } from './expression-fault.ts'
import { checkReferences, type VisibleNames } from './references.ts'

export interface GraphContext {
  /** Where the graph stands in the definition. */
  readonly at: string
  readonly blocks: Pick<BlockRegistry, 'get' | 'closest'>
  readonly report: (diagnostic: Diagnostic) => void
  readonly variables: ReadonlySet<string>
  /** What the loop around a body lets it see; null for the definition's own graph. */
  readonly outer: OuterGraph | null
}

export interface OuterGraph {
  /** Ids that the body may name because they are decided before the loop starts. */
  readonly upstream: ReadonlySet<string>
  /** Every id taken by the graphs around the body. */
  readonly taken: ReadonlySet<string>
}

/** Checks one graph and compiles it. The result is only meaningful when nothing was reported as an error. */
export function compileGraph(graph: GraphDefinition, context: GraphContext): PlanGraph {
  const { at, blocks, report, outer } = context
  const indexById = indexNodes(graph.nodes, context)
  const found = graph.nodes.map((node, index) => findBlock(node, pointer(at, 'nodes', index), context))
  const edges = compileEdges(graph, { indexById, found, context })
  const entering = groupEdges(edges, 'target')
  const leaving = groupEdges(edges, 'source')
  const order = topologicalOrder(graph.nodes.length, edges)
  if (order.kind === 'cyclic') report(cycleProblem(order.cycle, graph, at))
  const ancestry = new Ancestry(graph.nodes.length, edges, order.kind === 'sorted' ? order.order : [])

  const taken = new Set([...(outer?.taken ?? []), ...indexById.keys()])
  const visibleTo = (index: number, rest: Partial<VisibleNames>): VisibleNames => ({
    variables: context.variables,
    existing: taken,
    isUpstream: (id) => {
      if (outer?.upstream.has(id)) return true
      const other = indexById.get(id)
      // In a cyclic graph nothing is upstream of anything; the cycle itself is the one thing to say.
      return order.kind === 'cyclic' || (other !== undefined && ancestry.isAncestor(other, index))
    },
    inLoop: outer !== null,
    onErrorRoute: (entering.get(index) ?? []).some((edge) => edge.handle === ERROR_HANDLE),
    binds: [],
    allowsSecrets: true,
    ...rest,
  })

  const nodes: PlanNode[] = graph.nodes.flatMap((node, index) => {
    const block = found[index]
    if (!block) return []
    const upstreamIds = () => [
      ...(outer?.upstream ?? []),
      ...graph.nodes.filter((_, other) => ancestry.isAncestor(other, index)).map(({ id }) => id),
    ]
    return compileNode(node, {
      index,
      block,
      at: pointer(at, 'nodes', index),
      report,
      names: visibleTo(index, { allowsSecrets: block.effect === 'external' }),
      incoming: entering.get(index) ?? [],
      outgoing: leaving.get(index) ?? [],
      compileBody: (body, bodyAt) =>
        compileGraph(body, {
          ...context,
          at: bodyAt,
          blocks,
          outer: { upstream: new Set(upstreamIds()), taken },
        }),
    })
  })
  return {
    nodes,
    output: compileOutput(
      graph,
      context,
      visibleTo(graph.nodes.length, { isUpstream: (id) => taken.has(id) }),
    ),
  }
}

function indexNodes(nodes: readonly GraphNode[], { at, report, outer }: GraphContext): Map<string, number> {
  const indexById = new Map<string, number>()
  for (const [index, { id }] of nodes.entries()) {
    if (!indexById.has(id) && !outer?.taken.has(id)) {
      indexById.set(id, index)
      continue
    }
    const message = `The node id "${id}" is taken already; ids are unique in a definition, loop bodies included.`
    report(
      problem('NODE_ID_DUPLICATE', pointer(at, 'nodes', index, 'id'), message, {
        nodeId: id,
        relatedNodeIds: [id],
      }),
    )
  }
  return indexById
}

function findBlock(node: GraphNode, at: string, { blocks, report }: GraphContext): Block | undefined {
  const block = blocks.get(node.type)
  if (block) return block
  const meant = blocks.closest(node.type)
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
    onTemplate: (template, where) =>
      checkReferences(template, { at: where, names: { ...names, allowsSecrets: false }, report }),
    onFault: (fault, where) => report(expressionFault(fault, where)),
  })
}
