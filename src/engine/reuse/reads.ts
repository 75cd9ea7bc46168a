import { isJsonObject, type Json } from '../../lib/json.ts'
import { sameJson } from '../../lib/same-json.ts'
import type { Expression, Scope } from '../expression.ts'
import { inGraph } from '../memory/node-reads.ts'
import type { PlanNode } from '../plan.ts'

/** `now()` gives the execution's start, which no other execution shares. */
const CALLS_NOW = /\bnow\s*\(/

/**
 * Whether what a node evaluates itself, beyond its config's templates (bare expressions, and everything in a loop's body),
 * reads the same of two scopes. The values of secrets are not compared: none is on record.
 */
export function readsTheSame(node: PlanNode, before: Scope, now: Scope): boolean {
  for (const { source, references } of expressionsOf(node)) {
    if (CALLS_NOW.test(source)) return false
    for (const { path } of references) {
      if (path[0] !== 'secrets' && !sameJson(valueAt(before, path), valueAt(now, path))) return false
    }
  }
  return true
}

function* expressionsOf(node: PlanNode): Iterable<Expression> {
  yield* node.expressions.values()
  if (node.body) yield* inGraph(node.body)
}

function valueAt(scope: Scope, path: readonly string[]): Json | undefined {
  let value: Json | undefined = scope
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}
