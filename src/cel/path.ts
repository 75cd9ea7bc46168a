import type { ASTNode } from '@marcbachmann/cel-js'
import {
  aKind,
  ExpressionError,
  isList,
  isMap,
  member,
  quoted,
  typeError,
  type Evaluate,
  type Frame,
  type Place,
  type SourceRange,
  type Value,
} from './values/index.ts'

/** What stands between the dots and brackets of a path: a name, or something that is computed. */
type Step = { readonly key: string } | { readonly index: (frame: Frame) => string | number }

interface Path {
  readonly root: Root
  readonly steps: readonly Step[]
  readonly range: SourceRange
}

/** Where a path starts: a name of the scope, a bound name, or any other expression. */
type Root =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'local'; readonly name: string; readonly slot: number }
  | { readonly kind: 'computed'; readonly text: string; readonly evaluate: Evaluate }

/** A name, or a chain of fields and indexes on one: the node kinds that `compilePath` takes. */
export type PathNode = Extract<ASTNode, { op: 'id' | '.' | '.?' | '[]' | '[?]' }>

/** CEL's type names stand for what `type()` gives. */
const TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ['string', 'string'],
  ['bool', 'bool'],
  ['int', 'number'],
  ['uint', 'number'],
  ['double', 'number'],
  ['list', 'list'],
  ['map', 'map'],
  ['bytes', 'bytes'],
  ['null_type', 'null'],
])

export function isPathNode(node: ASTNode): node is PathNode {
  return node.op === 'id' || node.op === '.' || node.op === '.?' || node.op === '[]' || node.op === '[?]'
}

/** True for paths whose value is a piece of the scope itself, so plain JSON already. */
export function readsScopeOnly(node: ASTNode): boolean {
  let base = node
  while (isPathNode(base) && base.op !== 'id') base = base.args[0]
  return base.op === 'id'
}

/** A path's value; an error that names the path where it is absent, or null if the path is optional. */
export function compilePath(node: PathNode, place: Place): Evaluate {
  if (node.op === 'id' && !place.locals.includes(node.args)) {
    const type = TYPE_NAMES.get(node.args)
    if (type) return () => type
  }
  const optional = isOptional(node)
  const path = readPath(node, place, place.guarded || optional)
  const find = finder(path)
  if (optional) return (frame) => find(frame) ?? null
  return (frame) => {
    const value = find(frame)
    if (value === undefined) throw absent(path, frame)
    return value
  }
}

/** The value of a node, undefined where it is a path and absent. */
export function compileLenient(node: ASTNode, place: Place): (frame: Frame) => Value | undefined {
  return isPathNode(node) ? finder(readPath(node, place, place.guarded)) : place.compile(node, place)
}

function isOptional(node: ASTNode): boolean {
  for (let base = node; isPathNode(base) && base.op !== 'id'; base = base.args[0]) {
    if (base.op === '.?' || base.op === '[?]') return true
  }
  return false
}

function readPath(node: PathNode, place: Place, guarded: boolean): Path {
  const links: PathNode[] = []
  let base: ASTNode = node
  for (; isPathNode(base) && base.op !== 'id'; base = base.args[0]) links.unshift(base)
  const keys = links.map(keyOfLink)
  const root = readRoot(base, place)
  if (root.kind === 'name') {
    const computedAt = keys.indexOf(null)
    const names = keys.slice(0, computedAt < 0 ? keys.length : computedAt).filter((key) => key !== null)
    const range = { start: base.start, end: (links[names.length - 1] ?? base).end }
    place.references.push({ path: [root.name, ...names], range, guarded, certain: place.certain })
  }
  const steps = links.map((link, i) => readStep(link, keys[i] ?? null, place))
  return { root, steps, range: node.range }
}

function readRoot(base: ASTNode, place: Place): Root {
  if (base.op !== 'id') {
    const text = base.input.slice(base.start, base.end)
    return { kind: 'computed', text, evaluate: place.compile(base, place) }
  }
  const slot = place.locals.lastIndexOf(base.args)
  return slot < 0 ? { kind: 'name', name: base.args } : { kind: 'local', name: base.args, slot }
}

/** The key of a link that is written out, in either notation. */
function keyOfLink(link: PathNode): string | null {
  if (link.op === '.' || link.op === '.?') return link.args[1]
  if (link.op === 'id') return null
  const [, index] = link.args
  return index.op === 'value' && typeof index.args === 'string' ? index.args : null
}

function readStep(link: PathNode, key: string | null, place: Place): Step {
  if (key !== null) return { key }
  const index = link.args[1] as ASTNode
  const evaluate = place.compile(index, place)
  return {
    index(frame) {
      const value = evaluate(frame)
      if (typeof value === 'number' || typeof value === 'string') return value
      throw typeError(`an index must be a number or a string, not ${aKind(value)}`).locate(index.range)
    },
  }
}

function finder({ root, steps }: Path): (frame: Frame) => Value | undefined {
  const start = starter(root)
  return (frame) => {
    let value = start(frame)
    for (const step of steps) {
      if (value === undefined) return undefined
      value = 'key' in step ? member(value, step.key) : element(value, step.index(frame))
    }
    return value
  }
}

function starter(root: Root): (frame: Frame) => Value | undefined {
  if (root.kind === 'computed') return root.evaluate
  if (root.kind === 'local') return ({ locals }) => locals[root.slot]
  return ({ scope }) => (Object.hasOwn(scope, root.name) ? scope[root.name] : undefined)
}

function element(value: Value, index: string | number): Value | undefined {
  if (!isList(value)) return member(value, String(index))
  return typeof index === 'number' ? value[index] : undefined
}

/** Walks the path once more, to say which part of it is not there. */
function absent({ root, steps, range }: Path, frame: Frame): ExpressionError {
  let text = root.kind === 'computed' ? root.text : root.name
  let value = starter(root)(frame)
  let reason = value === undefined && steps.length > 0 ? `there is no ${text}` : null
  for (const [i, step] of steps.entries()) {
    const key = 'key' in step ? step.key : step.index(frame)
    const owner = text
    text += linkText(key)
    if (value === undefined) continue
    const next = element(value, key)
    if (next === undefined)
      reason = reasonOf(owner, value, key) ?? (i < steps.length - 1 ? `there is no ${text}` : null)
    value = next
  }
  const message = reason ? `${text} is absent: ${reason}` : `${text} is absent`
  return new ExpressionError('EXPRESSION_MISSING', message, { range })
}

/** Why a value can have no such member; null if it could. */
function reasonOf(text: string, value: Value, key: string | number): string | null {
  if (isMap(value)) return null
  if (isList(value) && typeof key === 'number') return `${text} has ${value.length} items`
  return `${text} is ${aKind(value)}`
}

function linkText(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[A-Za-z_]\w{0,60}$/.test(key) ? `.${key}` : `[${quoted(key)}]`
}
