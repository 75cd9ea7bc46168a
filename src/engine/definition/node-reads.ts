import type { Expression } from '../../cel/index.ts'
import type { ConfigTemplate } from './config-template.ts'
import type { PlanGraph, PlanNode } from './plan.ts'

/** Which outputs of a graph's nodes are read by whom, as far as the definition says. Nodes are named by their index. */
export interface GraphReads {
  /** By node: the nodes whose outputs its step may read, as its input or in expressions, loop bodies included. */
  readonly byNode: readonly (readonly number[])[]
  /** What the graph's own output is made of. */
  readonly byOutput: readonly number[]
  /** By node: how many nodes read its output, the graph's output counted as one. */
  readonly readers: readonly number[]
}

const known = new WeakMap<PlanGraph, GraphReads>()

/** Derived once per plan. */
export function readsOf(graph: PlanGraph): GraphReads {
  const found = known.get(graph)
  if (found) return found
  const indexes = new Map(graph.nodes.map(({ id, index }) => [id, index]))
  const byNode = graph.nodes.map((node) => {
    const reads = indexesOf(namesRead(inNode(node)), indexes)
    for (const { source } of node.incoming) reads.add(source)
    return [...reads]
  })
  const byOutput =
    graph.output === null
      ? graph.nodes.filter(({ outgoing }) => outgoing.length === 0).map(({ index }) => index)
      : [...indexesOf(namesRead(inTemplate(graph.output)), indexes)]
  const readers = graph.nodes.map(() => 0)
  for (const reads of [...byNode, byOutput])
    for (const index of reads) readers[index] = (readers[index] ?? 0) + 1
  const reads = { byNode, byOutput, readers }
  known.set(graph, reads)
  return reads
}

/** The ids of nodes that the expressions name; `all` where one computes which. */
function namesRead(expressions: Iterable<Expression>): ReadonlySet<string> | 'all' {
  const names = new Set<string>()
  for (const { references } of expressions) {
    for (const {
      path: [root, id],
    } of references) {
      if (root !== 'nodes') continue
      if (id === undefined) return 'all'
      names.add(id)
    }
  }
  return names
}

function indexesOf(names: ReadonlySet<string> | 'all', indexes: ReadonlyMap<string, number>): Set<number> {
  if (names === 'all') return new Set(indexes.values())
  return new Set([...names].flatMap((name) => indexes.get(name) ?? []))
}

/** Every expression of a node, those of its loop's body included. */
export function* inNode(node: PlanNode): Iterable<Expression> {
  yield* inTemplate(node.config)
  yield* node.expressions.values()
  if (node.body) yield* inGraph(node.body)
}

export function* inGraph({ nodes, output }: PlanGraph): Iterable<Expression> {
  for (const node of nodes) yield* inNode(node)
  if (output) yield* inTemplate(output)
}

export function* inTemplate(config: ConfigTemplate): Iterable<Expression> {
  switch (config.kind) {
    case 'constant':
      return
    case 'template':
      for (const part of config.template.parts) if (typeof part !== 'string') yield part.expression
      return
    case 'list':
      for (const item of config.items) yield* inTemplate(item)
      return
    case 'object':
      for (const [, member] of config.members) yield* inTemplate(member)
  }
}
