import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { CORE_BLOCKS } from '../../src/blocks/core/core-blocks.ts'
import type { PrismaClient } from '../../src/db/generated/prisma/client.ts'
import { createPrisma } from '../../src/db/prisma.ts'
import { createDefinitionStore } from '../../src/db/stores/definition-store.ts'
import { createVersionStore, type VersionStore } from '../../src/db/stores/version-store.ts'
import { createWorkflowStore } from '../../src/db/stores/workflow-store.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { newId, type WorkflowId } from '../../src/lib/ids.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createDrafts, type Drafts } from '../../src/workflows/drafts.ts'
import { createPublishing, type Publishing, type PublishResult } from '../../src/workflows/publishing.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { OWNER, STRANGER } from '../support/jobs.ts'
import { UNBOUNDED } from '../support/quotas.ts'

let database: TestDatabase
let prisma: PrismaClient
let drafts: Drafts
let publishing: Publishing
let versions: VersionStore
const registry = new BlockRegistry()
for (const block of CORE_BLOCKS) registry.register(block)

beforeAll(async () => {
  database = await createTestDatabase()
  prisma = createPrisma(database.pool)
  const plans = new PlanCache(registry)
  const workflows = createWorkflowStore(database.pool)
  versions = createVersionStore(database.pool)
  const reader = () => async (document: unknown) => plans.read(document)
  drafts = createDrafts({ workflows, reader, clock: systemClock, quotas: UNBOUNDED })
  publishing = createPublishing({
    workflows,
    versions,
    definitions: createDefinitionStore(database.pool),
    quotas: UNBOUNDED,
    reader,
    clock: systemClock,
  })
})

afterAll(async () => {
  await prisma.$disconnect()
  await database.drop()
})

const holding = (value: unknown) => ({
  nodes: [{ id: 'one', type: 'core.transform', config: { value } }],
  edges: [],
})

async function workflow(definition: unknown = holding(1)) {
  const result = await drafts.create(OWNER, { definition })
  if (result.kind !== 'saved') throw new Error(result.kind)
  return { ownerId: OWNER, id: result.id, expectedRevision: null }
}

function numberOf(result: PublishResult): number {
  if (result.kind !== 'published') throw new Error(result.kind)
  return result.number
}

async function versionsOf(id: WorkflowId) {
  const { rows } = await database.pool.query<{ number: number; note: string; hash: string }>(
    `SELECT number, note, d.hash FROM workflow_versions v JOIN definitions d ON d.id = v.definition_id
     WHERE workflow_id = $1 ORDER BY number`,
    [id],
  )
  return rows
}

describe('publish', () => {
  test('numbers versions from 1, and an unchanged draft makes no other', async () => {
    const target = await workflow()
    expect(await publishing.publish(target, 'first')).toMatchObject({ number: 1, isUnchanged: false })
    expect(await publishing.publish(target, 'again')).toMatchObject({ number: 1, isUnchanged: true })
    await drafts.update(target, { definition: holding(2) })
    expect(await publishing.publish(target, 'second')).toMatchObject({ number: 2, isUnchanged: false })
    expect((await versionsOf(target.id)).map(({ number, note }) => [number, note])).toEqual([
      [1, 'first'],
      [2, 'second'],
    ])
  })

  test('does not count the order of keys as a change', async () => {
    const target = await workflow({ nodes: [{ id: 'one', type: 'core.transform', config: { value: 1 } }] })
    await publishing.publish(target, '')
    await drafts.update(target, {
      definition: { nodes: [{ config: { value: 1 }, type: 'core.transform', id: 'one' }] },
    })
    expect(await publishing.publish(target, '')).toMatchObject({ number: 1, isUnchanged: true })
  })

  test('by many at once makes one version of one draft', async () => {
    const target = await workflow()
    const results = await Promise.all(Array.from({ length: 12 }, () => publishing.publish(target, '')))
    expect(results.map(numberOf)).toEqual(results.map(() => 1))
    expect(results.filter((one) => one.kind === 'published' && !one.isUnchanged)).toHaveLength(1)
    expect(await versionsOf(target.id)).toHaveLength(1)
  })

  test('in the middle of edits gives numbers without a gap, each version a draft that was seen', async () => {
    const target = await workflow()
    const turn = async (value: number) => {
      await drafts.update(target, { definition: holding(value) })
      return numberOf(await publishing.publish(target, ''))
    }
    await Promise.all(Array.from({ length: 10 }, (_, index) => turn(index)))
    const numbers = (await versionsOf(target.id)).map(({ number }) => number)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
  })

  test('refuses what cannot run, with all diagnostics, and stores nothing', async () => {
    const target = await workflow({ nodes: [{ id: 'a', type: 'no.such', config: {} }], edges: [] })
    expect(await publishing.publish(target, '')).toMatchObject({
      kind: 'unsound',
      diagnostics: [{ code: 'BLOCK_UNKNOWN', pointer: '/nodes/0/type' }],
    })
    expect(await versionsOf(target.id)).toEqual([])
  })

  test('refuses a revision that is not there any more, and an archived workflow', async () => {
    const target = await workflow()
    await drafts.update(target, { name: 'Changed' })
    const seen = { ...target, expectedRevision: 1 }
    expect(await publishing.publish(seen, '')).toMatchObject({ kind: 'conflict', revision: 2 })
    await drafts.archive(target, true)
    expect(await publishing.publish(target, '')).toEqual({ kind: 'archived' })
    await drafts.archive(target, false)
    expect(await publishing.publish({ ...target, expectedRevision: 2 }, '')).toMatchObject({ number: 1 })
  })

  test('refuses a note that is too long', async () => {
    const result = await publishing.publish(await workflow(), 'x'.repeat(2_001))
    expect(result).toMatchObject({ kind: 'invalid', path: ['input', 'note'] })
  })
})

describe('create', () => {
  test('publishes version 1 with the workflow', async () => {
    const created = await publishing.create(OWNER, { name: 'Born published', definition: holding(1) })
    if (created.kind !== 'published') throw new Error(created.kind)
    expect(created.number).toBe(1)
    expect(await versionsOf(created.id)).toHaveLength(1)
    expect(await prisma.workflow.findUnique({ where: { id: created.id } })).toMatchObject({
      name: 'Born published',
      draft: holding(1),
      revision: 1,
      publishedNumber: 1,
    })
  })

  test('makes nothing of what cannot run', async () => {
    const before = await prisma.workflow.count()
    expect(await publishing.create(OWNER, { definition: { nodes: [] } })).toMatchObject({ kind: 'unsound' })
    expect(await prisma.workflow.count()).toBe(before)
  })
})

describe('rollback', () => {
  test('makes a new version equal to the old one, and the draft, too', async () => {
    const target = await workflow(holding('old'))
    await publishing.publish(target, '')
    await drafts.update(target, { definition: holding('new') })
    await publishing.publish(target, '')
    const result = await publishing.rollback(target, { number: 1, note: 'back' })
    expect(result).toMatchObject({ number: 3, isUnchanged: false })
    const [first, second, third] = await versionsOf(target.id)
    expect(third).toEqual({ number: 3, note: 'back', hash: first?.hash })
    expect(second?.hash).not.toBe(first?.hash)
    expect(await prisma.workflow.findUnique({ where: { id: target.id } })).toMatchObject({
      draft: holding('old'),
      revision: 3,
    })
    // What was rolled back to is published: there is nothing new in the draft.
    expect(await publishing.publish(target, '')).toMatchObject({ number: 3, isUnchanged: true })
  })

  test('to the newest version only puts the draft back', async () => {
    const target = await workflow(holding('kept'))
    await publishing.publish(target, '')
    await drafts.update(target, { definition: holding('dropped') })
    const result = await publishing.rollback(target, { number: 1, note: '' })
    expect(result).toMatchObject({ number: 1, isUnchanged: true })
    expect(await prisma.workflow.findUnique({ where: { id: target.id } })).toMatchObject({
      draft: holding('kept'),
      revision: 3,
    })
  })

  test('refuses a version that is not there, and a draft that somebody has changed since', async () => {
    const target = await workflow()
    await publishing.publish(target, '')
    for (const number of [0, 2, -1])
      expect(await publishing.rollback(target, { number, note: '' })).toEqual({ kind: 'noSuchVersion' })
    await drafts.update(target, { name: 'Changed' })
    const seen = { ...target, expectedRevision: 1 }
    expect(await publishing.rollback(seen, { number: 1, note: '' })).toMatchObject({
      kind: 'conflict',
      revision: 2,
    })
  })
})

test('another owner’s workflow can be neither published, rolled back nor chosen (P8)', async () => {
  const mine = await workflow()
  await publishing.publish(mine, '')
  for (const id of [mine.id, newId<WorkflowId>()]) {
    const target = { ownerId: STRANGER, id, expectedRevision: null }
    expect(await publishing.publish(target, '')).toEqual({ kind: 'notFound' })
    expect(await publishing.rollback(target, { number: 1, note: '' })).toEqual({ kind: 'notFound' })
    expect(await versions.choose(target, { version: null, draft: false })).toEqual({ kind: 'notFound' })
    expect(await versions.definition(target, 1)).toBeNull()
    const page = { limit: 5, beyond: null, direction: 'forward', isDescending: true } as const
    expect(await versions.pagesOf(target.ownerId, [id], page)).toEqual([[]])
  }
})

test('an execution runs the newest version, a given one, or the draft', async () => {
  const target = await workflow(holding(1))
  const chosen = async (choice: { version?: number; draft?: boolean }) => {
    const found = await versions.choose(target, { version: null, draft: false, ...choice })
    return found.kind === 'found' ? [found.definition, found.versionId !== null] : found.kind
  }
  expect(await chosen({})).toEqual([holding(1), false])
  await publishing.publish(target, '')
  await drafts.update(target, { definition: holding(2) })
  await publishing.publish(target, '')
  await drafts.update(target, { definition: holding(3) })
  expect(await chosen({})).toEqual([holding(2), true])
  expect(await chosen({ version: 1 })).toEqual([holding(1), true])
  expect(await chosen({ draft: true })).toEqual([holding(3), false])
  expect(await chosen({ version: 9 })).toBe('noSuchVersion')
  await drafts.archive(target, true)
  expect(await chosen({})).toBe('archived')
})
