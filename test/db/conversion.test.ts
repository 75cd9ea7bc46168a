import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type pg from 'pg'
import { convertToLog } from '../../src/db/conversion/convert-to-log.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { openPool, type TestDatabase } from '../support/database.ts'
import { createEarlierDatabase } from '../support/earlier-build.ts'
import { copyEarlierTables, requireSameLogsAndTables } from '../support/logs-and-tables.ts'
import { requireWholeLogs } from '../support/whole-logs.ts'

const BATCH_JOBS = 4

let database: TestDatabase
const lines: { readonly jobs?: number }[] = []
const logger = { info: (line: unknown) => void lines.push(line as { jobs?: number }) }

beforeEach(async () => {
  database = await createEarlierDatabase()
  await migrate(database.pool)
  await copyEarlierTables(database.pool)
  lines.length = 0
})

afterEach(() => database.drop())

test('the logs of all jobs of build 708d1c0 say what its tables say, and long ones have pages', async () => {
  const count = await convertToLog(database.pool, { logger })
  expect(count).toBeGreaterThan(30)
  expect(lines.at(-1)).toEqual({ jobs: count })
  await requireSameLogsAndTables(database.pool)
  await requireWholeLogs(database.pool)
  expect(await countOf('jobs WHERE entry_no <= 0 AND last_seq > 0')).toBe(0)
  expect(await countOf('jobs WHERE entry_no > 0')).toBe(count)
  expect(await countOf('job_pages')).toBeGreaterThan(1)
  expect(await countOf('job_values')).toBeGreaterThan(5)
  expect(await countOf('log_conversion')).toBe(0)
  expect(
    await countOf(
      `pg_tables WHERE schemaname = 'public' AND tablename IN ('steps', 'job_events', 'loop_items')`,
    ),
  ).toBe(0)
  expect(await convertToLog(database.pool, { logger })).toBe(0)
})

test('a conversion that is killed between and inside of batches continues where it stopped', async () => {
  const counts: number[] = []
  // Each run is killed before a later statement than the one before, until one is quick enough to complete.
  for (let statements = 3, isDone = false; !isDone; statements += 8) {
    const pool = openPool(database.url)
    const run = convertToLog(dyingPool(await pool.connect(), statements), { logger, batchJobs: BATCH_JOBS })
    isDone = await run.then(
      () => true,
      () => false,
    )
    await pool.end()
    const converted = await countOf('jobs WHERE entry_no > 0')
    expect(isDone || converted % BATCH_JOBS === 0).toBe(true)
    counts.push(converted)
  }
  expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  expect(counts[0]).toBe(0)
  expect(new Set(counts).size).toBeGreaterThan(3)
  // Some were killed inside of a batch: those leave no part of it.
  expect(counts.length).toBeGreaterThan(new Set(counts).size)
  await requireSameLogsAndTables(database.pool)
  expect(await countOf('jobs WHERE entry_no <= 0 AND last_seq > 0')).toBe(0)
})

test('of three processes that start at once, one converts and the others wait for it', async () => {
  const pools = [1, 2, 3].map(() => openPool(database.url))
  try {
    const counts = await Promise.all(
      pools.map((pool) => convertToLog(pool, { logger, batchJobs: BATCH_JOBS })),
    )
    expect(counts.filter((count) => count > 0)).toHaveLength(1)
    await requireSameLogsAndTables(database.pool)
  } finally {
    for (const pool of pools) await pool.end()
  }
})

test('a job that a worker of an earlier build holds refuses the upgrade by the worker’s name, until its lease ends', async () => {
  const earlier = await createEarlierDatabase()
  try {
    const { rows } = await earlier.pool.query<{ holder: string }>(
      `UPDATE jobs SET lease_until = now() + interval '1 min' WHERE holder IS NOT NULL RETURNING holder`,
    )
    await expect(migrate(earlier.pool)).rejects.toMatchObject({
      code: 'OLDER_PROCESS_RUNNING',
      message: expect.stringContaining(rows[0]?.holder ?? 'no holder'),
    })
    // Nothing has changed: the earlier build continues.
    await earlier.pool.query(`UPDATE jobs SET lease_until = now() - interval '1 s' WHERE holder IS NOT NULL`)
    await migrate(earlier.pool)
    expect(await convertToLog(earlier.pool, { logger })).toBeGreaterThan(30)
  } finally {
    await earlier.drop()
  }
})

test('where no other process can use the database, a lease of a dead worker does not refuse the upgrade', async () => {
  const earlier = await createEarlierDatabase()
  try {
    await earlier.pool.query(
      `UPDATE jobs SET lease_until = now() + interval '1 min' WHERE holder IS NOT NULL`,
    )
    await migrate(earlier.pool, { isAlone: true })
  } finally {
    await earlier.drop()
  }
})

test('an idle process of build 708d1c0 can claim, renew and store nothing after the upgrade', async () => {
  const before = await database.pool.query('SELECT * FROM jobs ORDER BY id')
  for (const statement of EARLIER_STATEMENTS)
    await expect(database.pool.query(statement)).rejects.toThrow('column "lease_until"')
  expect((await database.pool.query('SELECT * FROM jobs ORDER BY id')).rows).toEqual(before.rows)
})

const EARLIER_TAKE = `holder = gen_random_uuid(), lease_until = now() + 15000 * interval '1 ms', fence = fence + 1, wake_at = NULL`

/** As build 708d1c0 sends them, with values in place of the parameters. */
const EARLIER_STATEMENTS = [
  `WITH best AS MATERIALIZED (
     SELECT id FROM jobs WHERE holder IS NULL AND wake_at <= now()
     ORDER BY priority DESC, wake_at, id LIMIT 50 FOR UPDATE SKIP LOCKED
   )
   UPDATE jobs SET ${EARLIER_TAKE} FROM best WHERE jobs.id = best.id RETURNING jobs.id`,
  `WITH expired AS MATERIALIZED (
     SELECT id FROM jobs WHERE holder IS NOT NULL AND lease_until < now()
     ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED
   )
   UPDATE jobs SET ${EARLIER_TAKE}, recoveries = recoveries + 1 FROM expired WHERE jobs.id = expired.id RETURNING jobs.id`,
  `WITH held AS (
     SELECT id FROM jobs WHERE holder IS NOT NULL ORDER BY id FOR NO KEY UPDATE
   )
   UPDATE jobs SET lease_until = now() + 15000 * interval '1 ms' FROM held WHERE jobs.id = held.id RETURNING jobs.id`,
  `INSERT INTO jobs (id, owner_id, type, status, handler, priority, total_nodes, created_at, wake_at, last_seq, holder,
     lease_until, fence, parent_id, parent_path, depth)
   SELECT gen_random_uuid(), 'local', 'WORKFLOW', 'QUEUED', 'engine', 0, 1, now(), now(), 1, NULL, NULL, 0, NULL, NULL, 0`,
]

/** A pool of one connection, which the server ends before the statement of that number. */
function dyingPool(client: pg.PoolClient, statements: number): pg.Pool {
  let left = statements
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
  const dying = Object.assign(Object.create(client) as pg.PoolClient, {
    query: async (...args: unknown[]) => {
      if (left-- === 0) {
        const { rows } = (await query('SELECT pg_backend_pid() AS pid')) as { rows: { pid: number }[] }
        await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
      }
      return query(...args)
    },
    release: (...args: [boolean?]) => client.release(...args),
  })
  return { connect: () => Promise.resolve(dying) } as unknown as pg.Pool
}

async function countOf(what: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${what}`)
  return rows[0]?.count ?? 0
}
