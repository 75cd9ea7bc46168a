/** Compiles and evaluates expressions of a CEL dialect, with a bounded cost and without access to JavaScript objects. */
export { compileExpression, EXPRESSION_FUNCTIONS, type Expression } from './expression.ts'
export {
  ExpressionError,
  MAX_VISITS,
  Meter,
  type Reference,
  type Scope,
  type SourceRange,
} from './values/index.ts'
