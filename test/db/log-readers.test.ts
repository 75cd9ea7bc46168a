import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type pg from 'pg'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createLogStore, type LogKey } from '../../src/db/log/log-store.ts'
import { mergeIntoPages, writePages } from '../../src/db/log/page-writer.ts'
import { createOpenWaitStore } from '../../src/db/stores/open-wait-store.ts'
import { createStepHistoryStore, HISTORY_MAX_STEPS } from '../../src/db/stores/step-history-store.ts'
import { createUsageStore } from '../../src/db/stores/usage-store.ts'
import type { StepRecord } from '../../src/engine/record/journal.ts'
import { itemPath, type AttemptUsage, type StepStatus, type StepWait } from '../../src/engine/record/step.ts'
import { newId, type JobId, type OwnerId, type WorkflowId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'
import { OWNER, storeJob, STRANGER } from '../support/jobs.ts'
import { recordEntries, sendTo } from '../support/record-entries.ts'
import { completedStep } from '../support/step-records.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

const MANY_BYTES = 16 * 1024 * 1024

test('law: waits, usage and history are those of the newest records, wherever the log has been merged into pages', async () => {
  const changed = fc.record({ index: fc.nat(399), kind: fc.constantFrom(...KINDS), n: fc.nat(3) })
  const entries = fc.array(fc.array(changed, { minLength: 1, maxLength: 250 }), {
    minLength: 1,
    maxLength: 5,
  })
  await fc.assert(
    fc.asyncProperty(entries, fc.nat(5), fc.integer({ min: 1, max: 40 }), async (changes, merged, limit) => {
      const job = await newRun()
      const newest = new Map<string, StepRecord>()
      for (const [place, some] of changes.entries()) {
        // Of a step that is in an entry more than once, the last record is on record.
        const steps = new Map(some.map((one) => [one.index, stepOf(one)]))
        for (const step of steps.values()) newest.set(step.path, step)
        await record(job, [...steps.values()])
        if (place < merged) await mergeAll(job)
      }
      const steps = [...newest.values()].toSorted((a, b) => (a.order[1] ?? 0) - (b.order[1] ?? 0))
      expect(await readAll(database.pool, job, limit)).toEqual(expected(steps, limit))
    }),
    { numRuns: 15 },
  )
})

test('entries that are merged into pages while an execution is read are neither missed nor counted twice', async () => {
  const job = await newRun()
  const kinds: readonly Kind[] = ['costly', 'signal', 'done']
  const steps = Array.from({ length: 600 }, (_, index) =>
    stepOf({ index, kind: kinds[index % 3] ?? 'done', n: index % 4 }),
  )
  for (let first = 0; first < 600; first += 200) {
    await record(job, steps.slice(first, first + 200))
    if (first === 0) await mergeAll(job)
  }
  for (const readBefore of ['log-tail-pieces', 'log-page-pieces']) {
    let isMerged = false
    const query = async (config: pg.QueryConfig, values?: unknown[]) => {
      const result = await database.pool.query(config, values)
      if (config.name !== readBefore || isMerged) return result
      isMerged = true
      // The same records once more: pages are split, and hold entries that were in the tail.
      await record(job, steps.slice(100, 300))
      await mergeAll(job)
      return result
    }
    const pool = { query: query as unknown as pg.Pool['query'] }
    const usages = await createUsageStore(pool).of(OWNER, [job.id])
    isMerged = false
    const histories = await createStepHistoryStore(pool).of(OWNER, job.workflowId)
    isMerged = false
    const waits = await createOpenWaitStore(pool).of(OWNER, [job.id], 1_000, MANY_BYTES)
    expect(isMerged).toBe(true)
    expect(simplified(waits.values?.[0], usages[0], histories)).toEqual(expected(steps, 1_000))
  }
})

test('waits, usage, history and schemas are read only for their owner', async () => {
  const job = await newRun()
  await record(job, [stepOf({ index: 0, kind: 'signal', n: 1 }), stepOf({ index: 1, kind: 'costly', n: 1 })])
  const { pool } = database
  const theirs = { ...job, ownerId: STRANGER }
  expect(await readAll(pool, theirs, 10)).toEqual(expected([], 10))
  const schemas = (key: LogKey) => createExecutionStore(pool).signalSchemas(key, { name: 'go', path: null })
  expect((await schemas(job)).texts).toHaveLength(1)
  expect((await schemas(theirs)).texts).toEqual([])
})

test('what an execution of 10,000 items waits for is read from less than 1 MB, and its schemas are found on pages', async () => {
  const job = await newRun()
  for (let first = 0; first < 10_000; first += 1_000) {
    // The last items of each thousand wait.
    const steps = Array.from({ length: 1_000 }, (_, n) =>
      stepOf({ index: first + n, kind: n < 950 ? 'done' : 'signal', n: first / 1_000 }),
    )
    await record(job, steps)
  }
  await writePages(createLogStore(database.pool), job)
  const { pool, bytesRead, statements } = countingPool()
  const { values } = await createOpenWaitStore(pool).of(OWNER, [job.id], 100, MANY_BYTES)
  const indexes = Array.from({ length: 100 }, (_, n) => (n < 50 ? 950 + n : 1_900 + n))
  expect(values?.[0]?.map(({ path }) => path)).toEqual(indexes.map((index) => pathOf(index)))
  expect(bytesRead()).toBeLessThan(100_000)
  expect(statements()).toBeLessThanOrEqual(4)
  const signals = createExecutionStore(pool)
  const { texts, areAll } = await signals.signalSchemas(job, { name: 'go', path: null })
  expect([texts.length, areAll]).toEqual([9, true])
  bytesRead()
  const one = await signals.signalSchemas(job, { name: 'go', path: pathOf(9_999) })
  expect(one.texts).toEqual([JSON.stringify(schemaOf(9))])
  expect(bytesRead()).toBeLessThan(100_000)
  expect((await signals.signalSchemas(job, { name: 'other', path: null })).texts).toEqual([])
  // Pages of an earlier build do not name their waits apart.
  await database.pool.query('UPDATE job_pages SET waits = NULL WHERE job_id = $1', [job.id])
  expect(await createOpenWaitStore(pool).of(OWNER, [job.id], 100, MANY_BYTES)).toMatchObject({ values })
  expect(await signals.signalSchemas(job, { name: 'go', path: pathOf(9_999) })).toEqual(one)
})

test('the waits and the usage of 50 executions take one statement each, and one more for schemas', async () => {
  const jobs = await Promise.all(Array.from({ length: 50 }, () => newRun()))
  const [wait, costly] = [
    stepOf({ index: 0, kind: 'signal', n: 2 }),
    stepOf({ index: 1, kind: 'costly', n: 1 }),
  ]
  await Promise.all(jobs.map((job) => record(job, [wait, costly])))
  const { pool, statements } = countingPool()
  const ids = jobs.map(({ id }) => id)
  const { values } = await createOpenWaitStore(pool).of(OWNER, ids, 100, MANY_BYTES)
  expect(values?.map((waits) => waits.length)).toEqual(Array(50).fill(1))
  expect(statements()).toBe(2)
  const usages = await createUsageStore(pool).of(OWNER, ids)
  expect(usages).toEqual(ids.map(() => ({ costUsd: 0.25, quantities: { tokens: 1 } })))
  expect(statements()).toBe(1)
})

test('of an execution without pages, the waits are read from the entries from the first wait on', async () => {
  const job = await newRun()
  for (let first = 0; first < 500; first += 100) {
    const steps = Array.from({ length: 100 }, (_, n) => stepOf({ index: first + n, kind: 'done', n: 1 }))
    await record(job, steps)
  }
  const { pool, bytesRead } = countingPool()
  const waits = async () =>
    (await createOpenWaitStore(pool).of(OWNER, [job.id], 100, MANY_BYTES)).values?.[0]?.map(
      ({ path }) => path,
    )
  expect(await waits()).toEqual([])
  expect(bytesRead()).toBeLessThan(200)
  await record(
    job,
    [500, 501].map((index) => stepOf({ index, kind: 'timer', n: 1 })),
  )
  expect(await waits()).toEqual([500, 501].map((index) => pathOf(index)))
  expect(bytesRead()).toBeLessThan(1_000)
  await record(job, [stepOf({ index: 500, kind: 'done', n: 1 })])
  expect(await waits()).toEqual([pathOf(501)])
  expect(bytesRead()).toBeLessThan(1_500)
})

test('the history of a workflow has at most 1,000 completed steps of each execution', async () => {
  const job = await newRun()
  for (let first = 0; first < 1_500; first += 500) {
    const steps = Array.from({ length: 500 }, (_, n) => stepOf({ index: first + n, kind: 'done', n: 1 }))
    await record(job, steps)
    await mergeAll(job)
  }
  const history = await createStepHistoryStore(database.pool).of(OWNER, job.workflowId)
  expect(history.get('ask')).toEqual({ p50DurationMs: 10, count: HISTORY_MAX_STEPS })
})

test('a quantity of usage may have any name', async () => {
  const job = await newRun()
  const quantities = JSON.parse('{"__proto__": 2, "b": 1}') as Record<string, number>
  const step = { ...stepOf({ index: 0, kind: 'done', n: 1 }), attempts: [attempt(5, { quantities })] }
  await record(job, [step])
  const [usage] = await createUsageStore(database.pool).of(OWNER, [job.id])
  expect(JSON.stringify(usage)).toBe('{"quantities":{"__proto__":2,"b":1}}')
})

const KINDS = ['done', 'reused', 'costly', 'running', 'timer', 'signal', 'retry', 'canceled'] as const
type Kind = (typeof KINDS)[number]

interface Run extends LogKey {
  readonly workflowId: WorkflowId
}

/** An execution of a new workflow. */
async function newRun(): Promise<Run> {
  const workflowId = newId<WorkflowId>()
  await database.pool.query(`INSERT INTO workflows (id, owner_id, name, draft) VALUES ($1, $2, $3, '{}')`, [
    workflowId,
    OWNER,
    workflowId,
  ])
  const id: JobId = await storeJob(database.pool, { workflowId })
  const ownerId: OwnerId = OWNER
  return { id, ownerId, workflowId }
}

function record({ id }: LogKey, steps: readonly StepRecord[]): Promise<void> {
  return recordEntries(sendTo(database.pool), id, [{ steps }])
}

function pathOf(index: number): string {
  return `${itemPath('each', index)}/ask`
}

function schemaOf(n: number) {
  return { title: 'y'.repeat(n === 3 ? 3_000 : n) }
}

/** A step in the state of that kind. */
function stepOf({ index, kind, n }: { index: number; kind: Kind; n: number }): StepRecord {
  const base = { ...completedStep(pathOf(index)), order: [0, index, 0], nodeId: 'ask', startedAt: 0 }
  const open = (status: StepStatus, wait: StepWait | null = null) => {
    const dueAt = status === 'RUNNING' ? null : 1_000 + n
    return { ...base, status, wait, handles: [], dueAt, finishedAt: null }
  }
  const done = { ...base, finishedAt: 10 * n, attempts: [attempt(10 * n)] }
  switch (kind) {
    case 'done':
      return done
    case 'reused':
      return { ...done, attempt: 0, attempts: [] }
    case 'costly':
      return { ...done, attempts: [attempt(10 * n, { costUsd: n / 4, quantities: { tokens: n } })] }
    case 'canceled':
      return { ...done, status: 'CANCELED', handles: [] }
    case 'running':
      return open('RUNNING')
    case 'timer':
      return open('WAITING', { kind: 'timer' })
    case 'signal': {
      const schema = n === 0 ? null : schemaOf(n)
      return open('WAITING', { kind: 'signal', name: 'go', schema, timeoutHandle: null })
    }
    case 'retry':
      return open('RETRYING')
  }
}

function attempt(ms: number, usage?: AttemptUsage) {
  const times = { startedAt: new Date(0).toISOString(), finishedAt: new Date(ms).toISOString() }
  return { number: 1, status: 'COMPLETED' as const, ...times, ...(usage ? { usage } : {}) }
}

/** What the readers return of an execution with these steps, in order. */
function expected(steps: readonly StepRecord[], limit: number) {
  const waits = steps.flatMap(({ path, status, wait, dueAt }) =>
    status === 'RETRYING' || wait !== null ? [{ path, wait: wait ?? { kind: 'retry' }, dueAt }] : [],
  )
  const used = steps.flatMap(({ attempts }) => attempts.flatMap(({ usage }) => usage ?? []))
  const completed = steps.flatMap(({ status, attempts: [one] }) =>
    status === 'COMPLETED' && one ? [Date.parse(one.finishedAt)] : [],
  )
  const sorted = completed.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return {
    waits: waits.slice(0, limit),
    costUsd: used.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0),
    tokens: used.reduce((sum, { quantities }) => sum + (quantities?.tokens ?? 0), 0),
    count: completed.length,
    p50DurationMs:
      sorted.length === 0 ? 0 : ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2,
  }
}

async function readAll(pool: Pick<pg.Pool, 'query'>, { id, ownerId, workflowId }: Run, limit: number) {
  const waits = await createOpenWaitStore(pool).of(ownerId, [id], limit, MANY_BYTES)
  const [usage] = await createUsageStore(pool).of(ownerId, [id])
  return simplified(waits.values?.[0], usage, await createStepHistoryStore(pool).of(ownerId, workflowId))
}

function simplified(
  waits: readonly { readonly path: string; readonly wait: object; readonly dueAt: Date | null }[] = [],
  usage: AttemptUsage = {},
  history: ReadonlyMap<string, { readonly p50DurationMs: number; readonly count: number }>,
) {
  const { p50DurationMs = 0, count = 0 } = history.get('ask') ?? {}
  return {
    waits: waits.map((wait) => ({ ...wait, dueAt: wait.dueAt?.getTime() ?? null })),
    costUsd: usage.costUsd ?? 0,
    tokens: usage.quantities?.tokens ?? 0,
    count,
    p50DurationMs,
  }
}

/** Merges all entries of a job into pages. */
async function mergeAll(job: LogKey): Promise<void> {
  const store = createLogStore(database.pool)
  const tail = (await store.tails([job])).get(job.id)
  if (tail) expect(await mergeIntoPages(store, job, tail)).toBe(true)
}

/** Counts what its statements read, as JSON text. */
function countingPool() {
  let [bytes, count] = [0, 0]
  const query = async (config: pg.QueryConfig, values?: unknown[]) => {
    const result = await database.pool.query<Record<string, unknown>>(config, values)
    bytes += JSON.stringify(result.rows).length
    count++
    return result
  }
  const take = (read: () => number, reset: () => void) => () => {
    const value = read()
    reset()
    return value
  }
  return {
    pool: { query: query as unknown as pg.Pool['query'] },
    bytesRead: take(
      () => bytes,
      () => (bytes = 0),
    ),
    statements: take(
      () => count,
      () => (count = 0),
    ),
  }
}
