import { DEFAULT_HANDLE } from '../../engine/block/index.ts'
import { isJsonObject, pointer, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import type { DiffText } from './diff-text.ts'

/** A node of a definition or of a loop's body in it. */
export interface PlacedNode {
  /** Its id; inside a loop behind the loop's: `enrich/find`. */
  readonly path: string
  readonly pointer: string
  readonly document: JsonObject
}

export interface PlacedEdge {
  /** Paths of nodes. */
  readonly source: string
  readonly target: string
  readonly handle: string
  readonly pointer: string
  readonly document: JsonObject
}

/** The nodes and edges of a definition by what makes them the same, loop bodies included. Reads any draft. */
export interface FlatGraph {
  readonly nodes: ReadonlyMap<string, PlacedNode>
  readonly edges: ReadonlyMap<string, PlacedEdge>
}

/** Finds the nodes and edges in pieces, and counts their paths before they are made; throws `DiffTooLargeError`. */
export function* flatten(definition: JsonObject, text: DiffText): Pieces<FlatGraph> {
  const nodes = new Map<string, PlacedNode>()
  const edges = new Map<string, PlacedEdge>()
  const nodeNames = new Names()
  const edgeNames = new Names()
  function* visit(graph: JsonObject, { at, prefix }: { at: string; prefix: string }): Pieces<void> {
    for (const [index, document] of objectsOf(graph.nodes)) {
      yield
      const id = textOf(document.id)
      text.count(prefix.length + id.length)
      const path = `${prefix}${id}`
      const place = pointer(at, 'nodes', index)
      nodes.set(nodeNames.unused(path), { path, pointer: place, document })
      const body = bodyOf(document)
      if (body) yield* visit(body, { at: `${place}/config/body`, prefix: `${path}/` })
    }
    for (const [index, document] of objectsOf(graph.edges)) {
      yield
      const ends = [textOf(document.source), textOf(document.target)] as const
      const handle = handleOf(document)
      text.count(2 * prefix.length + ends[0].length + ends[1].length + handle.length)
      const [source, target] = [`${prefix}${ends[0]}`, `${prefix}${ends[1]}`]
      const edge = { source, target, handle, pointer: pointer(at, 'edges', index), document }
      edges.set(edgeNames.unused(JSON.stringify([source, handle, target])), edge)
    }
  }
  yield* visit(definition, { at: '', prefix: '' })
  return { nodes, edges }
}

/** The graph that a loop runs per item, if the node has one. */
export function bodyOf({ config }: JsonObject): JsonObject | null {
  return isJsonObject(config) && isJsonObject(config.body) ? config.body : null
}

/** Drafts may hold a thing twice: the second is told from the first by its number. */
class Names {
  readonly #taken = new Set<string>()
  /** The last number that was given, by key. */
  readonly #numbers = new Map<string, number>()

  unused(key: string): string {
    let number = this.#numbers.get(key) ?? 1
    let free = key
    while (this.#taken.has(free)) free = `${key}#${++number}`
    this.#numbers.set(key, number)
    this.#taken.add(free)
    return free
  }
}

function handleOf({ sourceHandle }: JsonObject): string {
  return typeof sourceHandle === 'string' ? sourceHandle : DEFAULT_HANDLE
}

function objectsOf(value: Json | undefined): readonly (readonly [index: number, document: JsonObject])[] {
  if (!Array.isArray(value)) return []
  return (value as readonly Json[]).flatMap((one, index) =>
    isJsonObject(one) ? [[index, one] as const] : [],
  )
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
