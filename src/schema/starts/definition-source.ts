import type { ChosenDefinition, DefinitionChoice } from '../../db/stores/index.ts'
import type { ReadDefinition } from '../../engine/validate/index.ts'
import { startStored, useChosen, type StartRequest, type StartResult } from '../../jobs/start/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import { readGlobalId, type WorkflowId } from '../../lib/index.ts'
import { InvalidArgumentError, NotFoundError, WorkflowArchivedError } from '../errors/index.ts'
import type { Context } from '../kit/index.ts'

/** How an input names a definition: exactly one of the first two. */
export interface DefinitionSourceInput {
  readonly workflowId?: string | null | undefined
  readonly definition?: unknown
  /** Of the workflow; default: the newest, or the draft where nothing is published. */
  readonly version?: number | null | undefined
  readonly draft?: boolean | null | undefined
}

/** The part of a start that the input of a definition answers. */
export type SourceOfStart = Pick<StartRequest, 'definition' | 'known' | 'versionId' | 'workflowId' | 'choice'>

/** The definition that an input names. */
interface NamedDefinition {
  /** Null: it was given in place. */
  readonly workflowId: WorkflowId | null
  /** Loads and validates it. Rejects with `NotFoundError` or `WorkflowArchivedError`. */
  readonly validate: () => Awaitable<Pick<ReadDefinition, 'plan' | 'diagnostics'>>
}

/** Finds the definition that an input names: in place, or of a stored workflow. `path` leads to the input. */
export function readDefinitionSource(
  input: DefinitionSourceInput,
  {
    versions,
    loads,
    readDefinition,
    ownerId,
  }: Pick<Context, 'versions' | 'loads' | 'readDefinition' | 'ownerId'>,
  path: readonly string[] = ['input'],
): NamedDefinition {
  const source = parseSource(input, path)
  if (source.kind === 'inPlace')
    return { workflowId: null, validate: () => readDefinition(source.definition) }
  const { id, choice } = source
  const choosing = { workflow: { ownerId, id }, choice, isRefusable: true }
  return {
    workflowId: id,
    validate: () =>
      useChosen({ versions, loads }, choosing, async (chosen) => {
        if (chosen.kind !== 'found') throw notExecutable(chosen, path)
        const { plan, diagnostics } = await readDefinition(chosen.definition)
        return { plan, diagnostics }
      }),
  }
}

/**
 * Starts the definition that an input names. `start` may be called twice: first with what memory knows of the workflow, then
 * with what the database holds.
 */
export function startDefinitionSource(
  input: DefinitionSourceInput,
  { versions, loads, published, ownerId }: Pick<Context, 'versions' | 'loads' | 'published' | 'ownerId'>,
  {
    path = ['input'],
    start,
  }: {
    /** Leads to the input. */
    readonly path?: readonly string[]
    readonly start: (source: SourceOfStart) => Promise<StartResult>
  },
): Promise<StartResult> {
  const source = parseSource(input, path)
  if (source.kind === 'inPlace') return start({ definition: source.definition, workflowId: null })
  const { id, choice } = source
  const starting = startStored(
    { versions, loads, published },
    {
      workflow: { ownerId, id },
      choice,
      isRefusable: true,
      start: (definition) => start({ ...definition, workflowId: id, choice }),
    },
  )
  return starting.then((result) => {
    switch (result.kind) {
      case 'notFound':
      case 'noSuchVersion':
      case 'archived':
        throw notExecutable(result, path)
      default:
        return result
    }
  })
}

type Source =
  | { readonly kind: 'inPlace'; readonly definition: unknown }
  | { readonly kind: 'stored'; readonly id: WorkflowId; readonly choice: DefinitionChoice }

function parseSource(
  { workflowId, definition, version = null, draft }: DefinitionSourceInput,
  path: readonly string[],
): Source {
  if ((definition == null) === (workflowId == null)) {
    throw new InvalidArgumentError('Give either `workflowId` or `definition`.', path)
  }
  if (workflowId == null && (version !== null || draft)) {
    throw new InvalidArgumentError('`version` and `draft` go with `workflowId`.', path)
  }
  if (version !== null && draft) {
    throw new InvalidArgumentError('Give either `version` or `draft`.', [...path, 'version'])
  }
  if (workflowId == null) return { kind: 'inPlace', definition }
  const id = readGlobalId<WorkflowId>('Workflow', workflowId)
  if (!id) throw notExecutable({ kind: 'notFound' }, path)
  return { kind: 'stored', id, choice: { version, draft: draft ?? false } }
}

function notExecutable(
  { kind }: Exclude<ChosenDefinition, { kind: 'found' }>,
  path: readonly string[],
): NotFoundError | WorkflowArchivedError {
  switch (kind) {
    case 'notFound':
      return new NotFoundError('workflow', [...path, 'workflowId'])
    case 'noSuchVersion':
      return new NotFoundError('version', [...path, 'version'])
    case 'archived':
      return new WorkflowArchivedError([...path, 'workflowId'])
  }
}
