import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createWorkflowStore, type WorkflowStore } from '../../src/db/stores/workflow-store.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { newId, type OwnerId, type WorkflowId } from '../../src/lib/ids.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createDrafts, type Drafts, type SaveResult } from '../../src/workflows/drafts.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { OWNER, STRANGER } from '../support/jobs.ts'
import { UNBOUNDED } from '../support/quotas.ts'
import { watchValues } from '../support/large-values.ts'

let database: TestDatabase
let workflows: WorkflowStore
let drafts: Drafts
const plans = new PlanCache(new BlockRegistry())

beforeAll(async () => {
  database = await createTestDatabase()
  workflows = createWorkflowStore(database.pool)
  const reader = () => async (document: unknown) => plans.read(document)
  drafts = createDrafts({
    workflows,
    reader,
    clock: systemClock,
    quotas: UNBOUNDED,
  })
})

afterAll(async () => {
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
  const target = { ownerId: OWNER, id, expectedRevision: 1 }
  const saves = await Promise.all(
    Array.from({ length: 10 }, (_, n) => drafts.update(target, { name: `Save ${n}` })),
  )
  expect(saves.filter(({ kind }) => kind === 'saved')).toHaveLength(1)
  expect(saves.filter(({ kind }) => kind === 'conflict')).toHaveLength(9)
  for (const save of saves) if (save.kind === 'conflict') expect(save.revision).toBe(2)
})

test('a save whose answer was lost is answered again, whatever was expected, and makes no revision', async () => {
  const { id } = saved(await drafts.create(OWNER, { name: 'Autosaved' }))
  const target = { ownerId: OWNER, id, expectedRevision: 1 }
  const save = { name: 'Better', tags: ['a'], definition: { nodes: [], edges: [], zebra: 1, ant: 2 } }
  const first = saved(await drafts.update(target, save))
  expect(first.revision).toBe(2)
  expect(saved(await drafts.update(target, save)).revision).toBe(2)
  expect(saved(await drafts.update({ ...target, expectedRevision: null }, save)).revision).toBe(2)
  const twice = await Promise.all(
    [1, 2].map(() => drafts.update({ ...target, expectedRevision: 2 }, { name: 'Best' })),
  )
  expect(twice.map((each) => saved(each).revision)).toEqual([3, 3])
  expect(await drafts.update(target, { ...save, tags: [] })).toMatchObject({ kind: 'conflict', revision: 3 })
})

test('a save of the same members in another order is a change, for their order is kept', async () => {
  const { id } = saved(await drafts.create(OWNER, { definition: { nodes: [], edges: [] } }))
  const target = { ownerId: OWNER, id, expectedRevision: null }
  expect(saved(await drafts.update(target, { definition: { edges: [], nodes: [] } })).revision).toBe(2)
})

test('a draft is sent to the database once, and is not read back unless its diagnostics are asked for', async () => {
  const definition = {
    nodes: [{ id: 'a', type: 'no.such', config: { text: 'x'.repeat(100_000) } }],
    edges: [],
  }
  const text = JSON.stringify(definition)
  const statements = watchValues(database.pool)
  try {
    const created = saved(await drafts.create(OWNER, { definition }))
    expect(statements.take()).toEqual({ sent: [text], hasRead: false })
    const target = { ownerId: OWNER, id: created.id, expectedRevision: null }
    expect((await created.diagnostics()).map(({ code }) => code)).toEqual(['BLOCK_UNKNOWN'])
    expect(statements.take()).toEqual({ sent: [], hasRead: false })

    const repeated = saved(await drafts.update(target, { definition }))
    expect(repeated.revision).toBe(1)
    const renamed = saved(await drafts.update(target, { name: 'Renamed' }))
    const copied = saved(await drafts.duplicate(target, { name: null }))
    expect(statements.take()).toEqual({ sent: [], hasRead: false })
    const changed = { ...definition, edges: [], metadata: {} }
    expect(saved(await drafts.update(target, { definition: changed })).revision).toBe(3)
    expect(statements.take()).toEqual({ sent: [JSON.stringify(changed)], hasRead: false })

    for (const { diagnostics } of [renamed, copied]) {
      expect((await diagnostics()).map(({ code }) => code)).toEqual(['BLOCK_UNKNOWN'])
      expect(statements.take()).toEqual({ sent: [], hasRead: true })
    }
    const { rows } = await database.pool.query(
      'SELECT name, draft::text AS draft, draft_hash = (SELECT draft_hash FROM workflows WHERE id = $2) AS "isSame" FROM workflows WHERE id = $1',
      [copied.id, target.id],
    )
    expect(rows).toEqual([{ name: 'Copy of Renamed', draft: text, isSame: false }])
  } finally {
    statements.stop()
  }
})

test('large drafts of two owners are saved one at a time, in turns, however many one owner sends', async () => {
  const definition = (id: string) => ({ nodes: [], edges: [], metadata: { id, text: 'x'.repeat(100_000) } })
  const order: string[] = []
  const watched: WorkflowStore = {
    ...workflows,
    async insert(owner, fields, at) {
      order.push(`${fields.name} begins`)
      const id = await workflows.insert(owner, fields, at)
      order.push(`${fields.name} ends`)
      return id
    },
  }
  const inTurns = createDrafts({
    workflows: watched,
    reader: () => async (document) => plans.read(document),
    clock: systemClock,
    quotas: UNBOUNDED,
  })
  const save = (owner: OwnerId, name: string) => inTurns.create(owner, { name, definition: definition(name) })
  await Promise.all([
    ...['first', 'second', 'third'].map((name) => save(OWNER, name)),
    save(STRANGER, 'other'),
  ])
  const own = order.filter((line) => !line.startsWith('other'))
  expect(own).toEqual(['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]))
  expect(order.indexOf('other begins')).toBeLessThan(order.indexOf('second begins'))
})

test('a delete of an older revision is refused, and what is deleted is gone', async () => {
  const { id } = saved(await drafts.create(OWNER, { name: 'Short-lived' }))
  const target = { ownerId: OWNER, id, expectedRevision: null }
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
  for (const each of [id, newId<WorkflowId>()]) {
    const target = { ownerId: STRANGER, id: each, expectedRevision: null }
    expect(await drafts.update(target, { name: 'Theirs' })).toEqual({ kind: 'notFound' })
    expect(await drafts.delete(target)).toEqual({ kind: 'notFound' })
    expect(await drafts.duplicate(target, { name: null })).toEqual({ kind: 'notFound' })
    expect(await drafts.validate(target)).toBeNull()
    expect(await workflows.find(target)).toBeNull()
    expect(await workflows.draft(target)).toBeUndefined()
    expect(await workflows.compare(target, {})).toBeNull()
  }
  expect(await workflows.find({ ownerId: OWNER, id })).toMatchObject({ name: 'Mine', revision: 1 })
})

function saved(result: SaveResult): Extract<SaveResult, { kind: 'saved' }> {
  if (result.kind !== 'saved') throw new Error(result.kind)
  return result
}
