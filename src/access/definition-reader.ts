import type { DefinitionReader, PlanCache } from '../engine/plan-cache.ts'
import type { SecretVault } from './secrets.ts'

/** Reads definitions for owners: the secrets that they lack are told, too. One reader asks for the names once. */
export function createDefinitionReader({
  plans,
  vault,
}: {
  readonly plans: PlanCache
  readonly vault: Pick<SecretVault, 'names'>
}): DefinitionReader {
  return (ownerId) => {
    let names: Promise<ReadonlySet<string>> | null = null
    return async (document) => {
      const read = plans.read(document)
      if (read.secretUses.length === 0) return read
      names ??= vault.names(ownerId).then((all) => new Set(all))
      return plans.read(document, await names)
    }
  }
}
