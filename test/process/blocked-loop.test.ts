import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { blockingNotePath, takeBlockingNote } from '../../src/watchdog/blocking-note.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { endOfJob, startFaulty, type FaultyNode } from '../support/faulty-runs.ts'
import { createFleet } from '../support/fleet.ts'
import { jobRow } from '../support/jobs.ts'
import { recordsOf } from '../support/recorded.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 2_000
const PATIENCE_MS = 90_000
const IS_BLOCKED = '"msg":"the event loop is blocked"'
const ENDS_ITSELF = 'the event loop stays blocked; the process ends itself'

let closers: Closers
let database: TestDatabase

beforeEach(async () => {
  closers = new Closers()
  database = await createTestDatabase()
  closers.add(() => database.drop())
})
afterEach(() => closers.close())

async function open(more: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({
    DATABASE_URL: database.url,
    LUME_LEASE_MS: String(LEASE_MS),
    LUME_BLOCKS: './test/support/faulty-blocks.js',
    ...more,
  })
  closers.add(() => server.kill())
  return server
}

/** Starts a job and waits until its step runs: it is held by the process that accepted it. */
async function startHeld(server: ServerProcess, node: FaultyNode): Promise<string> {
  const jobId = await startFaulty(server, node)
  await until(`job ${jobId} runs`, async () => (await jobRow(database.pool, jobId)).status === 'RUNNING')
  return jobId
}

/** The first line of the log that names the block and holds both texts. */
function lineWith(server: ServerProcess, text: string, other = ''): unknown {
  const line = server
    .output()
    .split('\n')
    .find((line) => [text, other, 'faulty.hold'].every((part) => line.includes(part)))
  return line === undefined ? null : JSON.parse(line)
}

describe('a block that keeps the event loop blocked for longer than the lease', () => {
  test('takes no lease from its neighbours, and log and metrics name it, whether it begins at once or after a wait', async () => {
    const server = await open()
    await open()
    for (const afterMs of [0, 50]) {
      const sleep = { type: 'faulty.sleep', config: { ms: 6_000 } }
      const neighbours = await Promise.all(Array.from({ length: 10 }, () => startHeld(server, sleep)))
      const hold = { type: 'faulty.hold', config: { ms: 2.5 * LEASE_MS, afterMs } }
      // The answer comes when the block has ended: a job that is started here runs at once.
      const blocking = await startFaulty(server, hold)
      const line = await until(
        'the log names the block',
        () => lineWith(server, IS_BLOCKED, blocking),
        PATIENCE_MS,
      )
      expect(line).toMatchObject({
        block: 'faulty.hold',
        executionId: blocking,
        path: 'faulty',
        at: expect.stringContaining('faulty-blocks.js'),
      })
      for (const jobId of [...neighbours, blocking]) {
        const row = await endOfJob(database, jobId, PATIENCE_MS)
        // The fence is that of the first holder: no other worker has taken the job.
        expect(row).toMatchObject({ status: 'COMPLETED', recoveries: 0, fence: '1' })
      }
    }
    await until('the log says how long', () => lineWith(server, 'by the block faulty.hold'))
    const metrics = await (await fetch(new URL('/metrics', server.url))).text()
    expect(metrics).toMatch(/lume_event_loop_blocked_total\{block="faulty.hold"\} 2/)
  }, 120_000)

  test('and never ends counts as its own loss alone: its process ends, and its neighbours are taken over uncounted', async () => {
    const server = await open({ LUME_MAX_BLOCKED_MS: '3000' })
    const sleep = { type: 'faulty.sleep', config: { ms: 20_000 } }
    const neighbours = await Promise.all(Array.from({ length: 3 }, () => startHeld(server, sleep)))
    const blocking = await startHeld(server, { type: 'faulty.hold', config: { ms: 600_000, afterMs: 2_000 } })
    const line = await until('the process ends itself', () => lineWith(server, ENDS_ITSELF), PATIENCE_MS)
    expect(line).toMatchObject({ level: 60, block: 'faulty.hold', executionId: blocking })
    // Another worker, whose blocks do no harm.
    const fleet = createFleet(database)
    closers.add(() => fleet.close())
    const harmless = ['faulty.sleep', 'faulty.hold'].map((type) =>
      defineBlock({
        type,
        name: type,
        description: 'Completes after a moment.',
        config: z.unknown(),
        output: z.unknown(),
        sample: null,
        async run({ signal }) {
          await systemClock.wait(10, signal)
          return completed(null)
        },
      }),
    )
    await fleet.open({ leaseMs: LEASE_MS }, { blocks: harmless })
    for (const jobId of neighbours) {
      expect(await endOfJob(database, jobId, PATIENCE_MS)).toMatchObject({
        status: 'COMPLETED',
        recoveries: 0,
      })
    }
    await endOfJob(database, blocking, PATIENCE_MS)
    const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM jobs')
    const records = await recordsOf(
      database.pool,
      rows.map(({ id }) => id),
    )
    const recovered = [...records].filter(([, { events }]) =>
      events.some(({ kind }) => kind === 'JOB_RECOVERED'),
    )
    expect(recovered.map(([id]) => id)).toEqual([blocking])
  }, 150_000)

  test('and never ends leaves its execution’s id in the folder of an embedded database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lume-blocked-'))
    closers.add(() => rm(folder, { recursive: true, force: true }))
    const server = await startServerProcess({
      LUME_DATA_DIR: folder,
      LUME_MAX_BLOCKED_MS: '3000',
      LUME_BLOCKS: './test/support/faulty-blocks.js',
    })
    closers.add(() => server.kill())
    const hold = { ms: 600_000, afterMs: 2_000 }
    const blocking = await startFaulty(server, { type: 'faulty.hold', config: hold })
    const note = await until(
      'the note is written',
      () => readFile(blockingNotePath(folder), 'utf8').catch(() => null),
      PATIENCE_MS,
    )
    expect(JSON.parse(note)).toEqual({ executionId: blocking })
    expect(await takeBlockingNote(blockingNotePath(folder))).toBe(blocking)
    expect(await takeBlockingNote(blockingNotePath(folder))).toBeNull()
  }, 150_000)
})
