import type { ChosenDefinition, DefinitionChoice, VersionStore } from '../../db/stores/index.ts'
import type { WorkflowKey } from './published-versions.ts'
import { SMALL_LOAD_MAX_BYTES, type StoredLoads } from './stored-loads.ts'

/** What is needed to load the definition of a workflow. */
export interface ChoicePorts {
  readonly versions: Pick<VersionStore, 'choose' | 'chooseSmall'>
  readonly loads: StoredLoads
}

export interface Choosing {
  readonly workflow: WorkflowKey
  readonly choice: DefinitionChoice
  /** False for work that was accepted before: it waits for as long as it must. */
  readonly isRefusable: boolean
  /** The bytes of JSON text that the work loads beside the definition. Default 0. */
  readonly otherBytes?: number
  /** Called where the work may have to wait for memory. */
  readonly onLarge?: () => void
}

/**
 * Loads what an execution of a workflow would run, and does work with it. A large definition is loaded only when there is memory for it,
 * which is held until the work has ended. Rejects with `OwnerBusyError`.
 */
export async function useChosen<T>(
  { versions, loads }: ChoicePorts,
  { workflow, choice, isRefusable, otherBytes = 0, onLarge }: Choosing,
  work: (chosen: ChosenDefinition) => Promise<T>,
): Promise<T> {
  const chosen = await versions.chooseSmall(workflow, choice, SMALL_LOAD_MAX_BYTES)
  const bytes = otherBytes + (chosen.kind === 'large' ? chosen.bytes : 0)
  if (bytes > SMALL_LOAD_MAX_BYTES) onLarge?.()
  return loads.run({ ownerId: workflow.ownerId, bytes, isRefusable }, async () =>
    work(chosen.kind === 'large' ? await versions.choose(workflow, choice) : chosen),
  )
}
