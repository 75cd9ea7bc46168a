import { afterEach, beforeEach, expect, test } from '@jest/globals'
import pg from 'pg'
import { convertToLog } from '../../src/db/conversion/convert-to-log.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openPool, type TestDatabase } from '../support/database.ts'
import { createEarlierDatabase } from '../support/earlier-build.ts'
import { requireSameLogsAndTables } from '../support/logs-and-tables.ts'

const BATCH_JOBS = 4

let database: TestDatabase
const lines: { readonly jobs?: number }[] = []
const logger = { info: (line: unknown) => void lines.push(line as { jobs?: number }) }

beforeEach(async () => {
  database = await createEarlierDatabase()
  await migrate(database.pool)
  lines.length = 0
})

afterEach(() => database.drop())

test('the logs of all jobs of build 708d1c0 say what its tables say, and long ones have pages', async () => {
  const count = await convertToLog(database.pool, { logger })
  expect(count).toBeGreaterThan(30)
  expect(lines.at(-1)).toEqual({ jobs: count })
  await requireSameLogsAndTables(database.pool)
  expect(await countOf('jobs WHERE entry_no <= 0 AND last_seq > 0')).toBe(0)
  expect(await countOf('jobs WHERE entry_no > 0')).toBe(count)
  expect(await countOf('job_pages')).toBeGreaterThan(1)
  expect(await countOf('job_values')).toBeGreaterThan(5)
  expect(await countOf('log_conversion')).toBe(0)
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

test('a job that a worker of an earlier build holds refuses the conversion by the worker’s name, until its lease ends', async () => {
  await database.pool.query(`UPDATE jobs SET lease_until = now() + interval '1 min' WHERE holder IS NOT NULL`)
  const { rows } = await database.pool.query<{ holder: string }>(
    'SELECT holder FROM jobs WHERE holder IS NOT NULL',
  )
  const refused = convertToLog(database.pool, { logger })
  await expect(refused).rejects.toMatchObject({
    code: 'OLDER_PROCESS_RUNNING',
    message: expect.stringContaining(rows[0]?.holder ?? 'no holder'),
  })
  expect(await countOf('jobs WHERE entry_no > 0')).toBe(0)
  await database.pool.query(`UPDATE jobs SET lease_until = now() - interval '1 s' WHERE holder IS NOT NULL`)
  expect(await convertToLog(database.pool, { logger })).toBeGreaterThan(30)
})

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
