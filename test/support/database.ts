import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { requireWholeLogs } from './whole-logs.ts'

export interface TestDatabase {
  readonly url: string
  readonly pool: pg.Pool
  /**
   * Closes the pool and deletes the database, also from under its other connections. Throws before that if the log of a job is not
   * whole (see `requireWholeLogs`).
   */
  drop(): Promise<void>
}

/** A fresh database with the migrated schema, for one test file: a copy of the template that the set-up made. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return open(process.env.LUME_TEST_TEMPLATE as string, requireWholeLogs)
}

/** A fresh database with nothing in it. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return open('template0', async () => undefined)
}

async function open(template: string, beforeDrop: (pool: pg.Pool) => Promise<void>): Promise<TestDatabase> {
  const name = `lume_test_${randomBytes(6).toString('hex')}`
  await adminQuery(`create database ${name} template ${template}`)
  const url = urlOf(name)
  const pool = openPool(url)
  const drop = async () => {
    try {
      await beforeDrop(pool)
    } finally {
      await pool.end()
      await adminQuery(`drop database if exists ${name} with (force)`)
    }
  }
  return { url, pool, drop }
}

/** One statement on the test server, outside of any test's database. */
export async function adminQuery(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl().href })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** The URL of a database on the test server. */
export function urlOf(database: string): string {
  const url = serverUrl()
  url.pathname = `/${database}`
  return url.href
}

/** A pool with the session options that Lume's own pools have. */
export function openPool(url: string, limits: Pick<pg.PoolConfig, 'max'> = {}): pg.Pool {
  const pool = new pg.Pool({
    ...limits,
    connectionString: url,
    options: '-c TimeZone=UTC',
    application_name: 'lume-test',
  })
  // Connections break when a test drops its database or ends a session; their queries say so.
  pool.on('connect', (client) => client.on('error', () => undefined))
  pool.on('error', () => undefined)
  return pool
}

function serverUrl(): URL {
  const url = process.env.LUME_TEST_DATABASE_URL
  if (!url)
    throw new Error('no test server: run these tests with jest, in a project whose globalSetup starts it')
  return new URL(url)
}
