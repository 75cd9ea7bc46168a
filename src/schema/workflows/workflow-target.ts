import type { WorkflowId } from '../../lib/ids.ts'
import { readGlobalId } from '../../lib/global-id.ts'
import { rowId } from '../kit/global-id.ts'

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
