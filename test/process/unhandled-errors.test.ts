import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Closers } from '../../src/lib/async/closers.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { endOfJob, runFaulty, startFaulty } from '../support/faulty-runs.ts'
import { startHttpTarget } from '../support/http-target.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

let closers: Closers
let database: TestDatabase
let server: ServerProcess

beforeAll(async () => {
  closers = new Closers()
  database = await createTestDatabase()
  closers.add(() => database.drop())
  server = await startServerProcess({
    DATABASE_URL: database.url,
    LUME_BLOCKS: './test/support/faulty-blocks.js',
  })
  closers.add(() => server.kill())
}, 90_000)
afterAll(() => closers.close())

async function metric(name: string): Promise<string> {
  const text = await (await fetch(new URL('/metrics', server.url))).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .join('\n')
}

describe('a server whose blocks leave errors unhandled lives, and its other executions complete', () => {
  test.each([
    ['throwsFromTimer', 'BLOCK_UNHANDLED_ERROR', 'The block left an error unhandled: timer'],
    ['rejectsWhileItRuns', 'BLOCK_UNHANDLED_ERROR', 'The block left an error unhandled: rejection'],
    ['emitsAnError', 'BLOCK_UNHANDLED_ERROR', 'The block left an error unhandled: emitter'],
    ['throwsFromMicrotask', 'BLOCK_UNHANDLED_ERROR', 'The block left an error unhandled: microtask'],
    ['throwsFromTick', 'BLOCK_UNHANDLED_ERROR', 'The block left an error unhandled: tick'],
    ['throwsUndefined', 'BLOCK_UNHANDLED_ERROR', 'The block left an error unhandled: undefined'],
    ['exitsLater', 'BLOCK_UNHANDLED_ERROR', 'process.exit is refused'],
    ['exits', 'PROCESS_EXIT_REFUSED', 'process.exit is refused'],
    ['aborts', 'PROCESS_EXIT_REFUSED', 'process.abort is refused'],
    ['hasOutputThatThrows', 'OUTPUT_INVALID', 'toJSON'],
    ['hasGetterThatThrows', 'BLOCK_FAILED', 'getter'],
    ['returnsThenableThatNeverSettles', 'ATTEMPT_TIMEOUT', 'The attempt took longer'],
    ['listenerThrows', 'ATTEMPT_TIMEOUT', 'The attempt took longer'],
  ])('and the step of the block faulty.%s fails with %s', async (name, code, message) => {
    const timeoutMs = code === 'ATTEMPT_TIMEOUT' ? 100 : 60_000
    const neighbour = await startFaulty(server, { type: 'faulty.sleep', config: { ms: 200 } })
    const { row, events } = await runFaulty(server, database, { type: `faulty.${name}`, timeoutMs })
    expect(row).toMatchObject({
      status: 'FAILED',
      error: { code, message: expect.stringContaining(message) },
    })
    const failed = events.find(({ kind }) => kind === 'STEP_FAILED')
    expect(failed?.body).toMatchObject({ path: 'faulty', error: { code } })
    expect(await endOfJob(database, neighbour)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  })

  test.each([
    ['rejectsAndReturns', 'lost promise'],
    ['throwsLater', 'late timer'],
    ['reportsLate', 'The attempt is over'],
  ])(
    'and a line of the step faulty.%s shows what it left behind, if the execution still runs',
    async (name, message) => {
      const { row, events } = await runFaulty(
        server,
        database,
        { type: `faulty.${name}` },
        { type: 'faulty.sleep', config: { ms: 500 } },
      )
      expect(row).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
      const lines = events.filter(({ kind }) => kind === 'STEP_LOG')
      expect(lines.map(({ body }) => body)).toEqual([
        expect.objectContaining({
          path: 'faulty',
          attempt: 1,
          level: 'error',
          message: expect.stringContaining(message),
        }),
      ])
    },
  )

  test('and the log shows what a block leaves behind after its execution has ended', async () => {
    const target = await startHttpTarget()
    const type = 'faulty.requestsAndReturns'
    const { row, jobId } = await runFaulty(server, database, {
      type,
      config: { url: `${target.origin}/silent` },
    })
    expect(row.status).toBe('COMPLETED')
    await target.received('/silent')
    await target.close()
    const line = await until('the log shows the error', () =>
      server
        .output()
        .split('\n')
        .find((text) => text.includes(jobId) && text.includes('fetch failed')),
    )
    expect(JSON.parse(line)).toMatchObject({
      executionId: jobId,
      path: 'faulty',
      attempt: 1,
      block: type,
      msg: 'a block left an error unhandled after it had ended',
    })
  })

  test('and the log names the module that leaves errors unhandled while it is loaded', () => {
    for (const message of ['module promise', 'module timer']) {
      const line = server
        .output()
        .split('\n')
        .find((text) => text.includes(message))
      expect(JSON.parse(line ?? 'null')).toMatchObject({ module: './test/support/faulty-blocks.js' })
    }
  })

  test('and the metrics count the errors by block type', async () => {
    await runFaulty(server, database, { type: 'faulty.throwsFromTimer' })
    expect(await metric('lume_block_unhandled_errors_total')).toMatch(
      /lume_block_unhandled_errors_total\{block="faulty.throwsFromTimer"\} [1-9]/,
    )
    expect(await metric('lume_block_unhandled_errors_total')).toMatch(/\{block="\(module\)"\} 2/)
  })
})

test('a server that is killed while blocks leave errors unhandled lives after its restart, and completes the executions', async () => {
  const own = await createTestDatabase()
  closers.add(() => own.drop())
  const environment = {
    DATABASE_URL: own.url,
    LUME_BLOCKS: './test/support/faulty-blocks.js',
    LUME_LEASE_MS: '2000',
  }
  const first = await startServerProcess(environment)
  closers.add(() => first.kill())
  const wait = { type: 'faulty.sleep', config: { ms: 3_000 } }
  const jobs = [
    await startFaulty(first, { type: 'faulty.rejectsAndReturns' }, wait),
    await startFaulty(first, { type: 'faulty.throwsLater' }, wait),
    await startFaulty(first, wait, { type: 'faulty.rejectsAndReturns' }),
  ]
  await first.kill()
  const second = await startServerProcess(environment)
  closers.add(() => second.kill())
  for (const jobId of jobs) {
    expect(await endOfJob(own, jobId, 60_000)).toMatchObject({ status: 'COMPLETED' })
  }
  expect((await fetch(new URL('/health', second.url))).status).toBe(200)
}, 120_000)
