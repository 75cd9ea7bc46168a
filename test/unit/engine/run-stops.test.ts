import { describe, expect, test } from '@jest/globals'
import type { JournalEntry } from '../../../src/engine/record/journal.ts'
import {
  definition,
  fails,
  forEach,
  Gate,
  hangs,
  held,
  listens,
  returns,
  settled,
  TestExecution,
  waits,
} from '../../support/run-definition.ts'

const abc = definition({ a: {}, b: {}, c: {} }, 'a > b > c')

describe('P5: cancel always reaches a terminal state', () => {
  test.each([true, false])(
    'before the start (%s: asked for before the worker came): nothing is called',
    async (isCanceled) => {
      const execution = new TestExecution(abc)
      const run = execution.start({ isCanceled })
      run.cancel()
      expect(await execution.run(run)).toMatchObject({ kind: 'ended', end: { status: 'CANCELED' } })
      expect(execution.called).toEqual([])
      expect(execution.journal.kinds()).toEqual(['JOB_STARTED', 'JOB_CANCELING', 'JOB_CANCELED'])
      expect(execution.journal.statuses()).toEqual({ a: 'CANCELED', b: 'CANCELED', c: 'CANCELED' })
    },
  )

  test('while a block runs: its signal aborts, its step ends CANCELED, the rest never starts', async () => {
    const execution = new TestExecution(abc, { b: listens() })
    const run = execution.start()
    await settled()
    run.cancel()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', b: 'CANCELED', c: 'CANCELED' })
    expect(execution.journal.kinds().slice(-3)).toEqual(['JOB_CANCELING', 'STEP_CANCELED', 'JOB_CANCELED'])
  })

  test('while a deaf block runs: after the grace of five seconds', async () => {
    const execution = new TestExecution(abc, { a: hangs() })
    const run = execution.start()
    await settled()
    run.cancel()
    await execution.clock.advance(4_999)
    expect(run.result).toBeNull()
    expect(execution.journal.job.status).toBe('CANCELING')
    await execution.clock.advance(1)
    expect(run.result).toMatchObject({ value: { end: { status: 'CANCELED' } } })
  })

  test('while a step waits for its next attempt', async () => {
    const document = definition({
      a: { retry: { maxAttempts: 3, initialDelayMs: 4_000, maxDelayMs: 4_000 } },
    })
    const execution = new TestExecution(document, { a: fails() })
    const run = execution.start()
    await settled()
    run.cancel()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.journal.steps.get('a')).toMatchObject({
      status: 'CANCELED',
      dueAt: null,
      attempts: [{}],
    })
    expect(execution.journal.eventsOf('STEP_CANCELED')[0]?.body.callMayHaveHappened).toBe(false)
  })

  test.each([
    ['in a wait', { a: waits(3_600_000) }],
    ['in a retry', { a: fails('SLOW', { retryAfterMs: 3_600_000 }) }],
  ])('while it is parked %s: the next worker ends it, and no step is left open', async (_what, script) => {
    const document = definition({ a: { retry: { maxAttempts: 2 } }, b: {} }, 'a > b')
    const execution = new TestExecution(document, script)
    expect(await execution.run()).toMatchObject({ kind: 'parked' })
    const run = execution.start()
    run.cancel()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.journal.statuses()).toEqual({ a: 'CANCELED', b: 'CANCELED' })
    expect(execution.journal.eventsOf('STEP_CANCELED').map(({ body }) => body)).toEqual([
      { path: 'a', nodeId: 'a', attempt: 1, callMayHaveHappened: false },
    ])
  })

  test('after a worker was lost in a call: the step ends CANCELED, and its call may have happened', async () => {
    const body = definition({ find: {}, keep: {} }, 'find > keep')
    const execution = new TestExecution(definition({ a: {}, loop: forEach(body, { items: [1, 2] }) }), {
      a: hangs(),
      find: hangs(),
    })
    execution.start()
    await settled()
    execution.journal.crashAt = 0
    expect(await execution.run(execution.recover({ isCanceled: true }))).toMatchObject({
      end: { status: 'CANCELED' },
    })
    expect(execution.journal.statuses()).toEqual({
      a: 'CANCELED',
      loop: 'CANCELED',
      'loop[0]/find': 'CANCELED',
      'loop[1]/find': 'CANCELED',
    })
    expect(execution.journal.steps.get('a')?.attempts).toMatchObject([
      { number: 1, status: 'CANCELED', callMayHaveHappened: true },
    ])
    expect(
      execution.journal.eventsOf('STEP_CANCELED').map(({ body: { path, ...rest } }) => [path, rest]),
    ).toEqual(
      expect.arrayContaining([
        ['a', { nodeId: 'a', attempt: 1, callMayHaveHappened: true }],
        ['loop', { nodeId: 'loop', attempt: 1, callMayHaveHappened: false }],
        ['loop[1]/find', { nodeId: 'find', attempt: 1, callMayHaveHappened: true }],
      ]),
    )
  })

  test('at the moment of a recovery: what the lost worker had called may have happened', async () => {
    const execution = new TestExecution(abc, { a: hangs() })
    execution.start()
    await settled()
    const run = execution.recover()
    run.cancel()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.calls).toHaveLength(1)
    expect(execution.journal.eventsOf('STEP_CANCELED')[0]?.body).toMatchObject({
      path: 'a',
      callMayHaveHappened: true,
    })
  })

  test('inside of a loop: running items end CANCELED and no further item starts', async () => {
    const document = definition({
      loop: forEach(definition({ item: {} }), { items: [1, 2, 3, 4], concurrency: 2 }),
    })
    const execution = new TestExecution(document, { 'loop[0]/item': returns(1), item: listens() })
    const run = execution.start()
    await settled()
    const { progress } = execution.journal.job
    run.cancel()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.called).toEqual(['loop[0]/item', 'loop[1]/item', 'loop[2]/item'])
    expect(execution.journal.statuses()).toEqual({
      loop: 'CANCELED',
      'loop[0]/item': 'COMPLETED',
      'loop[1]/item': 'CANCELED',
      'loop[2]/item': 'CANCELED',
    })
    expect(execution.journal.job.progress).toBe(progress)
  })

  test('while the last entry is being committed: the end that was decided stands and nothing follows it', async () => {
    const execution = new TestExecution(definition({ a: {} }))
    const gate = new Gate()
    const run = execution.start()
    for (let turn = 0; execution.journal.statuses()['a'] !== 'COMPLETED'; turn++) {
      if (turn > 100) throw new Error('the step does not end')
      await Promise.resolve()
    }
    execution.journal.gate = gate
    await settled()
    run.cancel()
    await settled()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
    expect(execution.journal.kinds().at(-1)).toBe('JOB_COMPLETED')
  })

  test('a cancel that is asked for twice is one cancel', async () => {
    const execution = new TestExecution(abc, { a: listens() })
    const run = execution.start()
    await settled()
    run.cancel()
    run.cancel()
    await execution.run(run)
    expect(execution.journal.eventsOf('JOB_CANCELING')).toHaveLength(1)
  })

  test('a cancel after a step has failed for good leaves the execution CANCELED: it came before the end', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ a: {}, b: {} }), { a: fails(), b: held(gate) })
    const run = execution.start()
    await settled()
    run.cancel()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.journal.statuses()).toEqual({ a: 'FAILED', b: 'CANCELED' })
  })

  test('a cancel that a lost worker had begun is carried out by the next', async () => {
    const execution = new TestExecution(abc, { a: listens() })
    const run = execution.start()
    await settled()
    const { length } = execution.journal.entries
    execution.journal.crashAt = length + 2 // that it is being canceled, and the step's end
    run.cancel()
    await expect(execution.run(run)).rejects.toThrow('the worker is gone')
    expect(execution.journal.statuses()).toEqual({ a: 'CANCELED' })
    expect(await execution.run(execution.recover({ isCanceled: true }))).toMatchObject({
      end: { status: 'CANCELED' },
    })
  })
})

describe('P3: a run that has lost its fence records nothing more', () => {
  test('it yields, aborts what runs, and leaves the record as it was', async () => {
    const gate = new Gate()
    const execution = new TestExecution(abc, { b: held(gate) })
    const run = execution.start()
    await settled()
    const { length } = execution.journal.entries
    execution.journal.loseFence()
    gate.open()
    expect(await execution.run(run)).toEqual({ kind: 'yielded' })
    expect(execution.journal.entries).toHaveLength(length)
    expect(execution.called).toEqual(['a', 'b'])
  })

  test('whatever entry meets it', async () => {
    for (let lostAt = 0; lostAt < 8; lostAt++) {
      const execution = new TestExecution(abc)
      const run = execution.start()
      for (let turn = 0; execution.journal.entries.length < lostAt && turn < 200; turn++)
        await Promise.resolve()
      execution.journal.loseFence()
      const { length } = execution.journal.entries
      const end = await execution.run(run)
      expect([end.kind, execution.journal.entries.length]).toEqual([
        execution.journal.job.end ? 'ended' : 'yielded',
        length,
      ])
    }
  })

  test('a yield that the process asks for records nothing either, not even that steps were cut off', async () => {
    const execution = new TestExecution(abc, { b: listens() })
    const run = execution.start()
    await settled()
    const { length } = execution.journal.entries
    run.yield()
    expect(await execution.run(run)).toEqual({ kind: 'yielded' })
    expect(execution.journal.entries).toHaveLength(length)
    expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', b: 'RUNNING' })
  })

  test('a loop that gathers its outputs when the yield comes records nothing of them', async () => {
    const document = definition({ loop: forEach(definition({ item: {} }), { items: [1] }) })
    const execution = new TestExecution(document)
    const gate = new Gate()
    const open = execution.journal.open.bind(execution.journal)
    execution.journal.open = () => {
      const journal = open()
      return { ...journal, loopItems: (path) => gate.pass().then(() => journal.loopItems(path)) }
    }
    const run = execution.start()
    await settled()
    const { length } = execution.journal.entries
    run.yield()
    gate.open()
    expect(await execution.run(run)).toEqual({ kind: 'yielded' })
    expect(execution.journal.entries).toHaveLength(length)
  })

  test('the next worker goes on, and what the lost one still brings counts for nothing', async () => {
    const gate = new Gate()
    const execution = new TestExecution(abc, { b: held(gate, ({ input }) => input) })
    const lost = execution.start()
    await settled()
    const next = execution.recover()
    gate.open()
    expect(await execution.run(lost)).toEqual({ kind: 'yielded' })
    expect(await execution.run(next)).toMatchObject({ end: { status: 'COMPLETED' } })
    expect(execution.called).toEqual(['a', 'b', 'b', 'c'])
    expect(execution.journal.eventsOf('STEP_COMPLETED')).toHaveLength(3)
  })
})

describe('a record that the database refuses', () => {
  const holdsStep = (path: string, status: string) => (entry: JournalEntry) =>
    (entry.steps ?? []).some((step) => step.path === path && step.status === status)

  test.each(['test.call', 'test.pure'])(
    'ends the execution FAILED with RECORD_REFUSED (%s)',
    async (type) => {
      const execution = new TestExecution(definition({ a: {}, b: { type }, c: {} }, 'a > b > c'))
      execution.journal.refuses = holdsStep('b', 'COMPLETED')
      expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'RECORD_REFUSED' } })
      expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', b: 'CANCELED', c: 'CANCELED' })
    },
  )

  test('also when it is the end itself', async () => {
    const execution = new TestExecution(definition({ a: { type: 'test.pure' } }))
    execution.journal.refuses = ({ job }) => job.end?.status === 'COMPLETED'
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'RECORD_REFUSED' } })
  })

  test('also when it is an item of a loop, and the other items settle first', async () => {
    const gate = new Gate()
    const document = definition({ loop: forEach(definition({ item: {} }), { items: [1, 2, 3] }) })
    const execution = new TestExecution(document, { 'loop[0]/item': returns(1), item: held(gate) })
    execution.journal.refuses = ({ items = [] }) => items.length > 0
    const run = execution.start()
    await settled()
    expect(run.result).toBeNull()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { error: { code: 'RECORD_REFUSED' } } })
  })
})

describe('a fault of the journal', () => {
  test('is thrown to whoever runs the execution, once everything has stopped', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ a: {}, b: {} }), { b: held(gate) })
    const run = execution.start()
    execution.journal.crashAt = 2
    await settled()
    expect(run.result).toBeNull()
    gate.open()
    await expect(execution.run(run)).rejects.toThrow('the worker is gone')
  })
})
