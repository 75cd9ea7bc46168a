import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { configKey, outputKey, readValues } from '../../src/db/log-reads/bounded-values.ts'
import { findSteps } from '../../src/db/log-reads/found-steps.ts'
import type { FoldedStep } from '../../src/db/log/fold.ts'
import { createLogStore, type LogKey, type LogStore } from '../../src/db/log/log-store.ts'
import { itemPath } from '../../src/engine/record/step.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { STRANGER } from '../support/jobs.ts'
import { LoggedJob, outputOf, RUNNING, stepAt } from '../support/logged-job.ts'
import { countReads } from '../support/read-count.ts'

let database: TestDatabase
let store: LogStore

beforeAll(async () => {
  database = await createTestDatabase()
  store = createLogStore(database.pool)
})

afterAll(() => database.drop())

// Steps by path

test('steps of many jobs are found by path, behind pages and on them, in the order of the wanted ones', async () => {
  const short = await LoggedJob.store(database.pool)
  await short.append({ steps: [stepAt('a', [0], RUNNING)] })
  await short.append({ steps: [stepAt('a', [0]), stepAt('b', [1], RUNNING)] })
  const long = await pagedLoops()
  await long.append({ steps: [stepAt('last', [9], RUNNING)] })
  const wanted = [
    { ...long.key, path: 'each[250]/inner[1]/deep' },
    { ...short.key, path: 'a' },
    { ...long.key, path: 'none' },
    { ...long.key, path: 'each[299]/find' },
    { ...short.key, path: 'b' },
    { ...long.key, path: 'each' },
    { ...long.key, path: 'last' },
    { ...long.key, path: 'each[300]/find' },
    { ...long.key, path: 'each[1]/none[7]/deep' },
  ]
  const found = await findSteps(store, wanted)
  expect(found.map((one) => one && [one.step.path, one.step.status])).toEqual([
    ['each[250]/inner[1]/deep', 'COMPLETED'],
    ['a', 'COMPLETED'],
    null,
    ['each[299]/find', 'COMPLETED'],
    ['b', 'RUNNING'],
    ['each', 'RUNNING'],
    ['last', 'RUNNING'],
    null,
    null,
  ])
  const strange = wanted.map((key) => ({ ...key, ownerId: STRANGER }))
  expect(await findSteps(store, strange)).toEqual(wanted.map(() => null))
  // The same job under both owners, in one call.
  const both = await findSteps(
    store,
    [wanted[1] ?? strange[1], strange[1]].flatMap((key) => key ?? []),
  )
  expect(both.map((one) => one?.step.path)).toEqual(['a', undefined])
})

test('a step of a loop with 300 items is found by two statements on a few pages', async () => {
  const job = await pagedLoops()
  const summaries = await store.pageSummaries(job.key)
  expect(summaries.length).toBeGreaterThan(8)
  const { pool, take } = countReads(database.pool)
  const paths = Array.from({ length: 50 }, (_, place) => `each[${200 + place}]/find`)
  const found = await findSteps(
    createLogStore(pool),
    paths.map((path) => ({ ...job.key, path })),
  )
  expect(found.map((one) => one?.step.path)).toEqual(paths)
  const { statements, bytes } = take()
  expect(statements).toBe(3)
  expect(bytes).toBeLessThan(32 * 1024)
})

test('a step that pages hold has the values that an earlier entry recorded', async () => {
  const job = await LoggedJob.store(database.pool)
  const waiting = stepAt('a', [0], { status: 'WAITING', handles: [], finishedAt: null })
  await job.append({ steps: [waiting], values: [outputOf('a', 'first', { n: 1 })] })
  await job.writePages()
  const entry = { seq: 1, entryNo: job.entryNo }
  await job.append({ steps: [stepAt('a', [0], RUNNING)] })
  const [behind] = await findSteps(store, [{ ...job.key, path: 'a' }])
  expect(behind?.step.status).toBe('RUNNING')
  expect(behind?.values?.entry).toEqual(entry)
  await job.writePages()
  const [paged] = await findSteps(store, [{ ...job.key, path: 'a' }])
  expect(paged).toEqual(behind)
})

test('steps are found while their entries are merged into pages between the statements', async () => {
  const job = await LoggedJob.store(database.pool)
  const steps = ['a', 'b', 'c'].map((path, place) => stepAt(path, [place], RUNNING))
  await job.append({ steps, values: [outputOf('a', 1)] })
  await job.writePages()
  await job.append({ steps: [stepAt('a', [0], RUNNING)] })
  // `b` ends and `a` gets a newer output after the entries behind the pages are read, and both are merged before the pages are.
  const merging: LogStore = {
    ...store,
    stepsBehind: async (keys) => {
      const behind = await store.stepsBehind(keys)
      await job.append({ steps: [stepAt('a', [0]), stepAt('b', [1])], values: [outputOf('a', 2)] })
      await job.writePages()
      return behind
    },
  }
  const found = await findSteps(
    merging,
    ['a', 'b', 'c'].map((path) => ({ ...job.key, path })),
  )
  // No step is lost, and the state and the values of each are of one moment.
  expect(found.map((one) => one?.step.status)).toEqual(['COMPLETED', 'COMPLETED', 'RUNNING'])
  const keys = found.map((one) => one && outputKey(job.key, one.step.path, one.values))
  expect((await readValues(database.pool, keys, 1_000)).values).toEqual(['2', null, null])
})

// Values

test('values of many jobs are read by one statement in the order of their keys, small and large ones', async () => {
  const long = 'x'.repeat(5_000)
  const jobs = await Promise.all([0, 1, 2].map(() => LoggedJob.store(database.pool)))
  for (const [place, job] of jobs.entries()) {
    const values = [
      outputOf('a', `a${place}`, { place }),
      outputOf('b', `${place}${long}`),
      outputOf('c', null, { long }),
    ]
    await job.append({ steps: ['a', 'b', 'c'].map((path, at) => stepAt(path, [at])), values })
    await job.append({ steps: [stepAt('d', [3])], values: [outputOf('d', { place })] })
  }
  const found = await stepsOf(jobs.map(({ key }) => key))
  const keys = found.flatMap(({ job, one }) => [
    outputKey(job, one.step.path, one.values),
    null,
    configKey(job, one.step.path, one.values),
  ])
  const expected = jobs.flatMap((_, place) =>
    [
      [JSON.stringify(`a${place}`), null, JSON.stringify({ place })],
      [JSON.stringify(`${place}${long}`), null, null],
      ['null', null, JSON.stringify({ long })],
      [JSON.stringify({ place }), null, null],
    ].flat(),
  )
  const { pool, take } = countReads(database.pool)
  const read = await readValues(pool, keys, 64 * 1024)
  expect(read.values).toEqual(expected)
  expect(read.bytes).toBe(expected.reduce((sum, text) => sum + (text?.length ?? 0), 0))
  expect(take().statements).toBe(1)
  // A key that does not say where the value is finds it as well.
  const unsure = keys.map((key) => key && { ...key, isSmall: false })
  expect((await readValues(database.pool, unsure, 64 * 1024)).values).toEqual(expected)
  const theirs = keys.map((key) => key && { ...key, ownerId: STRANGER })
  expect(await readValues(database.pool, theirs, 64 * 1024)).toEqual({
    bytes: 0,
    values: keys.map(() => null),
  })
})

test('values that exceed the limit together are not sent, and no more of them are measured than exceed it', async () => {
  const job = await LoggedJob.store(database.pool)
  const paths = Array.from({ length: 40 }, (_, place) => `large${place}`)
  await job.append({
    steps: paths.map((path, place) => stepAt(path, [place])),
    values: paths.map((path) => outputOf(path, 'y'.repeat(9_998))),
  })
  const found = await stepsOf([job.key])
  const keys = found.map(({ one }) => outputKey(job.key, one.step.path, one.values))
  const { pool, take } = countReads(database.pool)
  const refused = await readValues(pool, keys, 64 * 1024)
  expect(refused).toEqual({ bytes: 80_000, values: null })
  expect(take().bytes).toBeLessThan(1_000)
  expect((await readValues(pool, keys, 400_000)).values).toHaveLength(40)
  expect((await readValues(pool, keys, 399_999)).values).toBeNull()
})

test('small values beyond the limit are not sent either', async () => {
  const job = await LoggedJob.store(database.pool)
  for (let entry = 0; entry < 30; entry++) {
    const path = `step${entry}`
    await job.append({ steps: [stepAt(path, [entry])], values: [outputOf(path, 'z'.repeat(1_998))] })
  }
  const found = await stepsOf([job.key])
  const keys = found.map(({ one }) => outputKey(job.key, one.step.path, one.values))
  const { pool, take } = countReads(database.pool)
  const refused = await readValues(pool, keys, 20_000)
  expect(refused.values).toBeNull()
  expect(refused.bytes).toBe(16 * 2_000)
  expect(take().bytes).toBeLessThan(1_000)
  expect((await readValues(pool, keys, 60_000)).values).toHaveLength(30)
})

/** A job with a running loop of 300 items, each with a step and a loop of two items, on pages alone. */
async function pagedLoops(): Promise<LoggedJob> {
  const job = await LoggedJob.store(database.pool)
  await job.append({ steps: [stepAt('each', [0], RUNNING)] })
  for (let first = 0; first < 300; first += 100) {
    const indexes = Array.from({ length: 100 }, (_, place) => first + place)
    const steps = indexes.flatMap((index) => {
      const inside = itemPath('each', index)
      return [
        stepAt(`${inside}/find`, [0, index, 0]),
        stepAt(`${inside}/inner`, [0, index, 1], RUNNING),
        ...[0, 1].map((inner) =>
          stepAt(`${itemPath(`${inside}/inner`, inner)}/deep`, [0, index, 1, inner, 0]),
        ),
      ]
    })
    await job.append({ steps })
  }
  await job.writePages()
  return job
}

/** All steps of jobs without pages. */
async function stepsOf(
  jobs: readonly LogKey[],
): Promise<readonly { readonly job: LogKey; readonly one: FoldedStep }[]> {
  const tails = await store.tails(jobs)
  const wanted = jobs.flatMap((job) =>
    (tails.get(job.id)?.rows ?? []).flatMap(({ changes }) =>
      (changes?.s ?? []).map(({ p: path }) => ({ ...job, path })),
    ),
  )
  const found = await findSteps(store, wanted)
  return found.flatMap((one, place) => {
    const job = wanted[place]
    return one && job ? [{ job, one }] : []
  })
}
