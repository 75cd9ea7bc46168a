import { deepFreeze, isJsonObject, type Json, type JsonObject } from '../../lib/json.ts'
import { sameJson } from '../../lib/same-json.ts'
import { DEFAULT_HANDLE } from '../block.ts'
import { renderConfig } from '../config-template.ts'
import { ExpressionError, type Scope } from '../expression.ts'
import type { ExecutionMode } from '../job.ts'
import type { Plan, PlanNode } from '../plan.ts'
import { CALL_OUTCOME_UNKNOWN, type StepStatus } from '../step.ts'
import { readsTheSame } from './reads.ts'
import { runsAnew, type RetryFrom } from './retry-from.ts'
import { compareNodes } from './same-work.ts'

/** The record of an ended execution, as far as a retry of it can use it. */
export interface OriginalRecord {
  readonly executionId: string
  readonly definition: { readonly hash: string; readonly body: Json }
  readonly input: Json
  readonly variables: JsonObject
  readonly mode: ExecutionMode
  readonly startedAt: number | null
  /** The definition's own steps, and those inside of loops that were left with an unknown outcome. */
  readonly steps: readonly OriginalStepRecord[]
  /** The completed items of loops, by loop path and index: the execution that holds their outputs. */
  readonly items: ReadonlyMap<string, ReadonlyMap<number, string>>
}

export interface OriginalStepRecord {
  readonly path: string
  readonly nodeId: string
  readonly status: StepStatus
  readonly handles: readonly string[]
  readonly inputFrom: readonly string[]
  /** What its last attempt failed with. */
  readonly errorCode: string | null
  /** The execution that holds its output. */
  readonly holder: string
  /** The idempotency key of its calls. */
  readonly callKey: string
  /** As it was recorded. */
  readonly config: Json
  readonly output: Json
}

/** What a retry asks for. */
export interface RetryTerms {
  readonly from: RetryFrom
  /** Outputs that stand in place of the steps' own, by top-level path. */
  readonly patched: JsonObject
}

/** What a run that is a retry knows of the execution before it. */
export interface Original {
  readonly steps: ReadonlyMap<string, OriginalStep>
  readonly loops: ReadonlyMap<string, OriginalLoop>
  /** What its expressions saw, secrets aside. */
  readonly scope: Scope
}

export type OriginalStep =
  /** Its output was given with the retry. */
  | { readonly kind: 'patched'; readonly output: Json; readonly handles: readonly string[] }
  | {
      readonly kind: 'completed'
      readonly holder: string
      readonly config: Json
      readonly input: Json
      readonly output: Json
      readonly handles: readonly string[]
    }
  /** Nobody knows whether its call happened: the same call keeps its key. Inside of loops no input is on record. */
  | {
      readonly kind: 'unknown'
      readonly callKey: string
      readonly config: Json
      readonly input: Json | undefined
    }

export interface OriginalLoop {
  /** What it went through; null when that cannot be made out any more. */
  readonly items: () => readonly Json[] | null
  /** Its completed items: the execution that holds their outputs. */
  readonly completed: ReadonlyMap<number, string>
}

export interface OriginalContext {
  /** What the retry runs. */
  readonly plan: Plan
  readonly definition: { readonly hash: string; readonly body: Json }
  /** The original's own; null when this build cannot run it any more. */
  readonly planBefore: Plan | null
  readonly terms: RetryTerms
}

/**
 * What a retry may take over of the execution that it retries, as far as that can be told before it runs: whether a step's
 * config and input are still the same is known once it is reached. A function of records that do not change any more, so
 * each worker that takes the retry up derives the same.
 */
export function originalOf(record: OriginalRecord, context: OriginalContext): Original {
  const { plan, definition, planBefore, terms } = context
  const topLevel = new Map(record.steps.map((step) => [step.path, step]))
  const compare = compareNodes(record.definition, definition, plan)
  const anew = runsAnew(plan.graph, terms.from)
  const scope = scopeOf(record)
  const steps = new Map<string, OriginalStep>()
  const loops = new Map<string, OriginalLoop>()
  for (const step of record.steps) {
    if (step.errorCode === CALL_OUTCOME_UNKNOWN) steps.set(step.path, unknownOf(step, record, topLevel))
  }
  for (const node of plan.graph.nodes) {
    const { id } = node
    const step = topLevel.get(id)
    const given = Object.hasOwn(terms.patched, id) ? terms.patched[id] : undefined
    if (given !== undefined) {
      steps.set(id, { kind: 'patched', output: given, handles: patchedHandles(node, step) ?? [] })
      continue
    }
    const { isSame, isSameBody } = compare(node)
    if (step?.status === 'COMPLETED' && isSame && !anew.nodes.has(id)) {
      const { holder, config, output, handles } = step
      const input = inputOf(step, record, topLevel)
      steps.set(id, { kind: 'completed', holder, config, input, output: deepFreeze(output), handles })
    }
    const items = node.body && isSameBody ? record.items.get(id) : undefined
    if (items && !anew.loops.has(id)) {
      const completed = new Map([...items].filter(([index]) => !anew.items.get(id)?.has(index)))
      loops.set(id, { completed, items: once(() => itemsOf(id, planBefore, scope)) })
    }
  }
  return { steps, loops, scope }
}

/** The handles that a step is left by whose output is given: those it was left by, or the default one; null if it has neither. */
export function patchedHandles(
  node: PlanNode,
  step: Pick<OriginalStepRecord, 'status' | 'handles'> | undefined,
): readonly string[] | null {
  const left = step?.status === 'COMPLETED' ? step.handles : []
  if (left.length > 0 && left.every((handle) => node.handles.includes(handle))) return left
  return node.handles.includes(DEFAULT_HANDLE) ? [DEFAULT_HANDLE] : null
}

/** A step as a retry has reached it, before its first attempt. */
export interface ReachedStep {
  readonly node: PlanNode
  readonly path: string
  readonly input: Json
  readonly scope: Scope
  /** Filled in. */
  readonly config: Json
  /** The same as it is recorded. */
  readonly configText: string
}

/** Whether the call that a step is about to make is the one of the original. */
export function isSameCall(
  before: Extract<OriginalStep, { kind: 'completed' | 'unknown' }>,
  { input, configText }: ReachedStep,
): boolean {
  return (
    sameJson(before.config, JSON.parse(configText) as Json) &&
    (before.input === undefined || sameJson(before.input, input))
  )
}

/** Whether a completed step of the original stands for the one that was reached: it would be given the same. */
export function isReusable(
  { loops, scope }: Original,
  before: Extract<OriginalStep, { kind: 'completed' }>,
  step: ReachedStep,
): boolean {
  if (!isSameCall(before, step) || !readsTheSame(step.node, scope, step.scope)) return false
  if (!step.node.body) return true
  const items = isJsonObject(step.config) ? step.config.items : undefined
  const itemsBefore = loops.get(step.path)?.items() ?? null
  return itemsBefore !== null && sameJson(itemsBefore, items)
}

/** The items of a loop that need not run again, with the execution that holds each one's output. */
export function reusableItems(
  { loops, scope }: Original,
  loop: Pick<ReachedStep, 'node' | 'path' | 'scope'>,
  items: readonly Json[],
): ReadonlyMap<number, string> {
  const before = loops.get(loop.path)
  if (!before || before.completed.size === 0 || !readsTheSame(loop.node, scope, loop.scope)) return new Map()
  const itemsBefore = before.items()
  if (!itemsBefore) return new Map()
  const isSame = (index: number) => index < items.length && sameJson(itemsBefore[index], items[index])
  return new Map([...before.completed].filter(([index]) => isSame(index)))
}

type Steps = ReadonlyMap<string, OriginalStepRecord>

function unknownOf(step: OriginalStepRecord, record: OriginalRecord, steps: Steps): OriginalStep {
  const { path, callKey, config } = step
  const input = path.includes('/') ? undefined : inputOf(step, record, steps)
  return { kind: 'unknown', callKey, config, input }
}

/** E3, from the record. */
function inputOf({ inputFrom }: OriginalStepRecord, { input }: OriginalRecord, steps: Steps): Json {
  const [first] = inputFrom
  if (first === undefined) return input
  if (inputFrom.length === 1) return steps.get(first)?.output ?? null
  return Object.fromEntries(inputFrom.map((path) => [path, steps.get(path)?.output ?? null]))
}

function scopeOf({ executionId, input, variables, mode, startedAt, steps }: OriginalRecord): Scope {
  const nodes = Object.create(null) as { [id: string]: Json }
  for (const { path, status, handles, output } of steps) {
    const hasOutput = status === 'COMPLETED' || (status === 'FAILED' && handles.length > 0)
    if (hasOutput && !path.includes('/')) nodes[path] = { output }
  }
  const execution = { id: executionId, mode, startedAt: new Date(startedAt ?? 0).toISOString() }
  return { input, variables, execution, secrets: {}, nodes }
}

/** A loop's items are not recorded: they are made again, of what the loop saw. */
function itemsOf(id: string, plan: Plan | null, scope: Scope): readonly Json[] | null {
  const node = plan?.graph.nodes.find((other) => other.id === id)
  if (!node) return null
  try {
    const config = renderConfig(node.config, scope)
    const items = isJsonObject(config) ? config.items : null
    return Array.isArray(items) ? (items as readonly Json[]) : null
  } catch (fault) {
    if (fault instanceof ExpressionError) return null
    throw fault
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => (made ??= { value: make() }).value
}
