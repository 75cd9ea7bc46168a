import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, test } from '@jest/globals'
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

afterAll(() => rm(dataDir, { recursive: true }))

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
