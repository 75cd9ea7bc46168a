import { isJsonObject, type Json, type JsonObject } from '../../lib/json.ts'
import { breakingReasons, type BreakingReason, type HandlesOf } from './breaking-reasons.ts'
import { bodyOf, flatten, type PlacedEdge, type PlacedNode } from './flat-graph.ts'
import { valueChanges, type ValueChange } from './value-changes.ts'

/** What changed about a node or an edge; MOVED: nothing but its place on the canvas. */
export const CHANGE_KINDS = ['ADDED', 'REMOVED', 'CHANGED', 'MOVED'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** A node that is not the same in both definitions. */
export interface NodeChange {
  readonly kind: ChangeKind
  /** Its id; inside a loop behind the loop's: `enrich/find`. */
  readonly path: string
  /** Null when it was added. */
  readonly before: JsonObject | null
  /** Null when it was removed. */
  readonly after: JsonObject | null
  /** Where it changed or moved; empty when it was added or removed. */
  readonly changes: readonly ValueChange[]
}

/** An edge that is not the same in both definitions. Edges are the same when they join the same nodes by the same handle. */
export interface EdgeChange {
  readonly kind: Exclude<ChangeKind, 'MOVED'>
  readonly source: string
  readonly handle: string
  readonly target: string
  readonly before: JsonObject | null
  readonly after: JsonObject | null
  readonly changes: readonly ValueChange[]
}

/**
 * What leads from one definition to another. The order of nodes and of edges, and of keys, is no difference. The pointers
 * of changes go into the later definition: for what was removed, to where it would stand.
 */
export interface DefinitionDiff {
  readonly nodes: readonly NodeChange[]
  readonly edges: readonly EdgeChange[]
  readonly variables: readonly ValueChange[]
  readonly inputSchema: readonly ValueChange[]
  readonly output: readonly ValueChange[]
  readonly limits: readonly ValueChange[]
  /** Everything else at the top of the definition, such as `metadata`. */
  readonly other: readonly ValueChange[]
  readonly breakingReasons: readonly BreakingReason[]
}

const NAMED_PARTS = ['nodes', 'edges', 'variables', 'inputSchema', 'output', 'limits']

/** Compares two definitions, sound or not, for what they mean. Equal ones give an empty diff. */
export function diffDefinitions(before: Json, after: Json, handlesOf: HandlesOf): DefinitionDiff {
  const [earlier, later] = [sideOf(before), sideOf(after)]
  const part = (name: string) => valueChanges(earlier.document[name], later.document[name], `/${name}`)
  return {
    nodes: pairs(earlier.graph.nodes, later.graph.nodes).flatMap(nodeChange),
    edges: pairs(earlier.graph.edges, later.graph.edges).flatMap(edgeChange),
    variables: part('variables'),
    inputSchema: part('inputSchema'),
    output: part('output'),
    limits: part('limits'),
    other: valueChanges(without(earlier.document, NAMED_PARTS), without(later.document, NAMED_PARTS), ''),
    breakingReasons: breakingReasons(earlier, later, handlesOf),
  }
}

/** True when there is nothing to tell. */
export function isEmptyDiff({ breakingReasons: _reasons, ...parts }: DefinitionDiff): boolean {
  return Object.values(parts).every((changes: readonly unknown[]) => changes.length === 0)
}

function sideOf(definition: Json) {
  const document = isJsonObject(definition) ? definition : {}
  return { document, graph: flatten(document) }
}

/** Both sides of every key, those that only the later has last. */
function pairs<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>) {
  return [...new Set([...before.keys(), ...after.keys()])].map(
    (key) => [before.get(key), after.get(key)] as const,
  )
}

function nodeChange([before, after]: readonly [
  PlacedNode | undefined,
  PlacedNode | undefined,
]): readonly NodeChange[] {
  const path = (after ?? before)?.path ?? ''
  const sides = { path, before: before?.document ?? null, after: after?.document ?? null }
  if (!before || !after) return [{ ...sides, kind: after ? 'ADDED' : 'REMOVED', changes: [] }]
  const changes = nodeChanges(before, after)
  if (changes.length === 0) return []
  const place = `${after.pointer}/position`
  const isMoved = changes.every(({ pointer }) => pointer === place || pointer.startsWith(`${place}/`))
  return [{ ...sides, kind: isMoved ? 'MOVED' : 'CHANGED', changes }]
}

/** A loop's nodes and edges are compared on their own: they are no part of the loop's node. */
function nodeChanges(before: PlacedNode, after: PlacedNode): readonly ValueChange[] {
  const areLoops = bodyOf(before.document) !== null && bodyOf(after.document) !== null
  const plain = areLoops ? withoutBody : (document: JsonObject) => document
  return valueChanges(plain(before.document), plain(after.document), after.pointer)
}

function withoutBody(document: JsonObject): JsonObject {
  const body = without(bodyOf(document) ?? {}, ['nodes', 'edges'])
  return { ...document, config: { ...(document.config as JsonObject), body } }
}

function edgeChange([before, after]: readonly [
  PlacedEdge | undefined,
  PlacedEdge | undefined,
]): readonly EdgeChange[] {
  const edge = after ?? before
  if (!edge) return []
  const { source, handle, target } = edge
  const sides = {
    source,
    handle,
    target,
    before: before?.document ?? null,
    after: after?.document ?? null,
  }
  if (!before || !after) return [{ ...sides, kind: after ? 'ADDED' : 'REMOVED', changes: [] }]
  const changes = valueChanges(before.document, after.document, after.pointer)
  return changes.length === 0 ? [] : [{ ...sides, kind: 'CHANGED', changes }]
}

function without(document: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !keys.includes(key)))
}
