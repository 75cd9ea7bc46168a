import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createLume, type Lume } from '../../src/index.ts'
import { newId, ownerId, type WorkflowId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const USER = 'user-1'

let database: TestDatabase
let lume: Lume
beforeAll(async () => {
  database = await createTestDatabase()
  lume = await createLume({ databaseUrl: database.url, logLevel: 'error' })
})
afterAll(async () => {
  await lume.close()
  await database.drop()
})

const holding = (value: unknown) => ({
  nodes: [{ id: 'one', type: 'core.transform', config: { value } }],
  edges: [],
})

async function workflow(): Promise<WorkflowId> {
  const { drafts, publishing } = lume.services
  const created = await publishing.create(ownerId(USER), { definition: holding('published') })
  if (created.kind !== 'published') throw new Error(created.kind)
  const target = { ownerId: ownerId(USER), id: created.id, expectedRevision: null }
  await drafts.update(target, { definition: holding('draft') })
  return created.id
}

test('a program runs the newest version of a workflow, a given one, or the draft', async () => {
  const workflowId = await workflow()
  const ran = async (payload: { version?: number; draft?: boolean }) =>
    (await lume.executions.executeWorkflow({ workflowId, ...payload }, { userId: USER })).result
  expect(await ran({})).toBe('published')
  expect(await ran({ version: 1 })).toBe('published')
  expect(await ran({ draft: true })).toBe('draft')
})

test('a program is told by a code why a workflow cannot run', async () => {
  const workflowId = await workflow()
  const run = (payload: { workflowId: string; version?: number; priority?: number }) =>
    lume.executions.executeWorkflow(payload, { userId: USER })
  await expect(run({ workflowId, version: 9 })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
  await expect(run({ workflowId, priority: 1_000 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  await expect(run({ workflowId: newId() })).rejects.toMatchObject({ code: 'WORKFLOW_NOT_FOUND' })
  const target = { ownerId: ownerId(USER), id: workflowId, expectedRevision: null }
  await lume.services.drafts.archive(target, true)
  await expect(run({ workflowId })).rejects.toMatchObject({ code: 'WORKFLOW_ARCHIVED' })
})
