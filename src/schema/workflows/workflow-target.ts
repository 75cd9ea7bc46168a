import { readGlobalId, type WorkflowId } from '../../lib/index.ts'
import { rowId } from '../kit/index.ts'

/** The workflow that an input names, at the revision that it expects. */
export function workflowTarget({
  id,
  expectedRevision,
}: {
  readonly id: string
  readonly expectedRevision?: number | null | undefined
}) {
  return {
    id: rowId(readGlobalId<WorkflowId>('Workflow', id) ?? '') as WorkflowId,
    expectedRevision: expectedRevision ?? null,
  }
}
