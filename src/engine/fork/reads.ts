import type { Expression, Scope } from '../../cel/index.ts'
import { isJsonObject, sameJson, type Json } from '../../lib/json/index.ts'
import { inGraph, type PlanNode } from '../definition/index.ts'

/** `now()` gives the execution's start, which no other execution shares. */
const CALLS_NOW = /\bnow\s*\(/

/** What expressions of the source execution saw. */
export interface SourceReads {
  /** Secrets and outputs aside. */
  readonly scope: Scope
  /** The steps whose outputs could be read. */
  readonly readable: ReadonlySet<string>
  /** Whether a part of a step's output is this value, or undefined where the output has no such part. */
  readonly isSamePart: (
    step: string,
    part: readonly string[],
    now: Json | undefined,
  ) => boolean | Promise<boolean>
}

/**
 * Whether what a node evaluates itself, beyond its config's templates (bare expressions, and everything in a loop's body),
 * reads the same now as in the source execution. The values of secrets are not compared: none is on record.
 */
export async function readsTheSame(node: PlanNode, before: SourceReads, now: Scope): Promise<boolean> {
  for (const { source, references } of expressionsOf(node)) {
    if (CALLS_NOW.test(source)) return false
    for (const { path } of references) {
      if (path[0] !== 'secrets' && !(await isSameAt(path, before, now))) return false
    }
  }
  return true
}

/** Whether expressions that read the same have the same values: neither do they read secrets nor the time. */
export async function evaluateTheSame(
  expressions: Iterable<Expression>,
  before: SourceReads,
  now: Scope,
): Promise<boolean> {
  for (const { source, references } of expressions) {
    if (CALLS_NOW.test(source)) return false
    for (const { path } of references) {
      if (path[0] === 'secrets' || !(await isSameAt(path, before, now))) return false
    }
  }
  return true
}

async function isSameAt(path: readonly string[], before: SourceReads, now: Scope): Promise<boolean> {
  const [root, step, ...part] = path
  if (root !== 'nodes') return sameJson(valueAt(before.scope, path), valueAt(now, path))
  if (step === undefined) return areSameNodes(before, now)
  const valueNow = valueAt(now, path)
  if (!before.readable.has(step)) return valueNow === undefined
  const [field, ...inside] = part
  if (field === 'output') return before.isSamePart(step, inside, valueNow)
  // A path that ends at the node, or at something that a node does not have.
  if (field !== undefined) return valueNow === undefined
  const output = isJsonObject(valueNow) ? valueNow.output : undefined
  return output !== undefined && before.isSamePart(step, [], output)
}

/** Whether the same steps have the same outputs, where an expression computes which of them it reads. */
async function areSameNodes({ readable, isSamePart }: SourceReads, { nodes }: Scope): Promise<boolean> {
  if (!isJsonObject(nodes)) return false
  const steps = Object.keys(nodes)
  if (steps.length !== readable.size || !steps.every((step) => readable.has(step))) return false
  for (const step of steps) {
    if (!(await isSamePart(step, [], valueAt(nodes, [step, 'output'])))) return false
  }
  return true
}

function* expressionsOf(node: PlanNode): Iterable<Expression> {
  yield* node.expressions.values()
  if (node.body) yield* inGraph(node.body)
}

/** The part of a value at a path; undefined where it has none. */
export function valueAt(whole: Json | undefined, path: readonly string[]): Json | undefined {
  let value = whole
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}
