import type { ASTNode } from '@marcbachmann/cel-js'
import type { FunctionDoc } from './functions/index.ts'
import { ExpressionError, type Evaluate, type Place, type SourceRange } from './values/index.ts'

/** A call that decides itself what is evaluated, and when: `has`, `default`, and the loops. */
export interface SpecialForm extends FunctionDoc {
  /** How many arguments it takes, the receiver included. */
  readonly arity: { readonly min: number; readonly max: number }
  /** Whether it is written `x.form(...)`, `form(...)`, or either. */
  readonly style: 'method' | 'call' | 'either'
  /** Errors without a place get the call's. */
  readonly compile: (args: readonly ASTNode[], place: Place) => Evaluate
}

/** An argument that the arity promises. */
export function given(node: ASTNode | null | undefined): ASTNode {
  if (!node) throw new Error('an argument is missing that the arity promised')
  return node
}

export function syntaxError(message: string, range: SourceRange): ExpressionError {
  return new ExpressionError('EXPRESSION_SYNTAX', message, { range })
}
