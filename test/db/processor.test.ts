import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { z } from 'zod'
import { NOTE_FLUSH_DELAY_MS } from '../../src/db/journal/journal.ts'
import { completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { systemClock, type Clock } from '../../src/lib/time/clock.ts'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  claimWaiting,
  expireLease,
  jobRow,
  OWNER,
  steal,
  timelineKinds,
  sendCancel,
} from '../support/jobs.ts'
import { createProbe, probes, type Probe, type ProbeCall } from '../support/probe.ts'
import { newId, type WorkerId } from '../../src/lib/ids.ts'
import { Gate, settled } from '../support/manual-clock.ts'
import { recordOf } from '../support/recorded.ts'
import { createShiftedClock } from '../support/shifted-clock.ts'
import { createTestWorker, type TestWorker, type TestWorkerOptions } from '../support/test-worker.ts'
import { countStatements } from '../support/statement-count.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000

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

// Starts

test('a started execution runs at once where it was accepted, if there is room', async () => {
  const worker = openWorker()
  const id = await worker.start(probes('a', 'b'), { input: { x: 1 } })
  await worker.processor.idle()
  expect(await timelineKinds(database.pool, id)).toEqual([
    'JOB_QUEUED',
    'JOB_STARTED',
    'STEP_STARTED',
    'STEP_COMPLETED',
    'STEP_STARTED',
    'STEP_COMPLETED',
    'JOB_COMPLETED',
  ])
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', progress: 100, fence: '1' })
  expect((await createExecutionStore(database.pool).details(id))?.output).toBe('b')
})

test.each([
  // The call takes no time, so that the start, the end and the job's end are one flush.
  ['one external step', 'safe', 1, 1],
  ['ten external steps', 'safe', 10, 10],
  // The start of the first call is committed before it.
  ['ten steps whose calls must not be repeated', 'never', 10, 11],
] as const)(
  'an execution of %s takes as few flushes as it makes calls',
  async (_what, repeat, count, most) => {
    let flushes = 0
    const instant = instantBlock(repeat)
    // No time makes a note due: a slow machine changes no number.
    const after: Clock['after'] = (ms, callback) =>
      ms === NOTE_FLUSH_DELAY_MS ? () => {} : systemClock.after(ms, callback)
    const clock = { ...systemClock, after }
    const worker = openWorker({ blocks: [instant], clock, onCommitted: () => void flushes++ })
    const id = await worker.start(chainOf(count))
    await worker.processor.idle()
    expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED' })
    expect(flushes).toBeLessThanOrEqual(most)
  },
)

test('an accepted start survives a worker that dies right afterwards (P1)', async () => {
  // The job is stored with this worker's lease, and that is the last that is heard of it.
  const dying = openWorker()
  const hold = probes('a…')
  const id = await dying.start(hold)
  await probe.called('a')
  const other = await takeOver(id)
  ;(await probe.called('a', 2)).finish()
  await other.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', fence: '2', recoveries: 0 })
})

test('a start whose answer is lost takes no place, and what was stored of it is recovered', async () => {
  const worker = openWorker({
    concurrency: 1,
    jobs: (jobs) => ({
      ...jobs,
      async insert(job) {
        await jobs.insert(job)
        throw new Error('the answer was lost')
      },
    }),
  })
  await expect(worker.start(probes('a'))).rejects.toThrow('the answer was lost')
  expect(worker.processor.freePlaces).toBe(1)
  // It was stored with the worker's lease, but the worker does not know: no heartbeat keeps it from being recovered.
  await database.pool.query(`UPDATE jobs SET leased_until = now() - interval '1 s'`)
  await worker.processor.runs.renewLeases()
  expect(await openWorker().processor.tick()).toBe(1)
  await Promise.all(workers.map(({ processor }) => processor.idle()))
  expect(probe.count('a')).toBe(1)
})

test('what finds no room waits, and starts when places free up; the limit holds throughout', async () => {
  const worker = openWorker({ concurrency: 2 })
  const ids = []
  for (let n = 0; n < 5; n++) ids.push(await worker.start(probes(`job-${n}…`)))
  expect([worker.processor.freePlaces, await worker.processor.tick()]).toEqual([0, 0])
  for (let n = 0; n < 5; n++) {
    const call = await probe.called(`job-${n}`)
    expect(probe.calls).toHaveLength(Math.min(n + 2, 5))
    call.finish()
    await until('a place is free', () => worker.processor.freePlaces > 0)
    await worker.processor.tick()
    await until('the next one runs', () => probe.calls.length >= Math.min(n + 3, 5))
  }
  await worker.processor.idle()
  for (const id of ids) expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
})

test('a claim that fails leaves its places free, and the next one takes the jobs', async () => {
  const api = openWorker({ concurrency: 0 })
  const id = await api.start(probes('a…'))
  let failures = 1
  const worker = openWorker({
    concurrency: 2,
    jobs: (jobs) => ({
      ...jobs,
      async claim(...args) {
        if (failures-- > 0) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
        return jobs.claim(...args)
      },
    }),
  })
  await expect(worker.processor.tick()).rejects.toThrow('gone')
  expect(worker.processor.freePlaces).toBe(2)
  expect(await worker.processor.tick()).toBe(1)
  ;(await probe.called('a')).finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  expect(worker.processor.freePlaces).toBe(2)
})

test('what was begun goes on before what was only accepted, however much that is', async () => {
  const dying = openWorker()
  const begun = await dying.start(probes('begun…'))
  await probe.called('begun')
  const api = openWorker({ concurrency: 0 })
  for (let n = 0; n < 5; n++) await api.start(probes('accepted'))
  await expireLease(database.pool, begun)
  const worker = openWorker({ concurrency: 1 })
  expect(await worker.processor.tick()).toBe(1)
  ;(await probe.called('begun', 2)).finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, begun)).status).toBe('COMPLETED')
  expect(probe.count('accepted')).toBe(0)
})

// Recovery (D5)

test('steps on record are not run again; the step that was cut off is, under the same idempotency key (P2)', async () => {
  const dying = openWorker()
  const id = await dying.start(probes('paid', 'cut…', 'last'))
  const first = await probe.called('cut')
  const other = await takeOver(id)
  const second = await probe.called('cut', 2)
  expect(second.idempotencyKey).toBe(first.idempotencyKey)
  second.finish()
  await other.processor.idle()
  expect([probe.count('paid'), probe.count('cut'), probe.count('last')]).toEqual([1, 2, 1])
  expect(await timelineKinds(database.pool, id)).toEqual([
    'JOB_QUEUED',
    'JOB_STARTED',
    'STEP_STARTED',
    'STEP_COMPLETED',
    'STEP_STARTED',
    'JOB_RECOVERED',
    'STEP_COMPLETED',
    'STEP_STARTED',
    'STEP_COMPLETED',
    'JOB_COMPLETED',
  ])
})

test('the late result of a worker that has lost its lease is dropped (P3)', async () => {
  const slow = openWorker()
  const id = await slow.start(probes('a…', 'b'))
  const late = await probe.called('a')
  const other = await takeOver(id)
  ;(await probe.called('a', 2)).finish('in time')
  await other.processor.idle()
  const timeline = await timelineKinds(database.pool, id)
  late.finish('late')
  await slow.processor.idle()
  expect(await timelineKinds(database.pool, id)).toEqual(timeline)
  expect(probe.count('b')).toBe(1)
  expect(slow.faults).toEqual([])
})

test('a lost lease aborts the run at the next heartbeat', async () => {
  const worker = openWorker()
  const id = await worker.start(probes('a…'))
  const call = await standing(worker, 'a')
  await worker.processor.runs.renewLeases()
  expect(call.signal.aborted).toBe(false)
  await steal(database.pool, id)
  await worker.processor.runs.renewLeases()
  expect(call.signal.aborted).toBe(true)
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'RUNNING', fence: '2' })
})

test('a worker that overslept and claims its own job anew stops the older run of it', async () => {
  const worker = openWorker()
  const id = await worker.start(probes('a…'))
  const older = await probe.called('a')
  await takeOver(id, worker)
  const newer = await probe.called('a', 2)
  expect([older.signal.aborted, newer.signal.aborted]).toEqual([true, false])
  await worker.processor.runs.renewLeases()
  expect(newer.signal.aborted).toBe(false)
  newer.finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
})

test('five recoveries in a row without a committed step end a job as CRASH_LOOP, its open steps with it', async () => {
  let holder = openWorker()
  const id = await holder.start(probes('first', 'fatal…', 'never'))
  for (let loss = 1; loss <= 6; loss++) {
    await standing(holder, 'fatal', loss)
    holder = await takeOver(id)
  }
  await holder.processor.idle()
  expect(probe.count('fatal')).toBe(6)
  const row = await jobRow(database.pool, id)
  expect(row).toMatchObject({ status: 'FAILED', error: { code: 'CRASH_LOOP' }, holder: null })
  expect((await timelineKinds(database.pool, id)).slice(-2)).toEqual(['STEP_CANCELED', 'JOB_FAILED'])
  expect(await stepStatuses(id)).toEqual({ first: 'COMPLETED', fatal: 'CANCELED' })
})

test('a committed step clears the count: a job that gets ahead is in no crash loop', async () => {
  const names = Array.from({ length: 8 }, (_, n) => `s${n}`)
  const id = await openWorker().start(probes(...names.map((name) => `${name}…`)))
  for (const name of names) {
    await probe.called(name)
    await takeOver(id)
    ;(await probe.called(name, 2)).finish()
  }
  await until('it has ended', async () => (await jobRow(database.pool, id)).finished_at)
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
})

test('a park clears the count, too: losses between healthy parks are no crash loop', async () => {
  const worker = openWorker()
  const id = await worker.start(delay('1h'))
  await worker.processor.idle()
  for (let loss = 1; loss <= 6; loss++) {
    await timePasses(id, HOUR_MS)
    await claimWaiting(worker.jobs, { workerId: newId<WorkerId>(), leaseMs: 1 }, 1)
    await takeOver(id, worker)
    await worker.processor.idle()
    expect(await jobRow(database.pool, id)).toMatchObject({ status: 'WAITING', recoveries: 0 })
  }
  // What is woken after such a park lost nobody.
  await timePasses(id, HOUR_MS)
  expect(await worker.processor.tick()).toBe(1)
  await worker.processor.idle()
  const kinds = await timelineKinds(database.pool, id)
  expect(kinds.filter((kind) => kind === 'JOB_RECOVERED')).toHaveLength(6)
})

test('one job’s failure to recover does not hold back another’s, and ends as CRASH_LOOP', async () => {
  const dying = openWorker()
  const broken = await dying.start(probes('a…'))
  const healthy = await dying.start(probes('b…'))
  await Promise.all([probe.called('a'), probe.called('b')])
  await database.pool.query('DELETE FROM executions WHERE id = $1', [broken])
  const worker = openWorker()
  await takeOver(broken, worker)
  await takeOver(healthy, worker)
  ;(await probe.called('b', 2)).finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, healthy)).status).toBe('COMPLETED')
  expect(worker.faults).toEqual([expect.stringContaining(broken)])
  for (let loss = 0; loss < 5; loss++) {
    await takeOver(broken, worker)
    await worker.processor.idle()
  }
  expect(await jobRow(database.pool, broken)).toMatchObject({
    status: 'FAILED',
    error: { code: 'CRASH_LOOP' },
  })
})

test('a definition that is unsound in this build ends FAILED, saying so', async () => {
  const newer = openWorker()
  const id = await newer.start(probes('a…'))
  await standing(newer, 'a')
  const stricter = defineBlock({
    type: 'test.probe',
    name: 'Probe',
    description: 'The same type with another config.',
    config: z.strictObject({ other: z.string() }),
    output: z.json(),
    sample: null,
    run: async () => completed(null),
  })
  const older = await takeOver(id, openWorker({ blocks: [stricter] }))
  await older.processor.idle()
  const row = await jobRow(database.pool, id)
  expect(row).toMatchObject({ status: 'FAILED', error: { code: 'DEFINITION_UNSOUND' } })
  expect(row.error?.message).toContain('other')
  expect(await stepStatuses(id)).toEqual({ a: 'CANCELED' })
})

// Cancel (P5, D8)

test('a job that runs here is canceled at once: its step is aborted and on record as such', async () => {
  const worker = openWorker()
  const id = await worker.start(probes('done', 'cut…', 'never'))
  const call = await probe.called('cut')
  await sendCancel(database.pool, OWNER, id)
  await worker.processor.obey(id)
  expect(call.signal.aborted).toBe(true)
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
  expect((await timelineKinds(database.pool, id)).slice(-3)).toEqual([
    'JOB_CANCELING',
    'STEP_CANCELED',
    'JOB_CANCELED',
  ])
  expect(await stepStatuses(id)).toEqual({ done: 'COMPLETED', cut: 'CANCELED', never: 'CANCELED' })
})

test.each(['heartbeat', 'flush', 'look at the inboxes'] as const)(
  'a cancel whose hint is lost is seen by the next %s of the holder',
  async (by) => {
    const holder = openWorker()
    const id = await holder.start({
      nodes: [...probes('long…').nodes, ...probes('brief…').nodes],
      edges: [],
    })
    const [long, brief] = [await standing(holder, 'long'), await standing(holder, 'brief')]
    const other = openWorker()
    await sendCancel(database.pool, OWNER, id)
    // Another process cannot obey for the holder.
    await other.processor.obey(id)
    expect(long.signal.aborted).toBe(false)
    if (by === 'heartbeat') await holder.processor.runs.renewLeases()
    else if (by === 'look at the inboxes') await holder.processor.runs.readInboxes()
    else brief.finish()
    await holder.processor.idle()
    expect(long.signal.aborted).toBe(true)
    expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
  },
)

test('a look at the inboxes of all jobs that run here is one statement while none has grown', async () => {
  const holder = openWorker()
  await holder.processor.runs.readInboxes()
  const ids = [await holder.start(probes('one…')), await holder.start(probes('two…'))]
  for (const name of ['one', 'two']) await standing(holder, name)
  const statements = countStatements(database.url)
  await holder.processor.runs.readInboxes()
  expect(statements.take()).toHaveLength(1)
  statements.stop()
  for (const id of ids) await sendCancel(database.pool, OWNER, id)
  await holder.processor.runs.readInboxes()
  await holder.processor.idle()
  for (const id of ids) expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
})

test('a queued job is canceled at once, by any process and though all places are taken; it never starts', async () => {
  const worker = openWorker({ concurrency: 1 })
  const busy = await worker.start(probes('busy…'))
  const queued = await worker.start(probes('queued'))
  await probe.called('busy')
  await sendCancel(database.pool, OWNER, queued)
  await worker.processor.obey(queued)
  await until('it has ended', async () => (await jobRow(database.pool, queued)).finished_at)
  expect(await jobRow(database.pool, queued)).toMatchObject({
    status: 'CANCELED',
    started_at: null,
    progress: 0,
  })
  expect(await timelineKinds(database.pool, queued)).toEqual(['JOB_QUEUED', 'JOB_CANCELED'])
  expect(await stepStatuses(queued)).toEqual({ queued: 'CANCELED' })
  ;(await probe.called('busy')).finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, busy)).status).toBe('COMPLETED')
  expect(worker.processor.freePlaces).toBe(1)
})

test('a parked job is canceled at once, by any process', async () => {
  const worker = openWorker()
  const id = await worker.start(delay('1h'))
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'WAITING', holder: null })
  const other = openWorker()
  await sendCancel(database.pool, OWNER, id)
  await other.processor.obey(id)
  await other.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'CANCELED', wake_at: null })
  expect(await stepStatuses(id)).toEqual({ wait: 'CANCELED', next: 'CANCELED' })
})

test('a parked job whose cancel nobody heard is canceled by the next look for work', async () => {
  const worker = openWorker()
  const id = await worker.start(delay('1h'))
  await worker.processor.idle()
  await sendCancel(database.pool, OWNER, id)
  expect(await worker.processor.tick()).toBe(1)
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
})

test('a created job is canceled without ever having been queued', async () => {
  const worker = openWorker()
  const id = await worker.start(probes('a'), { intent: 'create' })
  await sendCancel(database.pool, OWNER, id)
  await worker.processor.obey(id)
  await worker.processor.idle()
  expect(await timelineKinds(database.pool, id)).toEqual(['JOB_CANCELED'])
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'CANCELED', started_at: null })
})

test('a cancel reaches its end even if the holder is dead', async () => {
  const dead = openWorker()
  const id = await dead.start(probes('a…'))
  await standing(dead, 'a')
  const other = openWorker()
  await sendCancel(database.pool, OWNER, id)
  await other.processor.obey(id)
  await takeOver(id, other)
  await other.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
  expect(probe.count('a')).toBe(1)
})

test('a cancel reaches its end even if this build cannot run the definition', async () => {
  const newer = openWorker()
  const id = await newer.start(probes('a…'))
  await standing(newer, 'a')
  await newer.processor.stop()
  const older = openWorker({ blocks: [] })
  await sendCancel(database.pool, OWNER, id)
  await older.processor.obey(id)
  await older.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
  expect(await stepStatuses(id)).toEqual({ a: 'CANCELED' })
})

test('a cancel that meets the end of the job is either refused or obeyed', async () => {
  const worker = openWorker()
  for (let round = 0; round < 10; round++) {
    const id = await worker.start(probes(`round-${round}…`))
    ;(await probe.called(`round-${round}`)).finish()
    const isAccepted = await sendCancel(database.pool, OWNER, id)
    await worker.processor.obey(id)
    await worker.processor.idle()
    const { status } = await jobRow(database.pool, id)
    expect(isAccepted ? ['CANCELED', 'COMPLETED'] : ['COMPLETED']).toContain(status)
    expect(await sendCancel(database.pool, OWNER, id)).toBe(false)
  }
})

test('an inbox that cannot be read for the moment is read later, and harms nobody', async () => {
  let failures = 1
  const worker = openWorker({
    commands: (commands) => ({
      ...commands,
      async after(id, number) {
        if (failures-- > 0) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
        return commands.after(id, number)
      },
    }),
  })
  const id = await worker.start({ nodes: [...probes('long…').nodes, ...probes('brief…').nodes], edges: [] })
  await standing(worker, 'long')
  await sendCancel(database.pool, OWNER, id)
  ;(await probe.called('brief')).finish()
  await until('the flush has pointed the command out', () => failures <= 0)
  await worker.processor.runs.renewLeases()
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('CANCELED')
})

// Pause and resume (D8)

test('jobs that are paused and resumed at once begin in the places of the worker only', async () => {
  const worker = openWorker({ concurrency: 1 })
  await worker.start(probes('busy…'))
  await probe.called('busy')
  const queued = [await worker.start(probes('a…')), await worker.start(probes('b…'))]
  for (const id of queued) {
    await worker.commands.send(OWNER, id, { kind: 'PAUSE' })
    await worker.commands.send(OWNER, id, { kind: 'RESUME' })
    await worker.processor.obey(id)
    await until('it lies where it lay', async () => (await jobRow(database.pool, id)).holder === null)
    expect(await jobRow(database.pool, id)).toMatchObject({ status: 'QUEUED', started_at: null })
  }
  ;(await probe.called('busy')).finish()
  await worker.processor.idle()
  await until('the next one is taken', async () => (await worker.processor.tick()) > 0)
  ;(await probe.called('a')).finish()
  await worker.processor.idle()
  expect([probe.count('a'), probe.count('b'), worker.processor.freePlaces]).toEqual([1, 0, 1])
})

test('a job that is paused and resumed at once takes a place if one is free', async () => {
  const id = await openWorker({ concurrency: 0 }).start(probes('a…'))
  const worker = openWorker({ concurrency: 1 })
  await worker.commands.send(OWNER, id, { kind: 'PAUSE' })
  await worker.commands.send(OWNER, id, { kind: 'RESUME' })
  await worker.processor.obey(id)
  const call = await probe.called('a')
  expect(worker.processor.freePlaces).toBe(0)
  call.finish()
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  expect(worker.processor.freePlaces).toBe(1)
})

// Waits (E9)

test('a parked timer frees its place, and wakes when it is due', async () => {
  const clock = createShiftedClock()
  const worker = openWorker({ concurrency: 1, clock })
  const id = await worker.start(delay('1h'))
  await worker.processor.idle()
  expect(worker.processor.freePlaces).toBe(1)
  const other = await worker.start(probes('meanwhile'))
  await worker.processor.idle()
  expect((await jobRow(database.pool, other)).status).toBe('COMPLETED')
  expect(await worker.processor.tick()).toBe(0)
  clock.setForward(HOUR_MS)
  await timePasses(id, HOUR_MS)
  expect(await worker.processor.tick()).toBe(1)
  await worker.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  expect((await timelineKinds(database.pool, id)).filter((kind) => kind === 'JOB_RECOVERED')).toEqual([])
})

test('a worker that wakes a job too early, by its own clock, parks it again', async () => {
  const worker = openWorker()
  const id = await worker.start(delay('1h'))
  await worker.processor.idle()
  await timePasses(id, HOUR_MS)
  expect(await worker.processor.tick()).toBe(1)
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'WAITING', holder: null })
  expect((await jobRow(database.pool, id)).wake_at?.getTime()).toBeGreaterThan(Date.now())
})

// Stops

test('a worker that stops gives its jobs back: another goes on at once, and no loss is counted', async () => {
  const worker = openWorker()
  const id = await worker.start(probes('a', 'b…'))
  const call = await probe.called('b')
  await worker.processor.stop()
  expect(call.signal.aborted).toBe(true)
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, status: 'RUNNING' })
  const other = openWorker()
  expect(await other.processor.tick()).toBe(1)
  ;(await probe.called('b', 2)).finish()
  await other.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  expect(probe.count('a')).toBe(1)
  expect(await timelineKinds(database.pool, id)).not.toContain('STEP_CANCELED')
})

test('a worker that stops in the middle of a start waits for it, and gives that job back, too', async () => {
  let stopped: Promise<void> | undefined
  const worker = openWorker({
    jobs: (jobs) => ({
      ...jobs,
      async insert(job) {
        stopped = worker.processor.stop()
        return jobs.insert(job)
      },
    }),
  })
  const id = await worker.start(probes('a…'))
  await stopped
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, finished_at: null })
  expect((await jobRow(database.pool, id)).wake_at).not.toBeNull()
})

test('a worker that stops while it takes jobs starts none of them, and gives them back', async () => {
  const api = openWorker({ concurrency: 0 })
  const id = await api.start(probes('a'))
  const paused = await api.start(probes('b'))
  await api.commands.send(OWNER, paused, { kind: 'PAUSE' })
  const gate = new Gate()
  const later = async <T>(claim: () => Promise<T>): Promise<T> => {
    await gate.pass()
    return claim()
  }
  const worker = openWorker({
    concurrency: 1,
    jobs: (jobs) => ({
      ...jobs,
      claim: (...args) => later(() => jobs.claim(...args)),
      claimCommanded: (...args) => later(() => jobs.claimCommanded(...args)),
    }),
  })
  const claims = [worker.processor.tick(), worker.processor.obey(paused)]
  await settled()
  const stopped = worker.processor.stop()
  await settled()
  gate.open()
  await Promise.all([...claims, stopped])
  expect((await jobRow(database.pool, id)).holder).toBeNull()
  expect((await jobRow(database.pool, paused)).holder).toBeNull()
  await worker.processor.idle()
  expect(probe.calls).toHaveLength(0)
})

test('a stopped worker takes nothing more', async () => {
  const worker = openWorker()
  await worker.processor.stop()
  const id = await worker.start(probes('a'))
  expect(await worker.processor.tick()).toBe(0)
  await sendCancel(database.pool, OWNER, id)
  await worker.processor.obey(id)
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'QUEUED', holder: null })
})

function openWorker(options: TestWorkerOptions = {}): TestWorker {
  const worker = createTestWorker(database, { blocks: [probe.block], ...options })
  workers.push(worker)
  return worker
}

/** A block whose calls take no time. */
function instantBlock(repeat: 'safe' | 'never') {
  return defineBlock({
    type: 'test.instant',
    name: 'Instant',
    description: 'Answers at once.',
    repeat,
    config: z.strictObject({}),
    output: z.json(),
    sample: null,
    run: async ({ input }) => completed(input),
  })
}

/** Steps of that block, one after the other. */
function chainOf(length: number) {
  const nodes = Array.from({ length }, (_, n) => ({ id: `n${n}`, type: 'test.instant' }))
  return { nodes, edges: nodes.slice(1).map(({ id }, n) => ({ source: `n${n}`, target: id })) }
}

/** Waits until a step holds and everything up to there is on record. */
async function standing(worker: TestWorker, name: string, nth = 1): Promise<ProbeCall> {
  const call = await probe.called(name, nth)
  await worker.journal.idle()
  return call
}

/** Another worker takes a job over, its lease having run out. */
async function takeOver(id: string, by = openWorker()): Promise<TestWorker> {
  await expireLease(database.pool, id)
  const { fence } = await jobRow(database.pool, id)
  await until('the job is taken over', async () => {
    // A look passes over a row that a flush has locked that moment.
    await by.processor.tick()
    return (await jobRow(database.pool, id)).fence > fence
  })
  return by
}

function delay(duration: string) {
  return {
    nodes: [
      { id: 'wait', type: 'core.delay', config: { duration } },
      { id: 'next', type: 'test.probe', config: { name: 'next' } },
    ],
    edges: [{ source: 'wait', target: 'next' }],
  }
}

/** For the database, whose clock no test can set: a job's next look is due earlier instead. */
async function timePasses(id: string, ms: number): Promise<void> {
  await database.pool.query(`UPDATE jobs SET wake_at = wake_at - $2 * interval '1 ms' WHERE id = $1`, [
    id,
    ms,
  ])
}

async function stepStatuses(id: string): Promise<Record<string, string>> {
  const { steps } = await recordOf(database.pool, id)
  return Object.fromEntries(steps.map(({ path, status }) => [path, status]))
}
