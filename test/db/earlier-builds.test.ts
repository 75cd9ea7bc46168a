import { afterAll, beforeAll, test } from '@jest/globals'
import type { TestDatabase } from '../support/database.ts'
import {
  createEarlierDatabase,
  expectContinuation,
  expectSameAnswers,
  startLaterBuild,
} from '../support/earlier-build.ts'
import { requireWholeLogs } from '../support/whole-logs.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createEarlierDatabase()
})

afterAll(() => database.drop())

// In this order: the second test changes what the first one reads.

test('data that build 708d1c0 left on a Postgres server read the same after the upgrade', async () => {
  const build = await startLaterBuild({ databaseUrl: database.url, role: 'api' })
  try {
    await expectSameAnswers(build, 'server')
  } finally {
    await build.stop()
  }
})

test('executions that build 708d1c0 left on a Postgres server continue, and their retries reuse what completed', async () => {
  const build = await startLaterBuild({ databaseUrl: database.url })
  try {
    await expectContinuation(build)
  } finally {
    await build.stop()
  }
  await requireWholeLogs(database.pool)
})
