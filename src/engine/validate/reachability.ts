import type { PlanEdge } from '../definition/index.ts'

/** An edge that enters a node, and whether anything can ever come by it. */
export interface EnteringEdge {
  readonly target: number
  /** Null: it comes from a node that does not exist, or by a handle that does not. */
  readonly live: Pick<PlanEdge, 'source'> | null
}

/**
 * The nodes that can never start (E1), those on cycles aside, each with the nodes that enter it. What enters them comes
 * from a cycle, from nowhere, or from such nodes.
 */
export function unreachableNodes(
  nodeCount: number,
  { entering, isCyclic }: { entering: readonly EnteringEdge[]; isCyclic: (node: number) => boolean },
): ReadonlyMap<number, readonly number[]> {
  const sources = new Map<number, number[]>()
  const targets = Array.from({ length: nodeCount }, (): number[] => [])
  for (const { target, live } of entering) {
    const known = sources.get(target) ?? []
    sources.set(target, known)
    if (!live) continue
    known.push(live.source)
    targets[live.source]?.push(target)
  }
  const reached = new Set([...targets.keys()].filter((node) => !sources.has(node)))
  // A set is walked in the order of insertion, what is added on the way included.
  for (const node of reached) {
    for (const target of targets[node] ?? []) if (!isCyclic(target)) reached.add(target)
  }
  const unreached = [...sources].filter(([node]) => !reached.has(node) && !isCyclic(node))
  return new Map(unreached.toSorted(([a], [b]) => a - b))
}
