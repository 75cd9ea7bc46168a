import type { z } from 'zod'
import { pointer } from '../../../lib/json/index.ts'
import { problem, type Diagnostic, type DiagnosticCode } from '../../definition/index.ts'

type Issue = z.core.$ZodIssue

/** Turns Zod's issues into diagnostics; `at` is where the checked value stands in the definition. */
export function issuesToDiagnostics(
  issues: readonly Issue[],
  { code, at, nodeId }: { code: DiagnosticCode; at: string; nodeId?: string },
): Diagnostic[] {
  return issues.map(({ path, message }) => {
    const where = pointer(at, ...path.map(String))
    const text = `${message}.`.replace(/\.\.$/, '.')
    return problem(code, where, text, nodeId === undefined ? {} : { nodeId })
  })
}

/**
 * The issues that stand when those at some paths do not count. Of a union only the alternative counts that comes nearest:
 * "Invalid input" alone helps nobody.
 */
export function standingIssues(
  issues: readonly Issue[],
  isMoot: (path: readonly PropertyKey[]) => boolean,
): Issue[] {
  return issues.flatMap((issue) => {
    if (isMoot(issue.path)) return []
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
    const alternatives = issue.errors.map((inner) =>
      standingIssues(
        inner.map((one) => ({ ...one, path: [...issue.path, ...one.path] })),
        isMoot,
      ),
    )
    return alternatives.reduce((nearest, other) => (other.length < nearest.length ? other : nearest))
  })
}
