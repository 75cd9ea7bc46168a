import { inOneGo, type Pieces } from '../turns/index.ts'

/** A value that JSON can carry without loss. Everything that Lume records or lets flow between blocks is of this type. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** True for objects that are neither null nor arrays. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Freezes a parsed JSON value all the way down, so that no block can change what another one sees. Safe on any depth. */
export function deepFreeze<T extends Json>(value: T): T {
  return inOneGo(deepFreezePieces(value))
}

const CONTAINERS_PER_PIECE = 8_192

/** The same in pieces, for values that may be large. */
export function* deepFreezePieces<T extends Json>(value: T): Pieces<T> {
  if (typeof value !== 'object' || value === null) return value
  const pending: (readonly Json[] | JsonObject)[] = [value]
  let turn = 0
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (Object.isFrozen(next)) continue
    Object.freeze(next)
    for (const child of Array.isArray(next) ? (next as readonly Json[]) : Object.values(next)) {
      if (typeof child === 'object' && child !== null) pending.push(child)
    }
    if (++turn % CONTAINERS_PER_PIECE === 0) yield
  }
  return value
}

/** Escapes one key for use in a JSON pointer (RFC 6901). */
export function pointerKey(key: string | number): string {
  return String(key).replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Appends keys to a JSON pointer: `pointer('/nodes', 3, 'config')` is `/nodes/3/config`. */
export function pointer(base: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => `${path}/${pointerKey(key)}`, base)
}
