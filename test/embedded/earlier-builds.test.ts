import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openDatabase } from '../../src/db/connect.ts'
import {
  createEarlierFolder,
  expectContinuation,
  expectSameAnswers,
  startLaterBuild,
} from '../support/earlier-build.ts'

let dataDir: string

beforeAll(async () => {
  dataDir = await createEarlierFolder()
})

afterAll(async () => {
  await rm(dataDir, { recursive: true })
  await rm(`${dataDir}.before-log`, { recursive: true })
})

// In this order: the second test changes what the first one reads.

test('data in an embedded folder of build 708d1c0 read the same after the upgrade', async () => {
  const build = await startLaterBuild({ dataDir, role: 'api' })
  try {
    await expectSameAnswers(build, 'folder')
  } finally {
    await build.stop()
  }
})

test('executions in an embedded folder of build 708d1c0 continue, and their retries reuse what completed', async () => {
  const build = await startLaterBuild({ dataDir })
  try {
    await expectContinuation(build)
  } finally {
    await build.stop()
  }
})

test('the first start of a new build leaves a copy of the embedded folder as the earlier build left it, which later starts keep', async () => {
  const copy = await openDatabase({
    dataDir: `${dataDir}.before-log`,
    logger: { info: () => undefined, warn: () => undefined },
  })
  try {
    const { rows } = await copy.pool.query(
      `SELECT count(*) > 30 AS "hasJobs", to_regclass('log_conversion') IS NULL AS "isOld" FROM jobs`,
    )
    expect(rows).toEqual([{ hasJobs: true, isOld: true }])
  } finally {
    await copy.close()
  }
})
