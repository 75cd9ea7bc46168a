import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { percentileMs } from '../../src/db/jobs/duration-buckets.ts'
import { createJobCountStore, EVERY_TYPE, type JobCountStore } from '../../src/db/jobs/job-count-store.ts'
import { JobCounting } from '../../src/jobs/job-counting.ts'
import { newId, ownerId, type OwnerId, type WorkflowId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { OWNER, storeJob } from '../support/jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let store: JobCountStore
beforeAll(async () => {
  database = await createTestDatabase()
  store = createJobCountStore(database.pool)
})
afterAll(() => database.drop())

async function workflow(owner: OwnerId): Promise<WorkflowId> {
  const id = newId<WorkflowId>()
  await database.pool.query(
    `INSERT INTO workflows (id, owner_id, name, draft) VALUES ($1, $2, 'Counted', '{}')`,
    [id, owner],
  )
  return id
}

/** Stores a job and ends it some milliseconds after its start, which lies some days back. */
async function ended(
  of: { ownerId: OwnerId; workflowId: WorkflowId },
  { status = 'COMPLETED', ms = 1_000, daysAgo = 0, isBegun = true } = {},
): Promise<void> {
  const id = await storeJob(database.pool, of)
  await database.pool.query(
    `WITH ended AS (INSERT INTO uncounted_jobs (owner_id, job_id) SELECT owner_id, id FROM jobs WHERE id = $1)
     UPDATE jobs SET status = $2, wake_at = NULL, error = CASE WHEN $2 = 'FAILED' THEN '{}'::json END,
       finished_at = now() - $4::int * interval '1 day',
       started_at = CASE WHEN $5 THEN now() - $4::int * interval '1 day' - $3::int * interval '1 ms' END
     WHERE id = $1`,
    [id, status, ms, daysAgo, isBegun],
  )
}

describe('statistics', () => {
  test('are the same before and after what ended is counted, and while only some is', async () => {
    const of = { ownerId: ownerId('steady'), workflowId: await workflow(ownerId('steady')) }
    for (let ms = 1_000; ms <= 10_000; ms += 1_000) await ended(of, { ms })
    await ended(of, { status: 'FAILED' })
    await ended(of, { status: 'CANCELED', isBegun: false })
    await storeJob(database.pool, of)
    const read = async () => {
      const counts = await store.counts(of.ownerId, { subjects: [of.workflowId], days: null })
      const { byStatus, durations } = counts.get(of.workflowId) ?? {
        byStatus: new Map(),
        durations: new Map(),
      }
      return { byStatus: Object.fromEntries(byStatus), median: percentileMs(durations, 0.5) }
    }
    const before = await read()
    expect(before.byStatus).toEqual({ COMPLETED: 10, FAILED: 1, CANCELED: 1, QUEUED: 1 })
    expect(before.median).toBeGreaterThan(5_000 / 1.2)
    expect(before.median).toBeLessThan(5_000 * 1.2)

    expect(await store.countEnded(5)).toBe(5)
    expect(await read()).toEqual(before)
    while ((await store.countEnded(5)) > 0) expect(await read()).toEqual(before)
    expect(await read()).toEqual(before)
  })

  test('count each job once, however many count at the same time', async () => {
    const of = { ownerId: ownerId('contested'), workflowId: await workflow(ownerId('contested')) }
    for (let index = 0; index < 40; index++) await ended(of)
    const all = async (): Promise<number> => {
      const counted = await store.countEnded(7)
      return counted === 0 ? 0 : counted + (await all())
    }
    const totals = await Promise.all([all(), all(), all(), all()])
    expect(totals.reduce((sum, total) => sum + total, 0)).toBeGreaterThanOrEqual(40)
    await all()
    const { rows } = await database.pool.query<{ subject: string; count: number }>(
      `SELECT subject, sum(count)::int AS count FROM job_counts WHERE owner_id = $1 AND day = '-infinity' GROUP BY 1`,
      [of.ownerId],
    )
    expect(new Map(rows.map(({ subject, count }) => [subject, count]))).toEqual(
      new Map([
        [of.workflowId, 40],
        ['WORKFLOW', 40],
      ]),
    )
  })

  test('of some days leave out what ended before, counted or not', async () => {
    const of = { ownerId: ownerId('dated'), workflowId: await workflow(ownerId('dated')) }
    for (const daysAgo of [0, 1, 6, 7, 30]) await ended(of, { daysAgo })
    const completed = async (days: number | null) => {
      const counts = await store.counts(of.ownerId, { subjects: [of.workflowId], days })
      return counts.get(of.workflowId)?.byStatus.get('COMPLETED') ?? 0
    }
    for (let round = 0; round < 2; round++) {
      expect(await completed(1)).toBe(1)
      expect(await completed(7)).toBe(3)
      expect(await completed(8)).toBe(4)
      expect(await completed(null)).toBe(5)
      while ((await store.countEnded(100)) > 0);
    }
  })

  test('are an owner’s own (P8)', async () => {
    const mine = { ownerId: OWNER, workflowId: await workflow(OWNER) }
    await ended(mine)
    const stranger = ownerId('a stranger')
    const request = { subjects: [mine.workflowId, ...EVERY_TYPE.subjects], days: null }
    expect((await store.counts(stranger, request)).size).toBe(0)
    while ((await store.countEnded(100)) > 0);
    expect((await store.counts(stranger, request)).size).toBe(0)
    expect((await store.counts(OWNER, request)).get(mine.workflowId)?.byStatus.get('COMPLETED')).toBe(1)
  })
})

test('a job is counted without another version of its row', async () => {
  const of = { ownerId: ownerId('still'), workflowId: await workflow(ownerId('still')) }
  await ended(of)
  const version = async () => {
    const { rows } = await database.pool.query<{ ctid: string; xmin: string }>(
      'SELECT ctid::text, xmin::text FROM jobs WHERE owner_id = $1',
      [of.ownerId],
    )
    return rows[0]
  }
  const before = await version()
  while ((await store.countEnded(100)) > 0);
  expect(await version()).toEqual(before)
  expect((await store.counts(of.ownerId, EVERY_TYPE)).get('WORKFLOW')?.byStatus.get('COMPLETED')).toBe(1)
})

test('the bytes of a job that is deleted while it is counted leave the roll-up, and those of one that is not counted never enter it', async () => {
  const usage = async (owner: OwnerId) => {
    const { rows } = await database.pool.query<{ bytes: string }>(
      'SELECT stored_bytes AS bytes FROM owner_usage WHERE owner_id = $1',
      [owner],
    )
    return Number(rows[0]?.bytes ?? 0)
  }
  const storeEnded = async (owner: OwnerId) => {
    await ended({ ownerId: owner, workflowId: await workflow(owner) })
    await database.pool.query('UPDATE jobs SET stored_bytes = 1000 WHERE owner_id = $1', [owner])
  }
  while ((await store.countEnded(100)) > 0);
  const client = await database.pool.connect()
  try {
    const counted = ownerId('counted')
    await storeEnded(counted)
    await client.query('BEGIN')
    expect(await createJobCountStore(client).countEnded(10)).toBe(1)
    const deletion = database.pool.query('DELETE FROM jobs WHERE owner_id = $1', [counted])
    await until('the deletion waits', async () => (await waitingStatements()) === 1)
    await client.query('COMMIT')
    await deletion
    expect(await usage(counted)).toBe(0)

    const deleted = ownerId('deleted')
    await storeEnded(deleted)
    await client.query('BEGIN')
    await client.query('DELETE FROM jobs WHERE owner_id = $1', [deleted])
    expect(await store.countEnded(10)).toBe(0)
    await client.query('COMMIT')
    expect(await store.countEnded(10)).toBe(0)
    expect(await usage(deleted)).toBe(0)
  } finally {
    client.release()
  }
})

/** The number of statements that wait for a lock. */
async function waitingStatements(): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0]?.count ?? 0
}

test('ended jobs are counted from time to time, and a fault of the database only puts it off', async () => {
  const clock = new ManualClock()
  const calls: number[] = []
  const warnings: unknown[] = []
  const counting = new JobCounting({
    counts: {
      countDefinitions: async () => 0,
      async countEnded(limit) {
        calls.push(clock.now())
        if (calls.length === 1) throw new Error('the database is away')
        return calls.length === 2 ? limit : 0
      },
    },
    clock,
    logger: { warn: (...args: unknown[]) => void warnings.push(args) },
  })
  counting.start()
  const start = clock.now()
  await clock.advance(5_000)
  expect(calls).toEqual([start + 5_000])
  expect(warnings).toHaveLength(1)
  await clock.advance(5_000)
  // A full batch: there may be more, so it goes on at once.
  expect(calls).toEqual([start + 5_000, start + 10_000, start + 10_000])
  await counting.stop()
})
