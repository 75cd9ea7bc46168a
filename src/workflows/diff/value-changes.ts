import { isJsonObject, pointer, type Json } from '../../lib/json.ts'

/** One place where two JSON values differ. */
export type ValueChange =
  | { readonly kind: 'ADDED'; readonly pointer: string; readonly after: Json }
  | { readonly kind: 'REMOVED'; readonly pointer: string; readonly before: Json }
  | { readonly kind: 'CHANGED'; readonly pointer: string; readonly before: Json; readonly after: Json }

/** All places where two values differ: objects by key, lists by index. Equal values, in any order of keys, give none. */
export function valueChanges(
  before: Json | undefined,
  after: Json | undefined,
  at: string,
): readonly ValueChange[] {
  if (before === undefined || after === undefined) {
    if (after !== undefined) return [{ kind: 'ADDED', pointer: at, after }]
    return before === undefined ? [] : [{ kind: 'REMOVED', pointer: at, before }]
  }
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap((key) => valueChanges(own(before, key), own(after, key), pointer(at, key)))
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const [earlier, later] = [before as readonly Json[], after as readonly Json[]]
    const indexes = Array.from({ length: Math.max(earlier.length, later.length) }, (_, index) => index)
    return indexes.flatMap((index) => valueChanges(earlier[index], later[index], pointer(at, index)))
  }
  return before === after ? [] : [{ kind: 'CHANGED', pointer: at, before, after }]
}

/** A member of its own: `constructor` and its like are names as any other. */
function own(value: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined
}
