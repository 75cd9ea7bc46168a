import { pointer, type Json } from '../lib/json.ts'
import { isTemplate, renderTemplate, type Template } from './template.ts'
import { Meter, type Scope } from './expression.ts'

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
  /** Null: it cannot be compiled, which is told elsewhere, so that one bad template does not hide the next. */
  readonly compileText: (text: string, at: string) => Template | null
}

/** Compiles a config; a value without templates stays one constant, whatever its size. */
export function compileConfig(value: Json, options: CompileConfigOptions): ConfigTemplate {
  const { at, isRaw, compileText } = options
  if (isRaw(at)) return { kind: 'constant', value }
  if (typeof value === 'string') {
    const template = isTemplate(value) ? compileText(value, at) : null
    return template ? { kind: 'template', template } : { kind: 'constant', value }
  }
  if (typeof value !== 'object' || value === null) return { kind: 'constant', value }
  if (isList(value)) {
    const items = value.map((item, i) => compileConfig(item, { ...options, at: pointer(at, i) }))
    return items.every(isConstant) ? { kind: 'constant', value } : { kind: 'list', items }
  }
  const members = Object.entries(value).map(
    ([key, member]) => [key, compileConfig(member, { ...options, at: pointer(at, key) })] as const,
  )
  return members.every(([, member]) => isConstant(member))
    ? { kind: 'constant', value }
    : { kind: 'object', members }
}

/** Fills a compiled config from a scope, on one meter; throws `ExpressionError`. */
export function renderConfig(config: ConfigTemplate, scope: Scope, meter = new Meter()): Json {
  switch (config.kind) {
    case 'constant':
      return config.value
    case 'template':
      return renderTemplate(config.template, scope, meter)
    case 'list':
      return config.items.map((item) => renderConfig(item, scope, meter))
    case 'object':
      return Object.fromEntries(
        config.members.map(([key, member]) => [key, renderConfig(member, scope, meter)]),
      )
  }
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
