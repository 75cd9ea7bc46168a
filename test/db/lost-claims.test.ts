import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { JobStore } from '../../src/db/jobs/job-store.ts'
import { createJobStore } from '../../src/db/jobs/job-store.ts'
import { newId, type JobId, type WorkerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  claimExpired,
  claimWaiting,
  expireLease,
  jobRow,
  OWNER,
  storeJob,
  timelineKinds,
} from '../support/jobs.ts'
import { Gate } from '../support/manual-clock.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { createTestWorker, type TestWorker, type TestWorkerOptions } from '../support/test-worker.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let jobs: JobStore
let probe: Probe
let workers: TestWorker[]

beforeAll(async () => {
  database = await createTestDatabase()
  jobs = createJobStore(database.pool)
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs, idempotency_keys CASCADE')
  probe = createProbe()
  workers = []
})

afterEach(() => Promise.all(workers.map(({ processor }) => processor.stop())))

afterAll(() => database.drop())

// Claims whose answer is lost

test('a claim whose answer is lost is given back by the next heartbeat, and no loss is counted', async () => {
  const id = await openWorker({ concurrency: 0 }).start(probes('a…'))
  const deaf = openWorker({ jobs: (store) => ({ ...store, claim: lost(store.claim) }) })
  await expect(deaf.processor.tick()).rejects.toThrow('the answer is lost')
  expect((await jobRow(database.pool, id)).holder).toBe(deaf.workerId)
  await deaf.processor.releaseUnknown()
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, recoveries: 0 })
  const other = openWorker()
  expect(await other.processor.tick()).toBe(1)
  ;(await probe.called('a')).finish()
  await other.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', fence: '2' })
  expect(await timelineKinds(database.pool, id)).not.toContain('JOB_RECOVERED')
})

test('a start whose answer is lost is given back by the next heartbeat', async () => {
  const deaf = openWorker({ jobs: (store) => ({ ...store, insert: lost(store.insert) }) })
  await expect(deaf.start(probes('a…'))).rejects.toThrow('the answer is lost')
  await deaf.processor.releaseUnknown()
  expect(await openWorker().processor.tick()).toBe(1)
  ;(await probe.called('a')).finish()
})

test.each(['claim', 'insert', 'claimCommanded'] as const)(
  'a job is not given back while the answer to its %s is on its way',
  async (method) => {
    const answer = new Gate()
    const store = openWorker({ concurrency: 0 })
    const worker = openWorker({
      jobs: (all) => ({
        ...all,
        [method]: delayed(all[method] as (...args: never[]) => Promise<unknown>, answer),
      }),
    })
    let taking: Promise<unknown>
    if (method === 'insert') taking = worker.start(probes('a…'))
    else {
      const id = await store.start(probes('a…'))
      if (method === 'claimCommanded') await store.commands.send(OWNER, id, { kind: 'PAUSE' })
      taking = method === 'claim' ? worker.processor.tick() : worker.processor.obey(id)
    }
    const id = await until('the job is held', async () => (await heldBy(worker))[0])
    await worker.processor.releaseUnknown()
    await worker.processor.releaseUnknown()
    expect(await heldBy(worker)).toEqual([id])
    answer.open()
    await taking
    if (method !== 'claimCommanded') (await probe.called('a')).finish()
    await worker.processor.idle()
    const status = method === 'claimCommanded' ? 'PAUSED' : 'COMPLETED'
    expect(await jobRow(database.pool, id)).toMatchObject({ status, fence: '1', recoveries: 0 })
  },
)

test('a job that a claim under way hides is given back once that claim is over', async () => {
  await openWorker({ concurrency: 0 }).start(probes('a…'))
  const answer = new Gate()
  const worker = openWorker({
    jobs: (store) => ({ ...store, claim: lost(store.claim), insert: delayed(store.insert, answer) }),
  })
  await expect(worker.processor.tick()).rejects.toThrow('the answer is lost')
  const starting = worker.start(probes('b…'))
  await until('both are held', async () => (await heldBy(worker)).length === 2)
  await worker.processor.releaseUnknown()
  expect(await heldBy(worker)).toHaveLength(2)
  answer.open()
  const running = await starting
  await until('the other is given back', async () => (await heldBy(worker)).length === 1)
  expect(await heldBy(worker)).toEqual([running])
  ;(await probe.called('b')).finish()
})

test('a job that runs, parks or has ended here is not given back, and no lease of another worker is touched', async () => {
  const worker = openWorker()
  const other = openWorker()
  const running = await worker.start(probes('a…'))
  const elsewhere = await other.start(probes('b…'))
  const parked = await worker.start({
    nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } }],
    edges: [],
  })
  const ended = await worker.start(probes('c'))
  await until('it is parked', async () => (await jobRow(database.pool, parked)).status === 'WAITING')
  await until('it has ended', async () => (await jobRow(database.pool, ended)).status === 'COMPLETED')
  await worker.processor.releaseUnknown()
  expect([await heldBy(worker), await heldBy(other)]).toEqual([[running], [elsewhere]])
  expect((await jobRow(database.pool, parked)).wake_at).toBeNull()
  for (const name of ['a', 'b']) (await probe.called(name)).finish()
})

test('a job whose run broke off keeps its lease until it runs out, and counts as a loss', async () => {
  const worker = openWorker({
    executions: (store) => ({
      ...store,
      loadRecorded: () => Promise.reject(new Error('a fault of the engine')),
    }),
  })
  const id = await openWorker({ concurrency: 0 }).start(probes('a…'))
  await worker.processor.tick()
  await worker.processor.idle()
  await worker.processor.releaseUnknown()
  await worker.processor.releaseUnknown()
  expect((await jobRow(database.pool, id)).holder).toBe(worker.workerId)
  await expireLease(database.pool, id)
  expect(await openWorker().processor.tick()).toBe(1)
  expect((await jobRow(database.pool, id)).recoveries).toBe(1)
  ;(await probe.called('a')).finish()
})

test('claims are given back under their fence only', async () => {
  const lease = newLease()
  const id = await storeJob(database.pool, { lease })
  const [claim] = await jobs.heldClaims(lease.workerId)
  await jobs.releaseClaims(lease.workerId, [{ id, fence: 0n }])
  await jobs.releaseClaims(newId<WorkerId>(), [{ id, fence: 1n }])
  expect(claim).toEqual({ id, fence: 1n })
  expect((await jobRow(database.pool, id)).holder).toBe(lease.workerId)
  await jobs.releaseClaims(lease.workerId, [{ id, fence: 1n }])
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, recoveries: 0 })
})

// Losses that are taken back

test('a loss is taken back once, however often the release is repeated', async () => {
  const [dead, alive] = [newLease(), newLease()]
  const id = await storeJob(database.pool, { lease: dead })
  await expireLease(database.pool, id)
  await claimExpired(jobs, alive, 1)
  await database.pool.query('UPDATE jobs SET recoveries = 3 WHERE id = $1', [id])
  for (let n = 0; n < 3; n++) await jobs.releaseJob(dead, { id, fence: 1n })
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: alive.workerId, recoveries: 2 })
})

test('a release that is repeated after the job was claimed without a loss takes none back', async () => {
  const [first, next] = [newLease(), newLease()]
  const id = await storeJob(database.pool, { lease: first })
  await database.pool.query('UPDATE jobs SET recoveries = 1 WHERE id = $1', [id])
  await jobs.releaseJob(first, { id, fence: 1n })
  expect(await claimWaiting(jobs, next, 1)).toHaveLength(1)
  await jobs.releaseJob(first, { id, fence: 1n })
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: next.workerId, recoveries: 1 })
})

test('a loss that a later claim counted is not taken back by the holder before that', async () => {
  const leases = [newLease(), newLease(), newLease()] as const
  const id = await storeJob(database.pool, { lease: leases[0] })
  for (const lease of leases.slice(1)) {
    await expireLease(database.pool, id)
    await database.pool.query('UPDATE jobs SET recoveries = 0 WHERE id = $1', [id])
    await claimExpired(jobs, lease, 1)
  }
  await jobs.releaseJob(leases[0], { id, fence: 1n })
  expect((await jobRow(database.pool, id)).recoveries).toBe(1)
})

test('a job that blocked the thread of its process is not given back when the leases run out; its neighbours are', async () => {
  const blocked = openWorker()
  const blocking = await blocked.start(probes('blocking…'))
  const neighbour = await blocked.start(probes('neighbour…'))
  for (const name of ['blocking', 'neighbour']) await probe.called(name)
  await blocked.journal.idle()
  for (const id of [blocking, neighbour]) await expireLease(database.pool, id)
  const other = openWorker()
  expect(await other.processor.tick()).toBe(2)
  for (const name of ['blocking', 'neighbour']) await probe.called(name, 2)
  blocked.processor.runs.noticeBlocking(blocking)
  blocked.processor.runs.doubtLeases()
  await blocked.processor.runs.renewLeases()
  await blocked.processor.idle()
  await blocked.processor.tick()
  await blocked.processor.releaseUnknown()
  expect((await jobRow(database.pool, blocking)).recoveries).toBe(1)
  expect((await jobRow(database.pool, neighbour)).recoveries).toBe(0)
})

test('a job that blocked the thread and that no other worker has claimed keeps its lease until it runs out', async () => {
  const blocked = openWorker({ jobs: (store) => ({ ...store, renew: async () => [] }) })
  const id = await blocked.start(probes('a…'))
  await probe.called('a')
  await blocked.journal.idle()
  blocked.processor.runs.noticeBlocking(id)
  blocked.processor.runs.doubtLeases()
  await blocked.processor.runs.renewLeases()
  await blocked.processor.idle()
  await blocked.processor.releaseUnknown()
  expect((await jobRow(database.pool, id)).holder).toBe(blocked.workerId)
})

const newLease = () => ({ workerId: newId<WorkerId>(), leaseMs: 60_000 })

/** The statement takes effect, and its answer never comes. */
function lost<Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) {
  return async (...args: Args): Promise<Answer> => {
    await call(...args)
    throw new Error('the answer is lost')
  }
}

/** The statement takes effect, and its answer comes when the gate opens. */
function delayed<Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>, gate: Gate) {
  return async (...args: Args): Promise<Answer> => {
    const answer = await call(...args)
    await gate.pass()
    return answer
  }
}

async function heldBy({ workerId }: TestWorker): Promise<readonly JobId[]> {
  const { rows } = await database.pool.query<{ id: JobId }>('SELECT id FROM jobs WHERE holder = $1', [
    workerId,
  ])
  return rows.map(({ id }) => id)
}

function openWorker(options: TestWorkerOptions = {}): TestWorker {
  const worker = createTestWorker(database, { blocks: [probe.block], ...options })
  workers.push(worker)
  return worker
}
