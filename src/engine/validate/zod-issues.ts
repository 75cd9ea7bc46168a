import type { z } from 'zod'
import { pointer } from '../../lib/json.ts'
import { problem, type Diagnostic, type DiagnosticCode } from '../diagnostics.ts'

/** Turns Zod's issues into diagnostics; `at` is where the checked value stands in the definition. */
export function issuesToDiagnostics(
  issues: readonly z.core.$ZodIssue[],
  { code, at, nodeId }: { code: DiagnosticCode; at: string; nodeId?: string },
): Diagnostic[] {
  return issues.map((issue) => {
    const where = pointer(at, ...issue.path.map(String))
    return problem(
      code,
      where,
      `${issue.message}.`.replace(/\.\.$/, '.'),
      nodeId === undefined ? {} : { nodeId },
    )
  })
}
