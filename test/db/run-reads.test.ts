import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type pg from 'pg'
import { z } from 'zod'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createOriginalStore } from '../../src/db/executions/original-store.ts'
import { createTreeCancelStore } from '../../src/db/executions/tree-cancel-store.ts'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import { createJournalStore, type JournalStore } from '../../src/db/journal/journal-store.ts'
import { Journal } from '../../src/db/journal/journal.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { SCANNED_MAX_BYTES } from '../../src/db/log-reads/page-scan.ts'
import { createContactStore } from '../../src/db/stores/contact-store.ts'
import { createValueStore } from '../../src/db/stores/value-store.ts'
import { BlockError, completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { event } from '../../src/engine/record/event.ts'
import {
  FenceLostError,
  type JobChange,
  type JournalEntry,
  type LoopItemRecord,
  type StepRecord,
} from '../../src/engine/record/journal.ts'
import { itemPath } from '../../src/engine/record/step.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'
import { jobRow, OWNER, sendCancel, storeClaimedJob, storeJob, STRANGER } from '../support/jobs.ts'
import { itemAt, LoggedJob, outputOf, RUNNING, stepAt } from '../support/logged-job.ts'

import { createProbe } from '../support/probe.ts'
import { createTestWorker } from '../support/test-worker.ts'
import { until } from '../support/until.ts'

// What a run, a retry and the end of a job read of logs.

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

// The barrier. This test is the first one: its worker takes up all jobs that are due.

test('a run reads items, outputs, checkpoints and signals after the commit of all that it has recorded, however late that comes', async () => {
  const probe = createProbe()
  const reads = new Set<string>()
  const worker = createTestWorker(database, {
    blocks: [probe.block, RECORDER],
    records: (store) => lateFlushes(store, reads),
  })
  const schema = { type: 'object', required: ['n'] }
  const body = {
    nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go', schema } }],
    edges: [],
    output: '{{ nodes.ask.output.n }}',
  }
  const id = await worker.start({
    nodes: [
      {
        id: 'quick',
        type: 'core.forEach',
        config: {
          items: [1, 2, 3, 4],
          concurrency: 4,
          body: {
            nodes: [{ id: 'twice', type: 'core.transform', config: { value: '{{ item * 2 }}' } }],
            edges: [],
            output: '{{ nodes.twice.output }}',
          },
        },
      },
      { id: 'long', type: 'core.transform', config: { value: 'x'.repeat(5_000) } },
      { id: 'record', type: 'test.recorder', retry: { maxAttempts: 2, initialDelayMs: 0 } },
      {
        id: 'slow',
        type: 'core.forEach',
        config: { items: [0, 1], concurrency: 2, body },
      },
      {
        id: 'last',
        type: 'core.transform',
        config: {
          value: {
            quick: '{{ nodes.quick.output }}',
            slow: '{{ nodes.slow.output }}',
            long: '{{ size(nodes.long.output) }}',
            record: '{{ nodes.record.output }}',
          },
        },
      },
    ],
    edges: [
      ['quick', 'long'],
      ['long', 'record'],
      ['record', 'slow'],
      ['slow', 'last'],
    ].map(([source, target]) => ({ source, target })),
  })
  const hasStatus = (status: string) =>
    until(`the job is ${status}`, async () => (await jobRow(database.pool, id)).status === status)
  for (const index of [0, 1]) {
    await hasStatus('WAITING')
    await worker.commands.send(OWNER, id, {
      kind: 'SIGNAL',
      name: 'go',
      path: `slow[${index}]/ask`,
      payload: { n: index + 10 },
      key: null,
    })
    expect(await worker.processor.tick()).toBe(1)
    await worker.processor.idle()
  }
  await hasStatus('COMPLETED')
  expect(await createExecutionStore(database.pool).output({ id, ownerId: OWNER })).toEqual({
    quick: [2, 4, 6, 8],
    slow: [10, 11],
    long: 5_000,
    record: 2,
  })
  expect([...reads].toSorted()).toEqual([
    'checkpoints',
    'checkpointsSize',
    'loopItems',
    'loopItemsBytes',
    'outputs',
    'signal',
  ])
  await worker.processor.stop()
})

// Outputs of executions

test('the end of a job is its last entry: nothing is recorded behind it, and neither a cancel nor a signal writes one', async () => {
  const claim = await storeClaimedJob(database.pool)
  const journal = openJournal()
  const ledger = journal.open(claim)
  // Entries that share the flush of the end are in the same log entry.
  await Promise.all([
    ledger.append(entryOf({ end: { status: 'COMPLETED', at: 1, output: '"done"' } })),
    ledger.append(entryOf({})),
  ])
  const numbers = await numbersOf(claim.jobId)
  const late = { ...entryOf({}), steps: [stepAt('late', [0])] }
  await expect(ledger.append(late)).rejects.toBeInstanceOf(FenceLostError)
  // A holder that knows the newest entry, but whose lease is over with the end.
  const next = openJournal().open({ ...claim, ...numbers })
  await expect(next.append(late)).rejects.toBeInstanceOf(FenceLostError)
  const signal = { kind: 'SIGNAL', name: 'go', path: null, payload: 1, key: null } as const
  const sent = await createCommandStore(database.pool).send(OWNER, claim.jobId, signal)
  expect([sent.kind, await sendCancel(database.pool, OWNER, claim.jobId)]).toEqual(['refused', false])
  expect(await numbersOf(claim.jobId)).toEqual(numbers)
  expect(await createExecutionStore(database.pool).output({ id: claim.jobId, ownerId: OWNER })).toBe('done')
})

test('an output is read from the entry that ended the job, whether it is small, large, null or absent, and by its owner alone', async () => {
  const outputs = [
    '{"small":[1]}',
    JSON.stringify({ contacts: [{ name: 'x'.repeat(5_000) }, 7, {}] }),
    'null',
  ]
  const ids = [await ended(null)]
  for (const output of outputs) ids.push(await ended(output))
  ids.push((await LoggedJob.store(database.pool)).key.id)
  const executions = createExecutionStore(database.pool)
  const expected = [null, ...outputs, null]
  const keys = ids.map((id) => ({ id, ownerId: OWNER }))
  const texts = (output: string | null) => (output === null ? null : (JSON.parse(output) as unknown))
  expect(await Promise.all(keys.map((key) => executions.output(key)))).toEqual(expected.map(texts))
  expect(await Promise.all(keys.map((key) => executions.outputBytes(key)))).toEqual(
    expected.map((output) => output?.length ?? 0),
  )
  expect((await Promise.all(ids.map((id) => executions.details(id)))).map((one) => one?.output)).toEqual(
    expected.map(texts),
  )
  const values = createValueStore(database.pool)
  const read = await values.read(OWNER, 'executionOutput', ids, 100_000)
  expect(read.values).toEqual(expected)
  expect((await values.read(OWNER, 'executionOutput', ids, 1_000)).values).toBeNull()
  expect((await values.read(STRANGER, 'executionOutput', ids, 100_000)).values).toEqual(ids.map(() => null))
  const contacts = createContactStore(database.pool)
  expect(await contacts.countsOf(OWNER, ids)).toEqual([0, 0, 3, 0, 0])
  const page = await contacts.pagesOf(OWNER, ids, { after: -1, limit: 10 }, 100_000)
  expect(page.values?.map((found) => found.map(({ index }) => index))).toEqual([[], [], [0, 2], [], []])
  expect(await contacts.countsOf(STRANGER, ids)).toEqual([0, 0, 0, 0, 0])
})

// What a take-up loads, estimated before

test('law: a take-up loads no more of a log than its estimate says, wherever items have ended and pages are split', async () => {
  const parent = await LoggedJob.store(database.pool)
  const item = fc.record({ isEnded: fc.boolean(), open: fc.nat({ max: 3 }), isBehindPages: fc.boolean() })
  const run = fc.record({ items: fc.nat({ max: 120 }), like: item })
  const loop = fc.record({ runs: fc.array(run, { maxLength: 5 }), inner: fc.nat({ max: 3 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(loop, { minLength: 1, maxLength: 3 }), async (loops) => {
      const job = await LoggedJob.store(database.pool)
      const paged = { steps: [] as StepRecord[], items: [] as LoopItemRecord[] }
      const tail = { steps: [] as StepRecord[], items: [] as LoopItemRecord[] }
      for (const [node, { runs, inner }] of loops.entries()) {
        const path = `loop${node}`
        paged.steps.push(stepAt(path, [node], RUNNING))
        const items = runs.flatMap(({ items: count, like }) => Array.from({ length: count }, () => like))
        for (const [index, { isEnded, open, isBehindPages }] of items.entries()) {
          const into = isBehindPages && index % 7 === 0 ? tail : paged
          for (let n = 0; n < 4; n++)
            into.steps.push(
              stepAt(`${itemPath(path, index)}/n${n}`, [node, index, n], n < open && !isEnded ? RUNNING : {}),
            )
          for (let n = 0; n < inner; n++) {
            into.items.push(itemAt(`${itemPath(path, index)}/n0`, [node, index, 0], n))
            into.steps.push(stepAt(`${itemPath(path, index)}/n0[${n}]/x`, [node, index, 0, n, 0]))
          }
          if (isEnded) into.items.push(itemAt(path, [node], index))
        }
      }
      await job.append(paged)
      await job.writePages()
      await job.append(tail)
      const { executions, take } = watchedExecutions()
      const loaded = await executions.load(job.key.id)
      take()
      await executions.loadRecorded(job.key)
      const { changes, bodies } = take()
      expect(loaded?.stepBytes).toBeGreaterThanOrEqual(2 * changes + bodies)
      await executions.steps(job.key)
      const open = take()
      await database.pool.query(CANCEL_UNHELD, [job.key.id, parent.key.id])
      const unheld = await createTreeCancelStore(database.pool).unheld(1_000, 0)
      expect(unheld.find(({ id }) => id === job.key.id)?.stepBytes).toBe(2 * open.changes + open.bodies)
    }),
    {
      numRuns: 10,
      // A page begins at the record of the first item of the second loop.
      examples: [
        [
          [
            { runs: [{ items: 58, like: { isEnded: true, open: 0, isBehindPages: false } }], inner: 3 },
            { runs: [{ items: 26, like: { isEnded: true, open: 0, isBehindPages: false } }], inner: 0 },
          ],
        ],
      ],
    },
  )
})

test('the estimate of a take-up counts no pages of ended items, but each ended item', async () => {
  const job = await LoggedJob.store(database.pool)
  const indexes = Array.from({ length: 2_000 }, (_, index) => index)
  await job.append({
    steps: [
      stepAt('loop', [0], RUNNING),
      ...indexes.map((index) => stepAt(`loop[${index}]/call`, [0, index, 0], index > 1_990 ? RUNNING : {})),
    ],
    items: indexes.slice(0, 1_991).map((index) => itemAt('loop', [0], index)),
  })
  await job.writePages()
  const pages = await createLogStore(database.pool).pageSummaries(job.key)
  expect(pages.length).toBeGreaterThan(20)
  const { stepBytes } = (await createExecutionStore(database.pool).load(job.key.id)) ?? {}
  const { rows } = await database.pool.query<{ bytes: number }>(
    'SELECT sum(octet_length(body::text))::int AS bytes FROM job_pages WHERE job_id = $1',
    [job.key.id],
  )
  expect(stepBytes).toBeLessThan((rows[0]?.bytes ?? 0) / 4)
  expect(stepBytes).toBeGreaterThan(1_991 * 3)
})

test('a retry is estimated with the log of its source, whose pages count once for all of its retries', async () => {
  const source = await LoggedJob.store(database.pool)
  const steps = Array.from({ length: 300 }, (_, node) => stepAt(`n${node}`, [node]))
  await source.append({ steps })
  await source.writePages()
  await source.append({ ...entryOf({ end: { status: 'CANCELED', at: 1 } }), steps: steps.slice(0, 100) })
  const retry = { of: source.key.id, from: 'FAILED', patched: {} }
  const ids = [await storeJob(database.pool, { retry }), await storeJob(database.pool, { retry })]
  const { load } = createExecutionStore(database.pool)
  const [one, other] = await Promise.all(ids.map(load))
  const { rows } = await database.pool.query<{ changes: number; bodies: number }>(
    `SELECT octet_length(l.changes::text) AS changes,
       (SELECT sum(octet_length(p.body::text))::int FROM job_pages p WHERE p.job_id = l.job_id) AS bodies
     FROM job_log l WHERE l.job_id = $1 AND l.entry_no = 2`,
    [source.key.id],
  )
  const { changes, bodies } = rows[0] ?? { changes: 0, bodies: 0 }
  expect(bodies).toBeGreaterThan(10_000)
  const plain = await load(await storeJob(database.pool))
  const definitions =
    2 *
    JSON.stringify({ nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }], edges: [] }).length
  const values = 2 * (plain?.loadedBytes ?? 0)
  expect([one?.loadedBytes, other?.loadedBytes]).toEqual(
    Array.from(
      { length: 2 },
      () => values + '{}'.length + definitions + 2 * changes + bodies + SCANNED_MAX_BYTES,
    ),
  )
})

// What a run reads

test('law: a run reads of loops what the newest entries say, whatever is merged into pages before and between the statements', async () => {
  const item = fc.record({
    text: fc.oneof(fc.string({ maxLength: 30 }), fc.constant('x'.repeat(3_000))),
    failed: fc.boolean(),
    isReused: fc.boolean(),
    hasOutput: fc.boolean(),
    isMergedBehind: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      async (items, isMerged) => {
        const source = await LoggedJob.store(database.pool)
        const job = await LoggedJob.store(database.pool)
        await job.append({
          steps: [stepAt('each', [0], RUNNING), stepAt('each[0]/inner', [0, 0, 0], RUNNING)],
        })
        await job.append({ items: [itemAt('each[0]/inner', [0, 0, 0], 0, { output: '"of another loop"' })] })
        for (const [index, { text, failed, isReused, hasOutput, isMergedBehind }] of items.entries()) {
          const output = failed || !hasOutput ? null : JSON.stringify(text)
          const change = failed ? ({ status: 'FAILED', error: { code: 'X', message: text } } as const) : {}
          const reused = isReused && !failed ? { reusedFrom: source.key.id, output: null } : { output }
          if (isReused) await source.append({ items: [itemAt('each', [0], index, { ...change, output })] })
          // Values of steps inside of the item are in the same entry.
          const path = `each[${index}]/inner`
          await job.append({
            steps: [stepAt(path, [0, index, 0])],
            values: [outputOf(path, 'of a step')],
            items: [itemAt('each', [0], index, { ...change, ...reused })],
          })
          if (isMergedBehind) await Promise.all([job.writePages(), source.writePages()])
        }
        const pool = isMerged ? merging([job, source]) : database.pool
        const journal = createJournalStore(pool)
        const key = { jobId: job.key.id, ownerId: OWNER }
        const expected = items.map(({ text, failed, hasOutput }, index) => ({
          index,
          status: failed ? 'FAILED' : 'COMPLETED',
          output: failed || !hasOutput ? null : text,
          error: failed ? { code: 'X', message: text } : null,
        }))
        expect(await journal.loopItems(key, 'each')).toEqual(expected)
        expect(await journal.loopItems(key, 'each', 'errors')).toEqual(
          expected.map((one) => ({ ...one, output: null })),
        )
        expect(await journal.loopItems(key, 'each', 'outputs')).toEqual(
          expected.map((one) => ({ ...one, error: null })),
        )
        const sizes = (values: readonly unknown[]) =>
          values.reduce<number>((sum, value) => sum + (value === null ? 0 : bytesOf(value)), 0)
        const outputs = sizes(expected.map(({ output }) => output))
        const errors = sizes(expected.map(({ error }) => error))
        expect(await journal.loopItemsBytes(key, 'each', 'outputs')).toBe(outputs)
        expect(await journal.loopItemsBytes(key, 'each', 'errors')).toBe(errors)
        expect(await journal.loopItemsBytes(key, 'each')).toBe(outputs + errors)
        const stranger = { ...key, ownerId: STRANGER }
        expect(await journal.loopItems(stranger, 'each')).toEqual([])
        expect(await journal.loopItemsBytes(stranger, 'each')).toBe(0)
      },
    ),
    { numRuns: 12 },
  )
})

test('law: a run reads the newest value of each checkpoint of a step, and no checkpoint of another step', async () => {
  const write = fc.record({
    path: fc.constantFrom('a', 'a[1]/b', 'b'),
    key: fc.constantFrom('k', 'k k', '"', 'ä', '', 'o:a'),
    value: fc.oneof(fc.string({ maxLength: 20 }), fc.constant('x'.repeat(3_000))),
  })
  const flush = fc.record({
    writes: fc.uniqueArray(write, { maxLength: 5, selector: ({ path, key }) => `${path} ${key}` }),
    isMerged: fc.boolean(),
  })
  const orders = { a: [0], 'a[1]/b': [0, 1, 0], b: [1] }
  await fc.assert(
    fc.asyncProperty(fc.array(flush, { maxLength: 6 }), async (flushes) => {
      const job = await LoggedJob.store(database.pool)
      await job.append({ steps: Object.entries(orders).map(([path, order]) => stepAt(path, order, RUNNING)) })
      const expected = new Map<string, Map<string, string>>()
      for (const { writes, isMerged } of flushes) {
        for (const { path, key, value } of writes)
          expected.set(
            path,
            (expected.get(path) ?? new Map<string, string>()).set(key, JSON.stringify(value)),
          )
        await job.append({
          checkpoints: writes.map(({ path, key, value }) => ({
            path,
            key,
            order: orders[path],
            value: JSON.stringify(value),
          })),
        })
        if (isMerged) await job.writePages()
      }
      const journal = createJournalStore(database.pool)
      for (const path of Object.keys(orders)) {
        const key = { jobId: job.key.id, ownerId: OWNER }
        const texts = expected.get(path) ?? new Map<string, string>()
        expect(await journal.checkpoints(key, path)).toEqual(texts)
        const bytes = [...texts].reduce(
          (sum, [name, text]) => sum + Buffer.byteLength(name) + Buffer.byteLength(text),
          0,
        )
        expect(await journal.checkpointsSize(key, path)).toEqual({ count: texts.size, bytes })
        const stranger = { ...key, ownerId: STRANGER }
        expect(await journal.checkpoints(stranger, path)).toEqual(new Map())
      }
    }),
    { numRuns: 12 },
  )
})

test('a run reads the outputs of steps that it ran and of steps that it reused, and the schema of a signal, while pages are written', async () => {
  const source = await LoggedJob.store(database.pool)
  await source.append({
    steps: [stepAt('a', [0]), stepAt('each[1]/a', [1, 1, 0])],
    values: [outputOf('a', 'of the source')],
  })
  const job = await LoggedJob.store(database.pool)
  const schema = { type: 'string', description: 'x'.repeat(3_000) }
  const wait = { kind: 'signal', name: 'go', schema, timeoutHandle: null } as const
  await job.append({
    steps: [
      stepAt('a', [0], { reusedFrom: source.key.id, attempt: 0 }),
      stepAt('small', [1]),
      stepAt('large', [2]),
      stepAt('none', [3]),
      stepAt('ask', [4], { ...RUNNING, status: 'WAITING', wait }),
      stepAt('plain', [5], { ...RUNNING, status: 'WAITING', wait: { ...wait, schema: null } }),
    ],
    values: [outputOf('small', 1), outputOf('large', 'x'.repeat(3_000))],
  })
  const signal = { kind: 'SIGNAL', name: 'go', path: null, payload: { b: 1 }, key: null } as const
  await createCommandStore(database.pool).send(OWNER, job.key.id, signal)
  const key = { jobId: job.key.id, ownerId: OWNER }
  for (const pool of [database.pool, merging([job, source]), database.pool]) {
    const journal = createJournalStore(pool)
    expect(await journal.outputs(key, ['a', 'large', 'none', 'small', 'unknown'])).toEqual(
      new Map([
        ['a', '"of the source"'],
        ['large', JSON.stringify('x'.repeat(3_000))],
        ['small', '1'],
      ]),
    )
    expect(await journal.signal(key, 1, 'ask')).toEqual({
      payload: '{"b":1}',
      schema: JSON.stringify(schema),
    })
    expect(await journal.signal(key, 1, 'plain')).toEqual({ payload: '{"b":1}', schema: 'null' })
    const stranger = { ...key, ownerId: STRANGER }
    expect(await journal.outputs(stranger, ['small'])).toEqual(new Map())
    expect(await journal.signal(stranger, 1, 'ask')).toEqual({ payload: 'null', schema: 'null' })
  }
})

test('a run with a long tail reads the entries of the wanted steps alone, and of a loop the pages with its items alone', async () => {
  const job = await LoggedJob.store(database.pool)
  const indexes = Array.from({ length: 1_000 }, (_, index) => index)
  await job.append({
    steps: [
      stepAt('each', [0], RUNNING),
      ...indexes.map((index) => stepAt(`each[${index}]/call`, [0, index, 0])),
    ],
    items: [...indexes.map((index) => itemAt('each', [0], index)), itemAt('few', [1], 0)],
  })
  await job.writePages()
  for (let part = 0; part < 10; part++)
    await job.append({
      steps: indexes
        .slice(part * 100, part * 100 + 100)
        .map((index) => stepAt(`more[${index}]/call`, [2, index, 0])),
    })
  await job.append({ steps: [stepAt('wanted', [3])], values: [outputOf('wanted', 'x')] })
  let bytes = 0
  const journal = createJournalStore(counting((rows) => (bytes += bytesOf(rows))))
  const key = { jobId: job.key.id, ownerId: OWNER }
  expect(await journal.outputs(key, ['wanted'])).toEqual(new Map([['wanted', '"x"']]))
  expect(bytes).toBeLessThan(2_048)
  bytes = 0
  expect(await journal.loopItems(key, 'few')).toHaveLength(1)
  expect(bytes).toBeLessThan(16_384)
})

// What a retry reads of its source

test('law: a retry finds the steps, the completed items and the values of its source, whatever is on pages', async () => {
  const state = fc.constantFrom('COMPLETED', 'UNKNOWN', 'FAILED', 'REUSED')
  const item = fc.record({
    state: fc.constantFrom('COMPLETED', 'FAILED', 'REUSED', 'UNKNOWN'),
    text: fc.string({ maxLength: 9 }),
  })
  const node = fc.record({
    state,
    text: fc.oneof(fc.string({ maxLength: 9 }), fc.constant('x'.repeat(3_000))),
    hasConfig: fc.boolean(),
    items: fc.array(item, { maxLength: 8 }),
    isBehindPages: fc.boolean(),
  })
  const unknown = (at: number): Partial<StepRecord> => {
    const error = { code: 'CALL_OUTCOME_UNKNOWN', message: 'It may have happened.' }
    const instant = new Date(at).toISOString()
    return {
      status: 'FAILED',
      handles: [],
      error,
      attempts: [{ number: 1, status: 'FAILED', startedAt: instant, finishedAt: instant, error }],
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 8 }), fc.boolean(), async (nodes, isPaged) => {
      const [first, job] = [await LoggedJob.store(database.pool), await LoggedJob.store(database.pool)]
      const firstId = first.key.id
      const id = job.key.id
      const expected = {
        steps: new Map<string, { status: string; errorCode: string | null; holder: string }>(),
        items: new Map<string, Map<number, string>>(),
        outputs: new Map<string, string>(),
        configs: new Map<string, string>(),
      }
      const behind: (() => Promise<void>)[] = []
      for (const [place, { state: end, text, hasConfig, items, isBehindPages }] of nodes.entries()) {
        const path = `n${place}`
        const values = outputOf(path, text, hasConfig ? { text } : {})
        if (end === 'REUSED') {
          await first.append({
            steps: [stepAt(path, [place])],
            values: [values],
            items: items.map((_, index) => itemAt(path, [place], index)),
          })
        }
        const change: Partial<StepRecord> =
          end === 'UNKNOWN'
            ? unknown(place)
            : end === 'REUSED'
              ? { reusedFrom: firstId, callKey: 'key' }
              : end === 'FAILED'
                ? { status: 'FAILED', handles: ['error'] }
                : {}
        await job.append({ steps: [stepAt(path, [place], RUNNING)] })
        const append = () =>
          job.append({
            steps: [
              stepAt(path, [place], change),
              ...items.flatMap(({ state: itemEnd }, index) =>
                itemEnd === 'UNKNOWN'
                  ? [stepAt(`${path}[${index}]/call`, [place, index, 0], unknown(index))]
                  : [],
              ),
            ],
            values: [end === 'REUSED' ? { ...values, output: null } : values],
            items:
              end === 'REUSED'
                ? []
                : items.map(({ state: itemEnd }, index) =>
                    itemAt(path, [place], index, {
                      status: itemEnd === 'FAILED' || itemEnd === 'UNKNOWN' ? 'FAILED' : 'COMPLETED',
                      reusedFrom: itemEnd === 'REUSED' ? firstId : null,
                    }),
                  ),
          })
        if (isBehindPages) behind.push(append)
        else await append()
        expected.steps.set(path, {
          status: end === 'UNKNOWN' || end === 'FAILED' ? 'FAILED' : 'COMPLETED',
          errorCode: end === 'UNKNOWN' ? 'CALL_OUTCOME_UNKNOWN' : null,
          holder: end === 'REUSED' ? firstId : id,
        })
        expected.outputs.set(path, JSON.stringify(text))
        expected.configs.set(path, values.config)
        const completed = new Map<number, string>()
        for (const [index, { state: itemEnd }] of items.entries()) {
          if (itemEnd === 'UNKNOWN')
            expected.steps.set(`${path}[${index}]/call`, {
              status: 'FAILED',
              errorCode: 'CALL_OUTCOME_UNKNOWN',
              holder: id,
            })
          if (end === 'REUSED') completed.set(index, firstId)
          else if (itemEnd === 'COMPLETED' || itemEnd === 'REUSED')
            completed.set(index, itemEnd === 'REUSED' ? firstId : id)
        }
        if (completed.size > 0) expected.items.set(path, completed)
      }
      if (isPaged) await Promise.all([job.writePages(), first.writePages()])
      for (const append of behind) await append()
      await job.append(entryOf({ end: { status: 'CANCELED', at: 1 } }))
      const { load } = createOriginalStore(isPaged ? merging([job, first]) : database.pool)
      const record = await load(job.key)
      const found = record?.steps.map(
        ({ path, status, errorCode, holder }) => [path, { status, errorCode, holder }] as const,
      )
      expect(new Map(found)).toEqual(expected.steps)
      expect(record?.steps.length).toBe(expected.steps.size)
      expect(record?.items).toEqual(expected.items)
      const paths = [...expected.outputs.keys()]
      expect(await record?.values.outputs([...paths, 'unknown'])).toEqual(expected.outputs)
      expect(await record?.values.configs([...paths, 'unknown'])).toEqual(expected.configs)
      const isSmall = ([, text]: readonly [string, string]) => text.length <= 2_048
      const small = await record?.values.small()
      expect(small?.outputs).toEqual(new Map([...expected.outputs].filter(isSmall)))
      expect(small?.configs).toEqual(new Map([...expected.configs].filter(isSmall)))
      expect(await load({ id, ownerId: STRANGER })).toBeNull()
    }),
    { numRuns: 12 },
  )
})

test('a retry of a loop with 3,000 items reads no page of items that ran in it, and few pages of reused ones at a time', async () => {
  const job = await LoggedJob.store(database.pool)
  const holder = (await LoggedJob.store(database.pool)).key.id
  const indexes = Array.from({ length: 3_000 }, (_, index) => index)
  await job.append({
    steps: [
      stepAt('ran', [0]),
      stepAt('reused', [1]),
      ...indexes.map((index) => stepAt(`ran[${index}]/call`, [0, index, 0])),
    ],
    items: indexes.map((index) => itemAt('ran', [0], index)),
  })
  await job.append({ items: indexes.map((index) => itemAt('reused', [1], index, { reusedFrom: holder })) })
  await job.writePages()
  await job.append(entryOf({ end: { status: 'CANCELED', at: 1 } }))
  const pieces: number[] = []
  let bytes = 0
  const { load } = createOriginalStore(
    counting((rows) => {
      const read = bytesOf(rows)
      bytes += read
      pieces.push(read)
    }),
  )
  const record = await load(job.key)
  expect([record?.items.get('ran')?.get(2_999), record?.items.get('reused')?.size]).toEqual([
    job.key.id,
    3_000,
  ])
  const pages = (await createLogStore(database.pool).pageSummaries(job.key)).length
  expect(pages).toBeGreaterThan(60)
  // One statement for the execution, one for what is behind the pages, and the pages.
  expect(pieces.length).toBeGreaterThan(3)
  expect(Math.max(...pieces)).toBeLessThan(SCANNED_MAX_BYTES * 1.5)
  expect(bytes).toBeLessThan(700_000)
})

/** Fails its first attempt behind a long checkpoint; its output is the number of the attempt that found it. */
const RECORDER = defineBlock({
  type: 'test.recorder',
  name: 'Recorder',
  description: 'Records a long checkpoint.',
  config: z.strictObject({}),
  output: z.json(),
  sample: null,
  async run({ attempt, checkpoints, checkpoint }) {
    if (checkpoints.long !== undefined) return completed(attempt)
    await checkpoint('long', 'x'.repeat(5_000))
    throw new BlockError('AGAIN', 'It is tried again.', { retryable: true })
  },
})

/** A journal store whose flushes begin late; adds to `reads` which reads were made. */
function lateFlushes(store: JournalStore, reads: Set<string>): JournalStore {
  const watched = <Read extends (...all: never[]) => unknown>(name: string, read: Read): Read =>
    ((...all: Parameters<Read>) => {
      reads.add(name)
      return read(...all)
    }) as Read
  return {
    ...store,
    async flush(writes) {
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      return store.flush(writes)
    },
    loopItems: watched('loopItems', store.loopItems),
    loopItemsBytes: watched('loopItemsBytes', store.loopItemsBytes),
    outputs: watched('outputs', store.outputs),
    checkpoints: watched('checkpoints', store.checkpoints),
    checkpointsSize: watched('checkpointsSize', store.checkpointsSize),
    signal: watched('signal', store.signal),
  }
}

function send(statement: readonly unknown[]): Promise<pg.QueryResult<ReadRow>> {
  return Reflect.apply(database.pool.query, database.pool, statement) as Promise<pg.QueryResult<ReadRow>>
}

/** Connections that merge the logs of these jobs into pages before each statement. */
function merging(jobs: readonly LoggedJob[]): Pick<pg.Pool, 'query'> {
  const query = async (...statement: unknown[]) => {
    for (const job of jobs) await job.writePages()
    return send(statement)
  }
  return { query }
}

/** Connections that report the rows of each statement. */
function counting(onRows: (rows: readonly unknown[]) => void): Pick<pg.Pool, 'query'> {
  const query = async (...statement: unknown[]) => {
    const result = await send(statement)
    onRows(result.rows)
    return result
  }
  return { query }
}

/** An execution store, and the bytes of JSON text of logs that its statements returned since the last call. */
function watchedExecutions() {
  let taken = { changes: 0, bodies: 0 }
  const query = async (...statement: unknown[]) => {
    const result = await send(statement)
    for (const row of result.rows) {
      if (row.row?.changes) taken.changes += bytesOf(row.row.changes)
      if (row.body) taken.bodies += bytesOf(row.body)
    }
    return result
  }
  const executions = createExecutionStore({ query })
  const take = () => {
    const all = taken
    taken = { changes: 0, bodies: 0 }
    return all
  }
  return { executions, take }
}

interface ReadRow {
  readonly row?: { readonly changes: unknown } | null
  readonly body?: unknown
}

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

async function ended(output: string | null) {
  const job = await LoggedJob.store(database.pool)
  const end =
    output === null
      ? ({ status: 'CANCELED', at: 1 } as const)
      : ({ status: 'COMPLETED', at: 1, output } as const)
  await job.append(entryOf({ end }))
  return job.key.id
}

function entryOf(job: Partial<JobChange>): JournalEntry {
  return { events: [event('JOB_PROGRESS', 1, { message: 'x' })], job: { progress: job.end ? 50 : 5, ...job } }
}

function openJournal(): Journal {
  return new Journal({
    store: createJournalStore(database.pool),
    pages: createLogStore(database.pool),
    clock: systemClock,
    logger: { warn: () => undefined },
  })
}

async function numbersOf(id: string): Promise<{ readonly entryNo: number; readonly lastSeq: number }> {
  const { rows } = await database.pool.query<{ entryNo: number; lastSeq: number }>(
    'SELECT entry_no AS "entryNo", last_seq AS "lastSeq" FROM jobs WHERE id = $1',
    [id],
  )
  if (!rows[0]) throw new Error(`there is no job ${id}`)
  return rows[0]
}

/** Makes a job a canceled descendant that no worker holds. */
const CANCEL_UNHELD = `
UPDATE jobs SET holder = NULL, leased_until = NULL, parent_id = $2, parent_path = 'call', root_id = $2, depth = 1, commands_sent = commands_sent + 1, cancel_requested_at = now()
WHERE id = $1`
