import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import type { BreakingReason } from './breaking-reason.ts'
import { breakingReasons, type HandlesOf, type Side } from './breaking-reasons.ts'
import { DiffText } from './diff-text.ts'
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

/**
 * Compares two definitions, sound or not, for what they mean, in pieces. Equal ones give an empty diff. Throws
 * `DiffTooLargeError` when the paths and pointers of the differences are too long together.
 */
export function* diffDefinitions(before: Json, after: Json, handlesOf: HandlesOf): Pieces<DefinitionDiff> {
  const text = new DiffText()
  const earlier = yield* sideOf(before, text)
  const later = yield* sideOf(after, text)
  const part = (name: string) => valueChanges(earlier.document[name], later.document[name], `/${name}`, text)
  const nodes: NodeChange[] = []
  for (const pair of pairs(earlier.graph.nodes, later.graph.nodes)) {
    nodes.push(...(yield* nodeChange(pair, text)))
    yield
  }
  const edges: EdgeChange[] = []
  for (const pair of pairs(earlier.graph.edges, later.graph.edges)) {
    edges.push(...(yield* edgeChange(pair, text)))
    yield
  }
  const others = [earlier, later].map(({ document }) => without(document, NAMED_PARTS))
  return {
    nodes,
    edges,
    variables: yield* part('variables'),
    inputSchema: yield* part('inputSchema'),
    output: yield* part('output'),
    limits: yield* part('limits'),
    other: yield* valueChanges(others[0], others[1], '', text),
    breakingReasons: yield* breakingReasons(earlier, later, { handlesOf, text }),
  }
}

/** True when the two definitions are the same. */
export function isEmptyDiff({ breakingReasons: _reasons, ...parts }: DefinitionDiff): boolean {
  return Object.values(parts).every((changes: readonly unknown[]) => changes.length === 0)
}

function* sideOf(definition: Json, text: DiffText): Pieces<Side> {
  const document = isJsonObject(definition) ? definition : {}
  return { document, graph: yield* flatten(document, text) }
}

/** Both sides of every key, those that only the later has last. */
function* pairs<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): Generator<Sides<T>> {
  for (const [key, value] of before) yield [value, after.get(key)]
  for (const [key, value] of after) if (!before.has(key)) yield [undefined, value]
}

type Sides<T> = readonly [before: T | undefined, after: T | undefined]

function* nodeChange([before, after]: Sides<PlacedNode>, text: DiffText): Pieces<readonly NodeChange[]> {
  const path = (after ?? before)?.path ?? ''
  const sides = { path, before: before?.document ?? null, after: after?.document ?? null }
  if (!before || !after) return [{ ...sides, kind: after ? 'ADDED' : 'REMOVED', changes: [] }]
  const changes = yield* nodeChanges(before, after, text)
  if (changes.length === 0) return []
  const place = `${after.pointer}/position`
  const isMoved = changes.every(({ pointer }) => pointer === place || pointer.startsWith(`${place}/`))
  return [{ ...sides, kind: isMoved ? 'MOVED' : 'CHANGED', changes }]
}

/** A loop's nodes and edges are compared on their own: they are no part of the loop's node. */
function* nodeChanges(before: PlacedNode, after: PlacedNode, text: DiffText): Pieces<readonly ValueChange[]> {
  const areLoops = bodyOf(before.document) !== null && bodyOf(after.document) !== null
  const plain = areLoops ? withoutBody : (document: JsonObject) => document
  return yield* valueChanges(plain(before.document), plain(after.document), after.pointer, text)
}

function withoutBody(document: JsonObject): JsonObject {
  const body = without(bodyOf(document) ?? {}, ['nodes', 'edges'])
  return { ...document, config: { ...(document.config as JsonObject), body } }
}

function* edgeChange([before, after]: Sides<PlacedEdge>, text: DiffText): Pieces<readonly EdgeChange[]> {
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
  const changes = yield* valueChanges(before.document, after.document, after.pointer, text)
  return changes.length === 0 ? [] : [{ ...sides, kind: 'CHANGED', changes }]
}

function without(document: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !keys.includes(key)))
}
