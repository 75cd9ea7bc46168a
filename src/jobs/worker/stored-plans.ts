import type { DefinitionStore, StoredDefinition } from '../../db/stores/index.ts'
import type { Asker, PlanCache, Validation } from '../../engine/validate/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { OwnerTurns } from '../../lib/turns/index.ts'

export interface StoredPlansOptions {
  readonly definitions: Pick<DefinitionStore, 'body' | 'smallBody'>
  readonly plans: Pick<PlanCache, 'known' | 'validate'>
}

/**
 * Validates definitions of stored jobs. The body of a definition is read only where its plan is not kept. Large bodies are read
 * and compiled one at a time, and owners take turns, so that many large definitions are never in memory together.
 */
export class StoredPlans {
  readonly #options: StoredPlansOptions
  readonly #turns = new OwnerTurns({
    what: 'large definitions',
    maxWaiting: Number.POSITIVE_INFINITY,
    allowance: null,
  })

  constructor(options: StoredPlansOptions) {
    this.#options = options
  }

  async validate(definition: StoredDefinition, asker: Asker): Promise<Validation> {
    const { definitions, plans } = this.#options
    const { id, hash } = definition
    const known = plans.known(hash)
    if (known) return known
    const small = await definitions.smallBody(id)
    if (small !== undefined) return plans.validate({ hash, body: small }, asker)
    const validate = async () =>
      plans.known(hash) ?? plans.validate({ hash, body: await definitions.body(id) }, asker)
    return this.#turns.run(asker.ownerId, validate, { isRefusable: false })
  }

  /** The body of a definition, whatever its size. */
  async bodyOf({ id }: StoredDefinition): Promise<Json> {
    const { definitions } = this.#options
    return (await definitions.smallBody(id)) ?? (await definitions.body(id))
  }
}
