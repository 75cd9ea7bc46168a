import type { Meter, Scope } from '../../cel/index.ts'
import { pointer, type Json } from '../../lib/json/index.ts'
import { inOneGo, type Pieces } from '../../lib/turns/index.ts'
import { isScalar, RenderedTooLargeError, type RenderTotal } from '../block/index.ts'
import { isTemplate, renderTemplate, type Template } from './template.ts'

/** A JSON value in which any string may hold templates, compiled once per plan. */
export type ConfigTemplate =
  | { readonly kind: 'constant'; readonly value: Json }
  | { readonly kind: 'template'; readonly template: Template }
  | { readonly kind: 'list'; readonly items: readonly ConfigTemplate[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, ConfigTemplate])[] }

export interface CompileConfigOptions {
  /** Where the value stands in the definition. */
  readonly at: string
  /** Values at these pointers are left as they are: bare expressions and loop bodies. */
  readonly isRaw: (pointer: string) => boolean
  /** Null: it cannot be compiled, which is reported elsewhere, so that one bad template does not hide the next. */
  readonly compileText: (text: string, at: string) => Pieces<Template | null>
}

/** Compiles a config in pieces; a value without templates stays one constant, whatever its size. */
export function* compileConfig(value: Json, options: CompileConfigOptions): Pieces<ConfigTemplate> {
  const holders = typeof value === 'object' && value !== null ? yield* templateHolders(value) : NO_HOLDERS
  return yield* compileAt(value, options.at, { ...options, holders, seen: { values: 0 } })
}

interface CompileContext extends CompileConfigOptions {
  readonly holders: ReadonlySet<Json>
  readonly seen: { values: number }
}

const NO_HOLDERS: ReadonlySet<Json> = new Set()

function* compileAt(value: Json, at: string, context: CompileContext): Pieces<ConfigTemplate> {
  const { isRaw, compileText, holders, seen } = context
  if (++seen.values % VALUES_PER_PIECE === 0) yield
  if (typeof value === 'string') {
    if (!isTemplate(value) || isRaw(at)) return { kind: 'constant', value }
    yield
    const template = yield* compileText(value, at)
    return template ? { kind: 'template', template } : { kind: 'constant', value }
  }
  // What holds no template needs no look at its parts, and no pointers to them.
  if (typeof value !== 'object' || value === null || !holders.has(value) || isRaw(at))
    return { kind: 'constant', value }
  if (isList(value)) {
    const items: ConfigTemplate[] = []
    for (const [i, item] of value.entries()) items.push(yield* compileAt(item, pointer(at, i), context))
    return items.every(isConstant) ? { kind: 'constant', value } : { kind: 'list', items }
  }
  const members: (readonly [string, ConfigTemplate])[] = []
  for (const [key, member] of Object.entries(value))
    members.push([key, yield* compileAt(member, pointer(at, key), context)])
  return members.every(([, member]) => isConstant(member))
    ? { kind: 'constant', value }
    : { kind: 'object', members }
}

interface Opened {
  readonly container: Json
  readonly members: readonly Json[]
  next: number
}

const VALUES_PER_PIECE = 8_192

/** The lists and objects in which a template stands, at any depth. */
function* templateHolders(root: Json): Pieces<ReadonlySet<Json>> {
  const holders = new Set<Json>()
  const opened: Opened[] = [{ container: root, members: membersOf(root), next: 0 }]
  for (let turn = 1; ; turn++) {
    const top = opened[opened.length - 1]
    if (!top) return holders
    if (turn % VALUES_PER_PIECE === 0) yield
    if (top.next >= top.members.length) {
      opened.pop()
      continue
    }
    const value = top.members[top.next++]
    if (typeof value === 'object' && value !== null)
      opened.push({ container: value, members: membersOf(value), next: 0 })
    else if (typeof value === 'string' && isTemplate(value)) {
      for (let i = opened.length - 1; i >= 0; i--) {
        const holder = opened[i]?.container ?? null
        if (holders.has(holder)) break
        holders.add(holder)
      }
    }
  }
}

function membersOf(value: Json): readonly Json[] {
  if (typeof value !== 'object' || value === null) return []
  return isList(value) ? value : Object.values(value)
}

/** What a config is rendered with. */
export interface RenderContext {
  readonly scope: Scope
  /** Sums the size of the value while it is rendered. */
  readonly total: RenderTotal
  /** What all its evaluations may visit together. */
  readonly meter: Meter
  /** Called after each template that was rendered at once; throws to stop the rest. */
  readonly onTemplate?: () => void
}

/**
 * Renders a compiled config with the values of a scope, at once. Throws `ExpressionError`, and `RenderedTooLargeError` as soon as
 * the value exceeds the limits of the total.
 */
export function renderConfig(config: ConfigTemplate, context: RenderContext): Json {
  const { scope, total, meter } = context
  switch (config.kind) {
    case 'constant':
      if (!total.addKnown(config.value)) inOneGo(total.addConstant(config.value))
      return config.value
    case 'template': {
      const value = renderTemplate(config.template, scope, meter)
      if (isScalar(value)) total.addScalar(value)
      else inOneGo(total.add(value))
      context.onTemplate?.()
      return value
    }
    case 'list':
      total.openList()
      return config.items.map((item, index) => renderPart(item, index, context))
    case 'object':
      total.openObject()
      return Object.fromEntries(
        config.members.map(([key, member]) => {
          total.addKey(key)
          return [key, renderPart(member, key, context)]
        }),
      )
  }
}

function renderPart(part: ConfigTemplate, key: string | number, context: RenderContext): Json {
  try {
    return renderConfig(part, context)
  } catch (thrown) {
    throw placed(thrown, key)
  }
}

/** The same in pieces: one for each template, and more where a template yields many values. */
export function* renderConfigPieces(config: ConfigTemplate, context: RenderContext): Pieces<Json> {
  const { scope, total, meter } = context
  switch (config.kind) {
    case 'constant':
      yield* total.addConstant(config.value)
      return config.value
    case 'template': {
      const value = renderTemplate(config.template, scope, meter)
      yield* total.add(value)
      yield
      return value
    }
    case 'list': {
      total.openList()
      const items: Json[] = []
      for (const [index, item] of config.items.entries())
        items.push(yield* renderPartPieces(item, index, context))
      return items
    }
    case 'object': {
      total.openObject()
      const members: [string, Json][] = []
      for (const [key, member] of config.members) {
        total.addKey(key)
        members.push([key, yield* renderPartPieces(member, key, context)])
      }
      return Object.fromEntries(members)
    }
  }
}

function* renderPartPieces(part: ConfigTemplate, key: string | number, context: RenderContext): Pieces<Json> {
  try {
    return yield* renderConfigPieces(part, context)
  } catch (thrown) {
    throw placed(thrown, key)
  }
}

function placed(thrown: unknown, key: string | number): unknown {
  return thrown instanceof RenderedTooLargeError ? thrown.inside(key) : thrown
}

/** Whether any template in it reads from this name of the scope. */
export function readsFrom(config: ConfigTemplate, root: string): boolean {
  switch (config.kind) {
    case 'constant':
      return false
    case 'template':
      return config.template.parts.some(
        (part) => typeof part !== 'string' && part.expression.references.some(({ path }) => path[0] === root),
      )
    case 'list':
      return config.items.some((item) => readsFrom(item, root))
    case 'object':
      return config.members.some(([, member]) => readsFrom(member, root))
  }
}

function isConstant(config: ConfigTemplate): boolean {
  return config.kind === 'constant'
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
