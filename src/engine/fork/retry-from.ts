import type { PlanGraph } from '../definition/index.ts'

/** Where a retry begins: at what did not complete, at the start, or at a step, with everything downstream of it. */
export type RetryFrom =
  | { readonly kind: 'failed' }
  | { readonly kind: 'start' }
  | { readonly kind: 'step'; readonly path: string }

/** As it is asked for and stored: `FAILED`, `START`, or a step's path. */
export function readRetryFrom(text: string): RetryFrom {
  if (text === 'FAILED') return { kind: 'failed' }
  return text === 'START' ? { kind: 'start' } : { kind: 'step', path: text }
}

/** What a retry runs again whether it is the same or not. */
export interface RunsAnew {
  /** Top-level nodes. */
  readonly nodes: ReadonlySet<string>
  /** Loops of which no item is taken over. */
  readonly loops: ReadonlySet<string>
  /** Single items of other loops. */
  readonly items: ReadonlyMap<string, ReadonlySet<number>>
}

const FIRST_PART = /^([^[/]+)(?:\[(\d+)\])?/

export function runsAnew(graph: PlanGraph, from: RetryFrom): RunsAnew {
  switch (from.kind) {
    case 'failed':
      return { nodes: new Set(), loops: new Set(), items: new Map() }
    case 'start': {
      const all = new Set(graph.nodes.map(({ id }) => id))
      return { nodes: all, loops: all, items: new Map() }
    }
    case 'step': {
      const [, id = '', item] = FIRST_PART.exec(from.path) ?? []
      const nodes = downstreamOf(graph, id)
      if (item === undefined) return { nodes, loops: nodes, items: new Map() }
      // The loop runs again, and of its items only this one.
      const loops = new Set([...nodes].filter((other) => other !== id))
      return { nodes, loops, items: new Map([[id, new Set([Number(item)])]]) }
    }
  }
}

/** A node and all that its edges lead to. */
function downstreamOf({ nodes }: PlanGraph, id: string): ReadonlySet<string> {
  const found = new Set<string>()
  const pending = nodes.filter((node) => node.id === id)
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (found.has(node.id)) continue
    found.add(node.id)
    for (const { target } of node.outgoing) {
      const next = nodes[target]
      if (next) pending.push(next)
    }
  }
  return found
}
