import type { ASTNode } from '@marcbachmann/cel-js'
import type { Json } from '../../lib/json/index.ts'
import type { SourceRange } from './error.ts'
import type { Meter } from './meter.ts'
import type { Value } from './value.ts'

/** The names that an expression may use: `input`, `variables`, `nodes` and so on. */
export interface Scope {
  readonly [name: string]: Json
}

/**
 * A path that an expression reads: the longest chain of names that stands in the source, from a name of the scope. Names
 * bound by `xs.map(x, ...)` and the like are not of the scope.
 */
export interface Reference {
  /** `nodes["my-node"].output` is `['nodes', 'my-node', 'output']`. */
  readonly path: readonly string[]
  readonly range: SourceRange
  /** True where absence is provided for: inside `has()`, `default()`, or with `.?`. */
  readonly guarded: boolean
  /** False where it may go unread: in a branch of a choice, beside `&&` or `||`, in a loop's body, in a fallback. */
  readonly certain: boolean
}

/** One evaluation. */
export interface Frame {
  readonly scope: Scope
  /** Values of the names that forms bind; the slots are given at compile time. */
  readonly locals: Value[]
  readonly meter: Meter
}

/** A compiled node. */
export type Evaluate = (frame: Frame) => Value

/** Where a node stands while it is compiled: what is bound around it. */
export interface Place {
  /** The names bound by the forms around; a name's slot is its last index. */
  readonly locals: readonly string[]
  /** How many loops are around. */
  readonly loops: number
  readonly guarded: boolean
  /** Whether every evaluation of the expression comes by here. */
  readonly certain: boolean
  /** Gathers what the expression reads. */
  readonly references: Reference[]
  readonly compile: (node: ASTNode, place: Place) => Evaluate
}

/** The place inside a form that binds a name, and the slot of that name. */
export function bind(place: Place, name: string): { readonly inner: Place; readonly slot: number } {
  return { inner: { ...place, locals: [...place.locals, name] }, slot: place.locals.length }
}
