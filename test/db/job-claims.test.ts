import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createJobClaims, type JobClaims } from '../../src/db/jobs/job-claims.ts'
import { newId, ownerId, type OwnerId, type WorkerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { jobRow, OWNER, storeJob, STRANGER } from '../support/jobs.ts'

let database: TestDatabase
let claims: JobClaims
/** The last statement that the claims sent. */
let sent: { text: string; values: unknown[] }

beforeAll(async () => {
  database = await createTestDatabase()
  claims = createJobClaims({
    query: ((statement: string | { text: string; values: unknown[] }, values: unknown[] = []) => {
      sent = typeof statement === 'string' ? { text: statement, values } : statement
      return database.pool.query(sent.text, sent.values)
    }) as typeof database.pool.query,
  })
})

beforeEach(() => database.pool.query('TRUNCATE jobs, idempotency_keys CASCADE'))

afterAll(() => database.drop())

/** A survey of 50 priorities counts up to 50 jobs of each; what is due beside them is read, too. */
const MAX_ROWS = 4_000

const ALL = { limit: 50, after: null, except: [] } as const

// Surveys

test('a survey counts the due jobs per owner and priority, lost jobs first, and each only up to the limit', async () => {
  const past = Date.now() - 60_000
  for (const priority of [0, 0, 0, 7]) await storeJob(database.pool, { wakeAt: past, priority })
  await storeJob(database.pool, { wakeAt: Date.now() + 3_600_000, priority: 9 })
  await storeJob(database.pool, { ownerId: STRANGER, wakeAt: past, priority: -3 })
  await lose(await storeJob(database.pool, { lease: newLease() }))
  expect(await claims.survey({ ...ALL, limit: 2 })).toEqual({
    due: [
      { ownerId: STRANGER, priority: -3, count: 1 },
      { ownerId: OWNER, priority: null, count: 1 },
      { ownerId: OWNER, priority: 7, count: 1 },
      { ownerId: OWNER, priority: 0, count: 2 },
    ],
    suspects: [],
  })
})

test.each([
  ['few', 1],
  ['many', 40],
] as const)(
  'the owners of a survey are in one circular order, from any beginning: %s due jobs',
  async (_, each) => {
    const owners = ['a', 'b', 'c', 'd'].map((name) => ownerId(name))
    for (const owner of owners) await fill(owner, each)
    const orderFrom = async (after: OwnerId | null) =>
      (await claims.survey({ ...ALL, after })).due.map((entry) => entry.ownerId).join('')
    expect(await orderFrom(null)).toBe('dcba')
    expect(await orderFrom(ownerId('c'))).toBe('badc')
    expect(await orderFrom(ownerId('bb'))).toBe('badc')
    expect(await orderFrom(ownerId('a'))).toBe('dcba')
  },
)

test('owners that are left out of a bounded survey come first in one that begins behind the last of it', async () => {
  await database.pool.query(
    `INSERT INTO jobs (id, owner_id, type, status, wake_at)
     SELECT gen_random_uuid(), 'owner-' || i, 'WORKFLOW', 'QUEUED', now() - interval '1 s' FROM generate_series(1, 600) i`,
  )
  const seen = new Set<OwnerId>()
  let after: OwnerId | null = null
  for (let n = 0; n < 3; n++) {
    const { due } = await claims.survey({ ...ALL, after })
    for (const entry of due) seen.add(entry.ownerId)
    after = due.at(-1)?.ownerId ?? null
  }
  expect(seen.size).toBe(600)
})

test('owners whose jobs cannot be claimed do not fill up a survey', async () => {
  const greedy = ownerId('zz')
  await database.pool.query(
    `INSERT INTO jobs (id, owner_id, type, status, priority, wake_at)
     SELECT gen_random_uuid(), name, 'WORKFLOW', 'QUEUED', i % 201 - 100, now() - interval '1 s'
     FROM generate_series(1, 400) i, unnest(ARRAY['zz', 'zy']) name`,
  )
  await fill(OWNER, 1)
  const { due } = await claims.survey({ ...ALL, except: [greedy, ownerId('zy')] })
  expect(due.map((entry) => entry.ownerId)).toEqual([OWNER])
})

// What a claim reads

const READS = [
  ['a backlog of 100,000 jobs of one owner', "now() - interval '1 h' + i * interval '1 us'", '100'],
  [
    'a backlog of 100,000 jobs of one owner with many priorities',
    "now() - interval '1 h' + i * interval '1 us'",
    'i % 50',
  ],
  [
    '100,000 jobs of one owner that wait for a later time',
    "now() + interval '1 h' + i * interval '1 s'",
    'i % 50',
  ],
] as const

test.each(READS)(
  'the jobs of every owner are found and claimed without reading %s, whatever the planner knows of the table',
  async (_, wakeAt, priority) => {
    // A fresh table, so that the planner knows nothing of it; the server's own ANALYZE must not come in between.
    await database.pool.query('ALTER TABLE jobs SET (autovacuum_enabled = off)')
    await database.pool.query('VACUUM FULL jobs')
    await database.pool.query(`DELETE FROM pg_statistic WHERE starelid = 'jobs'::regclass`)
    const filling = await database.pool.connect()
    await filling.query('BEGIN')
    await filling.query(
      `INSERT INTO jobs (id, owner_id, type, status, priority, wake_at)
     SELECT gen_random_uuid(), $1, 'WORKFLOW', 'QUEUED', ${priority}, ${wakeAt} FROM generate_series(1, 100000) i`,
      [OWNER],
    )
    await fill(STRANGER, 30)
    await fill(OWNER, 30)
    const knowledge = {
      'that of a table that is being filled': async () => {
        await database.pool.query('ANALYZE jobs')
        await filling.query('COMMIT')
        filling.release()
      },
      nothing: async () => {
        await database.pool.query(`DELETE FROM pg_statistic WHERE starelid = 'jobs'::regclass`)
        await database.pool.query(`UPDATE pg_class SET reltuples = -1 WHERE oid = 'jobs'::regclass`)
      },
      everything: () => database.pool.query('ANALYZE jobs'),
    }
    for (const [known, learn] of Object.entries(knowledge)) {
      await learn()
      const { due } = await claims.survey(ALL)
      expect(due.find((entry) => entry.ownerId === STRANGER)).toMatchObject({ priority: 0 })
      expect(due.find((entry) => entry.ownerId === OWNER)?.count).toBeGreaterThanOrEqual(10)
      const surveyed = await rowsRead()
      const shares = due.map((entry) => ({ ...entry, count: Math.min(entry.count, 5) }))
      const claimed = await claims.claim(newLease(), shares)
      expect(claimed.filter((job) => job.ownerId === STRANGER)).toHaveLength(5)
      expect(claimed.filter((job) => job.ownerId === OWNER).length).toBeGreaterThanOrEqual(5)
      const read = { known, surveyed, claimed: await rowsRead() }
      expect(read).toEqual({
        known,
        surveyed: Math.min(surveyed, MAX_ROWS),
        claimed: Math.min(read.claimed, MAX_ROWS),
      })
    }
  },
)

// Claims

test('a claim takes of each entry the jobs that have waited longest, and no more than the entry says', async () => {
  const at = Date.now() - 60_000
  const [first, second] = [
    await storeJob(database.pool, { wakeAt: at }),
    await storeJob(database.pool, { wakeAt: at + 1_000 }),
  ]
  await storeJob(database.pool, { wakeAt: at + 2_000 })
  const strangers = await storeJob(database.pool, { ownerId: STRANGER, wakeAt: at + 9_000, priority: -100 })
  const claimed = await claims.claim(newLease(), [
    { ownerId: STRANGER, priority: -100, count: 5 },
    { ownerId: OWNER, priority: 0, count: 2 },
  ])
  expect(claimed.map(({ id }) => id).toSorted()).toEqual([first, second, strangers].toSorted())
})

test('a claim of lost jobs counts the loss; one of waiting jobs counts none', async () => {
  const lost = await storeJob(database.pool, { lease: newLease() })
  await lose(lost)
  const waiting = await storeJob(database.pool)
  const { due } = await claims.survey(ALL)
  const claimed = await claims.claim(newLease(), due)
  expect(new Map(claimed.map(({ id, recoveries }) => [id, recoveries]))).toEqual(
    new Map([
      [lost, 1],
      [waiting, 0],
    ]),
  )
})

// Suspects

test('a job that lost its worker twice in a row is a suspect, whether it waits or not, and no share includes it', async () => {
  const lostOnce = await storeJob(database.pool, { lease: newLease() })
  const lostTwice = await storeJob(database.pool, { ownerId: STRANGER, lease: newLease() })
  const givenBack = await storeJob(database.pool, { ownerId: ownerId('third') })
  await lose(lostOnce)
  await lose(lostTwice, 1)
  await database.pool.query('UPDATE jobs SET recoveries = 2 WHERE id = $1', [givenBack])
  const { due, suspects } = await claims.survey(ALL)
  expect(due).toEqual([{ ownerId: OWNER, priority: null, count: 1 }])
  expect(suspects.map(({ id }) => id).toSorted()).toEqual([lostTwice, givenBack].toSorted())
  const everything = [OWNER, STRANGER, ownerId('third')].flatMap((owner) => [
    { ownerId: owner, priority: null, count: 9 },
    { ownerId: owner, priority: 0, count: 9 },
  ])
  expect((await claims.claim(newLease(), everything)).map(({ id }) => id)).toEqual([lostOnce])
  expect(await claims.claimSuspect(newLease(), lostOnce)).toBeNull()
  expect(await claims.claimSuspect(newLease(), lostTwice)).toMatchObject({ id: lostTwice, recoveries: 2 })
  expect(await claims.claimSuspect(newLease(), lostTwice)).toBeNull()
  expect(await claims.claimSuspect(newLease(), givenBack)).toMatchObject({ id: givenBack, recoveries: 2 })
})

test('of one owner’s suspects the one with the fewest losses is tried first', async () => {
  const [worse, better] = [
    await storeJob(database.pool, { lease: newLease() }),
    await storeJob(database.pool, { lease: newLease() }),
  ]
  await lose(worse, 3)
  await lose(better, 1)
  expect((await claims.survey(ALL)).suspects).toEqual([{ id: better, ownerId: OWNER }])
  await claims.claimSuspect(newLease(), better)
  expect((await claims.survey(ALL)).suspects).toEqual([{ id: worse, ownerId: OWNER }])
})

test('workers that try one suspect at once get it once', async () => {
  const id = await storeJob(database.pool, { lease: newLease() })
  await lose(id, 1)
  const tries = await Promise.all(Array.from({ length: 8 }, () => claims.claimSuspect(newLease(), id)))
  expect(tries.filter((job) => job !== null)).toHaveLength(1)
  expect(await jobRow(database.pool, id)).toMatchObject({ fence: '2', recoveries: 2 })
})

function newLease() {
  return { workerId: newId<WorkerId>(), leaseMs: 60_000 }
}

/** Jobs of an owner that are due, stored the short way. */
async function fill(owner: OwnerId, count: number): Promise<void> {
  await database.pool.query(
    `INSERT INTO jobs (id, owner_id, type, status, wake_at)
     SELECT gen_random_uuid(), $1, 'WORKFLOW', 'QUEUED', now() - interval '1 min' FROM generate_series(1, $2::int)`,
    [owner, count],
  )
}

/** The worker that holds the job dies; `recoveries` is how many it had lost before. */
async function lose(id: string, recoveries = 0): Promise<void> {
  await database.pool.query(
    `UPDATE jobs SET leased_until = now() - interval '1 s', recoveries = $2 WHERE id = $1`,
    [id, recoveries],
  )
}

/** The number of rows that the last statement reads from the table and its indexes when it is sent once more, unheard. */
async function rowsRead(): Promise<number> {
  const client = await database.pool.connect()
  const read = async () => {
    const { rows } = await client.query<{ count: number }>(
      `SELECT (pg_stat_get_xact_tuples_returned('jobs'::regclass)
         + sum(pg_stat_get_xact_tuples_returned(indexrelid)))::int AS count
       FROM pg_index WHERE indrelid = 'jobs'::regclass`,
    )
    return rows[0]?.count ?? 0
  }
  try {
    await client.query('BEGIN')
    const before = await read()
    await client.query(sent.text, sent.values)
    const after = await read()
    await client.query('ROLLBACK')
    return after - before
  } finally {
    client.release()
  }
}
