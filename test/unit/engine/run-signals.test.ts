import { describe, expect, test } from '@jest/globals'
import { MEMORY_WAIT_MS } from '../../../src/engine/memory/memory-budget.ts'
import { definition, forEach, Gate, held, settled, TestExecution } from '../../support/run-definition.ts'

const HOUR_MS = 3_600_000
const waitFor = (config: object = {}, node: object = {}) => ({
  type: 'core.waitForSignal',
  ...node,
  config: { name: 'approval', ...config },
})
const approval = definition({ ask: waitFor(), go: {} }, 'ask > go')
const signal = (payload: unknown, more: object = {}) =>
  ({ kind: 'SIGNAL', name: 'approval', path: null, payload: payload as never, ...more }) as const

describe('E9: signals', () => {
  test('a step that waits for one holds no worker, and completes with its payload', async () => {
    const execution = new TestExecution(approval)
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: null })
    expect(execution.journal.steps.get('ask')).toMatchObject({
      status: 'WAITING',
      dueAt: null,
      wait: { kind: 'signal', name: 'approval', schema: null },
    })
    execution.send(signal({ by: 'Ada' }))
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '{"by":"Ada"}' })
    expect(execution.journal.usedSignals).toEqual(new Map([[1, 'ask']]))
    expect(execution.journal.eventsOf('SIGNAL_RECEIVED')).toHaveLength(1)
  })

  test('one that comes before its wait is kept', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ first: {}, ask: waitFor() }, 'first > ask'), {
      first: held(gate),
    })
    const run = execution.start()
    await settled()
    execution.send(signal('early'))
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { output: '"early"' } })
  })

  test('first in, first out; each is used up by one wait', async () => {
    const document = definition({ one: waitFor(), two: waitFor(), three: waitFor() }, 'one > two > three')
    const execution = new TestExecution(document)
    await execution.run()
    for (const number of [1, 2, 3]) execution.send(signal(number))
    await execution.finish()
    expect(['one', 'two', 'three'].map((path) => execution.journal.output(path))).toEqual([1, 2, 3])
    expect(execution.journal.usedSignals).toEqual(
      new Map([
        [1, 'one'],
        [2, 'two'],
        [3, 'three'],
      ]),
    )
  })

  test('the payload of a signal is read when a wait takes the signal, and not before', async () => {
    const execution = new TestExecution(definition({ one: waitFor(), two: waitFor() }, 'one > two'))
    for (const name of ['other', 'approval', 'approval', 'approval']) execution.send(signal(1, { name }))
    await execution.finish()
    expect(execution.journal.payloadReads).toEqual([2, 3])
  })

  test('waits that end together read large payloads one after the other, each until its end is recorded', async () => {
    const nodes = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`wait${n}`, waitFor()]))
    const execution = new TestExecution({ ...definition(nodes), limits: { concurrency: 10 }, output: 1 })
    await execution.run()
    for (let n = 0; n < 4; n++) execution.send(signal('x'.repeat(4_000_000)))
    const gate = (execution.journal.gate = new Gate())
    const run = execution.start()
    await settled()
    expect(execution.journal.payloadReads).toHaveLength(1)
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
    expect(execution.journal.payloadReads).toHaveLength(4)
  })

  test('a large payload waits for memory as long as other waits hold it', async () => {
    const nodes = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`wait${n}`, waitFor()]))
    const execution = new TestExecution({ ...definition(nodes), limits: { concurrency: 10 }, output: 1 })
    await execution.run()
    for (let n = 0; n < 4; n++) execution.send(signal('x'.repeat(4_000_000)))
    const gate = (execution.journal.gate = new Gate())
    const run = execution.start()
    await settled()
    await execution.clock.advanceTo(execution.clock.now() + 2 * MEMORY_WAIT_MS)
    await settled()
    expect(execution.journal.payloadReads).toHaveLength(1)
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
    expect(execution.journal.payloadReads).toHaveLength(4)
  })

  test('one for a step is left for that step', async () => {
    const execution = new TestExecution(definition({ left: waitFor(), right: waitFor() }))
    await execution.run()
    execution.send(signal('for right', { path: 'right' }))
    execution.send(signal('for anybody'))
    await execution.finish()
    expect(execution.journal.output('left')).toBe('for anybody')
    expect(execution.journal.output('right')).toBe('for right')
  })

  test('another name ends no wait, and the job parks again', async () => {
    const execution = new TestExecution(approval)
    await execution.run()
    execution.send({ kind: 'SIGNAL', name: 'other', path: null, payload: 1 })
    expect(await execution.run(execution.start())).toEqual({ kind: 'parked', wakeAt: null })
    expect(execution.journal.statuses()).toEqual({ ask: 'WAITING' })
  })

  test('a payload that does not fit is discarded, which the timeline tells, and the wait goes on', async () => {
    const schema = { type: 'object', required: ['approved'], properties: { approved: { type: 'boolean' } } }
    const execution = new TestExecution(definition({ ask: waitFor({ schema }) }))
    await execution.run()
    execution.send(signal({ approved: 'yes' }))
    expect(await execution.run(execution.start())).toMatchObject({ kind: 'parked' })
    expect(execution.journal.usedSignals).toEqual(new Map([[1, null]]))
    expect(execution.journal.eventsOf('SIGNAL_DISCARDED')[0]?.body).toMatchObject({
      path: 'ask',
      signal: 'approval',
      problems: ['/approved must be boolean'],
    })
    execution.send(signal({ approved: true }))
    expect(await execution.finish()).toMatchObject({ output: '{"approved":true}' })
  })

  test('a used signal does not end another wait after a crash', async () => {
    const execution = new TestExecution(definition({ one: waitFor(), two: waitFor() }, 'one > two'))
    await execution.run()
    execution.send(signal('once'))
    expect(await execution.run(execution.start())).toMatchObject({ kind: 'parked' })
    expect(await execution.run(execution.recover())).toMatchObject({ kind: 'parked' })
    expect(execution.journal.statuses()).toEqual({ one: 'COMPLETED', two: 'WAITING' })
  })

  test('one that was taken but not recorded is taken again by the next worker', async () => {
    const execution = new TestExecution(approval)
    await execution.run()
    execution.send(signal('kept'))
    execution.journal.crashAt = execution.journal.entries.length + 1
    await execution.run(execution.start()).catch(() => {})
    expect(execution.journal.usedSignals.size).toBe(0)
    expect(await execution.finish(execution.recover())).toMatchObject({ output: '"kept"' })
  })

  test('one that a wait has taken when it is cut off is left for the next wait', async () => {
    const gate = new Gate()
    const first = waitFor({}, { stepTimeoutMs: 60_000, onError: 'continue' })
    const document = definition({ first, second: waitFor(), busy: {} }, 'first > second')
    const execution = new TestExecution(document, { busy: held(gate) })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    execution.send(signal('late'))
    execution.send(signal('later'))
    await execution.clock.advance(60_000)
    expect(execution.journal.statuses()).toMatchObject({ first: 'FAILED' })
    execution.send({ kind: 'RESUME' })
    gate.open()
    await execution.run(run)
    expect(execution.journal.output('second')).toBe('late')
    expect(execution.journal.usedSignals).toEqual(new Map([[2, 'second']]))
  })

  test('one that a wait has taken when it is cut off ends another that is waiting already', async () => {
    const gate = new Gate()
    const brief = waitFor({}, { stepTimeoutMs: 60_000, onError: 'continue' })
    const execution = new TestExecution(definition({ brief, long: waitFor(), busy: {} }), {
      busy: held(gate),
    })
    const run = execution.start()
    await settled()
    execution.send({ kind: 'PAUSE' })
    execution.send(signal('late'))
    await execution.clock.advance(60_000)
    execution.send({ kind: 'RESUME' })
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'ended' })
    expect(execution.journal.output('long')).toBe('late')
  })

  test('without one in time the step fails with SIGNAL_TIMEOUT', async () => {
    const execution = new TestExecution(definition({ ask: waitFor({ timeout: '1h' }) }))
    const dueAt = execution.clock.now() + HOUR_MS
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: dueAt })
    await execution.clock.advanceTo(dueAt)
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'SIGNAL_TIMEOUT' } })
  })

  test('`onTimeout: "route"` leaves by the handle `timeout`', async () => {
    const document = definition(
      { ask: waitFor({ timeout: 5_000, onTimeout: 'route' }), yes: {}, late: {} },
      'ask > yes',
      'ask:timeout > late',
    )
    const execution = new TestExecution(document)
    await execution.finish()
    expect(execution.journal.statuses()).toEqual({ ask: 'COMPLETED', yes: 'SKIPPED', late: 'COMPLETED' })
  })

  test('a wait inside of a loop is ended by the signal for its item', async () => {
    const document = definition({
      loop: forEach(definition({ ask: waitFor() }), { items: ['a', 'b'], concurrency: 1 }),
    })
    const execution = new TestExecution(document)
    await execution.run()
    execution.send(signal('second', { path: 'loop[1]/ask' }))
    execution.send(signal('first', { path: 'loop[0]/ask' }))
    expect(await execution.finish()).toMatchObject({ output: '["first","second"]' })
  })

  test('a schema that templates have made into none fails the step, saying so', async () => {
    const schema = { type: '{{ input }}' }
    const execution = new TestExecution(definition({ ask: waitFor({ schema }) }), {}, { input: 'nothing' })
    const message = expect.stringContaining('The schema is not valid JSON Schema 2020-12')
    expect(await execution.finish()).toMatchObject({ error: { code: 'CONFIG_INVALID', message } })
  })
})
