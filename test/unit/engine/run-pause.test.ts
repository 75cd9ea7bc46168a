import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { documentOf, behavioursOf, expectedOf, randomGraph } from '../../support/random-graph.ts'
import {
  definition,
  fails,
  forEach,
  Gate,
  held,
  settled,
  takes,
  TestExecution,
} from '../../support/run-definition.ts'

const HOUR_MS = 3_600_000
const delay = (duration: string) => ({ type: 'core.delay', config: { duration } })
const chain = definition({ a: {}, b: {} }, 'a > b')

describe('E9: pause', () => {
  test('running attempts finish, nothing starts, and the job gives its worker back', async () => {
    const gate = new Gate()
    const execution = new TestExecution(chain, { a: held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    await settled()
    expect(run.result).toBeNull()
    gate.open()
    expect(await execution.run(run)).toEqual({ kind: 'parked', wakeAt: null })
    expect(execution.called).toEqual(['a'])
    expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED' })
    expect(execution.journal.job).toMatchObject({ status: 'PAUSED', isHeld: false })
    expect(execution.journal.kinds().at(-1)).toBe('JOB_PAUSED')
  })

  test('a resumed job goes on where it was', async () => {
    const gate = new Gate()
    const execution = new TestExecution(chain, { a: held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    gate.open()
    await execution.run(run)
    execution.send({ kind: 'RESUME' })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.called).toEqual(['a', 'b'])
    expect(execution.journal.kinds()).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'JOB_PAUSED',
      'JOB_RESUMED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  })

  test('a resume that comes while attempts still run goes on without a park', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ a: {}, b: {}, c: {} }, 'a > c'), { b: held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    await settled()
    execution.send({ kind: 'RESUME' })
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'ended' })
    expect(execution.journal.kinds()).not.toContain('JOB_PAUSED')
  })

  test('a job that is paused before it begins tells no start, and begins when it is resumed', async () => {
    const execution = new TestExecution(chain)
    execution.send({ kind: 'PAUSE' })
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: null })
    expect(execution.journal.kinds()).toEqual(['JOB_PAUSED'])
    execution.send({ kind: 'RESUME' })
    await execution.finish()
    expect(execution.journal.kinds().slice(0, 3)).toEqual(['JOB_PAUSED', 'JOB_RESUMED', 'JOB_STARTED'])
  })

  test('a job that is paused and resumed before its time goes back to the queue until then', async () => {
    const runAt = Date.parse('2027-01-01T00:00:00Z') + HOUR_MS
    const execution = new TestExecution(chain, {}, { runAt })
    execution.send({ kind: 'PAUSE' })
    await execution.run()
    execution.send({ kind: 'RESUME' })
    expect(await execution.run(execution.start())).toEqual({ kind: 'parked', wakeAt: runAt })
    expect(execution.journal.job.status).toBe('QUEUED')
    await execution.clock.advanceTo(runAt)
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.calls[0]?.at).toBe(runAt)
  })

  test('a paused job that is taken up parks again, and says nothing twice', async () => {
    const execution = new TestExecution(chain)
    execution.send({ kind: 'PAUSE' })
    await execution.run()
    expect(await execution.run(execution.start())).toEqual({ kind: 'parked', wakeAt: null })
    expect(execution.journal.kinds()).toEqual(['JOB_PAUSED'])
  })

  test('a timer that comes due meanwhile fires on resume', async () => {
    const execution = new TestExecution(definition({ wait: delay('1h'), after: {} }, 'wait > after'))
    await execution.run()
    execution.send({ kind: 'PAUSE' })
    await execution.run(execution.start())
    await execution.clock.advance(2 * HOUR_MS)
    expect(execution.journal.statuses()).toEqual({ wait: 'WAITING' })
    execution.send({ kind: 'RESUME' })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.called).toEqual(['after'])
  })

  test('a timer that comes due while an attempt still runs does not fire', async () => {
    const gate = new Gate()
    const document = definition({ wait: delay('10s'), after: {}, busy: {} }, 'wait > after')
    const execution = new TestExecution(document, { busy: held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    await execution.clock.advance(20_000)
    expect(execution.journal.statuses()['wait']).toBe('WAITING')
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked', wakeAt: null })
    expect(execution.called).toEqual(['busy'])
  })

  test('no retry is made, and none is lost', async () => {
    const document = definition({ a: { retry: { maxAttempts: 2, initialDelayMs: 1_000 } } })
    const execution = new TestExecution(document, { a: [fails(), () => 'mended'] })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
    expect(execution.calls).toHaveLength(1)
    execution.send({ kind: 'RESUME' })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '"mended"' })
  })

  test('no further item of a loop starts', async () => {
    const gate = new Gate()
    const document = definition({
      loop: forEach(definition({ item: {} }), { items: [1, 2, 3], concurrency: 1 }),
    })
    const execution = new TestExecution(document, { 'loop[0]/item': held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked', wakeAt: null })
    expect(execution.called).toEqual(['loop[0]/item'])
    execution.send({ kind: 'RESUME' })
    expect(await execution.finish()).toMatchObject({ output: '[1,2,3]' })
    expect(execution.called).toEqual(['loop[0]/item', 'loop[1]/item', 'loop[2]/item'])
  })

  test('items of a loop that wait for a lane do not keep a paused job from its park', async () => {
    const gate = new Gate()
    const body = definition({ wait: delay('900ms'), call: {}, last: {} }, 'wait > call > last')
    const document = definition({ loop: forEach(body, { items: [0, 1, 2, 3, 4], concurrency: 2 }) })
    const execution = new TestExecution(document, { call: held(gate) })
    const run = execution.start()
    await execution.clock.advance(900)
    expect(execution.called).toEqual(['loop[0]/call', 'loop[1]/call'])
    execution.send({ kind: 'PAUSE' })
    gate.open()
    expect(await execution.run(run)).toEqual({ kind: 'parked', wakeAt: null })
    expect(execution.called).toHaveLength(2)
    execution.send({ kind: 'RESUME' })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '[0,1,2,3,4]' })
  })

  test('nor do items of a loop inside a loop', async () => {
    const gate = new Gate()
    const inner = definition({ wait: delay('900ms'), call: {}, last: {} }, 'wait > call > last')
    const outer = definition({ inner: forEach(inner, { items: [0, 1, 2], concurrency: 1 }) })
    const document = definition({ outer: forEach(outer, { items: [0, 1, 2], concurrency: 2 }) })
    const execution = new TestExecution(document, { call: held(gate) })
    const run = execution.start()
    await execution.clock.advance(900)
    expect(execution.called).toEqual(['outer[0]/inner[0]/call', 'outer[1]/inner[0]/call'])
    execution.send({ kind: 'PAUSE' })
    gate.open()
    expect(await execution.run(run)).toEqual({ kind: 'parked', wakeAt: null })
    expect(execution.called).toHaveLength(2)
    execution.send({ kind: 'RESUME' })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
  })

  test('the execution’s deadline runs through a pause', async () => {
    const document = { ...chain, limits: { timeoutMs: HOUR_MS } }
    const gate = new Gate()
    const execution = new TestExecution(document, { a: held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    gate.open()
    const deadline = execution.clock.now() + HOUR_MS
    expect(await execution.run(run)).toEqual({ kind: 'parked', wakeAt: deadline })
    await execution.clock.advanceTo(deadline)
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'EXECUTION_TIMEOUT' } })
    expect(execution.called).toEqual(['a'])
  })

  test('P5: a paused job can be canceled', async () => {
    const execution = new TestExecution(chain)
    execution.send({ kind: 'PAUSE' })
    await execution.run()
    execution.send({ kind: 'CANCEL' })
    expect(await execution.finish()).toMatchObject({ status: 'CANCELED' })
    expect(execution.called).toEqual([])
  })

  test('P5: a cancel stops what a pause lets finish', async () => {
    const execution = new TestExecution(chain, { a: takes(HOUR_MS) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    execution.send({ kind: 'CANCEL' })
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
  })

  test('a park that a resume stands against is refused, and the run goes on', async () => {
    const gate = new Gate()
    const execution = new TestExecution(chain, { a: held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    execution.journal.hasUnreadCommand = true
    gate.open()
    await settled()
    execution.journal.hasUnreadCommand = false
    execution.send({ kind: 'RESUME' })
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
    expect(execution.journal.kinds()).not.toContain('JOB_PAUSED')
  })

  test('a job that is resumed right after its pause, and has no place, goes back to where it lay', async () => {
    const execution = new TestExecution(definition({ a: {}, wait: delay('1h'), b: {} }, 'a > wait > b'))
    const resumedAtOnce = async () => {
      execution.send({ kind: 'PAUSE' })
      execution.send({ kind: 'RESUME' })
      const end = await execution.run(execution.start({ hasPlace: false }))
      expect(end).toEqual({ kind: 'parked', wakeAt: execution.clock.now() })
    }
    await resumedAtOnce()
    expect(execution.journal.job.status).toBe('QUEUED')
    expect(execution.called).toEqual([])
    await execution.run()
    await resumedAtOnce()
    expect(execution.journal.job.status).toBe('WAITING')
    execution.send({ kind: 'PAUSE' })
    await execution.run(execution.start({ hasPlace: false }))
    execution.send({ kind: 'RESUME' })
    await resumedAtOnce()
    expect(execution.journal.job.status).toBe('PAUSED')
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.called).toEqual(['a', 'b'])
  })

  test('nor does one begin without a place whose resume comes before its park is granted', async () => {
    const execution = new TestExecution(chain)
    execution.send({ kind: 'PAUSE' })
    execution.journal.hasUnreadCommand = true
    const run = execution.start({ hasPlace: false })
    await settled()
    execution.journal.hasUnreadCommand = false
    execution.send({ kind: 'RESUME' })
    expect(await execution.run(run)).toEqual({ kind: 'parked', wakeAt: execution.clock.now() })
    expect(execution.journal.job.status).toBe('QUEUED')
    expect(execution.called).toEqual([])
  })

  test('P5: a job that is canceled needs no place', async () => {
    const execution = new TestExecution(definition({ wait: delay('1h') }))
    await execution.run()
    const run = execution.start({ isCanceled: true, hasPlace: false })
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
  })

  test('a job that yields in a pause can be gone on with', async () => {
    const execution = new TestExecution(chain)
    execution.send({ kind: 'PAUSE' })
    execution.journal.hasUnreadCommand = true
    const run = execution.start()
    await settled()
    run.yield()
    expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  })

  test('a job yields at once though it is told so while its park is being refused', async () => {
    const gate = new Gate()
    const execution = new TestExecution(chain)
    execution.send({ kind: 'PAUSE' })
    execution.journal.hasUnreadCommand = true
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    run.yield()
    gate.open()
    expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  })

  test('loops in loops that wait, paused and resumed at any moments, park and call nothing twice', async () => {
    const ms = fc.constantFrom(0, 10, 900, 1_500, 20_000)
    const shape = fc.record({
      outer: fc.integer({ min: 1, max: 4 }),
      inner: fc.integer({ min: 1, max: 4 }),
      lanes: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })),
      delays: fc.tuple(ms, ms),
      calls: fc.array(ms, { minLength: 1, maxLength: 5 }),
      moments: fc.array(ms, { maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(shape, async ({ outer, inner, lanes, delays, calls, moments }) => {
        const wait = (duration: number) => ({ type: 'core.delay', config: { duration } })
        const items = (count: number) => Array.from({ length: count }, (_, index) => index)
        const nodes = { wait: wait(delays[0]), call: {}, beside: wait(delays[1]), last: {} }
        const body = definition(nodes, 'wait > call > last', 'beside > last')
        const around = definition(
          { first: {}, inner: forEach(body, { items: items(inner), concurrency: lanes[1] }) },
          'first > inner',
        )
        const execution = new TestExecution(
          definition({ outer: forEach(around, { items: items(outer), concurrency: lanes[0] }) }),
          { call: (call) => takes(calls[Number(call.path.replaceAll(/\D/g, '')) % calls.length] ?? 0)(call) },
        )
        let run = execution.start()
        for (const moment of moments) {
          await execution.clock.advance(moment)
          if (run.result) break
          execution.send({ kind: 'PAUSE' })
          if ((await execution.run(run)).kind === 'ended') break
          expect(execution.journal.job.status).toBe('PAUSED')
          execution.send({ kind: 'RESUME' })
          run = execution.start()
        }
        const end = execution.journal.job.end ?? (await execution.finish(run))
        expect(end.status).toBe('COMPLETED')
        expect(execution.called).toHaveLength(outer * (1 + 2 * inner))
        expect(new Set(execution.called).size).toBe(execution.called.length)
      }),
      { numRuns: 40 },
    )
  })

  test('any workflow that is paused and resumed at any moments ends as if it had not been', async () => {
    const moments = fc.array(fc.constantFrom(0, 1, 5, 40, 900, 4_000), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(randomGraph(), moments, async (graph, delays) => {
        const expected = expectedOf(graph, { lead: 1 })
        const execution = new TestExecution(documentOf(graph), behavioursOf(graph), { input: { lead: 1 } })
        let run = execution.start()
        for (const ms of delays) {
          await execution.clock.advance(ms)
          if (execution.journal.job.end) break
          execution.send({ kind: 'PAUSE' })
          const held = await execution.run(run)
          if (held.kind === 'ended') break
          execution.send({ kind: 'RESUME' })
          run = execution.start()
        }
        const end = execution.journal.job.end ?? (await execution.finish(run))
        expect(end.status).toBe(expected.fatal.length > 0 ? 'FAILED' : 'COMPLETED')
        if (end.status === 'COMPLETED') expect(end.output).toBe(JSON.stringify(expected.output))
        const started = execution.calls.map(({ path, attempt }) => `${path} ${attempt}`)
        const onRecord = started.filter((call) => !call.includes('/'))
        expect(new Set(onRecord).size).toBe(onRecord.length)
      }),
      { numRuns: 100 },
    )
  })
})
