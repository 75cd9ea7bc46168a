import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { jobRow } from '../support/jobs.ts'
import { recordsOf } from '../support/recorded.ts'
import { loopOf, storeWorkflow } from '../support/trees.ts'
import { until } from '../support/until.ts'

const PATIENCE_MS = 60_000

let database: TestDatabase
let fleet: Fleet

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs, workflows CASCADE')
  fleet = createFleet(database)
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

const hasEnded = (id: JobId) =>
  until(
    `job ${id} has ended`,
    async () => (await jobRow(database.pool, id)).finished_at !== null,
    PATIENCE_MS,
  )

async function descendantsOf(id: JobId): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM jobs WHERE root_id = $1',
    [id],
  )
  return rows[0]?.count ?? 0
}

test(
  'a tree of executions that call themselves stops growing at the limit, with a code that says so',
  async () => {
    const lume = await fleet.open({ concurrency: 8, maxDescendants: 60 })
    const id = await start(lume, loopOf(await storeWorkflow(lume, loopOf)))
    await hasEnded(id)
    expect(await descendantsOf(id)).toBeLessThanOrEqual(60)
    expect(await descendantsOf(id)).toBeGreaterThan(30)
    const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM jobs')
    const records = await recordsOf(
      database.pool,
      rows.map((row) => row.id),
    )
    const codes = [...records.values()].flatMap(({ steps }) =>
      steps.flatMap(({ path, error }) => (path.startsWith('each[') && error ? error.code : [])),
    )
    expect(new Set(codes.filter((code) => code !== 'CHILD_FAILED'))).toEqual(
      new Set(['TOO_MANY_DESCENDANTS']),
    )
    expect(await jobRow(database.pool, id)).toMatchObject({ status: 'FAILED' })
    await until('the rest of the tree has ended', async () => {
      const open = await database.pool.query('SELECT FROM jobs WHERE finished_at IS NULL')
      return open.rows.length === 0
    })
    // Every root has its own limit.
    expect(await jobRow(database.pool, await start(lume, loopOf('none')))).toBeDefined()
  },
  PATIENCE_MS,
)

test('descendants that have ended count, so that no loop of calls goes on without end', async () => {
  const lume = await fleet.open({ maxDescendants: 4 })
  const leaf = await storeWorkflow(lume, () => ({
    nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }],
    edges: [],
  }))
  const within = await start(lume, loopOf(leaf, { items: 4, concurrency: 1 }))
  const beyond = await start(lume, loopOf(leaf, { items: 5, concurrency: 1 }))
  await hasEnded(within)
  await hasEnded(beyond)
  expect(await jobRow(database.pool, within)).toMatchObject({ status: 'COMPLETED' })
  expect(await jobRow(database.pool, beyond)).toMatchObject({
    status: 'FAILED',
    error: { message: expect.stringContaining('LUME_MAX_DESCENDANTS') },
  })
  expect(await descendantsOf(beyond)).toBe(4)
})

test('the migration gives descendants that were stored before it their root', async () => {
  const { pool } = database
  const ids = ['a', 'b', 'c', 'd'].map((digit) => `00000000-0000-7000-8000-00000000000${digit}`)
  const [root, child, grandchild, single] = ids
  await pool.query(
    `INSERT INTO jobs (id, owner_id, type, status, parent_id)
     SELECT id, 'o', 'WORKFLOW', 'QUEUED', parent FROM unnest($1::uuid[], $2::uuid[]) AS n(id, parent)`,
    [ids, [null, root, child, null]],
  )
  const { readFile } = await import('node:fs/promises')
  const sql = await readFile('prisma/migrations/20261129110000_trees_and_quotas/migration.sql', 'utf8')
  const backFill = sql.slice(
    sql.indexOf('WITH RECURSIVE tree'),
    sql.indexOf(';', sql.indexOf('UPDATE jobs SET')),
  )
  await pool.query(backFill)
  const { rows } = await pool.query<{ id: string; root_id: string | null }>(
    'SELECT id, root_id FROM jobs ORDER BY id',
  )
  expect(rows).toEqual([
    { id: root, root_id: null },
    { id: child, root_id: root },
    { id: grandchild, root_id: root },
    { id: single, root_id: null },
  ])
})
