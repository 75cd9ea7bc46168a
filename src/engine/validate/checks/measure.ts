import { isJsonObject, pointer, pointerKey } from '../../../lib/json/index.ts'
import type { Pieces } from '../../../lib/turns/index.ts'
import type { BlockRegistry } from '../../block/index.ts'
import {
  DEFINITION_MAX_BYTES,
  DEFINITION_MAX_EDGES,
  DEFINITION_MAX_MEMBERS,
  DEFINITION_MAX_POINTERS,
  DEFINITION_MAX_VALUES,
  DEFINITION_MAX_VARIABLES,
  problem,
  type Diagnostic,
} from '../../definition/index.ts'

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
  /** The JSON pointers of all values together, in UTF-16 units. */
  readonly pointers: number
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
    return excess ? { ...NOT_WALKED, excess } : yield* measureValues(document)
  } catch {
    // A getter or a proxy failed: `toPlainJson` reports where.
    return NOT_WALKED
  }
}

const NOT_WALKED: Measure = { excess: null, values: 0, bytes: 0, pointers: 0 }

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

function tooLongPointers(at: string): Diagnostic {
  const message = `The JSON pointers of the definition’s values have more than ${DEFINITION_MAX_POINTERS} characters together: a long key or deep nesting repeats in the pointer of each value under it.`
  const suggestion = 'Shorten the keys that hold many values, or nest the values less deep.'
  return problem('DEFINITION_TOO_LARGE', at, message, { suggestion })
}

function tooManyMembers(count: number, at: string): Diagnostic {
  const message = `An object of the definition has ${count} members; ${DEFINITION_MAX_MEMBERS} are allowed.`
  const suggestion = 'Write a list of objects in its place, or move it into the input.'
  return problem('DEFINITION_TOO_LARGE', at, message, { suggestion })
}

/** A list or an object of which the items or members before `next` are counted. */
interface Frame {
  readonly values: readonly unknown[]
  /** Null for a list. */
  readonly names: readonly string[] | null
  /** The length of the container’s own pointer. */
  readonly pointer: number
  next: number
}

function* measureValues(document: unknown): Pieces<Measure> {
  const frames: Frame[] = []
  let values = 0
  let bytes = 0
  let pointers = 0
  let excess: Diagnostic | null = null
  const count = (value: unknown, pointerLength: number): boolean => {
    values++
    bytes += typeof value === 'string' ? value.length + 2 : 1
    pointers += pointerLength
    if (typeof value !== 'object' || value === null || 'toJSON' in value) return true
    // A cycle has no end: `toPlainJson` reports it.
    if (frames.length >= MAX_DEPTH) return false
    const names = Array.isArray(value) ? null : Object.keys(value)
    const length = names?.length ?? (value as readonly unknown[]).length
    if (values + length > DEFINITION_MAX_VALUES) {
      excess = TOO_MANY_VALUES
      return false
    }
    if (names && names.length > DEFINITION_MAX_MEMBERS) {
      excess = tooManyMembers(names.length, shortPointer(frames))
      return false
    }
    for (const name of names ?? []) bytes += name.length + 3
    const members = names ? Object.values(value) : (value as readonly unknown[])
    frames.push({ values: members, names, pointer: pointerLength, next: 0 })
    return true
  }
  let isWalked = count(document, 0)
  while (isWalked) {
    const frame = frames[frames.length - 1]
    if (!frame) break
    if (frame.next >= frame.values.length) {
      frames.pop()
      continue
    }
    const at = frame.next++
    const value = frame.values[at]
    if (value === undefined) continue
    isWalked = count(value, frame.pointer + 1 + keyLength(frame, at))
    if (values > DEFINITION_MAX_VALUES) excess = TOO_MANY_VALUES
    else if (bytes > DEFINITION_MAX_BYTES) excess = TOO_MANY_BYTES
    else if (pointers > DEFINITION_MAX_POINTERS) excess = tooLongPointers(shortPointer(frames))
    if (excess) break
    if (values % VALUES_PER_PIECE === 0) yield
  }
  return { excess, values, bytes, pointers }
}

function keyLength({ names }: Frame, at: number): number {
  if (!names) return String(at).length
  const name = names[at] ?? ''
  return name.includes('~') || name.includes('/') ? pointerKey(name).length : name.length
}

/** The pointer of the innermost container that can be named in a few words. */
function shortPointer(frames: readonly Frame[]): string {
  let at = ''
  for (const { names, next } of frames) {
    const key = names ? (names[next - 1] ?? '') : next - 1
    const inner = String(key).length > SHORT_POINTER ? null : pointer(at, key)
    if (inner === null || inner.length > SHORT_POINTER) break
    at = inner
  }
  return at
}

const SHORT_POINTER = 200
