import { randomBytes } from 'node:crypto'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { adminQuery, openPool, urlOf } from './database.ts'
import { startPostgres, type PostgresServer } from './postgres-server.ts'

declare global {
  /** The server that this test run started; jest's teardown is another module, but the same process. */
  var lumeTestPostgres: PostgresServer | undefined
}

/**
 * Runs once before the tests that need a Postgres: takes the server of LUME_TEST_DATABASE_URL or starts one, and puts
 * the migrated schema into a database that `createTestDatabase` clones. The workers of jest inherit the environment.
 */
export default async function setUp(): Promise<void> {
  if (!process.env.LUME_TEST_DATABASE_URL) {
    globalThis.lumeTestPostgres = await startPostgres()
    process.env.LUME_TEST_DATABASE_URL = globalThis.lumeTestPostgres.url
  }
  try {
    process.env.LUME_TEST_TEMPLATE = await createTemplate()
  } catch (failure) {
    await globalThis.lumeTestPostgres?.stop()
    throw failure
  }
}

async function createTemplate(): Promise<string> {
  const name = `lume_template_${randomBytes(6).toString('hex')}`
  await adminQuery(`create database ${name}`)
  const pool = openPool(urlOf(name))
  try {
    await migrate(pool)
  } finally {
    await pool.end()
  }
  // Postgres refuses to copy a database while somebody is connected to it: from here on nobody can be.
  await adminQuery(`alter database ${name} allow_connections false`)
  return name
}
