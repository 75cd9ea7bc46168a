import type { Pieces } from '../../lib/turns/index.ts'
import { messageOf } from '../../lib/index.ts'
import { pointer } from '../../lib/json/index.ts'
import { ERROR_HANDLE, nodeHandles, type Block, type BlockRegistry } from '../block/index.ts'
import {
  compileConfig,
  problem,
  type ConfigTemplate,
  type Diagnostic,
  type PlanEdge,
  type PlanGraph,
  type PlanNode,
} from '../definition/index.ts'
import { Ancestry } from './ancestry.ts'
import {
  checkReferences,
  typeOfBlockSchema,
  type Inspection,
  type NodeNames,
  type ReadGraph,
  type ReadNode,
  type SecretRule,
  type ValidationPieces,
  type ValueType,
  type VisibleNames,
} from './checks/index.ts'
import { compileEdges } from './compile-edges.ts'
import { compileNode } from './compile-node.ts'
import { findComponents } from './components.ts'
import { unreachableNodes } from './reachability.ts'

export interface GraphContext {
  readonly blocks: Pick<BlockRegistry, 'get' | 'closest'>
  readonly inspection: Inspection
  /** Null when they could not be read. */
  readonly variables: ReadonlySet<string> | null | undefined
  /** What is known of the execution's input. */
  readonly input: ValueType | null
  /** What is known of the items of the loop around. */
  readonly item: ValueType | null
  /** How many loops are around. */
  readonly depth: number
  /** What the loop around a body lets it see; null for the definition's own graph. */
  readonly outer: OuterGraph | null
}

export interface OuterGraph {
  /** Every id taken by the graphs around the body. */
  readonly nodes: NodeNames
  /** Whether the body may name a node because it is decided before the loop starts. */
  readonly isUpstream: (id: string) => boolean
  readonly outputOf: (id: string) => ValueType | null
}

/** A node and the block that does its work; undefined when there is none, or when the node is malformed. */
interface Placed extends ReadNode {
  readonly block: Block | undefined
  readonly handles: readonly string[] | null
}

/** Checks one graph and compiles it, in pieces. The result is only meaningful when nothing was reported as an error. */
export function* compileGraph(graph: ReadGraph, context: GraphContext): ValidationPieces<PlanGraph> {
  const { inspection, outer } = context
  const indexById = indexNodes(graph.nodes, context)
  const placed: Placed[] = []
  for (const node of graph.nodes) {
    placed.push(placeNode(node, context))
    yield
  }
  const { edges, entering } = yield* compileEdges(graph.edges, {
    indexById,
    nodes: graph.nodes,
    handles: placed.map(({ handles }) => handles),
    inspection,
  })
  yield
  const components = findComponents(placed.length, edges)
  yield
  for (const cycle of components.cycles) inspection.report(cycleProblem(cycle, graph))
  yield
  if (graph.hasAllEdges) {
    const entered = unreachableNodes(placed.length, { entering, isCyclic: components.isCyclic })
    for (const [node, sources] of entered) reportUnreachable(node, { sources, placed, inspection })
  }
  yield
  const ancestry = new Ancestry(components, edges)
  yield
  const incoming = groupEdges(edges, 'target')
  const outgoing = groupEdges(edges, 'source')

  const nodes: NodeNames = {
    has: (id) => indexById.has(id) || (outer?.nodes.has(id) ?? false),
    all: () => [...indexById.keys(), ...(outer?.nodes.all() ?? [])],
  }
  /** Whether a node is decided before another one starts, or before the graph's own output is made. */
  const isUpstream = (id: string, of: number | 'output'): boolean => {
    const other = indexById.get(id)
    if (other === undefined) return outer?.isUpstream(id) ?? false
    return of === 'output' || !graph.hasAllEdges || ancestry.isAncestor(other, of)
  }
  const outputOf = (id: string): ValueType | null => {
    const index = indexById.get(id)
    if (index === undefined) return outer?.outputOf(id) ?? null
    const { block, node } = placed[index] ?? {}
    // A node that goes on after a failure has another output then.
    return block && node?.onError === 'fail' ? typeOfBlockSchema(block.output, 'output') : null
  }
  const visibleTo = (place: number | 'output'): VisibleNames => ({
    variables: context.variables ?? null,
    nodes,
    isUpstream: (id) => isUpstream(id, place),
    inLoop: outer !== null,
    onErrorRoute:
      place !== 'output' &&
      (!graph.hasAllEdges || (incoming.get(place) ?? []).some(({ handle }) => handle === ERROR_HANDLE)),
    binds: [],
    bindsKnownItem: false,
    secrets: secretRuleOf(place === 'output' ? undefined : placed[place]?.block),
    types: { input: context.input, item: context.item, output: outputOf },
  })

  const compiled: PlanNode[] = []
  for (const [index, { at, node, block, handles }] of placed.entries()) {
    if (!node || !block) continue
    yield
    const planNode = yield* compileNode(node, {
      index,
      block,
      handles: handles ?? [],
      at,
      inspection,
      names: visibleTo(index),
      incoming: incoming.get(index) ?? [],
      outgoing: outgoing.get(index) ?? [],
      depth: context.depth,
      compileBody: (body, item) =>
        compileGraph(body, {
          ...context,
          item,
          depth: context.depth + 1,
          outer: { nodes, isUpstream: (id) => isUpstream(id, index), outputOf },
        }),
    })
    compiled.push(planNode)
  }
  return { nodes: compiled, output: yield* compileOutput(graph, inspection, visibleTo('output')) }
}

/** Undefined: the output of a graph, or a block that does not exist. */
function secretRuleOf(block: Block | undefined): SecretRule {
  if (block?.effect !== 'external') return 'refusedByPure'
  return block.isControl ? 'refusedByControl' : 'allowed'
}

function indexNodes(nodes: readonly ReadNode[], { inspection, outer }: GraphContext): Map<string, number> {
  const indexById = new Map<string, number>()
  for (const [index, { id, at }] of nodes.entries()) {
    const isTaken = indexById.has(id) || outer?.nodes.has(id)
    if (!indexById.has(id)) indexById.set(id, index)
    if (!isTaken) continue
    const message = `The node id "${id}" is taken already; an id is unique in its graph and in those around it.`
    inspection.report(
      problem('NODE_ID_DUPLICATE', pointer(at, 'id'), message, { nodeId: id, relatedNodeIds: [id] }),
    )
  }
  return indexById
}

function placeNode(read: ReadNode, { blocks, inspection }: GraphContext): Placed {
  const { at, node } = read
  if (!node) return { ...read, block: undefined, handles: null }
  const typeAt = pointer(at, 'type')
  const block = blocks.get(node.type)
  if (!block) {
    const meant = inspection.maySuggest() ? blocks.closest(node.type) : null
    inspection.report(
      problem('BLOCK_UNKNOWN', typeAt, `No block of type "${node.type}" is registered.`, {
        nodeId: node.id,
        suggestion: meant ? `Did you mean "${meant}"?` : 'The query `blocks` lists what there is.',
      }),
    )
    inspection.leaveUnread(node.config)
    return { ...read, block: undefined, handles: null }
  }
  if (block.deprecated !== null) {
    inspection.report(
      problem('BLOCK_DEPRECATED', typeAt, `The block "${node.type}" is going away.`, {
        severity: 'warning',
        nodeId: node.id,
        suggestion: block.deprecated,
      }),
    )
  }
  return { ...read, block, handles: handlesOf(block, read, inspection) }
}

/** The handles of a node. They are computed by their author's code: when that throws, they are not known. */
function handlesOf(block: Block, { at, node }: ReadNode, inspection: Inspection): readonly string[] | null {
  if (!node) return null
  try {
    return nodeHandles(block, node)
  } catch (thrown) {
    const message = `The block cannot say which handles the node has: ${messageOf(thrown)}.`
    inspection.report(problem('CONFIG_INVALID', pointer(at, 'config'), message, { nodeId: node.id }))
    return null
  }
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

function cycleProblem(cycle: readonly number[], { at, nodes }: ReadGraph): Diagnostic {
  const ids = cycle.map((index) => nodes[index]?.id ?? '')
  const [first = ''] = ids
  const message = `These nodes follow each other in a circle: ${[...ids, first].join(' → ')}. Remove one of the edges.`
  return problem('GRAPH_CYCLE', pointer(at, 'edges'), message, { nodeId: first, relatedNodeIds: ids })
}

function reportUnreachable(
  index: number,
  {
    sources,
    placed,
    inspection,
  }: { sources: readonly number[]; placed: readonly Placed[]; inspection: Inspection },
): void {
  const { at, id, node } = placed[index] ?? {}
  if (at === undefined || !node) return
  const message =
    sources.length > 0
      ? `"${id}" can never start: it is only entered from nodes that are on a cycle or never start themselves.`
      : `"${id}" can never start: the edges that enter it come from nowhere, or by a handle that does not exist.`
  inspection.report(
    problem('NODE_UNREACHABLE', at, message, {
      severity: 'warning',
      nodeId: id,
      relatedNodeIds: sources.length > 0 ? sources.map((source) => placed[source]?.id ?? '') : undefined,
      suggestion: 'Mend those edges, or enter it from a node that starts.',
    }),
  )
}

function* compileOutput(
  { at, output }: ReadGraph,
  inspection: Inspection,
  names: VisibleNames,
): Pieces<ConfigTemplate | null> {
  if (output === undefined) return null
  return yield* compileConfig(output, {
    at: pointer(at, 'output'),
    isRaw: () => false,
    *compileText(text, where) {
      const template = yield* inspection.compileText(text, where)
      if (template) yield* checkReferences(template, { at: where, names, inspection })
      return template
    },
  })
}
