import { withMissingSecrets, type DefinitionReader, type PlanCache } from '../engine/validate/index.ts'
import type { SecretVault } from './secrets.ts'

/** Reads definitions for owners, and reports the secrets that they lack. One reader asks for the names once. */
export function createDefinitionReader({
  plans,
  vault,
}: {
  readonly plans: PlanCache
  readonly vault: Pick<SecretVault, 'names'>
}): DefinitionReader {
  return (ownerId, { isRefusable } = { isRefusable: true }) => {
    let names: Promise<ReadonlySet<string>> | null = null
    return async (document, plain) => {
      const read = await plans.read(document, { ownerId, isRefusable }, plain)
      if (read.secretUses.length === 0) return read
      names ??= vault.names(ownerId).then((all) => new Set(all))
      return withMissingSecrets(read, await names)
    }
  }
}
