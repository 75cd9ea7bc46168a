import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { z } from 'zod'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import type { ExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createExecutionStore, SIGNAL_SCHEMAS_MAX_BYTES } from '../../src/db/executions/execution-store.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { writePages } from '../../src/db/log/page-writer.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import { completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import type { StepRecord } from '../../src/engine/record/journal.ts'
import type { StepWait } from '../../src/engine/record/step.ts'
import type { JobId } from '../../src/lib/ids.ts'
import type { Json } from '../../src/lib/json/json.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'
import { expireLease, jobRow, OWNER, STRANGER, storeJob, timelineKinds } from '../support/jobs.ts'
import { itemAt, RUNNING, stepAt } from '../support/logged-job.ts'
import { recordEntries, sendTo, type PartialEntry } from '../support/record-entries.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { recordOf } from '../support/recorded.ts'
import { createTestWorker, type TestWorker, type TestWorkerOptions } from '../support/test-worker.ts'
import { until } from '../support/until.ts'

const MIB = 1024 * 1024
/** The memory for loads of a process with this heap is 4 MiB: an input of 200 kB is loaded alone. */
const SMALL_HEAP_BYTES = 64 * MIB
const LARGE_INPUT = 'x'.repeat(200_000)

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

function openWorker(options: TestWorkerOptions = {}): TestWorker {
  const worker = createTestWorker(database, { blocks: [probe.block], ...options })
  workers.push(worker)
  return worker
}

/** Counts which values of executions are loaded, and how many at the same time. */
function watchedLoads() {
  const loads = { values: 0, recorded: 0, atOnce: 0, most: 0 }
  const executions = (store: ExecutionStore): ExecutionStore => ({
    ...store,
    async values(job) {
      loads.values++
      loads.most = Math.max(loads.most, ++loads.atOnce)
      try {
        return await store.values(job)
      } finally {
        loads.atOnce--
      }
    },
    loadRecorded(job) {
      loads.recorded++
      return store.loadRecorded(job)
    },
  })
  return { loads, executions }
}

const WAITING = {
  nodes: [
    { id: 'done', type: 'core.transform', config: { value: '{{ input }}' } },
    { id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } },
  ],
  edges: [{ source: 'done', target: 'ask' }],
}

const hasStatus = (id: JobId, status: string) =>
  until(`job ${id} is ${status}`, async () => (await jobRow(database.pool, id)).status === status)

// Commands

test('an inbox is read without the payloads of signals', async () => {
  const commands = createCommandStore(database.pool)
  const id = await storeJob(database.pool)
  const payload = { text: 'x'.repeat(1_000) }
  await commands.send(OWNER, id, { kind: 'SIGNAL', name: 'go', path: 'a/b', payload, key: null })
  await commands.send(OWNER, id, { kind: 'SIGNAL', name: 'stop', path: null, payload: null, key: null })
  await commands.send(OWNER, id, { kind: 'PAUSE' })
  expect((await commands.after(id, 0)).commands).toEqual([
    { number: 1, kind: 'SIGNAL', name: 'go', path: 'a/b', bytes: JSON.stringify(payload).length },
    { number: 2, kind: 'SIGNAL', name: 'stop', path: null, bytes: 0 },
    { number: 3, kind: 'PAUSE' },
  ])
})

test('a pause and a cancel of executions that no worker holds load none of their values', async () => {
  const { loads, executions } = watchedLoads()
  const worker = openWorker({ executions })
  const ids: JobId[] = []
  for (let n = 0; n < 4; n++) ids.push(await worker.start(WAITING, { input: LARGE_INPUT }))
  for (const id of ids) await hasStatus(id, 'WAITING')
  const begun = { ...loads }
  for (const kind of ['PAUSE', 'CANCEL'] as const) {
    for (const id of ids) await worker.commands.send(OWNER, id, { kind })
    await Promise.all(ids.map((id) => worker.processor.obey(id)))
    await worker.processor.idle()
    for (const id of ids) await hasStatus(id, kind === 'PAUSE' ? 'PAUSED' : 'CANCELED')
  }
  expect(loads).toEqual(begun)
  for (const id of ids) {
    expect(await timelineKinds(database.pool, id)).toEqual([
      'JOB_QUEUED',
      'JOB_STARTED',
      'STEP_COMPLETED',
      'STEP_STARTED',
      'STEP_WAITING',
      'JOB_WAITING',
      'JOB_PAUSED',
      'JOB_RESUMED',
      'JOB_CANCELING',
      'STEP_CANCELED',
      'JOB_CANCELED',
    ])
    expect((await jobRow(database.pool, id)).progress).toBeGreaterThan(5)
  }
})

test('a paused execution whose time is over ends although it is paused', async () => {
  const worker = openWorker()
  const id = await worker.start({ ...WAITING, limits: { timeoutMs: 3_600_000 } })
  await hasStatus(id, 'WAITING')
  await database.pool.query(`UPDATE jobs SET started_at = now() - interval '2 h' WHERE id = $1`, [id])
  await worker.commands.send(OWNER, id, { kind: 'PAUSE' })
  await worker.processor.obey(id)
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({
    status: 'FAILED',
    error: { code: 'EXECUTION_TIMEOUT' },
  })
})

test('a canceled execution that lost its worker ends with the timeline of a run that finds the cancel', async () => {
  const dying = openWorker()
  const id = await dying.start(probes('a', 'b…'))
  await probe.called('b')
  await dying.journal.idle()
  await dying.commands.send(OWNER, id, { kind: 'CANCEL' })
  await expireLease(database.pool, id)
  const { loads, executions } = watchedLoads()
  const other = openWorker({ executions })
  expect(await other.processor.tick()).toBe(1)
  await other.processor.idle()
  expect(loads.recorded).toBe(0)
  const kinds = await timelineKinds(database.pool, id)
  expect(kinds.slice(-4)).toEqual(['JOB_RECOVERED', 'JOB_CANCELING', 'STEP_CANCELED', 'JOB_CANCELED'])
  const { steps } = await recordOf(database.pool, id)
  expect(
    steps.map(({ path, status, attempts }) => [path, status, attempts.at(-1)?.callMayHaveHappened]),
  ).toEqual([
    ['a', 'COMPLETED', undefined],
    ['b', 'CANCELED', true],
  ])
})

// Inputs

test('executions with large inputs that come due together are loaded one after the other', async () => {
  const { loads, executions } = watchedLoads()
  const api = openWorker({ concurrency: 0 })
  const ids: JobId[] = []
  for (let n = 0; n < 8; n++) ids.push(await api.start(probes('a'), { input: LARGE_INPUT }))
  const worker = openWorker({ executions, heapBytes: SMALL_HEAP_BYTES })
  expect(await worker.processor.tick()).toBe(8)
  await worker.processor.idle()
  for (const id of ids) expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  expect(loads).toMatchObject({ values: 8, most: 1 })
})

test('an owner without memory left has its jobs given back unloaded, others run meanwhile, and nothing counts as a loss', async () => {
  // An owner may hold 2 MiB, and starts nothing more beyond 1 MiB.
  const heapBytes = 16 * MIB
  const { loads, executions } = watchedLoads()
  const api = openWorker({ concurrency: 0 })
  const ids: JobId[] = []
  for (let n = 0; n < 6; n++) ids.push(await api.start(probes(`a${n}…`), { input: 'x'.repeat(700_000) }))
  const worker = openWorker({ executions, heapBytes })
  expect(await worker.processor.tick()).toBe(6)
  await until('two run', () => probe.calls.length === 2)
  await until('the others are given back', () => worker.processor.freePlaces === 8)
  const others = await api.start(probes('b'), { ownerId: STRANGER })
  expect(await worker.processor.tick()).toBe(1)
  await until(
    'the other owner’s ends',
    async () => (await jobRow(database.pool, others)).status === 'COMPLETED',
  )
  expect([loads.values, probe.calls.length]).toEqual([2, 3])
  await until('all have run', async () => {
    for (const call of probe.calls) call.finish()
    if (worker.processor.freePlaces < 10) return false
    return (await worker.processor.tick()) === 0
  })
  for (const id of ids) {
    expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
    expect(await timelineKinds(database.pool, id)).not.toContain('JOB_RECOVERED')
  }
})

test('large inputs of starts that are accepted together count before they run', async () => {
  const worker = openWorker({ heapBytes: 16 * MIB })
  const start = () => worker.start(probes('a…'), { input: 'x'.repeat(700_000) })
  await Promise.all(Array.from({ length: 5 }, start))
  await until('one runs', () => probe.calls.length > 0)
  const { rows } = await database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE holder IS NULL AND status = 'QUEUED'`,
  )
  expect(rows[0]?.count).toBeGreaterThanOrEqual(3)
  for (const call of probe.calls) call.finish()
})

// Waits

test('a take-up loads what steps wait for without the schemas of payloads, and the waits check by them all the same', async () => {
  const schema = { type: 'object', required: ['approved'], description: 'x'.repeat(60_000) }
  const first = openWorker()
  const id = await first.start({
    nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go', schema } }],
    edges: [],
  })
  await hasStatus(id, 'WAITING')
  const { steps } = await createExecutionStore(database.pool).loadRecorded({ id, ownerId: OWNER })
  expect(steps.get('ask')?.wait).toEqual({
    kind: 'signal',
    name: 'go',
    timeoutHandle: null,
    schemaBytes: JSON.stringify(schema).length,
  })
  const send = (payload: Json) =>
    first.commands.send(OWNER, id, { kind: 'SIGNAL', name: 'go', path: null, payload, key: null })
  await send({})
  await send({ approved: true })
  const other = openWorker()
  expect(await other.processor.tick()).toBe(1)
  await other.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  const kinds = await timelineKinds(database.pool, id)
  expect(kinds.slice(-4)).toEqual(['SIGNAL_DISCARDED', 'SIGNAL_RECEIVED', 'STEP_COMPLETED', 'JOB_COMPLETED'])
})

test('the schemas that a signal is checked against are read up to a bound, and equal ones once', async () => {
  const id = await storeJob(database.pool)
  const wait = (n: number, title: string) => {
    const schema = { title, description: 'x'.repeat(60_000) }
    return putWait(id, n, { kind: 'signal', name: 'go', schema, timeoutHandle: null })
  }
  for (let n = 0; n < 30; n++) await wait(n, 'the same')
  await putWait(id, 30, { kind: 'signal', name: 'go', schema: null, timeoutHandle: null })
  const store = createExecutionStore(database.pool)
  const job = { id, ownerId: OWNER }
  const same = await store.signalSchemas(job, { name: 'go', path: null })
  expect([same.texts.length, same.areAll]).toEqual([1, true])
  for (let n = 31; n < 61; n++) await wait(n, `of ${n}`)
  const all = await store.signalSchemas(job, { name: 'go', path: null })
  expect(all.areAll).toBe(false)
  expect(all.texts.join('').length).toBeLessThanOrEqual(SIGNAL_SCHEMAS_MAX_BYTES)
  const one = await store.signalSchemas(job, { name: 'go', path: 'loop[60]/ask' })
  expect([one.texts.length, one.areAll]).toEqual([1, true])
  expect((await store.signalSchemas(job, { name: 'go', path: 'loop[30]/ask' })).texts).toEqual([])
})

// Errors

test('a take-up loads the attempts of open steps without long details, and their length counts before', async () => {
  const id = await storeJob(database.pool)
  const error = { code: 'BROKEN', message: 'It is broken.', details: { text: 'x'.repeat(15_000) } }
  const attempts = Array.from({ length: 3 }, (_, n) => ({
    number: n + 1,
    status: 'FAILED' as const,
    startedAt: '2026-11-30T00:00:00.000Z',
    finishedAt: '2026-11-30T00:00:01.000Z',
    error,
  }))
  const stepsWith = (change: Partial<StepRecord>) =>
    Array.from({ length: 20 }, (_, n) => {
      const state = n < 10 ? RUNNING : { status: 'FAILED' as const, ...change }
      return { ...stepAt(`loop[${n}]/a`, [0, n, 0]), ...state, attempts, error }
    })
  await put(id, { steps: stepsWith({ handles: [] }) })
  const executions = createExecutionStore(database.pool)
  const { steps } = await executions.loadRecorded({ id, ownerId: OWNER })
  const { details: _, ...short } = error
  expect(steps.get('loop[0]/a')).toMatchObject({
    attempts: attempts.map((one) => ({ ...one, error: short })),
  })
  expect(steps.get('loop[0]/a')?.error).toBeNull()
  expect(steps.get('loop[10]/a')).toMatchObject({ attempts: [], error })
  const expected = 20 * (JSON.stringify(attempts).length + JSON.stringify(error).length)
  expect((await executions.load(id))?.stepBytes).toBeGreaterThan(expected)
  // What follows a step that failed and continues reads the error in its output.
  await put(id, { steps: stepsWith({ handles: ['error'] }) })
  const routed = await executions.loadRecorded({ id, ownerId: OWNER })
  expect(routed.steps.get('loop[10]/a')?.error).toBeNull()
})

// Checkpoints

test('a take-up reads which open steps have checkpoints, and no checkpoint before an attempt begins', async () => {
  const id = await storeJob(database.pool)
  await put(id, { steps: [{ ...stepAt('open', [0]), ...RUNNING }, stepAt('ended', [1])] })
  const checkpoints = ['open', 'ended'].flatMap((path, node) =>
    Array.from({ length: 100 }, (_, n) => {
      return { path, order: [node], key: `key ${n + 1}`, value: JSON.stringify('x'.repeat(60_000)) }
    }),
  )
  await put(id, { checkpoints })
  const { executions, bytesRead } = countingRows()
  const { steps } = await executions.loadRecorded({ id, ownerId: OWNER })
  expect([steps.get('open')?.hasCheckpoints, steps.get('ended')?.hasCheckpoints]).toEqual([true, false])
  expect(bytesRead()).toBeLessThan(16_384)
  const journal = createJournalStore(database.pool)
  expect(await journal.checkpointsSize({ jobId: id, ownerId: OWNER }, 'open')).toEqual({
    count: 100,
    bytes: 100 * 60_002 + Array.from({ length: 100 }, (_, n) => `key ${n + 1}`).join('').length,
  })
})

test('the attempt of a step that was lost with long checkpoints finds them', async () => {
  const parts: string[] = []
  const recorder = defineBlock({
    type: 'test.recorder',
    name: 'Recorder',
    description: 'Records checkpoints, and is lost at its first attempt.',
    config: z.strictObject({}),
    output: z.json(),
    sample: null,
    async run({ attempt, checkpoints, checkpoint }) {
      parts.push(...Object.values(checkpoints).map(String))
      if (parts.length > 0) return completed(attempt)
      for (let n = 0; n < 30; n++) await checkpoint(`part ${n}`, 'x'.repeat(60_000))
      return new Promise<never>(() => {})
    },
  })
  const definition = { nodes: [{ id: 'a', type: 'test.recorder' }], edges: [] }
  const dying = openWorker({ blocks: [recorder] })
  const id = await dying.start(definition)
  await until('all parts are recorded', async () => {
    const { checkpoints } = await recordOf(database.pool, id)
    return checkpoints.length === 30
  })
  await dying.journal.idle()
  await expireLease(database.pool, id)
  const other = openWorker({ blocks: [recorder], heapBytes: SMALL_HEAP_BYTES })
  expect(await other.processor.tick()).toBe(1)
  await other.processor.idle()
  expect((await jobRow(database.pool, id)).status).toBe('COMPLETED')
  expect([parts.length, new Set(parts).size]).toEqual([30, 1])
})

// The database

test('a connection that is lost while an execution is taken up is no loss of its worker', async () => {
  const api = openWorker({ concurrency: 0 })
  const id = await api.start(probes('a'), { input: LARGE_INPUT })
  let faults = 0
  const failing = async <T>(read: () => Promise<T>): Promise<T> => {
    if (faults++ % 2 === 0) throw Object.assign(new Error('the connection is lost'), { code: '08006' })
    return read()
  }
  const worker = openWorker({
    executions: (store) => ({
      ...store,
      load: (job) => failing(() => store.load(job)),
      values: (job) => failing(() => store.values(job)),
      loadRecorded: (job) => failing(() => store.loadRecorded(job)),
    }),
  })
  expect(await worker.processor.tick()).toBe(1)
  await worker.processor.idle()
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  expect(faults).toBe(6)
})

// Ended loop items

test('steps inside of ended loop items are not read at a take-up', async () => {
  const id = await storeJob(database.pool)
  await putStep(id, 'loop', [0], 'RUNNING')
  const inner = Array.from({ length: 9_000 }, (_, n) => {
    return stepAt(`loop[${Math.floor(n / 9)}]/s${n % 9}`, [0, Math.floor(n / 9), n % 9])
  })
  const others = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => n !== 500)
  await put(id, { steps: inner, items: others.map((n) => itemAt('loop', [0], n)) })
  await writePages(createLogStore(database.pool), { id, ownerId: OWNER })
  const { executions, bytesRead } = countingRows()
  const { steps, items } = await executions.loadRecorded({ id, ownerId: OWNER })
  expect([...steps.keys()].toSorted()).toEqual(
    ['loop', ...Array.from({ length: 9 }, (_, n) => `loop[500]/s${n}`)].toSorted(),
  )
  expect(items.get('loop')?.size).toBe(999)
  expect(bytesRead()).toBeLessThan(100_000)
})

test('law: a take-up loads every step and item outside of ended items, and nothing inside of them', async () => {
  const item = fc.record({
    index: fc.nat({ max: 60 }),
    isEnded: fc.boolean(),
    inner: fc.array(fc.nat({ max: 40 }), { maxLength: 4 }),
  })
  const loops = fc.array(fc.uniqueArray(item, { maxLength: 6, selector: ({ index }) => index }), {
    minLength: 1,
    maxLength: 3,
  })
  await fc.assert(
    fc.asyncProperty(loops, fc.boolean(), async (tree, isLoopOnRecord) => {
      const id = await storeJob(database.pool)
      const expected = { steps: new Set<string>(), items: new Set<string>() }
      for (const [node, items] of tree.entries()) {
        const loop = `loop${node}`
        if (isLoopOnRecord) {
          await putStep(id, loop, [node], 'RUNNING')
          expected.steps.add(loop)
        }
        for (const { index, isEnded, inner } of items) {
          const inside = `${loop}[${index}]`
          await putStep(id, `${inside}/a`, [node, index, 0], 'COMPLETED')
          await putStep(id, `${inside}/inner`, [node, index, 1], 'RUNNING')
          if (!isEnded) for (const name of ['a', 'inner']) expected.steps.add(`${inside}/${name}`)
          for (const [n, innerIndex] of [...new Set(inner)].entries()) {
            const path = `${inside}/inner[${innerIndex}]/b`
            await putStep(id, path, [node, index, 1, innerIndex, 0], 'COMPLETED')
            if (n % 2 === 0) await putItem(id, `${inside}/inner`, [node, index, 1], innerIndex)
            if (!isEnded && n % 2 === 0) expected.items.add(`${inside}/inner[${innerIndex}]`)
            if (!isEnded && n % 2 === 1) expected.steps.add(path)
          }
          if (isEnded) {
            await putItem(id, loop, [node], index)
            expected.items.add(inside)
          }
        }
      }
      const store = createExecutionStore(database.pool)
      const { steps, items } = await store.loadRecorded({ id, ownerId: OWNER })
      expect(new Set(steps.keys())).toEqual(expected.steps)
      const found = [...items].flatMap(([path, ended]) =>
        [...ended.keys()].map((index) => `${path}[${index}]`),
      )
      expect(new Set(found)).toEqual(expected.items)
      const open = await store.steps({ id, ownerId: OWNER })
      expect(new Set(open.map(({ path }) => path))).toEqual(
        new Set(
          [...steps.values()].flatMap(({ path, finishedAt }) =>
            finishedAt === null || !path.includes('/') ? [path] : [],
          ),
        ),
      )
    }),
    { numRuns: 25 },
  )
})

function put(id: JobId, entry: PartialEntry): Promise<void> {
  return recordEntries(sendTo(database.pool), id, [entry])
}

async function putStep(id: JobId, path: string, order: readonly number[], status: string): Promise<void> {
  await put(id, { steps: [{ ...stepAt(path, order), ...(status === 'RUNNING' ? RUNNING : {}) }] })
}

async function putItem(id: JobId, path: string, order: readonly number[], index: number): Promise<void> {
  await put(id, { items: [itemAt(path, order, index)] })
}

/** An execution store, and the number of characters of JSON that its statements returned. */
function countingRows() {
  let bytes = 0
  const query = async (text: string, values: unknown[]) => {
    const result = await database.pool.query<Record<string, unknown>>(text, values)
    bytes += JSON.stringify(result.rows).length
    return result
  }
  const executions = createExecutionStore({ query: query as typeof database.pool.query })
  return { executions, bytesRead: () => bytes }
}

async function putWait(id: JobId, index: number, wait: StepWait): Promise<void> {
  const step = {
    ...stepAt(`loop[${index}]/ask`, [0, index, 0]),
    ...RUNNING,
    status: 'WAITING' as const,
    wait,
  }
  await put(id, { steps: [step] })
}
