import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Lume } from '../../src/app.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { expireLease, jobRow, OWNER, timelineKinds, type JobRow, sendCancel } from '../support/jobs.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { createShiftedClock } from '../support/shifted-clock.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000
/** So long that no heartbeat and no recovery comes by itself while a test runs. */
const LONG_LEASE_MS = 600_000
/** So short that heartbeats come every 100 ms. */
const SHORT_LEASE_MS = 300

let database: TestDatabase
let fleet: Fleet
let probe: Probe

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs CASCADE')
  fleet = createFleet(database)
  probe = createProbe()
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

// Roles

test('a start that an API process accepts runs in a worker process', async () => {
  const api = await fleet.open({ role: 'api' })
  await fleet.open({ role: 'worker' }, { blocks: [probe.block] })
  const id = await start(api, SIMPLE)
  expect((await ended(id)).status).toBe('COMPLETED')
})

test('a start that nobody could run waits for the first worker', async () => {
  const api = await fleet.open({ role: 'api' })
  const id = await start(api, SIMPLE)
  expect((await jobRow(database.pool, id)).status).toBe('QUEUED')
  await fleet.open({ role: 'worker' })
  expect((await ended(id)).status).toBe('COMPLETED')
})

test('two workers on one database share the jobs, and run each one once', async () => {
  const probeOf = [createProbe(), createProbe()] as const
  const api = await openWorker({ role: 'api' })
  for (const { block } of probeOf) await fleet.open({ role: 'worker', concurrency: 4 }, { blocks: [block] })
  const ids = []
  for (let n = 0; n < 8; n++) ids.push(await start(api, probes(`job-${n}…`)))
  await until('all eight run', () => probeOf[0].calls.length + probeOf[1].calls.length === 8)
  expect(probeOf.map(({ calls }) => calls.length)).toEqual([4, 4])
  for (const { calls } of probeOf) for (const call of calls) call.finish()
  for (const id of ids) expect(await ended(id)).toMatchObject({ status: 'COMPLETED', fence: '1' })
})

test('a place that frees up is taken by a job that waits, without anybody looking', async () => {
  const lume = await openWorker({ concurrency: 2 })
  let running = 0
  let most = 0
  const ids = []
  for (let n = 0; n < 6; n++) ids.push(await start(lume, probes(`job-${n}…`)))
  for (let n = 0; n < 6; n++) {
    const call = await probe.called(`job-${n}`)
    running = probe.calls.length - n
    most = Math.max(most, running)
    call.finish()
  }
  for (const id of ids) expect((await ended(id)).status).toBe('COMPLETED')
  expect(most).toBe(2)
})

// Death

test('a worker that is cut off from the database is replaced, and what it says later is dropped', async () => {
  const proxy = await startTcpProxy(database.url)
  const cutOff = await openWorker({ databaseUrl: proxy.url, leaseMs: LONG_LEASE_MS })
  const id = await start(cutOff, probes('paid', 'cut…', 'last'))
  const first = await probe.called('cut')
  proxy.sever()
  await database.pool.query(`UPDATE processes SET heartbeat_at = now() - interval '1 min'`)
  await openWorker()
  // The test server may have started just now, which looks like the end of an outage.
  await database.pool.query(`UPDATE processes SET reachable_since = now() - interval '1 hour'`)
  await expireLease(database.pool, id)
  const second = await probe.called('cut', 2)
  expect(second.idempotencyKey).toBe(first.idempotencyKey)
  second.finish('from the living')
  expect(await ended(id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  const timeline = await timelineKinds(database.pool, id)
  expect(timeline).toContain('JOB_RECOVERED')

  first.finish('from the dead')
  proxy.restore()
  await cutOff.close()
  expect(await timelineKinds(database.pool, id)).toEqual(timeline)
  expect([probe.count('paid'), probe.count('last')]).toEqual([1, 1])
  await proxy.close()
})

test('a start whose answer is lost is one execution, and runs, also if it is sent again with its key', async () => {
  const proxy = await startTcpProxy(database.url)
  const lume = await openWorker({ databaseUrl: proxy.url, leaseMs: LONG_LEASE_MS })
  const isCut = proxy.cutOnce('job-insert', 'after')
  const id = await start(lume, probes('a'), { idempotencyKey: 'once' })
  await isCut
  expect(await start(lume, probes('a'), { idempotencyKey: 'once' })).toBe(id)
  expect((await ended(id)).status).toBe('COMPLETED')
  expect(probe.count('a')).toBe(1)
  const { rows } = await database.pool.query('SELECT 1 FROM jobs')
  expect(rows).toHaveLength(1)
  await lume.close()
  await proxy.close()
})

test.each(['sever', 'silence'] as const)(
  'calls in flight continue while the leases are in doubt, no new call starts, and their answers are recorded once the database is back: %s',
  async (how) => {
    const proxy = await startTcpProxy(database.url)
    const lume = await openWorker({ databaseUrl: proxy.url, leaseMs: SHORT_LEASE_MS, concurrency: 16 })
    const names = Array.from({ length: 8 }, (_, n) => `paid-${n}`)
    const ids = []
    for (const name of names) ids.push(await start(lume, paidThenNext(name)))
    for (const name of names) await probe.called(name)
    proxy[how]()
    await until('the leases have run out', async () => (await expired()) === ids.length)
    for (const call of probe.calls) call.finish()
    // What may be called again needs no record of its start, and waits all the same.
    await until('no lease has been renewed for three times its length', () => expired(3 * SHORT_LEASE_MS))
    expect(names.map((name) => probe.count(`after-${name}`))).toEqual(names.map(() => 0))
    if (how === 'silence') proxy.sever()
    proxy.restore()
    for (const id of ids)
      expect(await ended(id)).toMatchObject({ status: 'COMPLETED', error: null, recoveries: 0, fence: '1' })
    expect(probe.calls.map(({ name, signal }) => [name, signal.aborted])).toEqual(
      [...names, ...names.map((name) => `after-${name}`)].map((name) => [name, false]),
    )
    await lume.close()
    await proxy.close()
  },
)

test('a worker whose connections are all broken goes on with them renewed', async () => {
  const lume = await openWorker()
  const names = Array.from({ length: 10 }, (_, n) => `step-${n}`)
  const id = await start(lume, probes(...names.map((name) => `${name}…`)))
  for (const name of names) {
    const call = await probe.called(name)
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'lume%' AND application_name <> 'lume-test'`,
    )
    call.finish()
  }
  expect(await ended(id)).toMatchObject({ status: 'COMPLETED', fence: '1' })
  expect(names.map((name) => probe.count(name))).toEqual(names.map(() => 1))
})

test('a database that is away when a Lume closes does not keep it', async () => {
  const proxy = await startTcpProxy(database.url)
  const lume = await openWorker({ databaseUrl: proxy.url, leaseMs: LONG_LEASE_MS })
  const id = await start(lume, probes('a…', 'b'))
  const call = await probe.called('a')
  proxy.sever()
  call.finish()
  await expect(lume.close()).rejects.toThrow('some parts did not close cleanly')
  expect((await jobRow(database.pool, id)).finished_at).toBeNull()
  await proxy.close()
})

test('heartbeats keep a job for as long as it runs', async () => {
  const lume = await openWorker({ leaseMs: SHORT_LEASE_MS })
  await openWorker()
  const id = await start(lume, probes('a…'))
  const call = await probe.called('a')
  const { leased_until } = await jobRow(database.pool, id)
  await until('the lease was renewed many times over', async () => {
    const renewed = (await jobRow(database.pool, id)).leased_until
    return renewed && leased_until && renewed.getTime() > leased_until.getTime() + 3 * SHORT_LEASE_MS
  })
  call.finish()
  expect(await ended(id)).toMatchObject({ status: 'COMPLETED', fence: '1' })
})

test('a job that nobody renews is recovered by itself', async () => {
  const proxy = await startTcpProxy(database.url)
  const dying = await openWorker({ databaseUrl: proxy.url, leaseMs: SHORT_LEASE_MS })
  const id = await start(dying, probes('a…'))
  await probe.called('a')
  proxy.sever()
  await openWorker()
  ;(await probe.called('a', 2)).finish()
  expect(await ended(id)).toMatchObject({ status: 'COMPLETED', fence: '2' })
  await dying.close().catch(() => undefined)
  await proxy.close()
})

// Cancel (P5)

test.each(['RUNNING', 'WAITING', 'QUEUED'] as const)(
  'a cancel from another process reaches a job that is %s',
  async (status) => {
    const worker = await openWorker({ leaseMs: LONG_LEASE_MS, concurrency: 1 })
    const api = await fleet.open({ role: 'api' })
    const id = await jobThatIs(status, worker)
    const asked = performance.now()
    expect(await api.jobs.cancelJob(id)).toBe(true)
    expect((await ended(id)).status).toBe('CANCELED')
    // By the hint: no heartbeat comes within minutes.
    expect(performance.now() - asked).toBeLessThan(5_000)
    expect(await api.jobs.cancelJob(id)).toBe(false)
  },
)

test.each(['RUNNING', 'WAITING', 'QUEUED'] as const)(
  'a cancel whose hint is lost reaches a job that is %s',
  async (status) => {
    const worker = await openWorker({ leaseMs: SHORT_LEASE_MS, concurrency: 1 })
    const id = await jobThatIs(status, worker)
    expect(await sendCancel(database.pool, OWNER, id)).toBe(true)
    if (status === 'QUEUED') (await probe.called('busy')).finish()
    expect((await ended(id)).status).toBe('CANCELED')
  },
)

test('a cancel whose hint is lost aborts the step within seconds, under a lease of minutes', async () => {
  const worker = await openWorker({ leaseMs: LONG_LEASE_MS })
  const id = await start(worker, probes('a…'))
  const call = await probe.called('a')
  // No flush follows that would point the cancel out.
  await until('the call is on record', async () =>
    (await timelineKinds(database.pool, id)).includes('STEP_STARTED'),
  )
  expect(await sendCancel(database.pool, OWNER, id)).toBe(true)
  await until('the step is aborted', () => call.signal.aborted)
  expect((await ended(id)).status).toBe('CANCELED')
})

test('a canceled step’s signal aborts in the process that runs it', async () => {
  const worker = await openWorker({ leaseMs: LONG_LEASE_MS })
  const api = await fleet.open({ role: 'api' })
  const id = await start(worker, probes('a…'))
  const call = await probe.called('a')
  await api.jobs.cancelJob(id)
  await until('the step is aborted', () => call.signal.aborted)
  expect((await ended(id)).status).toBe('CANCELED')
})

// Waits (E9)

// A wait of less than a second is sat out: it has to be longer by what a busy machine may take to get there.
test('a delay parks the job, holds no place meanwhile, and goes on by itself', async () => {
  const lume = await openWorker({ concurrency: 1 })
  const id = await start(lume, delay(3_000))
  await until('it is parked', async () => (await jobRow(database.pool, id)).status === 'WAITING')
  const other = await start(lume, SIMPLE)
  expect((await ended(other)).status).toBe('COMPLETED')
  expect((await ended(id)).status).toBe('COMPLETED')
  expect(await timelineKinds(database.pool, id)).toEqual([
    'JOB_QUEUED',
    'JOB_STARTED',
    'STEP_STARTED',
    'STEP_WAITING',
    'JOB_WAITING',
    'STEP_COMPLETED',
    'JOB_COMPLETED',
  ])
})

test('a timer that came due while everything was down fires at the next start', async () => {
  const clock = createShiftedClock()
  const before = await fleet.open({}, { clock })
  const id = await start(before, delay('1h'))
  await until('it is parked', async () => (await jobRow(database.pool, id)).status === 'WAITING')
  await before.close()
  clock.setForward(HOUR_MS)
  await database.pool.query(`UPDATE jobs SET wake_at = wake_at - interval '1 h'`)
  await fleet.open({}, { clock })
  expect((await ended(id)).status).toBe('COMPLETED')
})

// Stops

test('a closed Lume gives back what runs, and the next one goes on with it at once', async () => {
  const before = await openWorker({ leaseMs: LONG_LEASE_MS })
  const id = await start(before, probes('paid', 'cut…'))
  await probe.called('cut')
  await before.close()
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, finished_at: null })
  await openWorker()
  ;(await probe.called('cut', 2)).finish()
  expect(await ended(id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  expect(probe.count('paid')).toBe(1)
})

test('a block that is registered right after createLume is in time for the jobs that wait for it', async () => {
  const before = await openWorker()
  const id = await start(before, probes('a…'))
  await probe.called('a')
  await before.close()
  const after = await fleet.open()
  after.registerBlock(probe.block)
  ;(await probe.called('a', 2)).finish()
  expect((await ended(id)).status).toBe('COMPLETED')
})

const SIMPLE = { nodes: [{ id: 'one', type: 'core.transform', config: { value: 1 } }], edges: [] }

function delay(duration: string | number) {
  return { nodes: [{ id: 'wait', type: 'core.delay', config: { duration } }], edges: [] }
}

/** A call that must not be repeated, which holds, and one that follows it. */
function paidThenNext(name: string) {
  return {
    nodes: [
      { id: 'paid', type: 'test.paid', config: { name, holds: true } },
      { id: 'after', type: 'test.probe', config: { name: `after-${name}` } },
    ],
    edges: [{ source: 'paid', target: 'after' }],
  }
}

/** The number of jobs whose lease ran out that long ago. */
async function expired(ms = 0): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE leased_until < now() - $1 * interval '1 ms'`,
    [ms],
  )
  return rows[0]?.count ?? 0
}

/** A Lume that knows the probe. */
function openWorker(config: Parameters<Fleet['open']>[0] = {}): Promise<Lume> {
  return fleet.open(config, { blocks: [probe.block, probe.paid] })
}

/** A job in that state, on a worker with one place. */
async function jobThatIs(status: 'RUNNING' | 'WAITING' | 'QUEUED', worker: Lume): Promise<JobId> {
  if (status === 'QUEUED') {
    await start(worker, probes('busy…'))
    await probe.called('busy')
  }
  const id = await start(worker, status === 'WAITING' ? delay('1h') : probes('a…'))
  await until(`the job is ${status}`, async () => (await jobRow(database.pool, id)).status === status)
  return id
}

function ended(id: string): Promise<JobRow> {
  return until(`job ${id} has ended`, async () => {
    const row = await jobRow(database.pool, id)
    return row.finished_at && row
  })
}
