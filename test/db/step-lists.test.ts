import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createStepList, type StepList } from '../../src/db/lists/step-list.ts'
import { stepPlace, type ListedStep } from '../../src/db/log-reads/listed-step.ts'
import { createLogStore, type LogStore } from '../../src/db/log/log-store.ts'
import { writePages } from '../../src/db/log/page-writer.ts'
import { positionOf } from '../../src/db/log/position.ts'
import type { StepPage } from '../../src/db/log-reads/step-reader.ts'
import type { StepRecord } from '../../src/engine/record/journal.ts'
import { itemPath } from '../../src/engine/record/step.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'
import { OWNER, STRANGER } from '../support/jobs.ts'
import { LoggedJob, outputOf, RUNNING, stepAt } from '../support/logged-job.ts'
import { countReads, type Reads } from '../support/read-count.ts'

let database: TestDatabase
let store: LogStore
let list: StepList

beforeAll(async () => {
  database = await createTestDatabase()
  store = createLogStore(database.pool)
  list = createStepList(database.pool)
})

afterAll(() => database.drop())

const ITEMS = 10_000
const ITEMS_PER_ENTRY = 250

test('a page of 50 steps of a running loop of 10,000 items takes one statement and less than 1 MB, wherever it is', async () => {
  const job = await runningLoop()
  const { pool, take } = countReads(database.pool)
  const counted = createStepList(pool)
  const read = async (page: StepPage) => (await counted.pagesOf(OWNER, [job.key.id], page))[0]?.map(pathOf)
  const finds = (first: number, count: number) =>
    Array.from({ length: count }, (_, place) => `each[${first + place}]/find`)
  expect(await read({ beyond: null, direction: 'forward', limit: 50 })).toEqual(['each', ...finds(0, 49)])
  expectRead(take(), { statements: 1, below: 1_000_000 })
  expect(await read({ beyond: null, direction: 'backward', limit: 50 })).toEqual(finds(ITEMS - 50, 50))
  expectRead(take(), { statements: 1, below: 1_000_000 })
  for (const index of [4_999, 9_940]) {
    const beyond = { position: positionOf([0, index, 0]), path: `each[${index}]/find` }
    expect(await read({ beyond, direction: 'forward', limit: 50 })).toEqual(finds(index + 1, 50))
    expect(await read({ beyond, direction: 'backward', limit: 50 })).toEqual(finds(index - 50, 50))
    expectRead(take(), { statements: 2, below: 2_000_000 })
  }
  expect(await counted.countsOf(OWNER, [job.key.id])).toEqual([ITEMS + 1])
  expectRead(take(), { statements: 1, below: 1_000 })
})

test('the first and the last steps of 50 executions are read by one statement, and counted by another', async () => {
  const jobs = await Promise.all(Array.from({ length: 50 }, () => LoggedJob.store(database.pool)))
  for (const [place, job] of jobs.entries()) {
    const paths = ['a', 'b', 'c', 'd'].slice(0, place % 5)
    if (paths.length > 0) await job.append({ steps: paths.map((path, at) => stepAt(path, [at])) })
    if (place % 3 === 0 && paths.length > 0) await job.writePages()
  }
  const ids = jobs.map(({ key }) => key.id)
  const { pool, take } = countReads(database.pool)
  const counted = createStepList(pool)
  const first = await counted.pagesOf(OWNER, ids, { beyond: null, direction: 'forward', limit: 2 })
  expect(take().statements).toBe(1)
  expect(first.map((steps) => steps.map(pathOf))).toEqual(
    ids.map((_, place) => ['a', 'b', 'c', 'd'].slice(0, place % 5).slice(0, 2)),
  )
  const last = await counted.pagesOf(OWNER, ids, { beyond: null, direction: 'backward', limit: 2 })
  expect(take().statements).toBe(1)
  expect(last.map((steps) => steps.map(pathOf))).toEqual(
    ids.map((_, place) => ['a', 'b', 'c', 'd'].slice(0, place % 5).slice(-2)),
  )
  expect(await counted.countsOf(OWNER, ids)).toEqual(ids.map((_, place) => place % 5))
  expect(take().statements).toBe(1)
  expect(await list.pagesOf(STRANGER, ids, FIRST)).toEqual(ids.map(() => []))
  expect(await list.countsOf(STRANGER, ids)).toEqual(ids.map(() => 0))
})

test('law: pages of any size, in both directions, are parts of the whole list, whatever is merged into pages', async () => {
  const change = fc.record({
    item: fc.nat({ max: 500 }),
    node: fc.nat({ max: 2 }),
    isEnded: fc.boolean(),
  })
  const entries = fc.array(fc.array(change, { minLength: 1, maxLength: 120 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(
      entries,
      fc.nat({ max: 8 }),
      fc.integer({ min: 1, max: 100 }),
      async (all, merged, limit) => {
        const job = await LoggedJob.store(database.pool)
        const newest = new Map<string, StepRecord>()
        await job.append({ steps: [stepAt('each', [1], RUNNING)] })
        newest.set('each', stepAt('each', [1], RUNNING))
        for (const [place, changes] of all.entries()) {
          const steps = new Map(
            changes.map(({ item, node, isEnded }) => {
              const path = `${itemPath('each', item)}/n${node}`
              return [path, stepAt(path, [1, item, node], isEnded ? {} : RUNNING)]
            }),
          )
          await job.append({ steps: [...steps.values()] })
          for (const [path, step] of steps) newest.set(path, step)
          if (place + 1 === merged) await job.writePages()
        }
        const whole = [...newest.values()].toSorted((a, b) => {
          const [one, other] = [positionOf(a.order), positionOf(b.order)]
          return one < other ? -1 : 1
        })
        const shown = whole.map(({ path, status }) => ({ path, status }))
        const id = job.key.id
        expect(await list.countsOf(OWNER, [id])).toEqual([whole.length])
        for (const direction of ['forward', 'backward'] as const) {
          const read: ListedStep[] = []
          for (let beyond: StepPage['beyond'] = null; ;) {
            const [page = []] = await list.pagesOf(OWNER, [id], { beyond, direction, limit })
            if (page.length === 0) break
            expect(page.length).toBeLessThanOrEqual(limit)
            const end = direction === 'forward' ? page.at(-1) : page[0]
            if (direction === 'forward') read.push(...page)
            else read.unshift(...page)
            beyond = end ? stepPlace(end) : null
          }
          expect(read.map(({ step: { path, status } }) => ({ path, status }))).toEqual(shown)
        }
      },
    ),
    { numRuns: 15 },
  )
})

test('a list is of one moment while its entries are merged into pages', async () => {
  const job = await LoggedJob.store(database.pool)
  for (let first = 0; first < 600; first += 60) {
    const indexes = Array.from({ length: 60 }, (_, place) => first + place)
    await job.append({ steps: indexes.map((index) => stepAt(`each[${index}]/find`, [0, index, 0], RUNNING)) })
  }
  let isMerged = false
  const merging = (async () => {
    for (let entry = 0; entry < 10; entry++) {
      await job.append({ steps: [stepAt(`each[${entry}]/find`, [0, entry, 0])] })
      await job.writePages()
    }
    isMerged = true
  })()
  do {
    const [page] = await list.pagesOf(OWNER, [job.key.id], { beyond: null, direction: 'forward', limit: 100 })
    expect(page?.map(pathOf)).toEqual(Array.from({ length: 100 }, (_, place) => `each[${place}]/find`))
    const ended = page?.filter(({ step }) => step.status === 'COMPLETED').length ?? 0
    // They end in order.
    expect(page?.slice(0, ended).every(({ step }) => step.status === 'COMPLETED')).toBe(true)
    expect(await list.countsOf(OWNER, [job.key.id])).toEqual([600])
  } while (!isMerged)
  await merging
})

test('long attempts and errors are not kept with a listed step', async () => {
  const job = await LoggedJob.store(database.pool)
  const error = { code: 'BROKEN', message: 'x'.repeat(4_000) }
  const failed = { status: 'FAILED', handles: [], error } as const
  const short = { ...failed, error: { code: 'BROKEN', message: 'short' } }
  await job.append({
    steps: [stepAt('long', [0], failed), stepAt('short', [1], short)],
    values: [outputOf('long', null)],
  })
  for (const isPaged of [false, true]) {
    if (isPaged) await job.writePages()
    const [page = []] = await list.pagesOf(OWNER, [job.key.id], FIRST)
    const found = await list.find(
      OWNER,
      ['long', 'short'].map((path) => ({ executionId: job.key.id, path })),
    )
    expect(found).toEqual(page)
    expect(page.map(({ hasDetails, step }) => [hasDetails, step.error])).toEqual([
      [false, null],
      [true, { code: 'BROKEN', message: 'short' }],
    ])
  }
})

test('a page of steps with long errors reads few more of them than it shows', async () => {
  const job = await LoggedJob.store(database.pool)
  const error = { code: 'BROKEN', message: 'no', details: { text: 'x'.repeat(12_000) } }
  const attempts = [{ number: 1, status: 'FAILED', startedAt: AT, finishedAt: AT, error }] as const
  const failed = { status: 'FAILED', handles: ['out'], error, attempts } as const
  for (let first = 0; first < 200; first += 20) {
    const indexes = Array.from({ length: 20 }, (_, place) => first + place)
    await job.append({ steps: indexes.map((index) => stepAt(`each[${index}]/find`, [0, index, 0], failed)) })
  }
  await job.writePages()
  const { pool, take } = countReads(database.pool)
  const page: StepPage = { beyond: { position: positionOf([0, 100, 0]), path: 'each[100]/find' }, ...TEN }
  const [steps = []] = await createStepList(pool).pagesOf(OWNER, [job.key.id], page)
  expect(steps.map(pathOf)).toEqual(Array.from({ length: 10 }, (_, place) => `each[${101 + place}]/find`))
  // Each has 24 KB, and a page of the log a few of them.
  expectRead(take(), { statements: 1, below: 20 * 24_000 })
  expect(await list.countsOf(OWNER, [job.key.id])).toEqual([200])
})

const AT = '2026-11-30T00:00:00.000Z'
const TEN = { direction: 'forward', limit: 10 } as const
const FIRST: StepPage = { beyond: null, direction: 'forward', limit: 10 }

function pathOf({ step }: ListedStep): string {
  return step.path
}

/** A job with a running loop, of whose items the last ones are behind the pages. */
async function runningLoop(): Promise<LoggedJob> {
  const job = await LoggedJob.store(database.pool)
  await job.append({ steps: [stepAt('each', [0], RUNNING)] })
  for (let first = 0; first < ITEMS; first += ITEMS_PER_ENTRY) {
    const indexes = Array.from({ length: ITEMS_PER_ENTRY }, (_, place) => first + place)
    await job.append({
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
    })
    await writePages(store, job.key)
  }
  const tail = (await store.tails([job.key])).get(job.key.id)
  expect(tail?.rows.length).toBeGreaterThan(0)
  return job
}

function expectRead(
  { statements, bytes }: Reads,
  expected: { readonly statements: number; readonly below: number },
): void {
  expect(statements).toBe(expected.statements)
  expect(bytes).toBeLessThan(expected.below)
}
