import { isJsonObject, pointer, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { BreakingReason } from './breaking-reason.ts'
import type { FlatGraph } from './flat-graph.ts'

/** What can be said of an output without running anything: its fields, or what kind of value it is. */
type Shape =
  | { readonly kind: 'fields'; readonly fields: ReadonlyMap<string, Json> }
  | { readonly kind: 'value'; readonly token: string }

/** Why somebody who reads the earlier output may not find in the later one what they read. */
export function outputReasons(
  before: { readonly document: JsonObject; readonly graph: FlatGraph },
  after: { readonly document: JsonObject; readonly graph: FlatGraph },
): readonly BreakingReason[] {
  return shapeReasons(outputShape(before), outputShape(after), '/output')
}

function shapeReasons(before: Shape, after: Shape, at: string): readonly BreakingReason[] {
  if (before.kind === 'value' || after.kind === 'value') {
    const isSame = before.kind === 'value' && after.kind === 'value' && before.token === after.token
    const message = 'It is another kind of value now.'
    return isSame ? [] : [{ code: 'OUTPUT_REPLACED', pointer: at, message }]
  }
  return [...before.fields].flatMap(([name, value]): readonly BreakingReason[] => {
    const place = pointer(at, name)
    const later = after.fields.get(name)
    if (later === undefined)
      return [{ code: 'OUTPUT_FIELD_REMOVED', pointer: place, message: `\`${name}\` is gone.` }]
    // A template in place of an object, or the other way round, may well give the same.
    return isJsonObject(value) && isJsonObject(later)
      ? shapeReasons(templateShape(value), templateShape(later), place)
      : []
  })
}

/** The default is the output of the only leaf, or an object of outputs by leaf id. */
function outputShape({ document, graph }: { document: JsonObject; graph: FlatGraph }): Shape {
  if (document.output !== undefined) return templateShape(document.output)
  const left = new Set([...graph.edges.values()].map(({ source }) => source))
  const leaves = [...graph.nodes.values()].filter(({ path }) => !path.includes('/') && !left.has(path))
  const [only] = leaves
  if (leaves.length === 1 && only) {
    return { kind: 'value', token: `the output of ${only.path}` }
  }
  return { kind: 'fields', fields: new Map(leaves.map(({ path }) => [path, null])) }
}

function templateShape(template: Json): Shape {
  if (isJsonObject(template)) return { kind: 'fields', fields: new Map(Object.entries(template)) }
  return { kind: 'value', token: Array.isArray(template) ? 'a list' : typeof template }
}
