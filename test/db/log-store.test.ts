import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type pg from 'pg'
import { loadRecorded } from '../../src/db/executions/recorded-state.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import { mergeEntries } from '../../src/db/journal/journal-write.ts'
import type { Claim } from '../../src/db/journal/journal.ts'
import { readValues, type LoggedValueKey } from '../../src/db/log-reads/bounded-values.ts'
import { EXECUTION_OUTPUT } from '../../src/db/log/entry.ts'
import { parsedBytes, readEvents, type EventsPiece } from '../../src/db/log-reads/event-reader.ts'
import { Fold } from '../../src/db/log/fold.ts'
import { createLogStore, type LogKey, type LogStore } from '../../src/db/log/log-store.ts'
import { endedItems } from '../../src/db/log/page.ts'
import { mergeIntoPages, TAIL_MAX_CHANGES, writePages } from '../../src/db/log/page-writer.ts'
import { createEventStore } from '../../src/db/stores/event-store.ts'
import { event } from '../../src/engine/record/event.ts'
import type { JobChange, JournalEntry, LoopItemRecord, StepRecord } from '../../src/engine/record/journal.ts'
import { itemPath } from '../../src/engine/record/step.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'
import { storeClaimedJob, STRANGER } from '../support/jobs.ts'
import { completedStep } from '../support/step-records.ts'

let database: TestDatabase
let store: LogStore

beforeAll(async () => {
  database = await createTestDatabase()
  store = createLogStore(database.pool)
})

afterAll(() => database.drop())

// Reading

test('a tail, events and values are read only for their owner', async () => {
  const claim = await storeClaimedJob(database.pool)
  await append(claim, note('mine', '"small"'))
  const theirs = { id: claim.jobId, ownerId: STRANGER }
  const refs = [{ entry: { seq: 2, entryNo: 1 }, kind: 'o', path: EXECUTION_OUTPUT } as const]
  expect(await valuesOf(keyOf(claim), refs)).toEqual(['"small"'])
  expect((await store.tails([theirs])).size).toBe(0)
  expect(await eventPieces([theirs], { after: 0, limit: 10 })).toEqual([[]])
  expect(await valuesOf(theirs, refs)).toEqual([null])
  expect(await store.pageSummaries(theirs)).toEqual([])
  expect((await store.pages(theirs, [''])).size).toBe(0)
  expect(await store.storePages(theirs, { from: 0, to: 1, pages: [] })).toBe(false)
})

test('events are read after any number, in statements that a limit and a size end', async () => {
  const claim = await storeClaimedJob(database.pool)
  const second = await storeClaimedJob(database.pool)
  for (const one of [claim, second])
    for (let entry = 0; entry < 6; entry++) await append(one, note('a', null, 3))
  const other = await storeClaimedJob(database.pool)
  for (const maxBytes of [1, 500, 1_000_000]) {
    for (const after of [0, 1, 2, 5, 9, 18, 19, 2 ** 31 - 1]) {
      const jobs = [other, claim, other, second].map(keyOf)
      const statements = await eventPieces(jobs, { after, limit: 4, maxBytes })
      const seqsOf = (job: number) =>
        statements.flat().flatMap((piece) => (piece.job === job ? piece.events.map(({ seq }) => seq) : []))
      const count = Math.max(0, Math.min(4, 19 - after))
      for (const job of [1, 3])
        expect(seqsOf(job)).toEqual(Array.from({ length: count }, (_, place) => after + 1 + place))
      for (const job of [0, 2]) expect(seqsOf(job)).toEqual(after === 0 ? [1] : [])
      if (maxBytes === 1) for (const pieces of statements) expect(pieces.length).toBeLessThanOrEqual(1)
      if (maxBytes === 1_000_000) expect(statements).toHaveLength(1)
    }
  }
})

test('events have no gap from number 1 on, whether the row of the job or its log holds the first one', async () => {
  const started = await storeClaimedJob(database.pool)
  // As earlier builds store a start: with an entry that has the event.
  const logged = await storeClaimedJob(database.pool)
  await database.pool.query(
    `WITH job AS (UPDATE jobs SET entry_no = 1 WHERE id = $1 RETURNING id, created_at)
     INSERT INTO job_log (job_id, seq, entry_no, format, at, events) SELECT id, 1, 1, 1, created_at, '[["jq",0,0]]' FROM job`,
    [logged.jobId],
  )
  const silent = { events: [], steps: [stepAt('a', [0])], job: { progress: 5 } }
  const claims = [started, { ...logged, entryNo: 1 }]
  for (const entry of [null, silent, note('a', null, 2), silent, note('a', null, 3)]) {
    if (entry) for (const claim of claims) await append(claim, entry)
    const read = async (after: number, limit: number) =>
      (await eventPieces(claims.map(keyOf), { after, limit, maxBytes: 1_000_000 }))
        .flat()
        .flatMap(({ job, events }) =>
          events.map(({ seq, kind, at, progress }) => ({ job, seq, kind, at, progress })),
        )
    const whole = await read(0, 100)
    for (const [job, { jobId }] of claims.entries()) {
      const own = whole.filter((one) => one.job === job)
      const { rows } = await database.pool.query<{ last: number; at: Date }>(
        'SELECT last_seq AS last, created_at AS at FROM jobs WHERE id = $1',
        [jobId],
      )
      expect(own.map(({ seq }) => seq)).toEqual(
        Array.from({ length: required(rows[0]).last }, (_, n) => n + 1),
      )
      expect(own[0]).toEqual({ job, seq: 1, kind: 'JOB_QUEUED', at: required(rows[0]).at, progress: 0 })
    }
    for (const after of [0, 1, 2, 3])
      for (const limit of [1, 2, 10])
        expect(await read(after, limit)).toEqual(
          whole.filter(({ seq }) => seq > after && seq <= after + limit),
        )
  }
})

test('a page of 50 events inside of an entry with 1,000 reads the events of the page alone, and less than 1 MB', async () => {
  const claim = await storeClaimedJob(database.pool)
  const drafts = Array.from({ length: 3_000 }, (_, index) => {
    const body = { path: itemPath('each', index), nodeId: 'each', index }
    return event('LOOP_ITEM_COMPLETED', 1_000, body)
  })
  for (let first = 0; first < 3_000; first += 1_000)
    await append(claim, { ...itemsFrom(first, 1_000), events: drafts.slice(first, first + 1_000) })
  const { pool, bytesRead } = countingPool()
  for (const after of [1, 500, 990, 2_100]) {
    const found = await createEventStore(pool).after(keyOf(claim), after, 50)
    expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, place) => after + 1 + place))
    // JOB_QUEUED is the first event.
    expect(found.map(({ body }) => body)).toEqual(drafts.slice(after - 1, after + 49).map(({ body }) => body))
    expect(bytesRead()).toBeLessThan(1_000_000)
  }
})

test('pages of events count the bodies that follow from other records, and are read in pieces if the records are long', async () => {
  const claim = await storeClaimedJob(database.pool)
  const error = { code: 'BROKEN', message: 'x'.repeat(4_000) }
  const failures = Array.from({ length: 150 }, (_, n): JournalEntry => {
    const step = {
      ...stepAt(`a${n}`, [n]),
      status: 'FAILED' as const,
      error,
      // Long records with short events.
      attempts: Array.from({ length: 20 }, (__, number) => ({
        number,
        status: 'FAILED' as const,
        startedAt: '2026-11-30T00:00:00.000Z',
        finishedAt: '2026-11-30T00:00:01.000Z',
        error: { code: 'BROKEN', message: `${number} `.repeat(100) },
      })),
    }
    const about = { path: step.path, nodeId: step.nodeId, attempt: 1 }
    const failed = event('STEP_FAILED', 2, { ...about, error, handledBy: 'fail' })
    return { events: [event('STEP_STARTED', 1, about), failed], steps: [step], job: { progress: 5 } }
  })
  for (const failure of failures) await append(claim, failure)
  const bodies = failures.flatMap(({ events }) => events.map(({ body }) => body))
  const expected =
    parsedBytes('{}') + bodies.reduce((sum, body) => sum + parsedBytes(JSON.stringify(body)), 0)
  const { pool, bytesRead } = countingPool()
  const events = createEventStore(pool)
  const page = { after: 0, limit: 1_000 }
  const small = await events.pagesOf(claim.ownerId, [claim.jobId], page, 64 * 1024)
  expect(small.values).toBeNull()
  expect(small.bytes).toBeGreaterThan(64 * 1024)
  expect(bytesRead()).toBeLessThan(600_000)
  expect((await events.pagesOf(claim.ownerId, [claim.jobId], page, expected - 1)).values).toBeNull()
  const { bytes, values } = await events.pagesOf(claim.ownerId, [claim.jobId], page, expected)
  expect(bytes).toBe(expected)
  expect(JSON.stringify(values?.[0]?.map(({ body }) => body))).toBe(JSON.stringify([{}, ...bodies]))
})

test('small and large values are read by the entry that holds them', async () => {
  const claim = await storeClaimedJob(database.pool)
  const long = JSON.stringify('y'.repeat(5_000))
  const step = stepAt('a', [0])
  const values = [{ path: 'a', config: '{"n": 1}', output: long }]
  await append(claim, { events: [], steps: [step], values, job: { progress: 5 } })
  await append(claim, { events: [], job: ended('[1, 2]') })
  const at = (entryNo: number) => ({ seq: 1, entryNo })
  const read = await valuesOf(keyOf(claim), [
    { entry: at(2), kind: 'o', path: EXECUTION_OUTPUT },
    { entry: at(1), kind: 'o', path: 'a' },
    { entry: at(1), kind: 'c', path: 'a' },
    { entry: at(1), kind: 'o', path: 'b' },
  ])
  expect(read).toEqual(['[1, 2]', long, '{"n": 1}', null])
})

// Pages

const ITEMS = 10_000
const ITEMS_PER_ENTRY = 50

test('the entries behind the pages of a running loop of 10,000 items stay within a bound, and the pages hold the rest', async () => {
  const claim = await storeClaimedJob(database.pool)
  const job = keyOf(claim)
  await append(claim, { events: [], steps: [stepAt('each', [0], null)], job: { progress: 5 } })
  for (let first = 0; first < ITEMS; first += ITEMS_PER_ENTRY) {
    await append(claim, itemsFrom(first))
    await writePages(store, job)
  }
  const tail = required((await store.tails([job])).get(job.id))
  expect(Fold.of(tail.rows).steps.size + Fold.of(tail.rows).items.size).toBeLessThanOrEqual(TAIL_MAX_CHANGES)
  const ended = endedItems(await store.pageSummaries(job)).get('each')?.size ?? 0
  expect(ended + Fold.of(tail.rows).items.size).toBe(ITEMS)
})

test('of two processes that write the same pages one stores nothing', async () => {
  const claim = await storeClaimedJob(database.pool)
  const job = keyOf(claim)
  for (let entry = 0; entry < 12; entry++) await append(claim, itemsFrom(entry * ITEMS_PER_ENTRY))
  expect((await Promise.all([writePages(store, job), writePages(store, job)])).toSorted()).toEqual([
    false,
    true,
  ])
  expect(await writePages(store, job)).toBe(false)
  expect(endedItems(await store.pageSummaries(job)).get('each')?.size).toBe(600)
})

// Take-ups

test('law: from pages and the entries behind them a take-up loads all steps and items outside of ended items', async () => {
  const item = fc.record({ isEnded: fc.boolean(), hasEnded: fc.boolean(), inner: fc.nat({ max: 2 }) })
  const loops = fc.array(fc.array(item, { maxLength: 60 }), { minLength: 1, maxLength: 2 })
  await fc.assert(
    fc.asyncProperty(loops, fc.integer({ min: 50, max: 300 }), fc.nat(4), async (tree, size, behind) => {
      const claim = await storeClaimedJob(database.pool)
      const job = keyOf(claim)
      // Most items have ended, and between them are open ones. There are pages that hold ended steps of open items alone.
      const { steps, items } = recordsOf(
        tree.map((some) => [...ENDED_ITEMS, ...some, ...OPEN_ITEMS, ...ENDED_ITEMS]),
      )
      for (let first = 0; first < Math.max(steps.length, items.length); first += size) {
        const part = { steps: steps.slice(first, first + size), items: items.slice(first, first + size) }
        await append(claim, { events: [], ...part, job: { progress: 5 } })
      }
      const tail = required((await store.tails([job])).get(job.id))
      const rows = tail.rows.slice(0, tail.rows.length - behind)
      if (rows.length > 0) await mergeIntoPages(store, job, { pagedNo: 0, rows })
      const [logged] = await loadRecorded(database.pool, [job])
      const ended = new Set(items.map(({ path, index }) => itemPath(path, index)))
      const isOutside = (path: string) => ![...ended].some((around) => path.startsWith(`${around}/`))
      expect([...required(logged).steps.keys()].toSorted()).toEqual(
        steps
          .map(({ path }) => path)
          .filter(isOutside)
          .toSorted(),
      )
      const loaded = [...required(logged).items].flatMap(([path, statuses]) =>
        [...statuses].map(([index, status]) => `${itemPath(path, index)} ${status}`),
      )
      expect(loaded.toSorted()).toEqual(
        items
          .filter(({ path }) => isOutside(path))
          .map(({ path, index, status }) => `${itemPath(path, index)} ${status}`)
          .toSorted(),
      )
    }),
    { numRuns: 12 },
  )
})

test('a take-up of a loop with 10,000 ended items reads the pages with open steps alone', async () => {
  const claim = await storeClaimedJob(database.pool)
  const job = keyOf(claim)
  await append(claim, { events: [], steps: [stepAt('each', [0], null)], job: { progress: 5 } })
  for (let first = 0; first < ITEMS; first += 1_000) await append(claim, itemsFrom(first, 1_000))
  await writePages(store, job)
  let bytes = 0
  const query = async (text: string, values: unknown[]) => {
    const result = await database.pool.query<Record<string, unknown>>(text, values)
    bytes += JSON.stringify(result.rows).length
    return result
  }
  const [state] = await loadRecorded({ query: query as typeof database.pool.query }, [job])
  expect([...required(state).steps.keys()]).toEqual(['each'])
  expect(state?.items.get('each')?.size).toBe(ITEMS)
  expect(bytes).toBeLessThan(64 * 1024)
})

interface ModelItem {
  readonly isEnded: boolean
  readonly hasEnded: boolean
  readonly inner: number
}

const ENDED_ITEMS = Array.from({ length: 150 }, () => ({ isEnded: true, hasEnded: true, inner: 0 }))
const OPEN_ITEMS = Array.from({ length: 300 }, () => ({ isEnded: false, hasEnded: true, inner: 0 }))

/** Loops whose items have a step and a loop, which has items with a step each. */
function recordsOf(loops: readonly (readonly ModelItem[])[]) {
  const steps: StepRecord[] = []
  const items: LoopItemRecord[] = []
  for (const [node, all] of loops.entries()) {
    const loop = `loop${node}`
    steps.push(stepAt(loop, [node], null))
    for (const [index, { isEnded, hasEnded, inner }] of all.entries()) {
      const inside = itemPath(loop, index)
      steps.push(stepAt(`${inside}/a`, [node, index, 0], hasEnded ? 2 : null))
      if (inner > 0) steps.push(stepAt(`${inside}/inner`, [node, index, 1], null))
      for (let n = 0; n < inner; n++) {
        steps.push(stepAt(`${itemPath(`${inside}/inner`, n)}/b`, [node, index, 1, n, 0]))
        if (n % 2 === 0) items.push(endedItem(`${inside}/inner`, [node, index, 1], n))
      }
      if (isEnded) items.push(endedItem(loop, [node], index))
    }
  }
  return { steps, items }
}

function endedItem(path: string, order: readonly number[], index: number): LoopItemRecord {
  const status = index % 5 === 3 ? 'FAILED' : 'COMPLETED'
  const error = status === 'FAILED' ? { code: 'BROKEN', message: 'no' } : null
  return {
    path,
    order: [...order, index],
    index,
    status,
    output: null,
    error,
    reusedFrom: null,
    finishedAt: 2,
  }
}

function keyOf({ jobId, ownerId }: Claim) {
  return { id: jobId, ownerId }
}

const positions = new Map<JobId, Pick<Claim, 'lastSeq' | 'entryNo'>>()

/** Records an entry, as a flush that holds nothing else. */
async function append(claim: Claim, entry: JournalEntry): Promise<void> {
  const write = mergeEntries([entry], { ...claim, ...positions.get(claim.jobId), now: 1_000 })
  expect(await createJournalStore(database.pool).flush([write])).toHaveLength(1)
  positions.set(claim.jobId, { lastSeq: write.newSeq, entryNo: write.newEntryNo })
}

function note(message: string, output: string | null = null, count = 1): JournalEntry {
  const draft = event('JOB_PROGRESS', 1_000, { message })
  const events = Array.from({ length: count }, () => draft)
  return { events, job: output === null ? { progress: 5 } : ended(output) }
}

function ended(output: string): JobChange {
  return { progress: 100, end: { status: 'COMPLETED', at: 1_000, output } }
}

/** The events that each statement reads. */
async function eventPieces(
  jobs: readonly LogKey[],
  page: { after: number; limit: number; maxBytes?: number },
): Promise<readonly (readonly EventsPiece[])[]> {
  const statements: (readonly EventsPiece[])[] = []
  for await (const pieces of readEvents(database.pool, jobs, { maxBytes: 1_000_000, ...page }))
    statements.push(pieces)
  return statements
}

/** Counts the bytes that its statements read, as JSON text. */
function countingPool() {
  let bytes = 0
  const query = async (config: pg.QueryConfig, values?: unknown[]) => {
    const result = await database.pool.query<Record<string, unknown>>(config, values)
    bytes += JSON.stringify(result.rows).length
    return result
  }
  const bytesRead = () => {
    const read = bytes
    bytes = 0
    return read
  }
  return { pool: { query: query as unknown as pg.Pool['query'] }, bytesRead }
}

function itemsFrom(first: number, count = ITEMS_PER_ENTRY): JournalEntry {
  const indexes = Array.from({ length: count }, (_, place) => first + place)
  return {
    events: [],
    job: { progress: 5 },
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
  const nodeId = path.slice(path.lastIndexOf('/') + 1)
  const status = finishedAt === null ? 'RUNNING' : 'COMPLETED'
  return { ...completedStep(path), order, nodeId, status, handles: [], finishedAt }
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('it is missing')
  return value
}

type ValueName = Omit<LoggedValueKey, keyof LogKey>

async function valuesOf(job: LogKey, names: readonly ValueName[]) {
  const keys = names.map((name) => ({ ...job, ...name }))
  return (await readValues(database.pool, keys, Number.MAX_SAFE_INTEGER)).values
}
