import { closest } from '../../../lib/text/index.ts'
import { problem, type Diagnostic } from '../../definition/index.ts'
import { DiagnosticList } from './diagnostic-list.ts'
import type { SecretUse } from './inspection.ts'

const MAX_MISSING = 100

/**
 * Warns of secrets that are needed and not set, once for each node and name. A definition may be saved before its
 * secrets are set, so this is no error. `secretNames` null: nobody knows what is set.
 */
export function missingSecrets(
  uses: readonly SecretUse[],
  secretNames: ReadonlySet<string> | null,
): readonly Diagnostic[] {
  if (secretNames === null) return []
  const missing = new Map(
    uses
      .filter(({ name }) => !secretNames.has(name))
      // The first place of each is told.
      .toReversed()
      .map((use) => [`${use.nodeId} ${use.name}`, use]),
  )
  const list = new DiagnosticList()
  for (const { name, nodeId, pointer, range } of [...missing.values()].toReversed().slice(0, MAX_MISSING)) {
    const meant = closest(name, secretNames)
    list.add(
      problem('SECRET_UNAVAILABLE', pointer, `The secret "${name}" is not set.`, {
        severity: 'warning',
        nodeId,
        range,
        suggestion: meant ? `Did you mean "${meant}"?` : `Set the secret "${name}" before the workflow runs.`,
      }),
    )
  }
  return list.all
}
