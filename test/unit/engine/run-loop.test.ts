import { describe, expect, test } from '@jest/globals'
import type { Json } from '../../../src/lib/json/json.ts'
import {
  definition,
  fails,
  forEach,
  Gate,
  held,
  listens,
  returns,
  settled,
  takes,
  TestExecution,
  type Behaviour,
} from '../../support/run-definition.ts'

const body = definition({ find: {}, keep: {} }, 'find > keep')
const loopOf = (config: object, inner = body) => definition({ loop: forEach(inner, config as never) })
const twice: Behaviour = ({ input }) => (input as number) * 2

describe('E10: a loop runs its body once per item', () => {
  test('its output is the items’ outputs in item order, whatever order they ended in', async () => {
    const execution = new TestExecution(loopOf({ items: [1, 2, 3, 4] }), {
      find: (call) => takes(50 - 10 * (call.input as number), twice)(call),
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '[2,4,6,8]' })
  })

  test('the body sees `item`, `index`, and the outputs of what is upstream of the loop', async () => {
    const inner = definition({
      find: { config: { item: '{{ item.id }}', index: '{{ index }}', outer: '{{ nodes.a.output }}' } },
    })
    const document = definition(
      { a: {}, loop: forEach(inner, { items: [{ id: 'x' }, { id: 'y' }] }) },
      'a > loop',
    )
    const execution = new TestExecution(document, { a: returns('A') })
    await execution.finish()
    expect(execution.calls.slice(1).map(({ config }) => config)).toEqual([
      { item: 'x', index: 0, outer: 'A' },
      { item: 'y', index: 1, outer: 'A' },
    ])
  })

  test('an item’s roots get the item, and the body’s output template is filled per item', async () => {
    const inner = { ...body, output: { id: '{{ item }}', found: '{{ nodes.keep.output }}' } }
    const execution = new TestExecution(loopOf({ items: [1, 2] }, inner), { find: twice })
    expect(await execution.finish()).toMatchObject({
      output: '[{"id":1,"found":2},{"id":2,"found":4}]',
    })
  })

  test('steps inside are named by their item: `loop[1]/find`', async () => {
    const execution = new TestExecution(loopOf({ items: ['a', 'b'] }))
    await execution.finish()
    expect([...execution.journal.steps.keys()]).toEqual([
      'loop',
      'loop[0]/find',
      'loop[1]/find',
      'loop[0]/keep',
      'loop[1]/keep',
    ])
    expect(execution.journal.steps.get('loop[1]/keep')).toMatchObject({ order: [0, 1, 1], nodeId: 'keep' })
    expect(execution.journal.steps.get('loop[1]/keep')?.inputFrom).toEqual(['loop[1]/find'])
  })

  test('no more items are in work than `concurrency` allows, and the next starts when one ends', async () => {
    const gates = [0, 1, 2, 3, 4].map(() => new Gate())
    const script = Object.fromEntries(gates.map((gate, i) => [`loop[${i}]/find`, held(gate)]))
    const execution = new TestExecution(loopOf({ items: [0, 1, 2, 3, 4], concurrency: 2 }), script)
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual(['loop[0]/find', 'loop[1]/find'])
    gates[1]?.open()
    await settled()
    expect(execution.called.slice(2)).toEqual(['loop[1]/keep', 'loop[2]/find'])
    for (const gate of gates) gate.open()
    await execution.run(run)
    expect(execution.called).toHaveLength(10)
  })

  test('the attempts of all items together keep to `limits.concurrency`', async () => {
    const gate = new Gate()
    const document = { ...loopOf({ items: [1, 2, 3, 4, 5], concurrency: 5 }), limits: { concurrency: 2 } }
    const execution = new TestExecution(document, { find: held(gate) })
    const run = execution.start()
    await settled()
    expect(execution.called).toHaveLength(2)
    gate.open()
    await execution.run(run)
  })

  test('an empty list completes at once with an empty list', async () => {
    const execution = new TestExecution(loopOf({ items: [] }))
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '[]' })
    expect(execution.called).toEqual([])
  })

  test('`output: "none"` keeps no outputs and gives the number of items', async () => {
    const execution = new TestExecution(loopOf({ items: [1, 2, 3], output: 'none' }))
    expect(await execution.finish()).toMatchObject({ output: '3' })
    expect([...(execution.journal.items.get('loop')?.values() ?? [])].map(({ output }) => output)).toEqual([
      null,
      null,
      null,
    ])
    expect(execution.journal.loopReads).toBe(0)
  })

  test('items that are not a list fail the step and say so', async () => {
    const execution = new TestExecution(definition({ loop: forEach(body) }), {}, { input: 5 })
    expect(await execution.finish()).toMatchObject({ error: { code: 'CONFIG_INVALID', path: 'loop' } })
  })

  test('a branch inside skips per item, without a record of its own', async () => {
    const inner = definition(
      {
        big: { type: 'core.branch', config: { condition: 'item > 1' } },
        yes: {},
        no: {},
      },
      'big:true > yes',
      'big:false > no',
    )
    const execution = new TestExecution(loopOf({ items: [1, 2] }, inner))
    expect(await execution.finish()).toMatchObject({ output: '[{"no":1},{"yes":2}]' })
    expect(Object.keys(execution.journal.statuses())).toEqual(['loop', 'loop[0]/no', 'loop[1]/yes'])
  })

  test('loops nest, and the inner loop sees the outer one’s nodes', async () => {
    const inner = definition({
      leaf: { config: { both: '{{ string(nodes.row.output) + "/" + string(item) }}' } },
    })
    const outer = definition({ row: {}, cells: forEach(inner, { items: '{{ [1, 2] }}' }) }, 'row > cells')
    const execution = new TestExecution(loopOf({ items: ['a', 'b'] }, outer), {
      leaf: ({ config }) => config['both'],
    })
    expect(await execution.finish()).toMatchObject({ output: '[["a/1","a/2"],["b/1","b/2"]]' })
    expect(execution.called).toContain('loop[1]/cells[0]/leaf')
    expect(execution.journal.steps.get('loop[1]/cells[0]/leaf')?.order).toEqual([0, 1, 1, 0, 0])
  })
})

describe('E10: what leaves a record', () => {
  test('an external step inside has a row and events of its own, a pure one has none', async () => {
    const inner = definition({ find: {}, quiet: { type: 'test.pure' } }, 'find > quiet')
    const execution = new TestExecution(loopOf({ items: [1] }, inner))
    await execution.finish()
    expect(Object.keys(execution.journal.statuses())).toEqual(['loop', 'loop[0]/find'])
    expect(execution.journal.kinds()).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'LOOP_ITEM_COMPLETED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  })

  test('a pure step inside that fails is told', async () => {
    const inner = definition({ quiet: { type: 'test.pure', onError: 'continue' } })
    const execution = new TestExecution(loopOf({ items: [1] }, inner), { quiet: fails('ODD') })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '[null]' })
    expect(execution.journal.steps.get('loop[0]/quiet')).toMatchObject({
      status: 'FAILED',
      error: { code: 'ODD' },
    })
  })

  test('a pure step inside that is tried again is told to its end', async () => {
    const inner = definition({ quiet: { type: 'test.pure', retry: { maxAttempts: 2 } } })
    const execution = new TestExecution(loopOf({ items: [1] }, inner), { quiet: [fails(), returns('ok')] })
    expect(await execution.finish()).toMatchObject({ output: '["ok"]' })
    expect(execution.journal.steps.get('loop[0]/quiet')).toMatchObject({ status: 'COMPLETED', attempt: 2 })
  })

  test('the loop’s config is recorded without its items and its body', async () => {
    const execution = new TestExecution(loopOf({ items: [1, 2], concurrency: 3 }))
    await execution.finish()
    expect(JSON.parse(execution.journal.values.get('loop')?.config ?? '')).toEqual({ concurrency: 3 })
  })
})

describe('E10: failures of items', () => {
  const items = [0, 1, 2, 3]
  const oneFails = { 'loop[1]/find': fails('ODD', { details: { id: 1 } }) }

  test('`fail`: the first failed item fails the loop, names itself, and stops the others', async () => {
    const execution = new TestExecution(loopOf({ items, concurrency: 2 }), {
      ...oneFails,
      'loop[0]/find': listens(),
    })
    expect(await execution.finish()).toMatchObject({
      status: 'FAILED',
      error: {
        code: 'LOOP_ITEM_FAILED',
        message: 'loop[1]/find: it says ODD',
        path: 'loop',
        details: { code: 'ODD', path: 'loop[1]/find' },
      },
    })
    expect(execution.journal.statuses()).toEqual({
      loop: 'FAILED',
      'loop[0]/find': 'CANCELED',
      'loop[1]/find': 'FAILED',
    })
    expect(execution.journal.eventsOf('LOOP_ITEM_FAILED')[0]?.body).toMatchObject({
      path: 'loop[1]',
      index: 1,
      error: { code: 'ODD', path: 'loop[1]/find' },
    })
    expect(execution.called).not.toContain('loop[2]/find')
  })

  test('`fail`: the loop’s own onError is heeded', async () => {
    const document = definition(
      { loop: forEach(body, { items }, { onError: 'continue' }), after: {} },
      'loop > after',
    )
    const execution = new TestExecution(document, oneFails)
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: 'null' })
  })

  test('`skip`: failed items are left out of the output', async () => {
    const execution = new TestExecution(loopOf({ items, onItemError: 'skip' }), oneFails)
    expect(await execution.finish()).toMatchObject({ output: '[0,2,3]' })
    expect(execution.journal.items.get('loop')?.get(1)).toMatchObject({
      status: 'FAILED',
      error: { code: 'ODD' },
    })
  })

  test('`collect`: every item tells how it ended', async () => {
    const execution = new TestExecution(loopOf({ items: [0, 1], onItemError: 'collect' }), oneFails)
    const end = await execution.finish()
    expect(end.status === 'COMPLETED' && (JSON.parse(end.output) as Json)).toEqual([
      { index: 0, status: 'COMPLETED', output: 0 },
      {
        index: 1,
        status: 'FAILED',
        error: { code: 'ODD', message: 'it says ODD', path: 'loop[1]/find', details: { id: 1 } },
      },
    ])
  })

  test('an item’s output that cannot be kept fails the item, not the database', async () => {
    const half = 'x'.repeat(3 * 1024 * 1024)
    const inner = definition({ a: {}, b: {} })
    const execution = new TestExecution(loopOf({ items: [1, 2], onItemError: 'skip' }, inner), {
      'loop[0]/a': returns(half),
      'loop[0]/b': returns(half),
    })
    expect(await execution.finish()).toMatchObject({ output: '[{"a":2,"b":2}]' })
    expect(execution.journal.items.get('loop')?.get(0)?.error).toMatchObject({
      code: 'OUTPUT_TOO_LARGE',
      path: 'loop[0]',
    })
  })

  test('the outputs of all items together have the bound of a step’s output', async () => {
    const execution = new TestExecution(loopOf({ items: [1, 2] }), { find: returns('x'.repeat(3_000_000)) })
    expect(await execution.finish()).toMatchObject({
      error: { code: 'OUTPUT_TOO_LARGE', path: 'loop', message: expect.stringContaining('output: "none"') },
    })
  })
})

describe('E10: recovery', () => {
  test('items on record are not run again, and their outputs stay in place', async () => {
    const execution = new TestExecution(loopOf({ items: [1, 2, 3], concurrency: 1 }), { find: twice })
    const run = execution.start()
    while ((execution.journal.items.get('loop')?.size ?? 0) < 2) await Promise.resolve()
    execution.journal.crashAt = 0
    await expect(execution.run(run)).rejects.toThrow('the worker is gone')
    execution.calls.length = 0
    expect(await execution.run(execution.recover())).toMatchObject({ end: { output: '[2,4,6]' } })
    expect(new Set(execution.called)).toEqual(new Set(['loop[2]/find', 'loop[2]/keep']))
  })

  test('an external step on record inside an open item is not run again', async () => {
    const gate = new Gate()
    const execution = new TestExecution(loopOf({ items: [1, 2] }), { find: twice, keep: held(gate) })
    execution.start()
    await settled()
    execution.calls.length = 0
    const run = execution.recover()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { output: '[2,4]' } })
    expect(execution.called).toEqual(['loop[0]/keep', 'loop[1]/keep'])
  })

  test('a loop whose failed item is on record fails without running anything more', async () => {
    const gate = new Gate()
    const execution = new TestExecution(loopOf({ items: [0, 1, 2], concurrency: 2 }), {
      'loop[0]/find': held(gate),
      'loop[1]/find': fails('ODD'),
    })
    const run = execution.start()
    while (!execution.journal.items.get('loop')?.has(1)) await Promise.resolve()
    execution.journal.crashAt = 0
    gate.open()
    await expect(execution.run(run)).rejects.toThrow('the worker is gone')
    execution.calls.length = 0
    expect(await execution.run(execution.recover())).toMatchObject({
      end: { status: 'FAILED', error: { code: 'LOOP_ITEM_FAILED', details: { path: 'loop[1]/find' } } },
    })
    expect(execution.called).toEqual([])
    expect(execution.journal.statuses()).toEqual({
      loop: 'FAILED',
      'loop[0]/find': 'CANCELED',
      'loop[1]/find': 'FAILED',
    })
  })

  test('a step that a lost worker left open in an item that has failed ends with the item', async () => {
    const inner = definition({ bad: {}, wait: { type: 'core.delay', config: { duration: '1h' } } })
    const execution = new TestExecution(loopOf({ items: [1], onItemError: 'skip' }, inner), {
      bad: takes(10, fails('ODD')),
    })
    const run = execution.start()
    await settled()
    // Of what follows the failure itself is committed, and neither the end of its sibling nor that of the item.
    execution.journal.crashAt = execution.journal.entries.length + 1
    await expect(execution.run(run)).rejects.toThrow('the worker is gone')
    expect(execution.journal.statuses()).toMatchObject({ 'loop[0]/bad': 'FAILED', 'loop[0]/wait': 'WAITING' })
    const next = execution.recover()
    while (!execution.journal.items.has('loop')) await Promise.resolve()
    execution.journal.crashAt = 0
    await expect(execution.run(next)).rejects.toThrow('the worker is gone')
    expect(execution.journal.statuses()['loop[0]/wait']).toBe('CANCELED')
    expect(await execution.run(execution.recover())).toMatchObject({
      end: { status: 'COMPLETED', output: '[]' },
    })
  })

  test.each(['skip', 'collect'])('with `%s` a failed item on record stays as it is', async (onItemError) => {
    const execution = new TestExecution(loopOf({ items: [0, 1], concurrency: 1, onItemError }), {
      'loop[0]/find': fails('ODD'),
    })
    const run = execution.start()
    while (!execution.journal.items.get('loop')?.has(0)) await Promise.resolve()
    execution.journal.crashAt = 0
    await expect(execution.run(run)).rejects.toThrow('the worker is gone')
    execution.calls.length = 0
    await execution.run(execution.recover())
    expect(execution.called).toEqual(['loop[1]/find', 'loop[1]/keep'])
  })
})

describe('E10: 10,000 items', () => {
  const items = Array.from({ length: 10_000 }, (_, i) => ({ id: i, email: `lead-${i}@example.com` }))
  const inner = definition(
    {
      shape: {
        type: 'core.transform',
        config: { value: { id: '{{ item.id }}', domain: '{{ domain(item.email) }}' } },
      },
      check: { type: 'core.branch', config: { condition: 'nodes.shape.output.id % 2 == 0' } },
      even: { type: 'test.pure' },
    },
    'shape > check',
    'check:true > even',
  )

  test('pure items leave one record each', async () => {
    const execution = new TestExecution(loopOf({ items, concurrency: 20, output: 'none' }, inner))
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '10000' })
    expect(execution.journal.items.get('loop')?.size).toBe(10_000)
    expect(execution.journal.steps.size).toBe(1)
    expect(execution.journal.events).toHaveLength(10_000 + 4)
  })

  test('a loop runs at most `concurrency` items ahead of those whose ends are committed, beside those in work', async () => {
    let begun = 0
    let most = 0
    const inner = definition({ only: {} })
    const some = items.slice(0, 1_000)
    const execution = new TestExecution(loopOf({ items: some, concurrency: 20, output: 'none' }, inner), {
      only: () => {
        const ended = execution.journal.items.get('loop')?.size ?? 0
        most = Math.max(most, ++begun - ended)
      },
    })
    const gate = new Gate()
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    expect(begun).toBe(40)
    gate.open()
    await execution.run(run)
    expect(begun).toBe(1_000)
    expect(most).toBeLessThanOrEqual(40)
  })

  test('an item does not wait for the commit of another item’s end', async () => {
    const execution = new TestExecution(
      loopOf({ items: [0, 1, 2], concurrency: 2 }, definition({ only: {} })),
    )
    execution.journal.delaysNotes = true
    const gate = new Gate()
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual(['loop[0]/only', 'loop[1]/only', 'loop[2]/only'])
    expect(execution.journal.commits).toBe(0)
    gate.open()
    await execution.run(run)
  })
})

describe('E10: items that wait', () => {
  const HOUR_MS = 3_600_000
  const waitThenWork = definition(
    { wait: { type: 'core.delay', config: { duration: '{{ item }}' } }, work: {} },
    'wait > work',
  )

  test('do not occupy the loop’s concurrency: the others begin meanwhile', async () => {
    const execution = new TestExecution(loopOf({ items: ['1h', '1h', '1h'], concurrency: 1 }, waitThenWork))
    const startedAt = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: startedAt + HOUR_MS })
    expect(execution.journal.statuses()).toEqual({
      loop: 'RUNNING',
      'loop[0]/wait': 'WAITING',
      'loop[1]/wait': 'WAITING',
      'loop[2]/wait': 'WAITING',
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.clock.now()).toBe(startedAt + HOUR_MS)
  })

  test('go on within that concurrency, first things first', async () => {
    const execution = new TestExecution(
      loopOf({ items: ['2s', '2s', '2s', '1ms'], concurrency: 1 }, waitThenWork),
      {
        work: takes(5_000),
      },
    )
    const startedAt = execution.clock.now()
    await execution.finish()
    expect(execution.calls.map(({ path, at }) => [path, at - startedAt])).toEqual([
      ['loop[3]/work', 1],
      ['loop[0]/work', 5_001],
      ['loop[1]/work', 10_001],
      ['loop[2]/work', 15_001],
    ])
  })

  test('a failure with a long way to its next attempt is such a wait', async () => {
    const inner = definition({
      call: { retry: { maxAttempts: 2, initialDelayMs: 40_000, maxDelayMs: 40_000 } },
    })
    const execution = new TestExecution(loopOf({ items: [1, 2], concurrency: 1 }, inner), {
      call: [fails(), twice],
    })
    expect(await execution.run()).toMatchObject({ kind: 'parked' })
    expect(execution.called).toEqual(['loop[0]/call', 'loop[1]/call'])
    expect(await execution.finish()).toMatchObject({ output: '[2,4]' })
  })

  test('an item in which something works keeps its lane', async () => {
    const gate = new Gate()
    const inner = definition({ wait: { type: 'core.delay', config: { duration: '1h' } }, work: {} })
    const execution = new TestExecution(loopOf({ items: [1, 2], concurrency: 1 }, inner), {
      work: held(gate),
    })
    const run = execution.start()
    await execution.clock.advance(10_000)
    expect(execution.called).toEqual(['loop[0]/work'])
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
    expect(execution.called).toEqual(['loop[0]/work', 'loop[1]/work'])
  })

  test('a loop within a loop: what waits in the inner one frees the outer one too', async () => {
    const outer = definition({ inner: forEach(waitThenWork, { items: ['1h', '1h'], concurrency: 1 }) })
    const execution = new TestExecution(loopOf({ items: [1, 2, 3], concurrency: 1 }, outer))
    const startedAt = execution.clock.now()
    expect(await execution.run()).toMatchObject({ kind: 'parked' })
    expect(Object.values(execution.journal.statuses()).filter((status) => status === 'WAITING')).toHaveLength(
      6,
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.clock.now()).toBe(startedAt + HOUR_MS)
  })

  test('an item whose inner loop is recording keeps its lane', async () => {
    const gates = { quick: new Gate(), journal: new Gate() }
    const outer = definition({
      wait: { type: 'core.delay', config: { duration: '1h' } },
      inner: forEach(definition({ quick: {} }), { items: [1] }),
    })
    const execution = new TestExecution(loopOf({ items: [1, 2], concurrency: 1 }, outer), {
      quick: held(gates.quick),
    })
    const run = execution.start()
    await settled()
    gates.quick.open()
    while (execution.journal.statuses()['loop[0]/inner[0]/quick'] !== 'COMPLETED') await Promise.resolve()
    execution.journal.gate = gates.journal // holds the record of the inner item
    await settled()
    expect(execution.called).toEqual(['loop[0]/inner[0]/quick'])
    execution.journal.gate = null
    gates.journal.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
    expect(execution.called).toEqual(['loop[0]/inner[0]/quick', 'loop[1]/inner[0]/quick'])
  })

  test('a thousand of them are open at most', async () => {
    const items = Array.from({ length: 1_200 }, () => '1h')
    const execution = new TestExecution(loopOf({ items, output: 'none' }, waitThenWork))
    const startedAt = execution.clock.now()
    expect(await execution.run()).toMatchObject({ kind: 'parked' })
    expect(Object.values(execution.journal.statuses()).filter((status) => status === 'WAITING')).toHaveLength(
      1_000,
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '1200' })
    expect(execution.clock.now()).toBe(startedAt + 2 * HOUR_MS)
  })

  test('a cancel ends those that wait, those that queue for a lane, and those that have not begun', async () => {
    const execution = new TestExecution(
      loopOf({ items: ['900ms', '900ms', '900ms', '1h'], concurrency: 1 }, waitThenWork),
      {
        work: listens(),
      },
    )
    const run = execution.start()
    await execution.clock.advance(2_000)
    expect(execution.called).toEqual(['loop[0]/work'])
    run.cancel()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(new Set(Object.values(execution.journal.statuses()))).toEqual(new Set(['CANCELED', 'COMPLETED']))
  })
})
