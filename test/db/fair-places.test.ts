import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { jobRow, OWNER, STRANGER } from '../support/jobs.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { ownerId, type JobId, type OwnerId } from '../../src/lib/ids.ts'
import { createTestWorker, type TestWorker, type TestWorkerOptions } from '../support/test-worker.ts'
import { countStatements } from '../support/statement-count.ts'
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

// Claims

test('free places are shared by the owners with due jobs, whatever the priorities of one of them', async () => {
  const api = openWorker({ concurrency: 0 })
  for (let n = 0; n < 20; n++) await api.start(probes(`flood-${n}…`), { ownerId: OWNER, priority: 100 })
  for (let n = 0; n < 3; n++) await api.start(probes(`mine-${n}…`), { ownerId: STRANGER, priority: -100 })
  const worker = openWorker({ concurrency: 6 })
  expect(await worker.processor.tick()).toBe(6)
  expect(await heldBy(worker)).toEqual({ [OWNER]: 3, [STRANGER]: 3 })
})

test('an owner’s weight is its share of the places', async () => {
  const api = openWorker({ concurrency: 0 })
  const third = ownerId('owner-3')
  for (const owner of [OWNER, STRANGER, third])
    for (let n = 0; n < 12; n++) await api.start(probes(`${owner}-${n}…`), { ownerId: owner })
  const weights = new Map([
    [OWNER, 3],
    [STRANGER, 2],
  ])
  const worker = openWorker({ concurrency: 12, weightOf: (owner) => weights.get(owner) ?? 1 })
  await worker.processor.tick()
  expect(await heldBy(worker)).toEqual({ [OWNER]: 6, [STRANGER]: 4, [third]: 2 })
})

test('one place that becomes free again and again goes to every owner in turn', async () => {
  const api = openWorker({ concurrency: 0 })
  for (let n = 0; n < 6; n++) await api.start(probes(`a${n}…`), { ownerId: OWNER, priority: 100 })
  for (let n = 0; n < 3; n++) await api.start(probes(`b${n}…`), { ownerId: STRANGER })
  const worker = openWorker({ concurrency: 1 })
  const order = await runOneByOne(worker, 9)
  expect(order.slice(0, 6).filter((name) => name.startsWith('b'))).toEqual(['b0', 'b1', 'b2'])
  expect(order.slice(0, 6).filter((name) => name.startsWith('a'))).toEqual(['a0', 'a1', 'a2'])
  for (const [index, name] of order.slice(1, 6).entries()) expect(name[0]).not.toBe(order[index]?.[0])
})

test('an owner’s own jobs are claimed by priority, then by how long they have waited', async () => {
  const api = openWorker({ concurrency: 0 })
  for (const [name, priority] of [
    ['late', 0],
    ['later', 0],
    ['low', -5],
    ['high', 5],
  ] as const)
    await api.start(probes(`${name}…`), { priority })
  expect(await runOneByOne(openWorker({ concurrency: 1 }), 4)).toEqual(['high', 'late', 'later', 'low'])
})

test('the jobs of an owner whose workers were lost in masses keep no other owner’s jobs from their places', async () => {
  const dying = openWorker({ concurrency: 30 })
  for (let n = 0; n < 20; n++) await dying.start(probes(`storm-${n}…`), { ownerId: OWNER })
  const lost = await dying.start(probes('lost…'), { ownerId: STRANGER })
  await until('all run', () => probe.calls.length === 21)
  const api = openWorker({ concurrency: 0 })
  await api.start(probes('waits…'), { ownerId: ownerId('owner-3') })
  await database.pool.query(`UPDATE jobs SET leased_until = now() - interval '1 s' WHERE holder IS NOT NULL`)
  const worker = openWorker({ concurrency: 3 })
  expect(await worker.processor.tick()).toBe(3)
  expect(await heldBy(worker)).toEqual({ [OWNER]: 1, [STRANGER]: 1, 'owner-3': 1 })
  expect((await jobRow(database.pool, lost)).holder).toBe(worker.workerId)
})

test('several workers share the backlogs of several owners and run each job once', async () => {
  const api = openWorker({ concurrency: 0 })
  const ids: JobId[] = []
  for (let n = 0; n < 30; n++)
    ids.push(await api.start(probes(`job-${n}`), { ownerId: ownerId(`owner-${n % 3}`), priority: n % 4 }))
  const three = [1, 2, 3].map(() => openWorker({ concurrency: 4, ownerPlacesPercent: 90 }))
  await until('all jobs have ended', async () => {
    await Promise.all(three.map(({ processor }) => processor.tick()))
    const rows = await Promise.all(ids.map((id) => jobRow(database.pool, id)))
    return rows.every((row) => row.status === 'COMPLETED' && row.fence === '1')
  })
  expect(probe.calls).toHaveLength(30)
})

// Maxima

test('an owner holds at most its part of the places, and another owner’s start takes one of the rest at once', async () => {
  const worker = openWorker({ concurrency: 10, ownerPlacesPercent: 90 })
  for (let n = 0; n < 15; n++) await worker.start(probes(`flood-${n}…`), { ownerId: OWNER, priority: 100 })
  await worker.processor.tick()
  expect([await heldBy(worker), worker.processor.freePlaces]).toEqual([{ [OWNER]: 9 }, 1])
  const id = await worker.start(probes('mine…'), { ownerId: STRANGER })
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: worker.workerId, fence: '1' })
  ;(await probe.called('mine')).finish()
  await until('it has ended', async () => (await jobRow(database.pool, id)).finished_at)
  // The place that is free again is none for the owner that holds its part already.
  expect(await worker.processor.tick()).toBe(0)
  expect(await heldBy(worker)).toEqual({ [OWNER]: 9 })
})

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [50, 45],
] as const)(
  'of %i places, one owner holds at most %i where 90 percent are its part',
  async (concurrency, most) => {
    const api = openWorker({ concurrency: 0 })
    await database.pool.query('TRUNCATE jobs CASCADE')
    for (let n = 0; n < Math.min(concurrency, 50); n++) await api.start(probes(`job-${n}…`))
    await api.start(probes('one-more…'))
    const worker = openWorker({ concurrency, ownerPlacesPercent: 90 })
    await worker.processor.tick()
    expect(worker.processor.freePlaces).toBe(concurrency - most)
  },
)

test('a parent that waits for its child holds no place, so that one place is enough for both', async () => {
  const worker = openWorker({ concurrency: 2, ownerPlacesPercent: 50 })
  const parent = await worker.start({
    nodes: [{ id: 'wait', type: 'core.delay', config: { duration: '1h' } }],
    edges: [],
  })
  await until('it has parked', async () => (await jobRow(database.pool, parent)).status === 'WAITING')
  await until('its place is free', () => worker.processor.freePlaces === 2)
  const child = await worker.start(probes('child'), {
    parent: { id: parent, path: 'wait', depth: 1, rootId: parent },
  })
  await until('the child has ended', async () => (await jobRow(database.pool, child)).finished_at)
})

test('a job that is resumed takes a place only within its owner’s part', async () => {
  const api = openWorker({ concurrency: 0 })
  const id = await api.start(probes('resumed…'))
  const worker = openWorker({ concurrency: 4, ownerPlacesPercent: 50 })
  for (const name of ['a…', 'b…']) await worker.start(probes(name))
  await worker.commands.send(OWNER, id, { kind: 'PAUSE' })
  await worker.commands.send(OWNER, id, { kind: 'RESUME' })
  await worker.processor.obey(id)
  await until('it waits again', async () => (await jobRow(database.pool, id)).holder === null)
  expect([probe.count('resumed'), worker.processor.freePlaces]).toEqual([0, 2])
})

// Local starts (D7)

test('a start takes no place where a due job of another owner waits for one', async () => {
  const worker = openWorker({ concurrency: 1 })
  await worker.start(probes('busy…'), { ownerId: OWNER })
  const waits = await worker.start(probes('waits…'), { ownerId: STRANGER })
  // What the worker's motor does when the hint of the queued job arrives.
  worker.processor.noticeQueued(STRANGER)
  ;(await probe.called('busy')).finish()
  await until('the place is free', () => worker.processor.freePlaces === 1)
  const late = await worker.start(probes('late…'), { ownerId: OWNER })
  expect((await jobRow(database.pool, late)).holder).toBeNull()
  expect(await worker.processor.tick()).toBe(1)
  expect((await jobRow(database.pool, waits)).holder).toBe(worker.workerId)
})

test('a start learns from the last survey that jobs of another owner wait, also of those that came due by time', async () => {
  const worker = openWorker({ concurrency: 1 })
  const api = openWorker({ concurrency: 0 })
  await worker.start(probes('busy…'), { ownerId: OWNER })
  await api.start(probes('timer…'), { ownerId: STRANGER })
  expect(await worker.processor.tick({ evenIfFull: true })).toBe(0)
  expect(worker.processor.hasWaiting).toBe(true)
  ;(await probe.called('busy')).finish()
  await until('the place is free', () => worker.processor.freePlaces === 1)
  const late = await worker.start(probes('late…'), { ownerId: OWNER })
  expect((await jobRow(database.pool, late)).holder).toBeNull()
})

test('an owner that has its part of the places keeps no other owner’s start from a free one', async () => {
  const worker = openWorker({ concurrency: 4, ownerPlacesPercent: 50 })
  for (let n = 0; n < 5; n++) await worker.start(probes(`flood-${n}…`), { ownerId: OWNER })
  worker.processor.noticeQueued(OWNER)
  await worker.processor.tick()
  const id = await worker.start(probes('mine…'), { ownerId: STRANGER })
  expect((await jobRow(database.pool, id)).holder).toBe(worker.workerId)
})

test('a claim takes no place before it knows whom it is for: a start meanwhile runs at once', async () => {
  let id: JobId | null = null
  const worker = openWorker({
    concurrency: 2,
    jobs: (jobs) => ({
      ...jobs,
      async survey(options) {
        id ??= await worker.start(probes('meanwhile…'))
        return jobs.survey(options)
      },
    }),
  })
  await worker.processor.tick()
  expect(await jobRow(database.pool, id ?? '')).toMatchObject({ holder: worker.workerId, fence: '1' })
})

test('the place of a job is free before its end is published', async () => {
  const free: number[] = []
  const worker = openWorker({ concurrency: 1, onCommitted: () => free.push(worker.processor.freePlaces) })
  await worker.start(probes('a'))
  await worker.processor.idle()
  expect(free.at(-1)).toBe(1)
  expect(free.length).toBeGreaterThan(0)
})

test('a start that runs in place sends no statement about other owners; a claim sends two, and one when nothing is due', async () => {
  const worker = openWorker()
  await worker.start(probes('warm-up'))
  await worker.processor.idle()
  const statements = countStatements()
  try {
    await worker.start(probes('a'))
    await worker.processor.idle()
    const inPlace = statements.take()
    expect(inPlace.filter((text) => text.includes('INSERT INTO jobs '))).toHaveLength(1)
    expect(inPlace.filter((text) => ABOUT_OWNERS.test(text))).toEqual([])
    expect(await worker.processor.tick()).toBe(0)
    expect(statements.take()).toHaveLength(1)
    await openWorker({ concurrency: 0 }).start(probes('b…'))
    statements.take()
    expect(await worker.processor.tick()).toBe(1)
    expect(statements.take().filter((text) => ABOUT_OWNERS.test(text))).toHaveLength(2)
  } finally {
    statements.stop()
  }
})

const ABOUT_OWNERS = /lume_survey|lume_lock_claimable/

/** Runs jobs to their end with one place; returns the names of their probes in order. */
async function runOneByOne(worker: TestWorker, count: number): Promise<readonly string[]> {
  for (let n = 1; n <= count; n++) {
    await until('the next one is claimed', async () => (await worker.processor.tick()) === 1)
    const call = await until('it runs', () => probe.calls[n - 1])
    call.finish()
    await until('its place is free', () => worker.processor.freePlaces === 1)
  }
  return probe.calls.map(({ name }) => name)
}

async function heldBy({ workerId }: TestWorker): Promise<Readonly<Record<OwnerId, number>>> {
  const { rows } = await database.pool.query<{ owner: OwnerId; count: number }>(
    'SELECT owner_id AS owner, count(*)::int AS count FROM jobs WHERE holder = $1 GROUP BY owner_id',
    [workerId],
  )
  return Object.fromEntries(rows.map(({ owner, count }) => [owner, count]))
}

function openWorker(options: TestWorkerOptions = {}): TestWorker {
  const worker = createTestWorker(database, { blocks: [probe.block], ...options })
  workers.push(worker)
  return worker
}
