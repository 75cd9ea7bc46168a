import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { jobRow, OWNER, sendCancel, STRANGER, timelineKinds } from '../support/jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { SUSPECT_ALONE_MS, SUSPECT_WAIT_MS } from '../../src/jobs/worker/quarantine.ts'
import type { JobId, OwnerId } from '../../src/lib/ids.ts'
import { createTestWorker, type TestWorker, type TestWorkerOptions } from '../support/test-worker.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let probe: Probe
let workers: TestWorker[]

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs CASCADE')
  probe = createProbe()
  workers = []
})

afterEach(() => Promise.all(workers.map(({ processor }) => processor.stop())))

afterAll(() => database.drop())

test('of ten executions and one that kills every worker, only the one ends as CRASH_LOOP', async () => {
  const names = Array.from({ length: 10 }, (_, n) => `healthy-${n}`)
  const first = openWorker({ concurrency: 20 })
  const healthy: JobId[] = []
  for (const name of names) healthy.push(await first.start(probes(`${name}…`, `${name}-rest`)))
  const killer = await first.start(probes('killer…'))
  await until('all run', () => probe.calls.length === 11)
  // The killer ends two workers, and its neighbours with them.
  await loseAll()
  const second = openWorker({ concurrency: 20 })
  expect(await second.processor.tick()).toBe(11)
  await until('all run again', () => probe.calls.length === 22)
  await loseAll()

  // From now on each is tried alone; whenever the killer runs, the worker is lost.
  let worker = openWorker({ concurrency: 20 })
  let seen = probe.calls.length
  while ((await jobRow(database.pool, killer)).finished_at === null) {
    await worker.processor.tick()
    const { finished_at: isOver } = await jobRow(database.pool, killer)
    if (isOver !== null || worker.processor.freePlaces === 20) continue
    const call = await until('the next one runs', () =>
      probe.calls.slice(seen).find(({ name }) => !/rest/.test(name)),
    )
    // It runs alone: everything else that was taken here has ended.
    expect(await heldBy(worker)).toBe(1)
    seen = probe.calls.length
    if (call.name === 'killer') {
      await loseAll()
      worker = openWorker({ concurrency: 20 })
    } else {
      call.finish()
      await worker.processor.idle()
    }
  }
  for (const id of healthy) expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  expect(await jobRow(database.pool, killer)).toMatchObject({
    status: 'FAILED',
    error: { code: 'CRASH_LOOP' },
  })
  expect(names.map((name) => probe.count(name))).toEqual(names.map(() => 3))
  expect(probe.count('killer')).toBe(6)
})

test('a suspect begins when the executions beside it have ended, and nothing else begins until it is cleared', async () => {
  const id = await suspect('suspect…', 'rest…')
  const worker = openWorker({ concurrency: 5 })
  await worker.start(probes('neighbour…'))
  const neighbour = await probe.called('neighbour')
  expect(await worker.processor.tick()).toBe(1)
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: worker.workerId, recoveries: 2 })
  // Neither a start nor a claim begins beside it.
  const queued = await worker.start(probes('queued…'), { ownerId: STRANGER })
  expect(await worker.processor.tick()).toBe(0)
  expect([(await jobRow(database.pool, queued)).holder, probe.count('suspect')]).toEqual([null, 1])
  neighbour.finish()
  const call = await probe.called('suspect', 2)
  expect(await worker.processor.tick()).toBe(0)
  // Its first step is committed: it is cleared, and others run beside it.
  call.finish()
  await probe.called('rest')
  await until('the worker claims again', async () => (await worker.processor.tick()) === 1)
  ;(await probe.called('queued')).finish()
  ;(await probe.called('rest')).finish()
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
})

test('a suspect does not wait without end: what still runs is given back, loses nothing and continues', async () => {
  const clock = new ManualClock()
  const id = await suspect('suspect…')
  const worker = openWorker({ concurrency: 5, clock })
  const long = await worker.start(probes('done', 'long…'))
  const call = await probe.called('long')
  await worker.journal.idle()
  await worker.processor.tick()
  await until('the suspect waits', () => clock.nextDueAt !== null)
  await clock.advance(SUSPECT_WAIT_MS - 1)
  expect(call.signal.aborted).toBe(false)
  await clock.advance(1)
  await until('it is given back', async () => (await jobRow(database.pool, long)).holder === null)
  expect(await jobRow(database.pool, long)).toMatchObject({
    recoveries: 0,
    status: 'RUNNING',
    finished_at: null,
  })
  ;(await probe.called('suspect', 2)).finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  expect(await worker.processor.tick()).toBe(1)
  ;(await probe.called('long', 2)).finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, long)).status).toBe('COMPLETED')
  expect(await timelineKinds(database.pool, long)).not.toContain('JOB_RECOVERED')
  expect(probe.count('done')).toBe(1)
})

test('a suspect that runs for long keeps the process to itself for a bounded time only', async () => {
  const clock = new ManualClock()
  await suspect('suspect…')
  const worker = openWorker({ concurrency: 5, clock })
  await worker.processor.tick()
  const call = await probe.called('suspect', 2)
  const queued = await worker.start(probes('queued…'))
  await clock.advance(SUSPECT_ALONE_MS - 1)
  expect(await worker.processor.tick()).toBe(0)
  await clock.advance(1)
  expect(await worker.processor.tick()).toBe(1)
  expect((await jobRow(database.pool, queued)).holder).toBe(worker.workerId)
  ;(await probe.called('queued')).finish()
  call.finish()
  await worker.processor.idle()
})

test('other jobs have the process for as long as suspects had it', async () => {
  const clock = new ManualClock()
  await suspect('one…')
  await suspect('two…')
  const worker = openWorker({ concurrency: 5, clock })
  await worker.processor.tick()
  await until('a suspect runs', () => probe.calls[2])
  await clock.advance(SUSPECT_ALONE_MS)
  const queued = await worker.start(probes('queued…'))
  expect((await jobRow(database.pool, queued)).holder).toBe(worker.workerId)
  expect(await worker.processor.tick()).toBe(0)
  await clock.advance(SUSPECT_ALONE_MS)
  expect(await worker.processor.tick()).toBe(1)
})

test('a suspect that is canceled while it waits ends at once and never runs', async () => {
  const id = await suspect('suspect…')
  const worker = openWorker({ concurrency: 5 })
  await worker.start(probes('neighbour…'))
  const neighbour = await probe.called('neighbour')
  await worker.processor.tick()
  expect(await sendCancel(database.pool, OWNER, id)).toBe(true)
  await worker.processor.obey(id)
  await until('it has ended', async () => (await jobRow(database.pool, id)).finished_at)
  expect([(await jobRow(database.pool, id)).status, probe.count('suspect')]).toEqual(['CANCELED', 1])
  expect(neighbour.signal.aborted).toBe(false)
  neighbour.finish()
  await worker.processor.idle()
})

test('a suspect that is paused and resumed is still a suspect, and runs alone', async () => {
  const id = await suspect('suspect…')
  const worker = openWorker({ concurrency: 5 })
  const send = (kind: 'PAUSE' | 'RESUME') => worker.commands.send(OWNER, id, { kind })
  await send('PAUSE')
  expect(await worker.processor.tick()).toBe(1)
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'PAUSED', recoveries: 2 })
  await worker.start(probes('neighbour…'))
  const neighbour = await probe.called('neighbour')
  // Both are unread when the worker takes the suspect up for them.
  await send('RESUME')
  await send('PAUSE')
  await send('RESUME')
  await worker.processor.obey(id)
  await until('it is back', async () => (await jobRow(database.pool, id)).holder === null)
  expect([(await jobRow(database.pool, id)).recoveries, probe.count('suspect')]).toEqual([2, 1])
  expect(await worker.processor.tick()).toBe(1)
  expect(probe.count('suspect')).toBe(1)
  neighbour.finish()
  ;(await probe.called('suspect', 2)).finish()
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
})

test('a worker that stops while a suspect waits gives it back', async () => {
  const id = await suspect('suspect…')
  const worker = openWorker({ concurrency: 5 })
  await worker.start(probes('neighbour…'))
  await probe.called('neighbour')
  await worker.processor.tick()
  await worker.processor.stop()
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, recoveries: 2, finished_at: null })
  const other = openWorker()
  await until('the other takes it', async () => (await other.processor.tick()) === 1)
  await probe.called('suspect', 2)
})

test('suspects of several owners are tried in turn', async () => {
  for (let n = 0; n < 3; n++) await suspect(`a${n}…`)
  const strangers = await suspect('b…', { ownerId: STRANGER })
  const worker = openWorker({ concurrency: 5 })
  for (let n = 0; n < 2; n++) {
    const before = probe.calls.length
    expect(await worker.processor.tick()).toBe(1)
    const call = await until('it runs', () => probe.calls[before])
    call.finish()
    await worker.processor.idle()
  }
  expect((await jobRow(database.pool, strangers)).status).toBe('COMPLETED')
})

test('a living process whose leases ran out while the database was silent counts no loss for a job that another one claimed meanwhile', async () => {
  const silent = openWorker()
  const id = await silent.start(probes('a…'))
  await probe.called('a')
  await silent.journal.idle()
  for (let nth = 2; nth <= 4; nth++) {
    const before = workers.at(-1)
    await loseAll()
    const next = openWorker()
    expect(await next.processor.tick()).toBe(1)
    await probe.called('a', nth)
    before?.processor.runs.doubtLeases()
    await before?.processor.runs.renewLeases()
    await before?.processor.idle()
    expect(await jobRow(database.pool, id)).toMatchObject({ holder: next.workerId, recoveries: 0 })
  }
})

test('a process that cannot say at once that it gives a job back says so before it claims again', async () => {
  let isSilent = false
  const worker = openWorker({
    jobs: (jobs) => ({
      ...jobs,
      releaseJob: (...args) =>
        isSilent ? Promise.reject(new Error('the database is silent')) : jobs.releaseJob(...args),
    }),
  })
  const id = await worker.start(probes('a…'))
  await probe.called('a')
  await worker.journal.idle()
  isSilent = true
  worker.processor.runs.doubtLeases()
  await loseAll()
  const next = openWorker()
  expect(await next.processor.tick()).toBe(1)
  await worker.processor.runs.renewLeases()
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).recoveries).toBe(1)
  isSilent = false
  await worker.processor.tick()
  expect((await jobRow(database.pool, id)).recoveries).toBe(0)
  ;(await probe.called('a', 2)).finish()
  await next.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', recoveries: 0, fence: '2' })
})

/** An execution that has lost two workers, the second one just now. */
async function suspect(name: string, more: string | { readonly ownerId?: OwnerId } = {}): Promise<JobId> {
  const names = typeof more === 'string' ? [name, more] : [name]
  const dying = openWorker()
  const id = await dying.start(probes(...names), typeof more === 'string' ? {} : more)
  await probe.called(name.replace('…', ''))
  await dying.journal.idle()
  await database.pool.query(
    `UPDATE jobs SET recoveries = 1, leased_until = now() - interval '1 s' WHERE id = $1`,
    [id],
  )
  return id
}

async function heldBy({ workerId }: TestWorker): Promise<number> {
  return (await database.pool.query('SELECT 1 FROM jobs WHERE holder = $1', [workerId])).rows.length
}

/** All workers are lost, with everything that they hold. */
async function loseAll(): Promise<void> {
  await Promise.all(workers.map(({ journal }) => journal.idle()))
  await database.pool.query(`UPDATE jobs SET leased_until = now() - interval '1 s' WHERE holder IS NOT NULL`)
}

function openWorker(options: TestWorkerOptions = {}): TestWorker {
  const worker = createTestWorker(database, { blocks: [probe.block], ...options })
  workers.push(worker)
  return worker
}
