import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { z } from 'zod'
import { completed, defineBlock } from '../../src/engine/block/index.ts'
import { startServer } from '../../src/http/server.ts'
import { globalId } from '../../src/lib/global-id.ts'
import { ownerId, type JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { jobRow, OWNER, sendCancel } from '../support/jobs.ts'
import { createFleet, start } from '../support/fleet.ts'
import { until } from '../support/until.ts'
import { createTestWorker, type TestWorker, type TestWorkerOptions } from '../support/test-worker.ts'

const TYPE = 'test.rare'
const calls: string[] = []
const RARE = defineBlock({
  type: TYPE,
  name: 'Rare',
  description: 'A block that one worker has.',
  effect: 'external',
  config: z.object({ duration: z.number().default(0) }),
  output: z.json(),
  sample: null,
  run: async ({ execution }) => {
    calls.push(execution.id)
    return completed(null)
  },
})
const DEFINITION = { nodes: [{ id: 'a', type: TYPE, config: {} }], edges: [] }

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

function open(options: TestWorkerOptions = {}): TestWorker {
  return createTestWorker(database, options)
}

/** Jobs of the type that no worker has taken yet. */
async function queued(count: number): Promise<readonly JobId[]> {
  const accepting = open({ blocks: [RARE], concurrency: 0 })
  return Promise.all(Array.from({ length: count }, () => accepting.start(DEFINITION)))
}

/** One poll of the worker, and what it took up. */
async function poll({ processor }: TestWorker): Promise<number> {
  const count = await processor.tick({ evenIfFull: true })
  await processor.idle()
  return count
}

async function waits(): Promise<number> {
  return (await database.pool.query('SELECT FROM block_waits')).rowCount ?? 0
}

test('of two workers the one without a block type leaves the executions to the other, which runs all 40', async () => {
  const ids = await queued(40)
  const without = open({ concurrency: 10 })
  for (let taken = 1; taken > 0;) taken = await poll(without)
  expect(await waits()).toBe(40)
  expect(await poll(without)).toBe(0)
  const { rows } = await database.pool.query('SELECT types FROM block_waits LIMIT 1')
  expect(rows).toEqual([{ types: TYPE }])

  const having = open({ blocks: [RARE], concurrency: 8 })
  for (let taken = 1; taken > 0;) taken = await poll(having)
  const states = await Promise.all(ids.map((id) => jobRow(database.pool, id)))
  expect(new Set(states.map(({ status }) => status))).toEqual(new Set(['COMPLETED']))
  expect(calls.toSorted()).toEqual(ids.toSorted())
  expect(await waits()).toBe(0)
  expect(without.faults).toEqual([])
})

test('an execution whose block type no worker has ends with BLOCK_TYPE_MISSING after the time for it', async () => {
  const [id] = (await queued(1)) as [JobId]
  const without = open({ blockWaitMs: 1_000 })
  await poll(without)
  expect((await jobRow(database.pool, id)).status).toBe('QUEUED')
  await pass(id, 5)
  await poll(without)
  const row = await jobRow(database.pool, id)
  expect(row).toMatchObject({ status: 'FAILED', error: { code: 'BLOCK_TYPE_MISSING' } })
  expect(row.error?.message).toContain(`"${TYPE}"`)
  expect(await waits()).toBe(0)
})

test('a worker that has the type and is busy keeps the executions that wait for it', async () => {
  const [id] = (await queued(1)) as [JobId]
  const without = open({ blockWaitMs: 3_000 })
  await poll(without)
  await pass(id, 5)
  const busy = open({ blocks: [RARE], concurrency: 0 })
  await poll(busy)
  await poll(without)
  expect((await jobRow(database.pool, id)).status).toBe('QUEUED')
  await poll(open({ blocks: [RARE] }))
  await poll(open({ blocks: [RARE] }))
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
})

test('an execution that waits for a block type can be canceled by a worker without it', async () => {
  const [id] = (await queued(1)) as [JobId]
  const without = open()
  await poll(without)
  await sendCancel(database.pool, OWNER, id)
  await without.processor.obey(id)
  await without.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
  expect(await waits()).toBe(0)
})

test('a client sees which block types an execution waits for, until a process that has them runs it', async () => {
  const fleet = createFleet(database)
  const api = await fleet.open({ role: 'api' }, { blocks: [RARE] })
  const server = await startServer({ isExplorable: true, lume: api, port: 0 })
  try {
    await fleet.open({ role: 'worker' })
    const id = await start(api, DEFINITION, { ownerId: ownerId('local') })
    const blockWait = async () => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          query: 'query ($id: ID!) { execution(id: $id) { status blockWait { types since } } }',
          variables: { id: globalId('Execution', id) },
        }),
      })
      return (
        (await response.json()) as { data: { execution: { status: string; blockWait: object | null } } }
      ).data.execution
    }
    const waiting = await until('the execution waits', async () => {
      const execution = await blockWait()
      return execution.blockWait && execution
    })
    expect(waiting).toEqual({ status: 'QUEUED', blockWait: { types: [TYPE], since: expect.any(String) } })
    await fleet.open({ role: 'worker' }, { blocks: [RARE] })
    await until('it completes', async () => (await blockWait()).status === 'COMPLETED')
    expect((await blockWait()).blockWait).toBeNull()
  } finally {
    await server.close()
    await fleet.close()
  }
})

/** Lets that many seconds of the wait of a job pass. */
async function pass(id: JobId, seconds: number): Promise<void> {
  await database.pool.query(
    `UPDATE missing_block_types SET available_at = available_at - $1 * interval '1 s'`,
    [seconds],
  )
  await database.pool.query(`UPDATE block_waits SET since = since - $1 * interval '1 s' WHERE job_id = $2`, [
    seconds,
    id,
  ])
  await database.pool.query('UPDATE jobs SET wake_at = now() WHERE id = $1 AND holder IS NULL', [id])
}
