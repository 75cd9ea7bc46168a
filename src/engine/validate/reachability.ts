import type { PlanEdge } from '../plan.ts'

/** An edge that enters a node, and whether anything can ever come by it. */
export interface EnteringEdge {
  readonly target: number
  /** Null: it comes from a node that does not exist, or by a handle that does not. */
  readonly live: Pick<PlanEdge, 'source'> | null
}

/**
 * The nodes that can never start (E1), those on cycles aside: what enters them comes from a cycle, from nowhere, or from
 * such nodes.
 */
export function unreachableNodes(
  nodeCount: number,
  { entering, isCyclic }: { entering: readonly EnteringEdge[]; isCyclic: (node: number) => boolean },
): readonly number[] {
  const isEntered = new Array<boolean>(nodeCount).fill(false)
  const next = Array.from({ length: nodeCount }, (): number[] => [])
  for (const { target, live } of entering) {
    isEntered[target] = true
    if (live) next[live.source]?.push(target)
  }
  const nodes = Array.from({ length: nodeCount }, (_, node) => node)
  const reached = new Set(nodes.filter((node) => !isEntered[node]))
  // A set is walked in the order of insertion, what is added on the way included.
  for (const node of reached) {
    for (const target of next[node] ?? []) if (!isCyclic(target)) reached.add(target)
  }
  return nodes.filter((node) => !reached.has(node) && !isCyclic(node))
}
