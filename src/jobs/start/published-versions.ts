import type { StoredDefinition } from '../../db/stores/index.ts'
import type { Plan } from '../../engine/definition/index.ts'
import type { PlanCache, Validation } from '../../engine/validate/index.ts'
import { RecentMap, type OwnerId, type WorkflowId, type WorkflowVersionId } from '../../lib/index.ts'

/**
 * Maximum number of workflows whose published version memory holds; each takes less than 1 KiB. The one that was not started
 * for the longest time makes room.
 */
export const PUBLISHED_VERSIONS_MAX = 10_000

/** A stored workflow of an owner. */
export interface WorkflowKey {
  readonly ownerId: OwnerId
  readonly id: WorkflowId
}

/** The version of a workflow that was the published one when it was read. */
export interface PublishedVersion {
  readonly versionId: WorkflowVersionId
  readonly definition: StoredDefinition
}

/** The validation of a definition that can run. */
type SoundValidation = Validation & { readonly plan: Plan }

/** A published version, with its plan. */
export interface KnownVersion extends PublishedVersion {
  readonly validation: SoundValidation
}

/**
 * The published versions of workflows as this process last read them, without bodies. An entry may be out of date at any time:
 * a start that uses one is stored only if the entry is still right (`NewJob.onlyIfPublished`).
 */
export class PublishedVersions {
  readonly #plans: Pick<PlanCache, 'known'>
  readonly #versions = new RecentMap<string, PublishedVersion>(PUBLISHED_VERSIONS_MAX)

  constructor(plans: Pick<PlanCache, 'known'>) {
    this.#plans = plans
  }

  /** The version of a workflow of this owner; null when it, or the plan of its definition, is not in memory. */
  get(workflow: WorkflowKey): KnownVersion | null {
    const version = this.#versions.get(keyOf(workflow))
    const validation = version && this.#plans.known(version.definition.hash)
    return validation && isSound(validation) ? { ...version, validation } : null
  }

  set(workflow: WorkflowKey, version: PublishedVersion): void {
    this.#versions.set(keyOf(workflow), version)
  }

  delete(workflow: WorkflowKey): void {
    this.#versions.delete(keyOf(workflow))
  }
}

function isSound(validation: Validation): validation is SoundValidation {
  return validation.plan !== null
}

/** The id of a workflow holds no space, so two owners never share a key. */
function keyOf({ ownerId, id }: WorkflowKey): string {
  return `${id} ${ownerId}`
}
