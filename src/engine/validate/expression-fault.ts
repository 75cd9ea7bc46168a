import { ExpressionError } from '../expression.ts'
import { problem, type Diagnostic } from '../diagnostics.ts'

/** What failed to compile, as a diagnostic; anything but an `ExpressionError` is a fault of ours and is thrown on. */
export function expressionFault(fault: unknown, at: string, nodeId?: string): Diagnostic {
  if (!(fault instanceof ExpressionError)) throw fault
  const { message, range, suggestion } = fault
  return problem('EXPRESSION_INVALID', at, message, {
    ...(nodeId === undefined ? {} : { nodeId }),
    ...(range ? { range } : {}),
    ...(suggestion === undefined ? {} : { suggestion }),
  })
}
