import { isJsonObject, pointer } from '../../lib/json.ts'
import type { Pieces } from '../../lib/pieces.ts'
import {
  DEFINITION_MAX_BYTES,
  DEFINITION_MAX_EDGES,
  DEFINITION_MAX_VALUES,
  DEFINITION_MAX_VARIABLES,
} from '../definition.ts'
import { problem, type Diagnostic } from '../diagnostics.ts'
import type { BlockRegistry } from '../registry.ts'

export interface MeasureOptions {
  readonly blocks: Pick<BlockRegistry, 'get'>
  /** How many nodes the definition may have, loop bodies included. */
  readonly maxNodes: number
}

/** What a document is, as far as it was looked at, and why it is refused; null when it is within all limits. */
export interface Measure {
  readonly excess: Diagnostic | null
  /** Lists, objects and scalars. */
  readonly values: number
  /** A text of the document has at least this many bytes. */
  readonly bytes: number
}

/** `toPlainJson` refuses deeper documents. */
const MAX_DEPTH = 500
const VALUES_PER_PIECE = 8_192

/**
 * Compares a document from outside with its limits, before anything else walks it. The lengths of lists are compared
 * first, and the walk over what is left ends at the first limit that is passed, so the work is bounded by the limits and
 * not by the document. Says nothing of documents that are malformed, and never throws for what they hold.
 */
export function* measureDefinition(document: unknown, options: MeasureOptions): Pieces<Measure> {
  try {
    const excess = countExcess(document, options)
    return excess ? { excess, values: 0, bytes: 0 } : yield* measureValues(document)
  } catch {
    // A getter or a proxy failed: `toPlainJson` reports where.
    return { excess: null, values: 0, bytes: 0 }
  }
}

/** Compares the numbers of nodes, edges and variables with their limits; reads no more nodes than there may be. */
function countExcess(document: unknown, { blocks, maxNodes }: MeasureOptions): Diagnostic | null {
  if (!isJsonObject(document)) return null
  let nodes = 0
  let edges = 0
  const graphs: { readonly graph: { readonly [field: string]: unknown }; readonly at: string }[] = [
    { graph: document, at: '' },
  ]
  // The list grows while it is walked: bodies of loops follow their graphs.
  for (const { graph, at } of graphs) {
    nodes += Array.isArray(graph['nodes']) ? graph['nodes'].length : 0
    if (nodes > maxNodes) return tooManyNodes(nodes, maxNodes, pointer(at, 'nodes'))
    edges += Array.isArray(graph['edges']) ? graph['edges'].length : 0
    if (edges > DEFINITION_MAX_EDGES)
      return tooMany('edges', edges, DEFINITION_MAX_EDGES, pointer(at, 'edges'))
    const listed: readonly unknown[] = Array.isArray(graph['nodes']) ? graph['nodes'] : []
    for (const [i, node] of listed.entries()) {
      if (!isJsonObject(node) || !isJsonObject(node['config'])) continue
      const { type, config } = node
      const { body } = config
      if (typeof type !== 'string' || !isJsonObject(body) || blocks.get(type)?.run !== 'loop') continue
      graphs.push({ graph: body, at: pointer(at, 'nodes', i, 'config', 'body') })
    }
  }
  const { variables } = document
  if (!isJsonObject(variables)) return null
  const names = Object.keys(variables).length
  return names > DEFINITION_MAX_VARIABLES
    ? tooMany('variables', names, DEFINITION_MAX_VARIABLES, '/variables')
    : null
}

/** Said of a definition with too many nodes. */
export function tooManyNodes(count: number, limit: number, at: string): Diagnostic {
  const message = `The definition has ${count} nodes or more, loop bodies included; ${limit} are allowed.`
  return problem('DEFINITION_TOO_LARGE', at, message)
}

function tooMany(what: 'edges' | 'variables', count: number, limit: number, at: string): Diagnostic {
  const included = what === 'edges' ? ' or more, loop bodies included' : ''
  return problem(
    'DEFINITION_TOO_LARGE',
    at,
    `The definition has ${count} ${what}${included}; ${limit} are allowed.`,
  )
}

const TOO_MANY_VALUES = problem(
  'DEFINITION_TOO_LARGE',
  '',
  `The definition has more than ${DEFINITION_MAX_VALUES} values (lists, objects, texts, numbers, booleans and nulls).`,
)

/** Said of a definition whose text is too long. */
export const TOO_MANY_BYTES = problem(
  'DEFINITION_TOO_LARGE',
  '',
  `The definition is larger than ${DEFINITION_MAX_BYTES} bytes.`,
)

function* measureValues(document: unknown): Pieces<Measure> {
  const stack: Iterator<unknown>[] = [[document].values()]
  let values = 0
  let bytes = 0
  let excess: Diagnostic | null = null
  while (excess === null) {
    const top = stack[stack.length - 1]
    if (!top) break
    const next = top.next()
    if (next.done) {
      stack.pop()
      continue
    }
    const { value } = next
    if (value === undefined) continue
    values++
    bytes += typeof value === 'string' ? value.length + 2 : 1
    if (values % VALUES_PER_PIECE === 0) yield
    if (typeof value === 'object' && value !== null && !('toJSON' in value)) {
      // A cycle has no end: `toPlainJson` reports it.
      if (stack.length > MAX_DEPTH) break
      const isList = Array.isArray(value)
      const names = isList ? [] : Object.keys(value)
      const count = isList ? value.length : names.length
      if (values + count > DEFINITION_MAX_VALUES) excess = TOO_MANY_VALUES
      else {
        for (const name of names) bytes += name.length + 3
        stack.push(isList ? (value as readonly unknown[]).values() : Object.values(value).values())
      }
    }
    if (values > DEFINITION_MAX_VALUES) excess = TOO_MANY_VALUES
    else if (bytes > DEFINITION_MAX_BYTES) excess = TOO_MANY_BYTES
  }
  return { excess, values, bytes }
}
