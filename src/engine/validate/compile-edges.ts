import { pointer } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import { DEFAULT_HANDLE, ERROR_HANDLE } from '../block/index.ts'
import { problem, type PlanEdge } from '../definition/index.ts'
import type { Inspection, ReadEdge, ReadNode } from './checks/index.ts'
import type { EnteringEdge } from './reachability.ts'

export interface EdgeContext {
  readonly indexById: ReadonlyMap<string, number>
  readonly nodes: readonly ReadNode[]
  /** The handles of each node; null where they are not known. */
  readonly handles: readonly (readonly string[] | null)[]
  readonly inspection: Inspection
}

/** Maximum number of handles that a suggestion names. */
const SUGGESTED_MAX = 20

export interface CompiledEdges {
  readonly edges: readonly PlanEdge[]
  readonly entering: readonly EnteringEdge[]
}

/** Checks the edges of a graph, and names their ends by index. */
export function* compileEdges(read: readonly ReadEdge[], context: EdgeContext): Pieces<CompiledEdges> {
  const { indexById, inspection } = context
  const handles = context.handles.map((names) => names && new Set(names))
  const seen = new Set<string>()
  const edges: PlanEdge[] = []
  const entering: EnteringEdge[] = []
  for (const { at, edge } of read) {
    yield
    const source = endOf('source')
    const target = endOf('target')
    if (target === undefined) continue
    if (source === undefined) {
      entering.push({ target, live: null })
      continue
    }
    const handle = edge.sourceHandle ?? DEFAULT_HANDLE
    const key = `${source} ${target} ${handle}`
    if (seen.has(key)) {
      const message = `"${edge.source}" and "${edge.target}" are joined by the handle "${handle}" already; remove this edge.`
      inspection.report(problem('EDGE_DUPLICATE', at, message, { nodeId: edge.source }))
      continue
    }
    seen.add(key)
    edges.push({ source, target, handle })
    const isLive = hasHandle(source, handle, { ...context, handles, at })
    entering.push({ target, live: isLive ? { source } : null })

    function endOf(end: 'source' | 'target'): number | undefined {
      const index = indexById.get(edge[end])
      if (index === undefined) {
        const message = `The edge’s ${end} "${edge[end]}" is not a node of this graph.`
        inspection.report(problem('EDGE_DANGLING', pointer(at, end), message))
      }
      return index
    }
  }
  return { edges, entering }
}

function namesOf(handles: ReadonlySet<string>): string {
  const named: string[] = []
  for (const name of handles) if (named.push(`"${name}"`) === SUGGESTED_MAX) break
  const left = handles.size - named.length
  return `${named.join(', ')}${left > 0 ? ` and ${left} more` : ''}`
}

/** Whether a node has a handle, as far as is known; reports it when it has not. */
function hasHandle(
  source: number,
  handle: string,
  {
    nodes,
    handles: all,
    inspection,
    at,
  }: Pick<EdgeContext, 'nodes' | 'inspection'> & {
    readonly handles: readonly (ReadonlySet<string> | null)[]
    readonly at: string
  },
): boolean {
  const { id } = nodes[source] ?? {}
  const handles = all[source] ?? null
  if (handles === null || id === undefined || handles.has(handle)) return true
  const suggestion =
    handle === ERROR_HANDLE
      ? 'Set the node’s `onError` to "route" to give it the handle "error".'
      : `It has: ${namesOf(handles)}.`
  const message = `"${id}" has no handle "${handle}".`
  inspection.report(
    problem('HANDLE_UNKNOWN', pointer(at, 'sourceHandle'), message, { nodeId: id, suggestion }),
  )
  return false
}
