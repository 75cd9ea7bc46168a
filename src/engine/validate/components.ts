import type { PlanEdge } from '../definition/index.ts'

type Edge = Pick<PlanEdge, 'source' | 'target'>

/** Which nodes of a graph are on cycles with each other. */
export interface Components {
  /** Each node's component; an edge never leads to a component of a higher number. */
  readonly of: Int32Array
  readonly count: number
  /** The nodes of a component in the order of one cycle among them, for each component that has one. */
  readonly cycles: readonly (readonly number[])[]
  /** Whether a node is on a cycle. */
  isCyclic(node: number): boolean
}

/** Finds the strongly connected components of a graph (Tarjan, 1972), without recursion: on graphs of any depth. */
export function findComponents(nodeCount: number, edges: readonly Edge[]): Components {
  const targets = Array.from({ length: nodeCount }, (): number[] => [])
  for (const { source, target } of edges) targets[source]?.push(target)
  const { of, count } = tarjan(targets)
  const members = Array.from({ length: count }, (): number[] => [])
  for (let node = 0; node < nodeCount; node++) members[at(of, node)]?.push(node)
  const cyclic = members.filter(
    ([node = 0, other]) => other !== undefined || (targets[node] ?? []).includes(node),
  )
  const cyclicOnes = new Set(cyclic.map(([node = 0]) => at(of, node)))
  return {
    of,
    count,
    // In the definition's order, by the first node of each.
    cycles: cyclic
      .toSorted(([a = 0], [b = 0]) => a - b)
      .map(([node = 0]) => shortestCycle(node, targets, of)),
    isCyclic: (node) => cyclicOnes.has(at(of, node)),
  }
}

/** A node that is being looked into, and how many of its edges have been followed. */
interface Visit {
  readonly node: number
  followed: number
}

function tarjan(targets: readonly (readonly number[])[]): { of: Int32Array; count: number } {
  const of = new Int32Array(targets.length).fill(-1)
  const order = new Int32Array(targets.length).fill(-1)
  const lowest = new Int32Array(targets.length)
  const open: number[] = []
  let visited = 0
  let count = 0
  for (let root = 0; root < targets.length; root++) {
    if (at(order, root) >= 0) continue
    const visits: Visit[] = []
    enter(root)
    for (let visit = visits.at(-1); visit; visit = visits.at(-1)) {
      const { node } = visit
      const target = targets[node]?.[visit.followed++]
      if (target === undefined) leave(node)
      else if (at(order, target) < 0) enter(target)
      else if (at(of, target) < 0) lowest[node] = Math.min(at(lowest, node), at(order, target))
    }

    function enter(node: number): void {
      order[node] = lowest[node] = visited++
      open.push(node)
      visits.push({ node, followed: 0 })
    }

    function leave(node: number): void {
      visits.pop()
      const parent = visits.at(-1)?.node
      if (parent !== undefined) lowest[parent] = Math.min(at(lowest, parent), at(lowest, node))
      if (at(lowest, node) < at(order, node)) return
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        of[member] = count
        if (member === node) break
      }
      count++
    }
  }
  return { of, count }
}

/** The nodes of a shortest way from a node back to itself, in the order of the edges. */
function shortestCycle(start: number, targets: readonly (readonly number[])[], of: Int32Array): number[] {
  const cameFrom = new Map<number, number>()
  const queue = [start]
  for (const node of queue) {
    for (const target of targets[node] ?? []) {
      if (target === start) return wayTo(node, start, cameFrom)
      if (at(of, target) !== at(of, start) || cameFrom.has(target)) continue
      cameFrom.set(target, node)
      queue.push(target)
    }
  }
  return []
}

function wayTo(end: number, start: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const way = [end]
  for (let node = end; node !== start;) {
    node = cameFrom.get(node) ?? start
    way.push(node)
  }
  return way.toReversed()
}

function at(numbers: Int32Array, index: number): number {
  return numbers[index] ?? -1
}
