import { readGlobalId, type WorkflowId } from '../../lib/index.ts'
import { InvalidArgumentError, NotFoundError, WorkflowArchivedError, type Context } from '../kit/index.ts'

/** How an input names a definition: exactly one of the first two. */
export interface DefinitionSourceInput {
  readonly workflowId?: string | null | undefined
  readonly definition?: unknown
  /** Of the workflow; default: the newest, or the draft where nothing is published. */
  readonly version?: number | null | undefined
  readonly draft?: boolean | null | undefined
}

/** The definition that an input names: in place, or of a stored workflow. `path` leads to the input. */
export async function readDefinitionSource(
  { workflowId, definition, version = null, draft }: DefinitionSourceInput,
  { versions, ownerId }: Pick<Context, 'versions' | 'ownerId'>,
  path: readonly string[] = ['input'],
) {
  if ((definition == null) === (workflowId == null)) {
    throw new InvalidArgumentError('Give either `workflowId` or `definition`.', path)
  }
  if (workflowId == null && (version !== null || draft)) {
    throw new InvalidArgumentError('`version` and `draft` go with `workflowId`.', path)
  }
  if (version !== null && draft) {
    throw new InvalidArgumentError('Give either `version` or `draft`.', [...path, 'version'])
  }
  if (workflowId == null) return { definition, workflowId: null }
  const id = readGlobalId<WorkflowId>('Workflow', workflowId)
  const choice = { version, draft: draft ?? false }
  const chosen = id ? await versions.choose({ ownerId, id }, choice) : NO_WORKFLOW
  switch (chosen.kind) {
    case 'found':
      return { definition: chosen.definition, versionId: chosen.versionId, workflowId: id, choice }
    case 'notFound':
      throw new NotFoundError('workflow', [...path, 'workflowId'])
    case 'noSuchVersion':
      throw new NotFoundError('version', [...path, 'version'])
    case 'archived':
      throw new WorkflowArchivedError([...path, 'workflowId'])
  }
}

const NO_WORKFLOW = { kind: 'notFound' } as const
