import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { openDatabase, type Database } from '../../src/db/connect.ts'
import { isOutcomeUnknown } from '../../src/db/sql/index.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const SILENCE_MS = 600
/** What the machine may add to the limit. */
const SLACK_MS = 1_400

const opened = new Closers()
let server: TestDatabase
let proxy: TcpProxy

beforeAll(async () => {
  server = await createTestDatabase()
})
beforeEach(async () => {
  proxy = await startTcpProxy(server.url)
  opened.add(() => proxy.close())
})
afterEach(() => opened.close())
afterAll(() => server.drop())

test('sessions set what Lume relies on, whatever the database sets by default', async () => {
  const defaults = {
    default_transaction_isolation: 'serializable',
    default_transaction_read_only: 'on',
    statement_timeout: '1s',
    lock_timeout: '1s',
    DateStyle: 'SQL, DMY',
    IntervalStyle: 'sql_standard',
    bytea_output: 'escape',
    synchronous_commit: 'off',
  }
  const name = new URL(server.url).pathname.slice(1)
  for (const [setting, value] of Object.entries(defaults))
    await server.pool.query(
      `ALTER DATABASE "${name}" SET ${setting} TO ${value.includes(',') ? value : `'${value}'`}`,
    )
  try {
    const database = await open({ queryTimeoutMs: 7_000 })
    const settings = Object.keys(defaults).map((each) => `current_setting('${each}') AS "${each}"`)
    const read = async (pool: Database['pool']) =>
      (await pool.query<Record<string, string>>(`SELECT ${settings.join()}`)).rows[0]
    const own = {
      default_transaction_isolation: 'read committed',
      default_transaction_read_only: 'off',
      statement_timeout: '5min',
      lock_timeout: '0',
      DateStyle: 'ISO, MDY',
      IntervalStyle: 'postgres',
      bytea_output: 'hex',
      synchronous_commit: 'on',
    }
    expect(await read(database.pool)).toEqual(own)
    expect(await read(database.leasePool)).toEqual(own)
    expect(await read(database.apiPool)).toEqual({ ...own, statement_timeout: '7s' })
  } finally {
    await server.pool.query(`SET default_transaction_read_only = off`)
    for (const setting of Object.keys(defaults))
      await server.pool.query(`BEGIN READ WRITE; ALTER DATABASE "${name}" RESET ${setting}; COMMIT`)
  }
})

test.each(['before', 'during', 'after'] as const)(
  'a connection that breaks %s the first statement of its session fails the statement that waits for it, and nothing else',
  async (cut) => {
    const { pool } = await open()
    // Two statements at once need a connection that is not open yet.
    const first = await pool.connect()
    const second = await pool.connect()
    try {
      const isCut = proxy.cutOnce("'default_transaction_isolation'", cut)
      await expect(pool.query('SELECT 1')).rejects.toThrow(/terminated|ECONNRESET|EPIPE|socket/)
      await isCut
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    } finally {
      first.release()
      second.release()
    }
  },
)

test('statements over connections that fall silent end within the limit, and later ones take new connections', async () => {
  const database = await open()
  // Five connections that are unused from now on, and one of each other pool.
  await Promise.all(Array.from({ length: 5 }, () => database.pool.query('SELECT pg_sleep(0.05)')))
  await Promise.all(
    [database.journalPool, database.leasePool, database.apiPool].map((pool) => pool.query('SELECT 1')),
  )
  proxy.silenceOpen()
  const began = performance.now()
  const pools = [database.pool, database.journalPool, database.leasePool, database.apiPool]
  const faults = await Promise.all(pools.map((pool) => faultOf(pool.query('SELECT 1'))))
  expect(performance.now() - began).toBeLessThan(SILENCE_MS + SLACK_MS)
  // The first silent connection takes the unused ones with it, so a pool whose statement comes later may have no silent one left.
  expect(faults.map(isOutcomeUnknown)).toEqual([true, true, true, true])
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => database.pool.query<{ one: number }>('SELECT 1 AS one')),
  )
  expect(answers.map(({ rows }) => rows[0]?.one)).toEqual(Array.from({ length: 8 }, () => 1))
})

test('a transaction over a connection that falls silent fails, and its connection leaves the pool', async () => {
  const database = await open()
  const client = await database.pool.connect()
  await client.query('BEGIN')
  proxy.silenceOpen()
  expect(isOutcomeUnknown(await faultOf(client.query('SELECT 1')))).toBe(true)
  client.release()
  expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
})

test('the connection that listens ends when it is silent, although it sends nothing by itself', async () => {
  const database = await open()
  const client = database.createListener?.()
  if (!client) throw new Error('a server has connections that listen')
  client.on('error', () => undefined)
  await client.connect()
  await client.query('LISTEN connections_test')
  const ended = new Promise((resolve) => void client.once('end', () => resolve(null)))
  proxy.silenceOpen()
  const began = performance.now()
  await ended
  expect(performance.now() - began).toBeLessThan(SILENCE_MS + SLACK_MS)
})

test('a statement that waits for a lock or computes for longer than the limit is not given up', async () => {
  const database = await open()
  await server.pool.query('CREATE TABLE locked (id int)')
  const holder = await server.pool.connect()
  await holder.query('BEGIN; LOCK TABLE locked')
  const waiting = database.pool.query('SELECT count(*)::int AS count FROM locked')
  const computing = database.journalPool.query(`SELECT pg_sleep(${(4 * SILENCE_MS) / 1_000})`)
  await computing
  await holder.query('ROLLBACK')
  holder.release()
  expect((await waiting).rows).toEqual([{ count: 0 }])
})

test('a database is closed within two seconds although its server is silent', async () => {
  const database = await open()
  const pending = faultOf(database.pool.query('SELECT pg_sleep(0.1)'))
  await database.apiPool.query('SELECT 1')
  proxy.silence()
  const began = performance.now()
  await database.close()
  expect(performance.now() - began).toBeLessThan(2_000)
  await pending
})

async function open(options: { queryTimeoutMs?: number } = {}): Promise<Database> {
  const database = await openDatabase({
    ...options,
    databaseUrl: proxy.url,
    dataDir: 'unused',
    silenceMs: SILENCE_MS,
    logger: { info: () => undefined, warn: () => undefined },
  })
  let isClosed = false
  const { close } = database
  const closeOnce = async () => {
    if (!isClosed) await close()
    isClosed = true
  }
  opened.add(closeOnce)
  return { ...database, close: closeOnce }
}

async function faultOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => null,
    (fault: unknown) => fault,
  )
}
