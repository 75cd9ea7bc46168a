import type { Lume } from '../../src/app.ts'
import { globalId } from '../../src/lib/global-id.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { start } from './fleet.ts'
import { OWNER } from './jobs.ts'

/** The one node of a workflow that runs `body` once per item, for 10 items. */
export function loopOf(workflowId: string, { items = 10, concurrency = 10 } = {}) {
  const call = { id: 'call', type: 'core.callWorkflow', config: { workflowId } }
  const config = {
    items: Array.from({ length: items }, (_, n) => n),
    concurrency,
    body: { nodes: [call], edges: [] },
  }
  return { nodes: [{ id: 'each', type: 'core.forEach', config }], edges: [] }
}

/** Stores a workflow; the definition may name the workflow's own id. Returns its global id. */
export async function storeWorkflow(
  { services: { drafts } }: Lume,
  define: (ownId: string) => object,
): Promise<string> {
  const made = await drafts.create(OWNER, { name: 'A tree', definition: { nodes: [], edges: [] } })
  if (made.kind !== 'saved') throw new Error(made.kind)
  const { id, revision } = made
  const ownId = globalId('Workflow', id)
  const target = { ownerId: OWNER, id, expectedRevision: revision }
  const saved = await drafts.update(target, { definition: define(ownId) })
  if (saved.kind !== 'saved') throw new Error(saved.kind)
  return ownId
}

/** Starts a workflow whose only node calls another one. */
export function startCallOf(lume: Lume, workflowId: string): Promise<JobId> {
  return start(lume, {
    nodes: [{ id: 'call', type: 'core.callWorkflow', config: { workflowId } }],
    edges: [],
  })
}
