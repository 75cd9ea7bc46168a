import { NotPublishedError } from '../../db/jobs/index.ts'
import type { ChosenDefinition, DefinitionChoice } from '../../db/stores/index.ts'
import type { KnownVersion, PublishedVersions, WorkflowKey } from './published-versions.ts'
import type { StartRequest, StartResult } from './start-execution.ts'
import { useChosen, type ChoicePorts } from './use-chosen.ts'

/** The part of a start that names what it runs. */
export type DefinitionOfStart = Pick<StartRequest, 'definition' | 'known' | 'versionId'>

/** The result of a start, or the reason why the workflow cannot be executed. */
export type StoredStartResult = StartResult | Exclude<ChosenDefinition, { kind: 'found' }>

export interface StoredStart {
  readonly workflow: WorkflowKey
  readonly choice: DefinitionChoice
  /** False for a start that no client could send again. */
  readonly isRefusable: boolean
  /** Starts an execution of this definition. It is called again where memory was out of date. */
  readonly start: (definition: DefinitionOfStart) => Promise<StartResult>
}

/**
 * Starts a stored workflow. Where the published version is wanted and memory knows it, the database is not asked for it: the
 * statement that stores the execution compares it. If that refuses it, or if anything else prevents the start, the workflow is
 * read, once. Unless it names the same version, the start is repeated with what the database holds.
 */
export async function startStored(
  { versions, loads, published }: ChoicePorts & { readonly published: PublishedVersions },
  { workflow, choice, isRefusable, start }: StoredStart,
): Promise<StoredStartResult> {
  const wantsPublished = choice.version === null && !choice.draft
  const known = wantsPublished ? published.get(workflow) : null
  const result = known && (await startKnown(known, start))
  if (result && isCompared(result)) return result
  return useChosen({ versions, loads }, { workflow, choice, isRefusable }, async (chosen) => {
    if (wantsPublished) remember(published, workflow, chosen)
    if (chosen.kind !== 'found') return chosen
    const { definition, versionId } = chosen
    return result && versionId === known.versionId ? result : start({ definition, versionId })
  })
}

/** Null where the version is not the published one. */
async function startKnown(known: KnownVersion, start: StoredStart['start']): Promise<StartResult | null> {
  try {
    return await start({ definition: null, known, versionId: known.versionId })
  } catch (fault) {
    if (fault instanceof NotPublishedError) return null
    throw fault
  }
}

/** Whether the database has compared the version. Any other result may be due to a version that is not the published one. */
function isCompared({ kind }: StartResult): boolean {
  return kind === 'started' || kind === 'idempotencyConflict'
}

function remember(published: PublishedVersions, workflow: WorkflowKey, chosen: ChosenDefinition): void {
  if (chosen.kind === 'found' && chosen.stored && chosen.versionId) {
    published.set(workflow, { versionId: chosen.versionId, definition: chosen.stored })
  } else published.delete(workflow)
}
