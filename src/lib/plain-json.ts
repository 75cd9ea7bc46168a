import { messageOf } from './errors.ts'
import { pointer, type Json } from './json.ts'

/** Why a value is not plain JSON, and where (a JSON pointer from the value's root). */
export interface NotPlainJson {
  readonly pointer: string
  readonly reason: string
}

export type PlainJsonResult =
  | { readonly ok: true; readonly text: string; readonly value: Json }
  | { readonly ok: false; readonly problem: NotPlainJson }

const MAX_DEPTH = 500
const MAX_VALUES = 2_000_000
const TOO_MANY_VALUES = `has more than ${MAX_VALUES} values`

/**
 * Serialises a value that must be plain JSON, and gives back both the text and the value as anybody will read it from
 * that text. Refused, with the place: undefined (as a list item or the whole value; an object's undefined members are
 * left out, as JSON does), functions, symbols, BigInt, NaN and infinities, class instances other than those with a
 * `toJSON`, cycles, NUL characters (which Postgres cannot store), lone surrogates, nesting over 500 levels, and whatever
 * throws when it is read. Never throws itself.
 */
export function toPlainJson(value: unknown): PlainJsonResult {
  const problem = findProblem(value)
  if (problem) return { ok: false, problem }
  try {
    const text = JSON.stringify(value)
    return { ok: true, text, value: JSON.parse(text) as Json }
  } catch (thrown) {
    // A getter or a `toJSON` gave something else this time.
    return { ok: false, problem: { pointer: '', reason: unreadable(thrown) } }
  }
}

interface Visit {
  readonly value: unknown
  readonly parent: Visit | null
  readonly key: string | number
  readonly depth: number
}

function findProblem(root: unknown): NotPlainJson | null {
  const pending: Visit[] = [{ value: root, parent: null, key: '', depth: 0 }]
  let visited = 0
  for (let visit = pending.pop(); visit; visit = pending.pop()) {
    if (++visited > MAX_VALUES) return { pointer: '', reason: TOO_MANY_VALUES }
    try {
      const reason = visit.depth > MAX_DEPTH ? `is nested deeper than ${MAX_DEPTH} levels` : reasonOf(visit)
      if (reason) return { pointer: pointerOf(visit), reason }
      pushChildren(visit, pending)
    } catch (thrown) {
      return { pointer: pointerOf(visit), reason: unreadable(thrown) }
    }
  }
  return null
}

function unreadable(thrown: unknown): string {
  return `cannot be read: ${messageOf(thrown)}`
}

function reasonOf({ value, parent }: Visit): string | null {
  switch (typeof value) {
    case 'string':
      return textProblem(value)
    case 'number':
      return Number.isFinite(value) ? null : `is ${value}, which JSON cannot carry`
    case 'boolean':
      return null
    case 'undefined':
      return 'is undefined'
    case 'bigint':
      return 'is a BigInt'
    case 'function':
    case 'symbol':
      return `is a ${typeof value}`
    default:
      return objectProblem(value as object | null, parent)
  }
}

/** Whether Postgres can keep a text as it is: without NUL characters and halves of surrogate pairs. */
export function isStorableText(text: string): boolean {
  return textProblem(text) === null
}

function textProblem(text: string): string | null {
  if (text.includes('\u0000')) return 'holds a NUL character'
  return text.isWellFormed() ? null : 'holds half of a surrogate pair'
}

function objectProblem(value: object | null, parent: Visit | null): string | null {
  if (value === null) return null
  if (isOwnAncestor(value, parent)) return 'contains itself'
  if (Array.isArray(value)) return value.length > MAX_VALUES ? TOO_MANY_VALUES : null
  if ('toJSON' in value && typeof value.toJSON === 'function') return null
  const prototype: unknown = Object.getPrototypeOf(value)
  // A plain object of another realm has a prototype that itself has none.
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  return isPlain ? null : `is a ${value.constructor?.name ?? 'class'} instance`
}

function isOwnAncestor(value: object, parent: Visit | null): boolean {
  for (let up = parent; up; up = up.parent) if (up.value === value) return true
  return false
}

function pushChildren(visit: Visit, pending: Visit[]): void {
  const { value, depth } = visit
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (let i = value.length - 1; i >= 0; i--)
      pending.push({ value: value[i], parent: visit, key: i, depth: depth + 1 })
    return
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    pending.push({ value: value.toJSON(), parent: visit.parent, key: visit.key, depth: depth + 1 })
    return
  }
  for (const [key, child] of Object.entries(value)) {
    if (child === undefined) continue
    pending.push({ value: key, parent: visit, key, depth: depth + 1 })
    pending.push({ value: child, parent: visit, key, depth: depth + 1 })
  }
}

function pointerOf(visit: Visit): string {
  const keys: (string | number)[] = []
  for (let at: Visit | null = visit; at?.parent; at = at.parent) keys.push(at.key)
  return pointer('', ...keys.reverse())
}
