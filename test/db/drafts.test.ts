import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { PrismaClient } from '../../src/db/generated/prisma/client.ts'
import { createPrisma } from '../../src/db/prisma.ts'
import { createWorkflowStore, type WorkflowRow } from '../../src/db/stores/workflow-store.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { newId, type WorkflowId } from '../../src/lib/ids.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createDrafts, type Drafts, type SaveResult } from '../../src/workflows/drafts.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { OWNER, STRANGER } from '../support/jobs.ts'
import { UNBOUNDED } from '../support/quotas.ts'

let database: TestDatabase
let prisma: PrismaClient
let drafts: Drafts

beforeAll(async () => {
  database = await createTestDatabase()
  prisma = createPrisma(database.pool)
  const plans = new PlanCache(new BlockRegistry())
  const reader = () => async (document: unknown) => plans.read(document)
  drafts = createDrafts({
    workflows: createWorkflowStore(prisma),
    reader,
    clock: systemClock,
    quotas: UNBOUNDED,
  })
})

afterAll(async () => {
  await prisma.$disconnect()
  await database.drop()
})

test('a draft is kept as it was sent: its members in their order, its unknown fields with it', async () => {
  const definition = {
    zebra: 1,
    nodes: [{ type: 'no.such', id: 'a', data: { x: 1 } }],
    edges: [],
    ключ: ['é', '𝄞'],
  }
  const workflow = saved(await drafts.create(OWNER, { definition }))
  const { rows } = await database.pool.query('SELECT draft::text AS text FROM workflows WHERE id = $1', [
    workflow.id,
  ])
  expect(rows).toEqual([{ text: JSON.stringify(definition) }])
})

test('of many that save over the same revision, one does; the others are told the newer one', async () => {
  const { id } = saved(await drafts.create(OWNER, { name: 'Contested' }))
  const target = { ownerId: OWNER, id: id as WorkflowId, expectedRevision: 1 }
  const saves = await Promise.all(
    Array.from({ length: 10 }, (_, n) => drafts.update(target, { name: `Save ${n}` })),
  )
  expect(saves.filter(({ kind }) => kind === 'saved')).toHaveLength(1)
  expect(saves.filter(({ kind }) => kind === 'conflict')).toHaveLength(9)
  for (const save of saves) if (save.kind === 'conflict') expect(save.revision).toBe(2)
})

test('a save whose answer was lost is answered again, whatever was expected, and makes no revision', async () => {
  const { id } = saved(await drafts.create(OWNER, { name: 'Autosaved' }))
  const target = { ownerId: OWNER, id: id as WorkflowId, expectedRevision: 1 }
  const save = { name: 'Better', tags: ['a'], definition: { nodes: [], edges: [], zebra: 1, ant: 2 } }
  const first = saved(await drafts.update(target, save))
  expect(first.revision).toBe(2)
  expect(saved(await drafts.update(target, save))).toEqual(first)
  expect(saved(await drafts.update({ ...target, expectedRevision: null }, save))).toEqual(first)
  const twice = await Promise.all(
    [1, 2].map(() => drafts.update({ ...target, expectedRevision: 2 }, { name: 'Best' })),
  )
  expect(twice.map((each) => saved(each).revision)).toEqual([3, 3])
  expect(await drafts.update(target, { ...save, tags: [] })).toMatchObject({ kind: 'conflict', revision: 3 })
})

test('a save of the same members in another order is a change, for their order is kept', async () => {
  const { id } = saved(await drafts.create(OWNER, { definition: { nodes: [], edges: [] } }))
  const target = { ownerId: OWNER, id: id as WorkflowId, expectedRevision: null }
  expect(saved(await drafts.update(target, { definition: { edges: [], nodes: [] } })).revision).toBe(2)
})

test('a delete of an older revision is refused, and what is deleted is gone', async () => {
  const { id } = saved(await drafts.create(OWNER, { name: 'Short-lived' }))
  const target = { ownerId: OWNER, id: id as WorkflowId, expectedRevision: null }
  await drafts.update(target, { name: 'Changed' })
  expect(await drafts.delete({ ...target, expectedRevision: 1 })).toEqual({
    kind: 'conflict',
    id,
    revision: 2,
  })
  expect(await drafts.delete(target)).toEqual({ kind: 'deleted' })
  expect(await drafts.delete(target)).toEqual({ kind: 'notFound' })
  expect(await drafts.update(target, { name: 'Back' })).toEqual({ kind: 'notFound' })
})

test('another owner’s workflow behaves exactly as one that does not exist (P8)', async () => {
  const { id } = saved(await drafts.create(OWNER, { name: 'Mine' }))
  for (const each of [id as WorkflowId, newId<WorkflowId>()]) {
    const target = { ownerId: STRANGER, id: each, expectedRevision: null }
    expect(await drafts.update(target, { name: 'Theirs' })).toEqual({ kind: 'notFound' })
    expect(await drafts.delete(target)).toEqual({ kind: 'notFound' })
    expect(await createWorkflowStore(prisma).find(STRANGER, each)).toBeNull()
  }
  expect((await createWorkflowStore(prisma).find(OWNER, id as WorkflowId))?.name).toBe('Mine')
})

function saved(result: SaveResult): WorkflowRow {
  if (result.kind !== 'saved') throw new Error(result.kind)
  return result.workflow
}
