import { isJsonObject, pointer, type Json } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import { DiffText } from './diff-text.ts'

/** One place where two JSON values differ. */
export type ValueChange =
  | { readonly kind: 'ADDED'; readonly pointer: string; readonly after: Json }
  | { readonly kind: 'REMOVED'; readonly pointer: string; readonly before: Json }
  | { readonly kind: 'CHANGED'; readonly pointer: string; readonly before: Json; readonly after: Json }

/** What stands at one place in each of the two values. */
interface Pair {
  readonly before: Json | undefined
  readonly after: Json | undefined
  readonly at: string
}

const VALUES_PER_PIECE = 4_096

/**
 * Finds all places where two values differ, in pieces: objects by key, lists by index. Equal values, in any order of keys,
 * have none. Counts the pointers of the changes; throws `DiffTooLargeError`.
 */
export function* valueChanges(
  before: Json | undefined,
  after: Json | undefined,
  at: string,
  text = new DiffText(),
): Pieces<readonly ValueChange[]> {
  const changes: ValueChange[] = []
  const opened: Iterator<Pair>[] = [[{ before, after, at }].values()]
  for (let turn = 1; ; turn++) {
    const pairs = opened[opened.length - 1]
    if (!pairs) return changes
    if (turn % VALUES_PER_PIECE === 0) yield
    const next = pairs.next()
    if (next.done) {
      opened.pop()
      continue
    }
    const pair = next.value
    const inner = pairsInside(pair)
    if (inner) {
      opened.push(inner)
      continue
    }
    const change = changeAt(pair)
    if (!change) continue
    text.count(change.pointer.length)
    changes.push(change)
  }
}

/** The members of two objects, or the items of two lists; null for all other pairs. */
function pairsInside({ before, after, at }: Pair): Iterator<Pair> | null {
  if (before === after) return null
  if (isJsonObject(before) && isJsonObject(after)) return membersOf(before, after, at)
  if (isList(before) && isList(after)) return itemsOf(before, after, at)
  return null
}

function* membersOf(
  before: { readonly [key: string]: Json },
  after: { readonly [key: string]: Json },
  at: string,
): Generator<Pair, undefined> {
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
    yield { before: own(before, key), after: own(after, key), at: pointer(at, key) }
}

function* itemsOf(before: readonly Json[], after: readonly Json[], at: string): Generator<Pair, undefined> {
  for (let i = 0; i < Math.max(before.length, after.length); i++)
    yield { before: before[i], after: after[i], at: pointer(at, i) }
}

function changeAt({ before, after, at }: Pair): ValueChange | null {
  if (before === after) return null
  if (before === undefined) return after === undefined ? null : { kind: 'ADDED', pointer: at, after }
  return after === undefined
    ? { kind: 'REMOVED', pointer: at, before }
    : { kind: 'CHANGED', pointer: at, before, after }
}

/** A member of the object itself: `constructor` and its like are names as any other. */
function own(value: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
