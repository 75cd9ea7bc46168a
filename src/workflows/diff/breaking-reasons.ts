import { isJsonObject, pointer, type JsonObject } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import type { BreakingReason } from './breaking-reason.ts'
import type { DiffText } from './diff-text.ts'
import type { FlatGraph, PlacedNode } from './flat-graph.ts'
import { inputReasons } from './input-reasons.ts'
import { outputReasons } from './output-reasons.ts'

/** The handles of a node by its document; null when its block is unknown. */
export type HandlesOf = (node: JsonObject) => readonly string[] | null

export interface Side {
  readonly document: JsonObject
  readonly graph: FlatGraph
}

/** Why the later definition may break those who use the earlier one, in pieces; throws `DiffTooLargeError`. */
export function* breakingReasons(
  before: Side,
  after: Side,
  { handlesOf, text }: { readonly handlesOf: HandlesOf; readonly text: DiffText },
): Pieces<readonly BreakingReason[]> {
  const reasons: BreakingReason[] = []
  const add = (found: readonly BreakingReason[]) => {
    for (const reason of found) {
      text.count(reason.pointer.length + reason.message.length)
      reasons.push(reason)
    }
  }
  add(nodeReasons(before.graph, after.graph))
  yield
  yield* handleReasons(before.graph, after.graph, { handlesOf, add })
  yield* inputReasons(before.document.inputSchema, after.document.inputSchema, add)
  add(outputReasons(before, after))
  yield
  add(variableReasons(before.document, after.document))
  return reasons
}

function nodeReasons(before: FlatGraph, after: FlatGraph): readonly BreakingReason[] {
  return [...before.nodes].flatMap(([key, node]): readonly BreakingReason[] => {
    const later = after.nodes.get(key)
    if (!later)
      return [{ code: 'NODE_REMOVED', pointer: node.pointer, message: `The node \`${node.path}\` is gone.` }]
    if (later.document.type === node.document.type) return []
    const [was, is] = [node, later].map(({ document }) => JSON.stringify(document.type ?? null))
    const message = `The node \`${node.path}\` was of the type ${was} and is of the type ${is} now.`
    return [{ code: 'NODE_TYPE_CHANGED', pointer: `${later.pointer}/type`, message }]
  })
}

function* handleReasons(
  before: FlatGraph,
  after: FlatGraph,
  {
    handlesOf,
    add,
  }: { readonly handlesOf: HandlesOf; readonly add: (found: readonly BreakingReason[]) => void },
): Pieces<void> {
  const handlesAt = remembered((node: PlacedNode) => {
    const handles = handlesOf(node.document)
    return handles && new Set(handles)
  })
  const seen = new Map<string, Set<string>>()
  for (const { source, handle, pointer: place } of before.edges.values()) {
    yield
    const known = seen.get(source)
    if (known?.has(handle)) continue
    if (known) known.add(handle)
    else seen.set(source, new Set([handle]))
    const [earlier, later] = [before.nodes.get(source), after.nodes.get(source)].map(
      (node) => node && handlesAt(node),
    )
    // A draft may have named a handle that its node never had.
    const isGone = later?.has(handle) === false && earlier?.has(handle) !== false
    if (!isGone) continue
    const message = `The node \`${source}\` has no handle \`${handle}\` any more.`
    add([{ code: 'HANDLE_REMOVED', pointer: place, message }])
  }
}

/** The same function, which computes each result once: a node may have as many handles as it has edges. */
function remembered<Key extends object, Result>(compute: (key: Key) => Result): (key: Key) => Result {
  const results = new Map<Key, Result>()
  return (key) => {
    if (!results.has(key)) results.set(key, compute(key))
    return results.get(key) as Result
  }
}

function variableReasons(before: JsonObject, after: JsonObject): readonly BreakingReason[] {
  const earlier = isJsonObject(before.variables) ? Object.keys(before.variables) : []
  const later = isJsonObject(after.variables) ? after.variables : {}
  return earlier
    .filter((name) => !Object.hasOwn(later, name))
    .map((name) => ({
      code: 'VARIABLE_REMOVED',
      pointer: pointer('/variables', name),
      message: `The variable \`${name}\` is gone.`,
    }))
}
