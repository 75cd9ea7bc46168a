import { DEFAULT_HANDLE } from '../block/index.ts'
import type { PlanGraph } from '../definition/index.ts'

/** What follows from one node's decision: nodes to start and nodes that never will, each in the definition's order. */
export interface Advance {
  readonly ready: readonly number[]
  readonly skipped: readonly number[]
}

/**
 * Which nodes of one graph are decided (E1, E2). A node is decided once every edge into it is; it is ready if at least
 * one of them is live and skipped if all are dead. Roots are ready at once. Knows no time, no storage and no blocks, and
 * does work in proportion to the edges it decides, on graphs of any depth.
 */
export class Frontier {
  readonly #graph: PlanGraph
  readonly #undecided: number[]
  readonly #live: number[][]

  constructor(graph: PlanGraph) {
    this.#graph = graph
    this.#undecided = graph.nodes.map(({ incoming }) => incoming.length)
    this.#live = graph.nodes.map(() => [])
  }

  /** The roots. */
  start(): Advance {
    const ready = this.#graph.nodes.filter(({ incoming }) => incoming.length === 0).map(({ index }) => index)
    return { ready, skipped: [] }
  }

  /** Decides the edges out of a node that ended: those on the named handles are live, its others dead. */
  settle(node: number, handles: readonly string[] = [DEFAULT_HANDLE]): Advance {
    const ready: number[] = []
    const skipped: number[] = []
    const decided: { readonly node: number; readonly handles: readonly string[] }[] = [{ node, handles }]
    for (let next = decided.pop(); next; next = decided.pop()) {
      for (const target of this.#decideEdges(next.node, next.handles)) {
        if (this.livePredecessors(target).length > 0) ready.push(target)
        else {
          skipped.push(target)
          decided.push({ node: target, handles: [] })
        }
      }
    }
    return { ready: ready.toSorted((a, b) => a - b), skipped: skipped.toSorted((a, b) => a - b) }
  }

  /** The nodes by which a decided node was reached, in the definition's order. */
  livePredecessors(node: number): readonly number[] {
    return this.#live[node] ?? []
  }

  /** Returns the targets whose last undecided edge this was. */
  #decideEdges(source: number, handles: readonly string[]): number[] {
    const decided: number[] = []
    for (const { target, handle } of this.#graph.nodes[source]?.outgoing ?? []) {
      const live = this.#live[target]
      if (handles.includes(handle) && live && !live.includes(source)) {
        live.push(source)
        live.sort((a, b) => a - b)
      }
      const left = (this.#undecided[target] ?? 0) - 1
      this.#undecided[target] = left
      if (left === 0) decided.push(target)
    }
    return decided
  }
}
