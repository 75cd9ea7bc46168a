import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Claim } from '../../src/db/journal/journal.ts'
import { decodeEvents } from '../../src/db/log/decode-entry.ts'
import { encodeEntry } from '../../src/db/log/encode-entry.ts'
import { EXECUTION_OUTPUT } from '../../src/db/log/entry.ts'
import { Fold } from '../../src/db/log/fold.ts'
import { createLogStore, hasLanded, type LogAppend, type LogStore } from '../../src/db/log/log-store.ts'
import { endedItems } from '../../src/db/log/page.ts'
import { TAIL_MAX_CHANGES, writePages } from '../../src/db/log/page-writer.ts'
import { positionOf } from '../../src/db/log/position.ts'
import { readSteps } from '../../src/db/log/step-reader.ts'
import { event } from '../../src/engine/record/event.ts'
import type { StepRecord } from '../../src/engine/record/journal.ts'
import { itemPath } from '../../src/engine/record/step.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, openPool, type TestDatabase } from '../support/database.ts'
import { steal, storeClaimedJob, STRANGER } from '../support/jobs.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

let database: TestDatabase
let store: LogStore

beforeAll(async () => {
  database = await createTestDatabase()
  store = createLogStore(database.pool)
})

afterAll(() => database.drop())

// The guard (D3)

test('entries of many jobs are one statement, and each job’s entries have their own gapless numbers', async () => {
  const claims = await Promise.all([1, 2, 3].map(() => storeClaimedJob(database.pool)))
  for (const [written, text] of ['one', 'two'].entries()) {
    const landed = await store.append(claims.map((claim) => entryOf(claim, written, note(text))))
    expect(landed.toSorted((a, b) => a - b)).toEqual([0, 1, 2])
  }
  for (const claim of claims) {
    const rows = await eventsAfter(claim, 0)
    expect(rows.map(({ entryNo, seq }) => [entryNo, seq])).toEqual([
      [1, 2],
      [2, 3],
    ])
    expect((await store.marks([claim.jobId])).get(claim.jobId)).toEqual({ fence: 1n, entryNo: 2, seq: 3 })
  }
})

test('an entry of a stale writer leaves nothing, and neither does one with an old number; the others land', async () => {
  const claims = await Promise.all([1, 2, 3].map(() => storeClaimedJob(database.pool)))
  const [lost, late, good] = claims.map((claim) => entryOf(claim, 0, note('first', 'x'.repeat(3_000))))
  await steal(database.pool, required(lost).jobId)
  await store.append([entryOf(required(claims[1]), 0, note('before'))])
  expect(await store.append([lost, late, good].map(required))).toEqual([2])
  expect(await rowCounts(required(lost).jobId)).toEqual({ log: 0, values: 0 })
  expect(await rowCounts(required(late).jobId)).toEqual({ log: 1, values: 0 })
  expect(await rowCounts(required(good).jobId)).toEqual({ log: 1, values: 1 })
})

test('whether an entry has landed is known after a lost answer, also when it has no events', async () => {
  const proxy = await startTcpProxy(database.url)
  const pool = openPool(proxy.url)
  try {
    const broken = createLogStore(pool)
    for (const [cut, landed] of [
      ['before', false],
      ['after', true],
    ] as const) {
      const claim = await storeClaimedJob(database.pool)
      const silent = entryOf(claim, 0, { ...NOTHING, signals: [{ number: 1, path: null }] }, 1)
      const isCut = proxy.cutOnce('log-append', cut)
      const outcome = broken.append([silent])
      outcome.catch(() => undefined)
      await isCut
      await expect(outcome).rejects.toThrow()
      expect(hasLanded(silent, (await store.marks([claim.jobId])).get(claim.jobId))).toBe(landed)
      expect(await store.append([silent])).toEqual(landed ? [] : [0])
    }
  } finally {
    await pool.end()
    await proxy.close()
  }
})

// Reading

test('a tail, events and values are read of their own owner alone', async () => {
  const claim = await storeClaimedJob(database.pool)
  await store.append([entryOf(claim, 0, note('mine', '"small"'))])
  const theirs = { id: claim.jobId, ownerId: STRANGER }
  const refs = [{ entry: { seq: 2, entryNo: 1 }, kind: 'o', path: EXECUTION_OUTPUT } as const]
  expect(await store.values(keyOf(claim), refs)).toEqual(['"small"'])
  expect((await store.tails([theirs])).size).toBe(0)
  expect(await store.events(theirs, { after: 0, limit: 10, maxBytes: 1_000 })).toEqual([])
  expect(await store.values(theirs, refs)).toEqual([null])
  expect(await store.pageSummaries(theirs)).toEqual([])
  expect((await store.pages(theirs, [''])).size).toBe(0)
  expect(await store.storePages(theirs, { from: 0, to: 1, pages: [] })).toBe(false)
})

test('events are read after any number, in pieces that a limit and a size cut between entries', async () => {
  const claim = await storeClaimedJob(database.pool)
  for (let entry = 0; entry < 6; entry++)
    await store.append([entryOf(claim, entry, note('a', null, 3), 4 + entry * 3)])
  for (const after of [0, 1, 2, 5, 9, 19]) {
    const rows = await eventsAfter(claim, after, 4)
    const seqs = rows.flatMap(decodeEvents).flatMap(({ seq }) => (seq > after ? [seq] : []))
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, place) => Math.max(after, 1) + 1 + place))
    expect(seqs.length).toBeGreaterThanOrEqual(Math.min(4, 19 - Math.max(after, 1)))
    expect(rows.length).toBeLessThanOrEqual(3)
  }
  expect(await store.events(keyOf(claim), { after: 0, limit: 100, maxBytes: 1 })).toHaveLength(1)
})

test('small and large values are read by the entry that holds them', async () => {
  const claim = await storeClaimedJob(database.pool)
  const long = JSON.stringify('y'.repeat(5_000))
  const step = stepAt('a', [0])
  await store.append([
    entryOf(
      claim,
      0,
      { ...NOTHING, steps: [step], values: [{ path: 'a', config: '{"n": 1}', output: long }] },
      1,
    ),
  ])
  await store.append([entryOf(claim, 1, { ...NOTHING, output: '[1, 2]' }, 1)])
  const at = (entryNo: number) => ({ seq: 1, entryNo })
  const read = await store.values(keyOf(claim), [
    { entry: at(2), kind: 'o', path: EXECUTION_OUTPUT },
    { entry: at(1), kind: 'o', path: 'a' },
    { entry: at(1), kind: 'c', path: 'a' },
    { entry: at(1), kind: 'o', path: 'b' },
  ])
  expect(read).toEqual(['[1, 2]', long, '{"n": 1}', null])
})

test('the log, its values and its pages are deleted with their job', async () => {
  const claim = await storeClaimedJob(database.pool)
  await store.append([entryOf(claim, 0, note('mine', JSON.stringify('x'.repeat(3_000))))])
  await store.storePages(keyOf(claim), {
    from: 0,
    to: 1,
    pages: [{ low: '', steps: 0, open: 0, top: 0, ended: [], body: '{"s":[],"i":[],"k":[]}' }],
  })
  await database.pool.query('DELETE FROM jobs WHERE id = $1', [claim.jobId])
  expect(await rowCounts(claim.jobId)).toEqual({ log: 0, values: 0 })
  const { rowCount } = await database.pool.query('SELECT FROM job_pages WHERE job_id = $1', [claim.jobId])
  expect(rowCount).toBe(0)
})

// Pages

const ITEMS = 10_000
const ITEMS_PER_ENTRY = 50

test('a page of a running loop of 10,000 items folds a bounded part of the log, wherever it is', async () => {
  const claim = await storeClaimedJob(database.pool)
  const job = keyOf(claim)
  await store.append([entryOf(claim, 0, { ...NOTHING, steps: [stepAt('each', [0], null)] }, 1)])
  let written = 1
  for (let first = 0; first < ITEMS; first += ITEMS_PER_ENTRY) {
    await store.append([entryOf(claim, written++, itemsFrom(first), 1)])
    await writePages(store, job)
  }
  const tail = required((await store.tails([job])).get(job.id))
  expect(Fold.of(tail.rows).steps.size + Fold.of(tail.rows).items.size).toBeLessThanOrEqual(TAIL_MAX_CHANGES)
  const seen: number[] = []
  const counted: LogStore = {
    ...store,
    pages: async (key, lows) => {
      seen.push(lows.length)
      return store.pages(key, lows)
    },
  }
  for (const index of [0, 4_999, 9_940]) {
    const path = `each[${index}]/find`
    const after = { position: positionOf([0, index, 0]), path }
    const steps = await readSteps(counted, job, { after, limit: 50 })
    expect(steps.map(({ step }) => step.path)).toEqual(
      Array.from({ length: 50 }, (_, place) => `each[${index + 1 + place}]/find`),
    )
  }
  expect(Math.max(...seen)).toBeLessThanOrEqual(3)
  const start = await readSteps(store, job, { after: null, limit: 2 })
  expect(start.map(({ step }) => step.path)).toEqual(['each', 'each[0]/find'])
  const ended = endedItems(await store.pageSummaries(job)).get('each')?.size ?? 0
  expect(ended + Fold.of(tail.rows).items.size).toBe(ITEMS)
})

test('of two processes that write the same pages one stores nothing', async () => {
  const claim = await storeClaimedJob(database.pool)
  const job = keyOf(claim)
  for (let entry = 0; entry < 12; entry++)
    await store.append([entryOf(claim, entry, itemsFrom(entry * ITEMS_PER_ENTRY), 1)])
  expect((await Promise.all([writePages(store, job), writePages(store, job)])).toSorted()).toEqual([
    false,
    true,
  ])
  expect(await writePages(store, job)).toBe(false)
  expect(endedItems(await store.pageSummaries(job)).get('each')?.size).toBe(600)
})

const NOTHING = {
  events: [],
  steps: [],
  values: [],
  items: [],
  checkpoints: [],
  signals: [],
  output: null,
} as const
type Contents = Parameters<typeof encodeEntry>[0]

function keyOf({ jobId, ownerId }: Claim) {
  return { id: jobId, ownerId }
}

function entryOf(
  { jobId, fence }: Claim,
  expectedEntryNo: number,
  contents: Contents,
  seq?: number,
): LogAppend {
  const last = seq ?? expectedEntryNo + 1 + contents.events.length
  return { jobId, fence, expectedEntryNo, seq: last, entry: encodeEntry(contents, 1_000) }
}

function note(message: string, output: string | null = null, count = 1): Contents {
  const draft = event('JOB_PROGRESS', 1_000, { message })
  const events = Array.from({ length: count }, () => ({ progress: 5, draft }))
  return {
    ...NOTHING,
    events,
    output: output === null || output.startsWith('"') ? output : JSON.stringify(output),
  }
}

function eventsAfter(claim: Claim, after: number, limit = 100) {
  return store.events(keyOf(claim), { after, limit, maxBytes: 1_000_000 })
}

function itemsFrom(first: number): Contents {
  const indexes = Array.from({ length: ITEMS_PER_ENTRY }, (_, place) => first + place)
  return {
    ...NOTHING,
    steps: indexes.map((index) => stepAt(`${itemPath('each', index)}/find`, [0, index, 0])),
    items: indexes.map((index) => ({
      path: 'each',
      index,
      order: [0, index],
      status: 'COMPLETED',
      output: null,
      error: null,
      reusedFrom: null,
      finishedAt: 2,
    })),
  }
}

function stepAt(path: string, order: readonly number[], finishedAt: number | null = 2): StepRecord {
  return {
    path,
    order,
    nodeId: path.slice(path.lastIndexOf('/') + 1),
    status: finishedAt === null ? 'RUNNING' : 'COMPLETED',
    attempt: 1,
    attempts: [],
    handles: [],
    inputFrom: [],
    dueAt: null,
    wait: null,
    error: null,
    reusedFrom: null,
    callKey: null,
    startedAt: 1,
    finishedAt,
  }
}

async function rowCounts(jobId: JobId): Promise<{ log: number; values: number }> {
  const { rows } = await database.pool.query<{ log: number; values: number }>(
    `SELECT (SELECT count(*)::int FROM job_log WHERE job_id = $1) AS log,
       (SELECT count(*)::int FROM job_values WHERE job_id = $1) AS values`,
    [jobId],
  )
  return required(rows[0])
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('it is missing')
  return value
}
