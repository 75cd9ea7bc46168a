import { expect, test } from '@jest/globals'
import { mkdtemp } from 'node:fs/promises'
import pg from 'pg'
import { openEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts'
test('x', async () => {
  const e = await openEmbeddedPostgres({ dataDir: await mkdtemp('/tmp/exp/j-') })
  const pool = new pg.Pool(e.connection)
  console.log((await pool.query('select version()')).rows)
  await pool.end()
  await e.close()
  expect(1).toBe(1)
})
