import { hostname } from 'node:os'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { GIVE_BACK_NEIGHBOURS } from '../../src/db/jobs/held-leases.ts'
import { createJobStore, type JobStore } from '../../src/db/jobs/job-store.ts'
import { HEARTBEAT } from '../../src/db/processes/process-store.ts'
import { BUILD_VERSION } from '../../src/lib/build-version.ts'
import { newId, type WorkerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet } from '../support/fleet.ts'
import { claimExpired, claimWaiting, expireLease, storeJob } from '../support/jobs.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let jobs: JobStore

beforeAll(async () => {
  database = await createTestDatabase()
  jobs = createJobStore(database.pool)
})
beforeEach(() => database.pool.query('TRUNCATE jobs, processes, idempotency_keys CASCADE'))
afterAll(() => database.drop())

const LEASE_MS = 10_000
/** Times before now, in milliseconds. */
interface ProcessTimes {
  readonly heartbeat?: number
  readonly reachable?: number
  readonly stopped?: number
}

// Which losses count

test.each([
  ['has stopped writing its heartbeat', { heartbeat: 8_000 }, {}, 1],
  ['is alive', { heartbeat: 500 }, {}, 0],
  ['stopped in good order', { heartbeat: 60_000, stopped: 50_000 }, {}, 0],
  ['has no heartbeat since an outage that ended just now', { heartbeat: 60_000 }, { reachable: 1_000 }, 0],
  ['has no heartbeat since an outage that ended long ago', { heartbeat: 60_000 }, { reachable: 8_000 }, 1],
  ['wrote a heartbeat after an outage, and none since', { heartbeat: 8_000 }, { reachable: 9_000 }, 1],
  ['is as silent as the claimant', { heartbeat: 60_000 }, { heartbeat: 59_000 }, 0],
] as const)(
  'a job whose process %s is taken over at once, and that counts or does not count as a loss',
  async (_, former, claimant, losses) => {
    const id = await heldBy(await process(former))
    await expireLease(database.pool, id)
    const workerId = await process(claimant)
    const [claimed] = await claimExpired(jobs, { workerId, leaseMs: LEASE_MS }, 1)
    expect(claimed).toMatchObject({ id, recoveries: losses, fence: 2n })
  },
)

test('the loss of a process of a build without a row counts', async () => {
  const id = await heldBy(newId<WorkerId>())
  await expireLease(database.pool, id)
  const workerId = await process()
  expect(await claimExpired(jobs, { workerId, leaseMs: LEASE_MS }, 1)).toMatchObject([{ id, recoveries: 1 }])
})

test('the loss of a job that blocked its living process counts, once, and that of its neighbour does not', async () => {
  const former = await process()
  const [blocking, neighbour] = [await heldBy(former), await heldBy(former)]
  await database.pool.query(GIVE_BACK_NEIGHBOURS, [former, blocking])
  await expireLease(database.pool, blocking)
  const lease = { workerId: await process(), leaseMs: LEASE_MS }
  expect(await claimExpired(jobs, lease, 2)).toMatchObject([{ id: blocking, fence: 2n, recoveries: 1 }])
  expect(await claimWaiting(jobs, lease, 2)).toMatchObject([{ id: neighbour, recoveries: 0 }])
  await expireLease(database.pool, blocking)
  expect(await jobs.claimSuspect(lease, blocking)).toMatchObject({ fence: 3n, recoveries: 1 })
})

test('the loss of a job whose run broke off in a living process counts', async () => {
  const workerId = await process()
  const id = await heldBy(workerId)
  await jobs.countLosses(workerId, [{ id, fence: 1n }])
  await expireLease(database.pool, id)
  const lease = { workerId: await process(), leaseMs: LEASE_MS }
  expect(await claimExpired(jobs, lease, 1)).toMatchObject([{ id, recoveries: 1 }])
})

test('where a process is alone, the process before it is dead: its losses count, unless it stopped in good order', async () => {
  const killed = await heldBy(await process({ heartbeat: 10 }))
  const stopped = await heldBy(await process({ heartbeat: 10, stopped: 5 }))
  await jobs.expireLeases()
  const lease = { workerId: await process(), leaseMs: LEASE_MS }
  expect(await claimExpired(jobs, lease, 2)).toMatchObject([{ id: killed, recoveries: 1 }])
  expect(await claimWaiting(jobs, lease, 2)).toMatchObject([{ id: stopped, recoveries: 0 }])
})

test('where a process is alone and the process before it was blocked, only the loss of the job that blocked it counts', async () => {
  const former = await process({ heartbeat: 10 })
  const [blocking, neighbour] = [await heldBy(former), await heldBy(former)]
  await jobs.expireLeases(blocking)
  const lease = { workerId: await process(), leaseMs: LEASE_MS }
  expect(await claimExpired(jobs, lease, 2)).toMatchObject([{ id: blocking, recoveries: 1 }])
  expect(await claimWaiting(jobs, lease, 2)).toMatchObject([{ id: neighbour, recoveries: 0 }])
})

// Rows

test('a heartbeat after an outage says since when the database has answered; others leave that as it is', async () => {
  const id = await process({ heartbeat: 9_000, reachable: 60_000 })
  await database.pool.query(HEARTBEAT, [id, false])
  expect((await row(id))?.reachable_ms).toBeGreaterThanOrEqual(60_000)
  await database.pool.query(HEARTBEAT, [id, true])
  expect(await row(id)).toMatchObject({ reachable_ms: 0, heartbeat_ms: 0 })
})

test('a process has a row with its heartbeat from its start to seven days after its end', async () => {
  const old = await process({ heartbeat: 8 * 86_400_000 })
  const recent = await process({ heartbeat: 6 * 86_400_000 })
  const fleet = createFleet(database)
  try {
    await fleet.open({ leaseMs: 1_000 })
    const rows = async () => {
      const { rows: found } = await database.pool.query<{ id: WorkerId }>(
        'SELECT id, host, pid, version, role, stopped_at FROM processes ORDER BY started_at DESC, id',
      )
      return found
    }
    const [own] = await rows()
    expect(own).toMatchObject({ host: hostname(), version: BUILD_VERSION, role: 'all', stopped_at: null })
    expect((await rows()).map(({ id }) => id)).toContain(recent)
    expect((await rows()).map(({ id }) => id)).not.toContain(old)
    const id = own?.id ?? newId<WorkerId>()
    await database.pool.query(`UPDATE processes SET heartbeat_at = now() - interval '1 h' WHERE id = $1`, [
      id,
    ])
    await until('its thread writes a heartbeat', async () => ((await row(id))?.heartbeat_ms ?? 1e9) < 60_000)
    await fleet.close()
    expect((await row(id))?.stopped_ms).not.toBeNull()
  } finally {
    await fleet.close()
  }
})

/** Stores the row of a process: its heartbeat is new and the database was reachable for an hour, if nothing else is given. */
async function process({
  heartbeat = 0,
  reachable = 3_600_000,
  stopped,
}: ProcessTimes = {}): Promise<WorkerId> {
  const id = newId<WorkerId>()
  await database.pool.query(
    `INSERT INTO processes (id, host, pid, version, role, started_at, heartbeat_at, reachable_since, stopped_at)
     VALUES ($1, 'host', 1, '0.1.0', 'worker', now() - interval '1 day', now() - $2 * interval '1 ms', now() - $3 * interval '1 ms',
       now() - $4 * interval '1 ms')`,
    [id, heartbeat, reachable, stopped ?? null],
  )
  return id
}

function heldBy(workerId: WorkerId) {
  return storeJob(database.pool, { lease: { workerId, leaseMs: LEASE_MS } })
}

async function row(id: WorkerId) {
  const { rows } = await database.pool.query<{
    heartbeat_ms: number
    reachable_ms: number
    stopped_ms: number | null
  }>(
    `SELECT round(extract(epoch FROM now() - heartbeat_at))::int * 1000 AS heartbeat_ms,
       round(extract(epoch FROM now() - reachable_since))::int * 1000 AS reachable_ms,
       round(extract(epoch FROM now() - stopped_at))::int * 1000 AS stopped_ms
     FROM processes WHERE id = $1`,
    [id],
  )
  return rows[0]
}
