import { DEFAULT_HANDLE } from '../../engine/block.ts'
import { isJsonObject, pointer, type Json, type JsonObject } from '../../lib/json.ts'

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

export function flatten(definition: JsonObject): FlatGraph {
  const nodes = new Map<string, PlacedNode>()
  const edges = new Map<string, PlacedEdge>()
  const nodeNames = new Names()
  const edgeNames = new Names()
  const visit = (graph: JsonObject, { at, prefix }: { at: string; prefix: string }) => {
    for (const [index, document] of objectsOf(graph.nodes)) {
      const path = `${prefix}${textOf(document.id)}`
      const place = pointer(at, 'nodes', index)
      nodes.set(nodeNames.unused(path), { path, pointer: place, document })
      const body = bodyOf(document)
      if (body) visit(body, { at: `${place}/config/body`, prefix: `${path}/` })
    }
    for (const [index, document] of objectsOf(graph.edges)) {
      const source = `${prefix}${textOf(document.source)}`
      const target = `${prefix}${textOf(document.target)}`
      const handle = handleOf(document)
      const edge = { source, target, handle, pointer: pointer(at, 'edges', index), document }
      edges.set(edgeNames.unused(JSON.stringify([source, handle, target])), edge)
    }
  }
  visit(definition, { at: '', prefix: '' })
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
