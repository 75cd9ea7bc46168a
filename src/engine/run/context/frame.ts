import type { Json } from '../../../lib/json/index.ts'
import type { PlanGraph } from '../../definition/index.ts'
import type { RecordedError, StepFailure } from '../../record/index.ts'
import type { Activity } from './activity.ts'
import type { GraphScope } from './graph-scope.ts'
import type { RunContext } from './run-context.ts'

/** Where a graph runs: the definition's own graph, or one item of a loop. */
export interface Frame {
  /** What its step paths begin with; empty for the definition's own graph. */
  readonly prefix: string
  /** The input of its roots. */
  readonly input: Json
  /** What its expressions see beside its own nodes; `nodes` holds those of the graphs around it. */
  readonly scope: GraphScope
  /** Its place among all that is ready (E4). */
  readonly order: readonly number[]
  readonly signal: AbortSignal
  /** Where its steps count as work. */
  readonly activity: Activity
  /** The number of the newest note that its roots follow from. */
  readonly follows: number
}

export type GraphEnd =
  | { readonly kind: 'completed'; readonly output: Json }
  | { readonly kind: 'failed'; readonly error: RecordedError }
  /** The frame's signal aborted. */
  | { readonly kind: 'stopped' }

/** What one step reads: in memory from `open` to `close`. */
export interface OpenableValues {
  /** E3. */
  readonly input: Json
  /** What its expressions see. */
  readonly scope: GraphScope
  /** Returns why the values cannot be brought into memory; null on success, without a promise if they were there. */
  open(signal: AbortSignal): null | Promise<StepFailure | null>
  close(): void
}

/** Where a node's step runs. */
export interface StepSite {
  readonly path: string
  /** What its input and its expressions read; in memory once opened. */
  readonly values: OpenableValues
  /** The paths whose outputs made the input; empty at a root. */
  readonly inputFrom: readonly string[]
  readonly order: readonly number[]
  /** The number of the newest note that the step follows from: it is committed before the step acts on the outside (E12). */
  readonly follows: number
  readonly isTopLevel: boolean
  readonly signal: AbortSignal
  readonly activity: Activity
  readonly run: RunContext
  /** Runs a loop's body in a frame of its own. */
  readonly runBody: (body: PlanGraph, frame: Frame) => Promise<GraphEnd>
}
