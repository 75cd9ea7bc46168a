import type { Scope } from '../../cel/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import { DEFAULT_HANDLE, type ExecutionMode } from '../block/index.ts'
import type { Plan, PlanNode } from '../definition/index.ts'
import { CALL_OUTCOME_UNKNOWN, type StepStatus } from '../record/index.ts'
import { runsAnew, type RetryFrom } from './retry-from.ts'
import { compareNodes } from './same-work.ts'
import type { SourceValues } from './source-values.ts'

/** The record of an ended execution, as far as a retry of it can use it. Holds no output: `values` reads those one by one. */
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
  readonly values: SourceValues
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
  /** What its expressions saw, secrets and outputs aside. */
  readonly scope: Scope
  /** The top-level steps whose outputs its expressions could read. */
  readonly readable: ReadonlySet<string>
  readonly values: SourceValues
}

export type OriginalStep =
  /** Its output was given with the retry. */
  | { readonly kind: 'patched'; readonly output: Json; readonly handles: readonly string[] }
  | {
      readonly kind: 'completed'
      readonly path: string
      readonly holder: string
      /** The steps whose outputs made its input. */
      readonly inputFrom: readonly string[]
      readonly handles: readonly string[]
    }
  /**
   * It is unknown whether its call happened: the same call keeps its key. `inputFrom` is null inside of loops: no input is on
   * record there.
   */
  | {
      readonly kind: 'unknown'
      readonly path: string
      readonly callKey: string
      readonly inputFrom: readonly string[] | null
    }

export interface OriginalLoop {
  /** The loop as the source execution ran it, of which its items are made again; null when this build cannot run that definition. */
  readonly before: PlanNode | null
  /** Whether its config is the same as before. */
  readonly isSame: boolean
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
  const nodesBefore = new Map(planBefore?.graph.nodes.map((node) => [node.id, node]))
  const steps = new Map<string, OriginalStep>()
  const loops = new Map<string, OriginalLoop>()
  for (const step of record.steps) {
    if (step.errorCode === CALL_OUTCOME_UNKNOWN) steps.set(step.path, unknownOf(step))
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
      const { holder, inputFrom, handles } = step
      steps.set(id, { kind: 'completed', path: id, holder, inputFrom, handles })
    }
    const items = node.body && isSameBody ? record.items.get(id) : undefined
    if (items && !anew.loops.has(id)) {
      const completed = new Map([...items].filter(([index]) => !anew.items.get(id)?.has(index)))
      loops.set(id, { completed, isSame, before: nodesBefore.get(id) ?? null })
    }
  }
  return { steps, loops, scope: scopeOf(record), readable: readableOf(record.steps), values: record.values }
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

function unknownOf({ path, callKey, inputFrom }: OriginalStepRecord): OriginalStep {
  return { kind: 'unknown', path, callKey, inputFrom: path.includes('/') ? null : inputFrom }
}

function scopeOf({ executionId, input, variables, mode, startedAt }: OriginalRecord): Scope {
  const execution = { id: executionId, mode, startedAt: new Date(startedAt ?? 0).toISOString() }
  return { input, variables, execution, secrets: {} }
}

/** The top-level steps that expressions of the source execution could read. */
function readableOf(steps: readonly OriginalStepRecord[]): ReadonlySet<string> {
  const readable = steps.filter(({ path, status, handles }) => {
    const hasOutput = status === 'COMPLETED' || (status === 'FAILED' && handles.length > 0)
    return hasOutput && !path.includes('/')
  })
  return new Set(readable.map(({ path }) => path))
}
