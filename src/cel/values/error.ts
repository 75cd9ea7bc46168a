import { LumeError } from '../../lib/index.ts'

/** Character offsets in a source, `end` exclusive. */
export interface SourceRange {
  readonly start: number
  readonly end: number
}

export const EXPRESSION_ERROR_CODES = [
  /** The source is not CEL. */
  'EXPRESSION_SYNTAX',
  /** The source is too long, too deep, or nests more than two loops. */
  'EXPRESSION_TOO_LARGE',
  'EXPRESSION_UNKNOWN_FUNCTION',
  /** A function of CEL that Lume does not offer, because it can hang the process. */
  'EXPRESSION_FORBIDDEN',
  /** A value of the wrong type, or the wrong number of arguments. */
  'EXPRESSION_TYPE',
  /** A name, field or list item that is not there. */
  'EXPRESSION_MISSING',
  /** The evaluation visited too many elements or built too large a value. */
  'EXPRESSION_TOO_COSTLY',
  /** Anything else: division by zero, text that is no number, and the like. */
  'EXPRESSION_FAILED',
] as const
export type ExpressionErrorCode = (typeof EXPRESSION_ERROR_CODES)[number]

/** What is wrong with an expression, or with one evaluation of it, and where in its source. */
export class ExpressionError extends LumeError {
  declare readonly code: ExpressionErrorCode
  /** What to write instead, where that is known. */
  readonly suggestion: string | undefined
  #range: SourceRange | undefined

  constructor(
    code: ExpressionErrorCode,
    message: string,
    options: { range?: SourceRange; suggestion?: string; cause?: unknown } = {},
  ) {
    // An expression may fail for each of many items, and a stack takes longer than all the rest; none is ever shown.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(code, message, { cause: options.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.#range = options.range
    this.suggestion = options.suggestion
  }

  get range(): SourceRange | undefined {
    return this.#range
  }

  /** Gives the error its place, unless a narrower one is known already. */
  locate(range: SourceRange): this {
    this.#range ??= range
    return this
  }

  /** The same error seen from a text that holds the expression at `offset`. */
  shifted(place: { readonly offset: number; readonly length: number }): ExpressionError {
    const { start, end } = this.#range ?? { start: 0, end: place.length }
    const range = { start: start + place.offset, end: end + place.offset }
    return new ExpressionError(this.code, this.message, {
      range,
      suggestion: this.suggestion,
      cause: this.cause,
    })
  }
}

/** Puts a place on an error that was thrown by a part that does not know where it stands. */
export function located(thrown: unknown, range: SourceRange): unknown {
  return thrown instanceof ExpressionError ? thrown.locate(range) : thrown
}

/** An error of the type rules; its place is added by whoever knows it. */
export function typeError(message: string, suggestion?: string): ExpressionError {
  return new ExpressionError('EXPRESSION_TYPE', message, { suggestion })
}

/** An error of the values themselves; its place is added by whoever knows it. */
export function failed(message: string): ExpressionError {
  return new ExpressionError('EXPRESSION_FAILED', message)
}
