import { describe, expect, test } from '@jest/globals'
import { Fold } from '../../../../src/db/log/fold.ts'
import {
  applyPage,
  endedItems,
  mergePage,
  PAGE_MAX_RECORDS,
  pagesOf,
  type PageBody,
  type PageRow,
} from '../../../../src/db/log/page.ts'
import { positionOf } from '../../../../src/db/log/position.ts'
import { event, type EventDraft, type EventKind } from '../../../../src/engine/record/event.ts'
import type {
  CheckpointRecord,
  JournalEntry,
  LoopItemRecord,
  StepRecord,
} from '../../../../src/engine/record/journal.ts'
import { itemPath, knownSignalWait, STEP_STATUSES } from '../../../../src/engine/record/step.ts'
import { inOneGo } from '../../../../src/lib/turns/pieces.ts'
import type { Json } from '../../../../src/lib/json/json.ts'
import { fc } from '../../../support/fast-check.ts'
import { completedStep } from '../../../support/step-records.ts'
import { contentsOfFold, MemoryLog } from '../../../support/log-entries.ts'
import { Crash, type MemoryJournal } from '../../../support/memory-journal.ts'
import { behavioursOf, documentOf, randomGraph } from '../../../support/random-graph.ts'
import { settled, TestExecution } from '../../../support/run-definition.ts'

const INSTANT = fc.integer({ min: -5, max: 2_000_000_000_000 })

describe('the log of a run', () => {
  test('folds into the rows that the run recorded, whatever it does and however its entries are grouped', async () => {
    const groups = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(
        randomGraph(),
        groups,
        fc.nat(40),
        fc.option(fc.nat(5_000)),
        async (graph, sizes, crashAt, cancelAt) => {
          const execution = new TestExecution(documentOf(graph), behavioursOf(graph), { input: { lead: 1 } })
          await runToEnd(execution, crashAt, cancelAt)
          expectFolded(execution.journal, sizes)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('keeps all that entries can hold: checkpoints, signals, schemas, reused results, large values, odd events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyEntry(), { minLength: 1, maxLength: 4 }), { maxLength: 8 }),
        (flushes) => {
          const log = logOf(flushes)
          const model = modelOf(flushes.flat())
          expect(
            log.events.map(({ kind, at, progress, body }) => ({ kind, at: at.getTime(), progress, body })),
          ).toEqual(model.events)
          expect(log.events.map(({ seq }) => seq)).toEqual(model.events.map((_, place) => place + 1))
          expectModel(Fold.of(log.rows), log, model)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('reads the same from pages and the entries behind them as from all entries', () => {
    const flushes = fc.array(fc.array(anyEntry(), { minLength: 1, maxLength: 3 }), { maxLength: 8 })
    fc.assert(
      fc.property(flushes, fc.array(fc.nat(3), { maxLength: 8 }), (written, pauses) => {
        const { rows } = logOf(written)
        const pages = new Map<string, PageRow>()
        let paged = 0
        for (const pause of pauses) {
          mergeTail(pages, rows.slice(paged, paged + pause))
          paged = Math.min(rows.length, paged + pause)
        }
        const fold = foldOf(pages, rows.slice(paged))
        const { usedSignals: _, ...read } = contentsOfFold(fold)
        const { usedSignals: __, ...whole } = contentsOfFold(Fold.of(rows))
        expect(read).toEqual(whole)
      }),
      { numRuns: 60 },
    )
  })
})

describe('pages', () => {
  test('split in the order of positions, and say of themselves what their records are', () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 1_500 }, (_, index) => index),
      { minLength: 900 },
    )
    fc.assert(
      fc.property(order, fc.integer({ min: 100, max: 700 }), (indexes, size) => {
        const pages = new Map<string, PageRow>()
        const log = new MemoryLog()
        for (let done = 0; done < indexes.length; done += size) {
          log.append(indexes.slice(done, done + size).map((index) => itemEntry(index)))
          mergeTail(pages, log.rows.slice(-1))
        }
        const sorted = [...pages.values()].toSorted((a, b) => (a.low < b.low ? -1 : 1))
        const bodies = sorted.map(({ body }) => JSON.parse(body) as PageBody)
        const positions = bodies.map(({ s, i }) => [...s, ...i].map(({ o }) => o).toSorted())
        for (const [place, { low, steps, open, top }] of sorted.entries()) {
          const next = sorted[place + 1]?.low ?? '~'
          const own = positions[place] ?? []
          expect(own.length).toBeLessThanOrEqual(PAGE_MAX_RECORDS)
          expect(own.every((position) => low <= position && position < next)).toBe(true)
          expect(steps).toBe(bodies[place]?.s.length)
          expect(open).toBe(bodies[place]?.s.filter(({ f }) => f === undefined).length)
          expect(top).toBe(0)
        }
        const ended = endedItems(sorted).get('each')
        expect([...(ended ?? [])].toSorted(([a], [b]) => a - b)).toEqual(
          indexes.toSorted((a, b) => a - b).map((index) => [index, statusAt(index)]),
        )
      }),
      { numRuns: 3 },
    )
  })
})

async function runToEnd(execution: TestExecution, crashAt: number, cancelAt: number | null): Promise<void> {
  execution.journal.crashAt = crashAt
  const run = execution.start()
  if (cancelAt !== null) {
    await execution.clock.advance(cancelAt)
    run.cancel()
    await settled()
  }
  await execution.run(run).catch((thrown: unknown) => {
    if (!(thrown instanceof Crash)) throw thrown
  })
}

function expectFolded(journal: MemoryJournal, sizes: readonly number[]): void {
  const log = new MemoryLog()
  const entries = [...journal.entries]
  for (let flush = 0; entries.length > 0; flush++) log.append(entries.splice(0, sizes[flush % sizes.length]))
  expect(log.events).toEqual(journal.events)
  const fold = Fold.of(log.rows)
  expect([...fold.steps.values()].map(({ step }) => step)).toEqual([...journal.steps.values()])
  for (const [path, { values }] of fold.steps) {
    const recorded = journal.values.get(path)
    expect(log.config(path, values)).toEqual(recorded && JSON.parse(recorded.config))
    expect(log.output(path, values)).toEqual(
      recorded?.output == null ? undefined : JSON.parse(recorded.output),
    )
  }
  const items = [...journal.items.values()].flatMap((loop) => [...loop.values()])
  expect(fold.items.size).toBe(items.length)
  for (const { output, ...item } of items) {
    const found = fold.items.get(itemPath(item.path, item.index))
    expect(found?.item).toEqual(item)
    expect(item.order).toEqual([...(journal.steps.get(item.path)?.order ?? []), item.index])
    expect(log.output(itemPath(item.path, item.index), found?.values ?? null)).toEqual(
      output === null ? undefined : JSON.parse(output),
    )
  }
  const end = journal.job.end
  expect(log.executionOutput).toEqual(end?.status === 'COMPLETED' ? JSON.parse(end.output) : undefined)
}

// Arbitrary entries

const PATHS = ['a', 'each', 'each[0]/find', 'each[12]/find', 'each[12]/in[3]/x.y', 'b-2'] as const

function orderOf(path: string): readonly number[] {
  const node = { a: 0, each: 1, 'b-2': 2 }
  return path.split('/').flatMap((segment) => {
    const [, name = '', index] = /^([^[]+)(?:\[(\d+)\])?$/.exec(segment) ?? []
    const place = Object.hasOwn(node, name) ? node[name as keyof typeof node] : 0
    return index === undefined ? [place] : [place, Number(index)]
  })
}

const anyText = fc.string({ maxLength: 8 })
const anyJsonValue = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)
const anyValue = fc.oneof(
  { weight: 4, arbitrary: anyJsonValue },
  { weight: 1, arbitrary: fc.integer({ min: 2_000, max: 2_100 }).map((length) => 'x'.repeat(length)) },
)
const anyValueText = anyValue.map((value) => JSON.stringify(value))
const anyError = fc.record({ code: anyText, message: anyText }, { requiredKeys: ['code', 'message'] })
const anyId = fc.uuid()

function anyStep(): fc.Arbitrary<StepRecord> {
  const attempt = fc.record(
    {
      number: fc.nat(5),
      status: fc.constantFrom('COMPLETED' as const, 'FAILED' as const, 'CANCELED' as const),
      startedAt: INSTANT.map((at) => new Date(at).toISOString()),
      finishedAt: INSTANT.map((at) => new Date(at).toISOString()),
      error: anyError,
      callMayHaveHappened: fc.boolean(),
      usage: fc.record({ costUsd: fc.integer() }, { requiredKeys: [] }),
    },
    { requiredKeys: ['number', 'status', 'startedAt', 'finishedAt'] },
  )
  const wait = fc.oneof(
    fc.constant({ kind: 'timer' as const }),
    fc.record({ kind: fc.constant('child' as const), executionId: anyId }),
    fc.record({
      kind: fc.constant('signal' as const),
      name: anyText,
      schema: fc.oneof(fc.constant(null), fc.boolean(), fc.record({ title: anyText })),
      timeoutHandle: fc.option(anyText),
    }),
  )
  return fc
    .record({
      path: fc.constantFrom(...PATHS),
      status: fc.constantFrom(...STEP_STATUSES),
      attempt: fc.nat(3),
      attempts: fc.option(fc.array(attempt, { maxLength: 2 })),
      handles: fc.oneof(fc.constant(['out']), fc.constant([]), fc.array(anyText, { maxLength: 2 })),
      inputFrom: fc.array(fc.constantFrom(...PATHS), { maxLength: 2 }),
      dueAt: fc.option(INSTANT),
      wait: fc.option(wait),
      error: fc.option(anyError),
      reusedFrom: fc.option(anyId),
      callKey: fc.option(anyText),
      startedAt: fc.option(INSTANT),
      finishedAt: fc.option(INSTANT),
      isOdd: fc.boolean(),
    })
    .map(({ isOdd, path, attempts, ...step }): StepRecord => {
      const { startedAt, finishedAt, error, attempt: number, status } = step
      const usual = {
        number,
        status: status === 'FAILED' ? ('FAILED' as const) : ('COMPLETED' as const),
        startedAt: new Date(startedAt ?? 0).toISOString(),
        finishedAt: new Date(finishedAt ?? 0).toISOString(),
        ...(error ? { error } : {}),
      }
      const nodeId = isOdd ? 'odd' : path.slice(path.lastIndexOf('/') + 1)
      return { ...step, path, nodeId, order: orderOf(path), attempts: attempts ?? [usual] }
    })
}

function anyCheckpoint(): fc.Arbitrary<CheckpointRecord> {
  return fc
    .record({ path: fc.constantFrom(...PATHS), key: anyText, value: anyValueText })
    .map((checkpoint) => ({ ...checkpoint, order: orderOf(checkpoint.path) }))
}

function anyEvent(step: StepRecord, at: number): fc.Arbitrary<EventDraft> {
  const about = { path: step.path, nodeId: step.nodeId, attempt: step.attempt }
  const { dueAt, wait, error } = step
  const usual: EventDraft[] = [
    event('STEP_STARTED', at, about),
    event('STEP_COMPLETED', at, {
      ...about,
      handles: [...step.handles],
      durationMs: (step.finishedAt ?? 0) - (step.startedAt ?? step.finishedAt ?? 0),
    }),
    event('STEP_COMPLETED', at, { ...about, handles: [...step.handles], durationMs: 0, reused: true }),
    event('STEP_SKIPPED', at, about),
    event('STEP_CANCELED', at, { ...about, callMayHaveHappened: false }),
    event('STEP_LOG', at, { ...about, level: 'info', message: 'a line' }),
    event('STEP_STARTED', at, { ...about, attempt: step.attempt + 1 }),
    event('STEP_STARTED', at, { path: 'elsewhere', nodeId: 'elsewhere', attempt: 1 }),
    event('LOOP_ITEM_COMPLETED', at, { path: 'each[7]', nodeId: 'each', index: 7 }),
    event('JOB_STARTED', at, {}),
    event('JOB_PROGRESS', at, { message: null }),
    ...(error ? [event('STEP_FAILED', at, { ...about, error, handledBy: 'fail' })] : []),
    ...(error && dueAt !== null
      ? [event('STEP_RETRYING', at, { ...about, error, nextAttemptAt: new Date(dueAt).toISOString() })]
      : []),
    ...(wait
      ? [
          event('STEP_WAITING', at, {
            ...about,
            waitsFor: wait.kind,
            until: dueAt === null ? null : new Date(dueAt).toISOString(),
            ...(wait.kind === 'signal' ? { signal: wait.name } : {}),
            ...(wait.kind === 'child' ? { childId: wait.executionId } : {}),
          }),
        ]
      : []),
  ]
  return fc.constantFrom(...usual)
}

function anyEntry(): fc.Arbitrary<JournalEntry> {
  return fc
    .tuple(
      fc.array(anyStep(), { maxLength: 2 }),
      fc.array(fc.record({ config: fc.option(anyValueText), output: fc.option(anyValueText) }), {
        minLength: 2,
        maxLength: 2,
      }),
      fc.array(
        fc.record({
          index: fc.nat(30),
          output: fc.option(anyValueText),
          error: fc.option(anyError),
          reusedFrom: fc.option(anyId),
          finishedAt: INSTANT,
        }),
        { maxLength: 2 },
      ),
      fc.array(anyCheckpoint(), { maxLength: 2 }),
      fc.array(fc.record({ number: fc.nat(50), path: fc.option(fc.constantFrom(...PATHS)) }), {
        maxLength: 1,
      }),
      fc.constantFrom(0, 12.5, 95),
      INSTANT,
    )
    .chain(([steps, held, items, checkpoints, signals, progress, at]) => {
      const records = items.map(({ error, ...item }): LoopItemRecord => {
        const order = [...orderOf('each'), item.index]
        return { path: 'each', order, status: error ? 'FAILED' : 'COMPLETED', error, ...item }
      })
      const about = [
        ...steps.map((step) => anyEvent(step, at)),
        ...records.map(({ index, error, reusedFrom }) => {
          const body = { path: itemPath('each', index), nodeId: 'each', index }
          return fc.constant(
            error
              ? event('LOOP_ITEM_FAILED', at, { ...body, error })
              : event('LOOP_ITEM_COMPLETED', at, {
                  ...body,
                  ...(reusedFrom === null ? {} : { reused: true }),
                }),
          )
        }),
      ]
      return fc.tuple(...about).map((events): JournalEntry => {
        const values = steps.flatMap(({ path }, place) => {
          const config = held[place]?.config ?? null
          return config === null ? [] : [{ path, config, output: held[place]?.output ?? null }]
        })
        return { events, steps, values, items: records, checkpoints, signals, job: { progress } }
      })
    })
}

function logOf(flushes: readonly (readonly JournalEntry[])[]): MemoryLog {
  const log = new MemoryLog()
  for (const flush of flushes) log.append(flush)
  return log
}

interface Model {
  readonly events: { kind: EventKind; at: number; progress: number; body: unknown }[]
  readonly steps: Map<string, StepRecord>
  readonly values: Map<string, { readonly config: string; readonly output: string | null }>
  readonly items: Map<string, LoopItemRecord>
  readonly checkpoints: Map<string, Map<string, string>>
  readonly signals: Map<number, string | null>
}

/** What tables would hold after these entries. */
function modelOf(entries: readonly JournalEntry[]): Model {
  const model: Model = {
    events: [],
    steps: new Map(),
    values: new Map(),
    items: new Map(),
    checkpoints: new Map(),
    signals: new Map(),
  }
  for (const {
    events,
    steps = [],
    values = [],
    items = [],
    checkpoints = [],
    signals = [],
    job,
  } of entries) {
    for (const draft of events) model.events.push({ ...draft, progress: job.progress })
    for (const step of steps) model.steps.set(step.path, step)
    for (const value of values) model.values.set(value.path, value)
    for (const item of items) model.items.set(itemPath(item.path, item.index), item)
    for (const { path, key, value } of checkpoints)
      model.checkpoints.set(path, (model.checkpoints.get(path) ?? new Map<string, string>()).set(key, value))
    for (const { number, path } of signals) model.signals.set(number, path)
  }
  return model
}

function expectModel(fold: Fold, log: MemoryLog, model: Model): void {
  expect([...fold.steps.keys()].toSorted()).toEqual([...model.steps.keys()].toSorted())
  for (const [path, { wait, ...step }] of model.steps) {
    const found = fold.steps.get(path)
    expect(found?.step).toEqual({ ...step, wait: wait?.kind === 'signal' ? knownSignalWait(wait) : wait })
    if (wait?.kind === 'signal' && wait.schema !== null)
      expect(log.schema(path, found?.entry.entryNo ?? 0)).toEqual(wait.schema)
    const recorded = model.values.get(path)
    expect(log.config(path, found?.values ?? null)).toEqual(recorded && JSON.parse(recorded.config))
    expect(log.output(path, found?.values ?? null)).toEqual(
      recorded?.output == null ? undefined : JSON.parse(recorded.output),
    )
  }
  expect([...fold.items.keys()].toSorted()).toEqual([...model.items.keys()].toSorted())
  for (const [path, { output, ...item }] of model.items) {
    const found = fold.items.get(path)
    expect(found?.item).toEqual(item)
    expect(log.output(path, found?.values ?? null)).toEqual(output === null ? undefined : JSON.parse(output))
  }
  const checkpoints = [...fold.checkpoints.values()].flatMap((keys) => [...keys.values()])
  expect(checkpoints).toHaveLength([...model.checkpoints.values()].reduce((sum, keys) => sum + keys.size, 0))
  for (const { path, key, value, order } of checkpoints) {
    expect(log.checkpoint(path, key, value)).toEqual(JSON.parse(model.checkpoints.get(path)?.get(key) ?? ''))
    expect(order).toEqual(orderOf(path))
  }
  expect(fold.usedSignals).toEqual(model.signals)
}

/** Merges entries into pages, as their writer does. */
function mergeTail(pages: Map<string, PageRow>, rows: MemoryLog['rows']): void {
  for (const [low, newer] of inOneGo(pagesOf(Fold.of(rows), [...pages.keys()].toSorted()))) {
    const page = pages.get(low)
    for (const row of inOneGo(mergePage(low, page ? (JSON.parse(page.body) as PageBody) : null, newer)))
      pages.set(row.low, row)
  }
}

function foldOf(pages: ReadonlyMap<string, PageRow>, tail: MemoryLog['rows']): Fold {
  const fold = new Fold()
  for (const { body } of pages.values()) applyPage(fold, JSON.parse(body) as PageBody)
  for (const row of tail) fold.apply(row)
  return fold
}

function statusAt(index: number): 'COMPLETED' | 'FAILED' {
  return index % 50 === 3 ? 'FAILED' : 'COMPLETED'
}

/** The end of an item, with the only step inside of it, which is open in some. */
function itemEntry(index: number): JournalEntry {
  const path = `each[${index}]/find`
  const step = { ...anyStepAt(path), finishedAt: index % 70 === 1 ? null : 5 }
  const error = statusAt(index) === 'FAILED' ? { code: 'BROKEN', message: 'no' } : null
  return {
    events: [],
    steps: [step],
    items: [
      {
        path: 'each',
        order: [...orderOf('each'), index],
        index,
        status: statusAt(index),
        output: null,
        error,
        reusedFrom: null,
        finishedAt: 5,
      },
    ],
    job: { progress: 5 },
  }
}

function anyStepAt(path: string): StepRecord {
  return { ...completedStep(path), order: orderOf(path), nodeId: 'find', finishedAt: 5 }
}

test('positions sort as the orders that they write', () => {
  const order = fc.array(fc.nat(1_600_000), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(order, order, (one, other) => {
      const byNumber = one.findIndex((index, place) => index !== other[place])
      const first = one[byNumber] ?? -1
      const second = other[byNumber] ?? -1
      const expected = byNumber === -1 ? Math.sign(one.length - other.length) : Math.sign(first - second)
      const [a, b] = [positionOf(one), positionOf(other)]
      expect(a < b ? -1 : Number(a > b)).toBe(expected)
    }),
  )
})
