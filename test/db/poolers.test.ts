import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { Closers } from '../../src/lib/async/closers.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start } from '../support/fleet.ts'
import { jobRow } from '../support/jobs.ts'
import { startPooler, type PoolerOptions } from '../support/pooler.ts'
import { createProbe, probes } from '../support/probe.ts'
import { until } from '../support/until.ts'

const opened = new Closers()
let server: TestDatabase

beforeAll(async () => {
  server = await createTestDatabase()
})
afterEach(() => opened.close())
afterAll(() => server.drop())

test.each([
  ['transaction', { mode: 'transaction' }],
  ['transaction (round robin)', { mode: 'transaction', isRoundRobin: true, open: 2 }],
  ['statement', { mode: 'statement' }],
] as const)(
  'a pooler in %s mode is refused at start, and the error names what to change',
  async (_, options) => {
    await expect(openBehind(options)).rejects.toMatchObject({
      code: 'DATABASE_POOLER_UNSUPPORTED',
      message: expect.stringMatching(
        /let DATABASE_URL name the Postgres server itself.* or set pool_mode = session in PgBouncer/,
      ),
    })
  },
)

test('executions complete behind a pooler in session mode, which refuses startup parameters', async () => {
  const { lume, url } = await openBehind({ mode: 'session' })
  const client = new pg.Client({ connectionString: url, options: '-c TimeZone=UTC' })
  await expect(client.connect()).rejects.toThrow('unsupported startup parameter: options')
  const id = await start(lume, probes('first', 'last'))
  await until('it has completed', async () => (await jobRow(server.pool, id)).status === 'COMPLETED')
})

async function openBehind(options: PoolerOptions) {
  const pooler = await startPooler(server.url, options)
  opened.add(() => pooler.close())
  const fleet = createFleet(server)
  opened.add(() => fleet.close())
  return {
    url: pooler.url,
    lume: await fleet.open({ databaseUrl: pooler.url }, { blocks: [createProbe().block] }),
  }
}
