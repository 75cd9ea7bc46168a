import { messageOf } from '../lib/index.ts'
import type { Json } from '../lib/json/index.ts'
import { compile } from './compile.ts'
import { FORMS } from './forms.ts'
import { FUNCTIONS, type FunctionDoc } from './functions/index.ts'
import { readsScopeOnly } from './path.ts'
import { parse } from './syntax.ts'
import { ExpressionError, Meter, toJson, type Reference, type Scope } from './values/index.ts'

/**
 * Expressions are CEL (https://cel.dev), on JSON. Three rules differ from the letter of CEL, because the values are JSON:
 *
 * - There is one kind of number: `5 / 2` is 2.5, `int(5 / 2)` is 2, and whole numbers index lists. See numbers.ts.
 * - An optional path (`input.?company.?name`) gives null where it leads to nothing.
 * - Any function may be called as a method and the other way round: `lower(x)` is `x.lower()`.
 *
 * An evaluation is a pure function of its scope, never reaches JavaScript behind the JSON, and is bounded: see meter.ts.
 */
export interface Expression {
  readonly source: string
  /** What it reads of its scope, in the order of the source. */
  readonly references: readonly Reference[]
  /** What it reads when it is nothing but a path of names, such as `nodes.find.output.items`; null for all others. */
  readonly path: readonly string[] | null
  /**
   * Its value, as plain JSON; throws `ExpressionError`. Evaluations that run in one go, such as those of one config, may
   * share a meter, so that together they cost no more than one.
   */
  evaluate(scope: Scope, meter?: Meter): Json
}

/** Every function and special form of the language: the reference is generated from it. */
export const EXPRESSION_FUNCTIONS: readonly FunctionDoc[] = [...FORMS, ...FUNCTIONS]

/** Parses and checks an expression, once; throws `ExpressionError` with the place. */
export function compileExpression(source: string): Expression {
  const tree = parse(source)
  const references: Reference[] = []
  const evaluate = compile(tree, { locals: [], loops: 0, guarded: false, certain: true, references, compile })
  const isJson = readsScopeOnly(tree)
  return {
    source,
    references: references.sort((a, b) => a.range.start - b.range.start),
    path: plainPath(source, references),
    evaluate(scope, meter = new Meter()) {
      try {
        const value = evaluate({ scope, locals: [], meter })
        // A piece of the scope is JSON already, however large.
        return isJson ? (value as Json) : toJson(value, meter)
      } catch (thrown) {
        throw asExpressionError(thrown).locate({ start: 0, end: source.length })
      }
    },
  }
}

function plainPath(source: string, references: readonly Reference[]): readonly string[] | null {
  const [reference, other] = references
  if (!reference || other || reference.guarded) return null
  const { start, end } = reference.range
  return start === 0 && end === source.length ? reference.path : null
}

function asExpressionError(thrown: unknown): ExpressionError {
  if (thrown instanceof ExpressionError) return thrown
  if (thrown instanceof RangeError) {
    return new ExpressionError(
      'EXPRESSION_TOO_COSTLY',
      'the expression meets values that are nested too deep',
      { cause: thrown },
    )
  }
  return new ExpressionError('EXPRESSION_FAILED', `the expression failed: ${messageOf(thrown)}`, {
    cause: thrown,
  })
}
