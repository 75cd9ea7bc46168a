import type { Expression } from '../../cel/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { Block, RetryPolicy } from '../block/index.ts'
import type { ConfigTemplate } from './config-template.ts'
import type { OnError, OnUnknown } from './definition.ts'

/** A definition known to be sound, compiled: what the run loop works from. Nodes are named by their index. */
export interface Plan {
  readonly graph: PlanGraph
  readonly inputSchema: JsonObject | boolean | null
  readonly variables: JsonObject
  readonly limits: {
    readonly concurrency: number
    readonly timeoutMs: number | null
    readonly maxCostUsd: number | null
  }
}

/** The definition's graph, or a loop's body. */
export interface PlanGraph {
  /** In the definition's order, which is the order among ready steps (E4). */
  readonly nodes: readonly PlanNode[]
  /** Null: the output of the only leaf, or an object of outputs by leaf id. */
  readonly output: ConfigTemplate | null
}

/** What stands for a graph that cannot be compiled. */
export const NO_GRAPH: PlanGraph = { nodes: [], output: null }

export interface PlanNode {
  readonly index: number
  readonly id: string
  readonly block: Block
  readonly config: ConfigTemplate
  /** Bare expressions of the config and of `retryIf`, by source: parsed once, evaluated by the block. */
  readonly expressions: ReadonlyMap<string, Expression>
  /** The secrets that an attempt needs: those that the block declares, and those that its config and expressions name. */
  readonly secretNames: readonly string[]
  /** The handles that an outcome of this node may name. */
  readonly handles: readonly string[]
  readonly incoming: readonly PlanEdge[]
  readonly outgoing: readonly PlanEdge[]
  readonly retry: RetryPolicy
  readonly timeoutMs: number
  /** For all attempts and the waits between them. */
  readonly stepTimeoutMs: number | null
  readonly heartbeatMs: number | null
  readonly onError: OnError
  readonly defaultOutput: Json
  /** E13. */
  readonly onUnknown: OnUnknown
  /** The graph that a loop runs once per item; null for every other node. */
  readonly body: PlanGraph | null
}

export interface PlanEdge {
  readonly source: number
  readonly target: number
  readonly handle: string
}

/** Where a step stands in the plan. */
export interface StepPlace {
  readonly node: PlanNode
  /** Its place in the definition: `[node]`, inside a loop `[node, item, node]`. */
  readonly order: readonly number[]
}

// A node id holds no slash and no bracket.
const PATH_PART = /^([^[\]]+)(?:\[(\d+)\])?$/

/** Finds a step by its path, such as `enrich[3]/find`; null when the plan has no such step. */
export function placeOf(graph: PlanGraph, path: string): StepPlace | null {
  const order: number[] = []
  let inside: PlanGraph | null = graph
  let place: StepPlace | null = null
  for (const part of path.split('/')) {
    const [, id, item] = PATH_PART.exec(part) ?? []
    const node: PlanNode | undefined = inside ? nodesById(inside).get(id ?? '') : undefined
    if (!node) return null
    order.push(node.index, ...(item === undefined ? [] : [Number(item)]))
    inside = node.body
    place = { node, order }
  }
  return place
}

const byId = new WeakMap<PlanGraph, ReadonlyMap<string, PlanNode>>()

function nodesById(graph: PlanGraph): ReadonlyMap<string, PlanNode> {
  const known = byId.get(graph)
  if (known) return known
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]))
  byId.set(graph, nodes)
  return nodes
}
