import { CriticalityLevel, diff, DiffRule } from '@graphql-inspector/core'
import type { GraphQLSchema } from 'graphql'

/** A change of the schema that can break a client. */
export interface BreakingChange {
  /** Where: `Workflow.name`, or `Query.workflows.first` for an argument. */
  readonly path: string
  readonly message: string
}

/** The breaking changes that lead from one schema to another, save those of deprecated fields and those accepted. */
export async function unacceptedChanges(
  earlier: GraphQLSchema,
  later: GraphQLSchema,
  accepted: ReadonlySet<string>,
): Promise<readonly BreakingChange[]> {
  const changes = await diff(earlier, later, [DiffRule.suppressRemovalOfDeprecatedField])
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path = '', message }) => ({ path, message }))
    .filter(({ path }) => !accepted.has(path))
}

/** The paths in a page's table of accepted changes: the first cell of each row, in code marks. */
export function acceptedPaths(page: string): ReadonlySet<string> {
  return new Set([...page.matchAll(/^\|\s*`([^`]+)`\s*\|\s*\S.*\|\s*$/gm)].map(([, path = '']) => path))
}
