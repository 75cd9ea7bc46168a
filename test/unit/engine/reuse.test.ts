import { describe, expect, test } from '@jest/globals'
import { completed } from '../../../src/engine/block/block.ts'
import { MEMORY_BUDGET_EXCEEDED } from '../../../src/engine/memory/held-outputs.ts'
import { ProcessMemory } from '../../../src/engine/memory/process-memory.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { Crash } from '../../support/memory-journal.ts'
import {
  definition,
  fails,
  forEach,
  Gate,
  hangs,
  held,
  returns,
  TestExecution,
  waits,
  type Behaviours,
  type Call,
} from '../../support/run-definition.ts'

const CHAIN = definition(
  {
    find: { config: { about: '{{ input.name }}' } },
    enrich: { config: { of: '{{ nodes.find.output }}' } },
    send: {},
  },
  'find > enrich > send',
)
const INPUT = { name: 'Ada' }
const BREAKS: Behaviours = { find: returns('found'), enrich: returns('rich'), send: fails() }
const WORKS: Behaviours = { find: returns('found'), enrich: returns('rich'), send: returns('sent') }

/** A chain whose last step has failed. */
async function brokenChain(): Promise<TestExecution> {
  const execution = new TestExecution(CHAIN, BREAKS, { input: INPUT })
  expect((await execution.finish()).status).toBe('FAILED')
  return execution
}

function reusedOf({ journal }: TestExecution): Record<string, string | null> {
  return Object.fromEntries([...journal.steps.values()].map(({ path, reusedFrom }) => [path, reusedFrom]))
}

describe('a retry from what failed', () => {
  test('points to the outputs of completed steps, and calls only what did not complete', async () => {
    const retry = (await brokenChain()).retry({ behaviours: WORKS })
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED', output: '"sent"' })
    expect(retry.called).toEqual(['send'])
    expect(reusedOf(retry)).toEqual({ find: 'execution', enrich: 'execution', send: null })
    expect(retry.journal.values.get('find')).toEqual({ config: '{"about":"Ada"}', output: null })
    expect(retry.calls[0]?.input).toBe('rich')
    expect(retry.calls[0]?.context.idempotencyKey).toBe('retry-1/send')
  })

  test('tells of each reused step by one event, and begins none', async () => {
    const retry = (await brokenChain()).retry({ behaviours: WORKS })
    await retry.finish()
    expect(retry.journal.eventsOf('STEP_COMPLETED').map(({ body }) => [body.path, body.reused])).toEqual([
      ['find', true],
      ['enrich', true],
      ['send', undefined],
    ])
    expect(retry.journal.eventsOf('STEP_STARTED').map(({ body }) => body.path)).toEqual(['send'])
    expect(retry.journal.steps.get('find')).toMatchObject({ attempt: 0, attempts: [], startedAt: null })
  })

  test('commits a reused step and its event in one entry', async () => {
    const retry = (await brokenChain()).retry({ behaviours: WORKS })
    await retry.finish()
    const entry = retry.journal.entries.find(({ steps = [] }) => steps.some(({ path }) => path === 'find'))
    expect(entry?.events.map(({ kind }) => kind)).toEqual(['STEP_COMPLETED'])
    expect(entry?.job).toMatchObject({ completedNodes: 1, endsStep: true })
  })

  test('of an execution that completed calls nothing', async () => {
    const execution = new TestExecution(CHAIN, WORKS, { input: INPUT })
    await execution.finish()
    const retry = execution.retry()
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED', output: '"sent"' })
    expect(retry.called).toEqual([])
  })

  test('of a retry points to whoever really holds an output', async () => {
    const again = (await brokenChain()).retry()
    await again.finish()
    const last = again.retry({ behaviours: WORKS })
    expect((await last.finish()).status).toBe('COMPLETED')
    expect(last.called).toEqual(['send'])
    expect(reusedOf(last)).toEqual({ find: 'execution', enrich: 'execution', send: null })
    const fork = last.retry()
    await fork.finish()
    expect(reusedOf(fork)).toEqual({ find: 'execution', enrich: 'execution', send: 'retry-2' })
  })

  test('runs a step again that failed and went on', async () => {
    const document = definition({ a: { onError: 'continue', defaultOutput: 0 }, b: {} }, 'a > b')
    const execution = new TestExecution(document, { a: fails(), b: fails() })
    await execution.finish()
    const retry = execution.retry({ behaviours: { a: returns(1), b: ({ input }) => completed(input) } })
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED', output: '1' })
    expect(retry.called).toEqual(['a', 'b'])
  })

  test('goes the same way at a branch, and skips what was skipped', async () => {
    const document = definition(
      { choose: { type: 'test.pure', config: { handles: ['x', 'y'] } }, left: {}, right: {}, end: {} },
      'choose:x > left > end',
      'choose:y > right > end',
    )
    const behaviours = { choose: returns(1, ['x']), end: fails() }
    const execution = new TestExecution(document, behaviours)
    await execution.finish()
    const retry = execution.retry({ behaviours: { end: returns('done') } })
    await retry.finish()
    expect(retry.called).toEqual(['end'])
    expect(retry.journal.statuses()).toMatchObject({
      choose: 'COMPLETED',
      left: 'COMPLETED',
      right: 'SKIPPED',
    })
    expect(retry.journal.steps.get('choose')?.handles).toEqual(['x'])
  })

  test('does not wait again where it had waited', async () => {
    const document = definition({ pause: {}, send: {} }, 'pause > send')
    const execution = new TestExecution(document, { pause: waits(3_600_000, 'waited'), send: fails() })
    await execution.finish()
    const retry = execution.retry({ behaviours: { send: ({ input }) => completed(input) } })
    expect((await retry.run()).kind).toBe('ended')
    expect(retry.journal.output('send')).toBe('waited')
    expect(retry.called).toEqual(['send'])
  })

  test('asks nobody again for a signal that had come', async () => {
    const approve = { type: 'core.waitForSignal', config: { name: 'approve' } }
    const execution = new TestExecution(definition({ approve, send: {} }, 'approve > send'), {
      send: fails(),
    })
    execution.send({ kind: 'SIGNAL', name: 'approve', path: null, payload: { by: 'Ada' } })
    await execution.finish()
    const retry = execution.retry({ behaviours: {} })
    await retry.finish()
    expect(retry.calls.map(({ path, input }) => [path, input])).toEqual([['send', { by: 'Ada' }]])
    expect(retry.journal.kinds()).not.toContain('STEP_WAITING')
  })

  test('takes nothing over while it is paused', async () => {
    const gate = new Gate()
    const retry = (await brokenChain()).retry({
      document: { ...CHAIN, nodes: withConfig(CHAIN.nodes, 'find', { about: 'Grace' }) },
      behaviours: { ...WORKS, find: held(gate, returns('found')) },
    })
    const run = retry.start()
    await retry.quiet()
    retry.send({ kind: 'PAUSE' })
    gate.open()
    expect((await retry.run(run)).kind).toBe('parked')
    expect(retry.journal.statuses()).toEqual({ find: 'COMPLETED' })
    retry.send({ kind: 'RESUME' })
    expect((await retry.finish()).status).toBe('COMPLETED')
    expect(retry.called).toEqual(['find', 'send'])
  })
})

describe('a step runs again', () => {
  test('when its config came out differently, and with it what took its output', async () => {
    const retry = (await brokenChain()).retry({
      behaviours: { ...WORKS, find: returns('found anew') },
      input: { name: 'Grace' },
    })
    await retry.finish()
    expect(retry.called).toEqual(['find', 'enrich', 'send'])
  })

  test('but nothing behind it does when it gives the same as before', async () => {
    const retry = (await brokenChain()).retry({
      document: { ...CHAIN, nodes: withConfig(CHAIN.nodes, 'find', { about: 'Grace' }) },
      behaviours: WORKS,
    })
    await retry.finish()
    expect(retry.called).toEqual(['find', 'send'])
  })

  test('when its input is another, although its config is the same', async () => {
    const document = definition({ a: {}, b: {}, c: {} }, 'a > b > c')
    const execution = new TestExecution(document, { c: fails() }, { input: 1 })
    await execution.finish()
    const retry = execution.retry({ input: 2, behaviours: {} })
    await retry.finish()
    expect(retry.called).toEqual(['a', 'b', 'c'])
  })

  test('when its node was changed, and not when it was renamed or moved', async () => {
    const nodes = { a: {}, b: { retry: { maxAttempts: 1 } }, c: {} }
    const execution = new TestExecution(definition(nodes, 'a > b > c'), { c: fails() })
    await execution.finish()
    const moved = { name: 'First', position: { x: 1, y: 2 }, data: { color: 'red' } }
    const changed = { ...nodes, a: moved, b: { retry: { maxAttempts: 2 } } }
    const retry = execution.retry({ document: definition(changed, 'a > b > c'), behaviours: {} })
    await retry.finish()
    expect(retry.called).toEqual(['b', 'c'])
  })

  test('when a bare expression of it reads something else than before', async () => {
    const filter = {
      type: 'core.filter',
      config: { items: [1, 2, 3], condition: 'item >= variables.least' },
    }
    const document = { ...definition({ filter, send: {} }, 'filter > send'), variables: { least: 2 } }
    const execution = new TestExecution(document, { send: fails() })
    await execution.finish()
    const same = execution.retry({ behaviours: {} })
    await same.finish()
    expect(reusedOf(same).filter).toBe('execution')
    const other = execution.retry({ behaviours: {}, variables: { least: 3 } })
    await other.finish()
    expect(reusedOf(other).filter).toBeNull()
    expect(other.journal.output('filter')).toEqual({ items: [3], rejected: [1, 2] })
  })

  test('when its config holds the execution itself', async () => {
    const document = definition({ a: { config: { id: '{{ execution.id }}' } }, b: {} }, 'a > b')
    const execution = new TestExecution(document, { a: returns('same'), b: fails() })
    await execution.finish()
    const retry = execution.retry({ behaviours: { a: returns('same') } })
    await retry.finish()
    expect(retry.called).toEqual(['a', 'b'])
  })

  test('and a config too long to be recorded is compared by its digest', async () => {
    const config = { long: 'x'.repeat(40_000), end: '{{ variables.end }}' }
    const document = definition({ a: { config }, b: {} }, 'a > b')
    const execution = new TestExecution(document, { b: fails() }, { variables: { end: 1 } })
    await execution.finish()
    expect(execution.journal.values.get('a')?.config).toContain('sha256')
    const same = execution.retry({ behaviours: {} })
    await same.finish()
    expect(same.called).toEqual(['b'])
    const other = execution.retry({ behaviours: {}, variables: { end: 2 } })
    await other.finish()
    expect(other.called).toEqual(['a', 'b'])
  })
})

describe('a retry from elsewhere', () => {
  test('the start runs everything', async () => {
    const retry = (await brokenChain()).retry({ behaviours: WORKS, from: 'START' })
    await retry.finish()
    expect(retry.called).toEqual(['find', 'enrich', 'send'])
  })

  test('a step runs it and what is downstream of it, and leaves its siblings', async () => {
    const document = definition({ a: {}, b: {}, c: {}, d: {} }, 'a > b > d', 'a > c > d')
    const execution = new TestExecution(document)
    await execution.finish()
    const retry = execution.retry({ from: 'b' })
    await retry.finish()
    expect(retry.called).toEqual(['b', 'd'])
    expect(reusedOf(retry)).toEqual({ a: 'execution', b: null, c: 'execution', d: null })
  })
})

describe('an output that is given', () => {
  test('stands for a step, and everything that takes it runs again', async () => {
    const retry = (await brokenChain()).retry({
      behaviours: { ...WORKS, send: ({ input }) => completed(input) },
      patched: { find: 'given' },
    })
    await retry.finish()
    expect(retry.called).toEqual(['enrich', 'send'])
    expect(retry.journal.output('find')).toBe('given')
    expect(reusedOf(retry).find).toBeNull()
    const told = retry.journal.eventsOf('STEP_COMPLETED').find(({ body }) => body.path === 'find')
    expect(told?.body).toMatchObject({ reused: true, handles: ['out'] })
  })

  test('stands for a step that had failed', async () => {
    const retry = (await brokenChain()).retry({ behaviours: {}, patched: { send: 'by hand' } })
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED', output: '"by hand"' })
    expect(retry.called).toEqual([])
  })

  test('is kept by the next retry', async () => {
    const again = (await brokenChain()).retry({ patched: { find: 'given' } })
    await again.finish()
    const last = again.retry({ behaviours: WORKS })
    await last.finish()
    expect(last.called).toEqual(['send'])
    expect(reusedOf(last)).toEqual({ find: 'retry-1', enrich: 'retry-1', send: null })
    expect(last.journal.output('find')).toBe('given')
  })
})

describe('a loop', () => {
  const LOOP = definition({ each: forEach(definition({ call: {} })), end: {} }, 'each > end')
  const failsAt =
    (bad: number) =>
    ({ input }: Call) => {
      if (input === bad) throw new Error('bad item')
      return `done ${JSON.stringify(input)}`
    }

  test('that completed is taken over as a whole', async () => {
    const execution = new TestExecution(LOOP, { end: fails() }, { input: [1, 2, 3] })
    await execution.finish()
    const retry = execution.retry({ behaviours: {} })
    await retry.finish()
    expect(retry.called).toEqual(['end'])
    expect(retry.journal.items.size).toBe(0)
    expect(retry.journal.output('end')).toEqual([1, 2, 3])
  })

  test('that failed runs only the items that did not complete, and gathers all', async () => {
    const execution = new TestExecution(LOOP, { call: failsAt(3) }, { input: [1, 2, 3, 4] })
    await execution.finish()
    const retry = execution.retry({ behaviours: { call: failsAt(0) } })
    await retry.finish()
    const ran = [...(execution.journal.items.get('each')?.values() ?? [])]
    const done = ran.filter(({ status }) => status === 'COMPLETED').map(({ index }) => `each[${index}]/call`)
    expect(done.length).toBeGreaterThan(0)
    expect(retry.called.filter((path) => done.includes(path))).toEqual([])
    expect(retry.called).toContain('each[2]/call')
    expect(retry.journal.output('each')).toEqual(['done 1', 'done 2', 'done 3', 'done 4'])
    const told = retry.journal.eventsOf('LOOP_ITEM_COMPLETED')
    expect(told.filter(({ body }) => body.reused).map(({ body }) => body.path)).toEqual(
      done.map((path) => path.replace('/call', '')),
    )
  })

  test('takes over the items whose value is the same when others changed', async () => {
    const execution = new TestExecution(LOOP, { call: failsAt(0) }, { input: [1, 2, 3] })
    await execution.finish()
    const retry = execution.retry({ input: [1, 20, 3, 4] })
    await retry.finish()
    expect(retry.called).toEqual(['each[1]/call', 'each[3]/call', 'end'])
    expect(retry.journal.output('each')).toEqual(['done 1', 'done 20', 'done 3', 'done 4'])
    const again = retry.retry({ input: [1, 20, 30, 4] })
    await again.finish()
    expect(again.called).toEqual(['each[2]/call', 'end'])
    expect(
      [...(again.journal.items.get('each')?.values() ?? [])].map(({ reusedFrom }) => reusedFrom),
    ).toEqual(expect.arrayContaining(['execution', 'retry-1', null]))
  })

  test('leaves its items to later retries, also when it was itself taken over as a whole', async () => {
    const execution = new TestExecution(LOOP, {}, { input: [1, 2] })
    await execution.finish()
    const whole = execution.retry({ from: 'end' })
    await whole.finish()
    const retry = whole.retry({ input: [1, 2, 3] })
    await retry.finish()
    expect(retry.called).toEqual(['each[2]/call', 'end'])
    expect(retry.journal.output('each')).toEqual([1, 2, 3])
  })

  test('runs all items again when its body changed, or reads something else from outside', async () => {
    const body = (mark: string) => definition({ call: { config: { mark } } })
    const document = (mark: string) => ({
      ...definition({ each: forEach(body(mark)), end: {} }, 'each > end'),
      variables: { mark: 1 },
    })
    const execution = new TestExecution(document('{{ variables.mark }}'), {}, { input: [1, 2] })
    await execution.finish()
    const changed = execution.retry({ document: document('other') })
    await changed.finish()
    expect(changed.called).toEqual(['each[0]/call', 'each[1]/call'])
    const reads = execution.retry({ variables: { mark: 2 } })
    await reads.finish()
    expect(reads.called).toEqual(['each[0]/call', 'each[1]/call'])
  })

  test('is not taken over when its items are others, although its input is the same', async () => {
    const each = forEach(definition({ call: {} }), { items: '{{ variables.list }}' })
    const document = { ...definition({ each, end: {} }, 'each > end'), variables: { list: [1, 2] } }
    const execution = new TestExecution(document)
    await execution.finish()
    const retry = execution.retry({ variables: { list: [1, 3] } })
    await retry.finish()
    expect(retry.called).toEqual(['each[1]/call', 'end'])
    expect(retry.journal.output('each')).toEqual([1, 3])
  })

  test('runs one item again when the retry is from it', async () => {
    const execution = new TestExecution(LOOP, {}, { input: [1, 2, 3] })
    await execution.finish()
    const retry = execution.retry({ from: 'each[1]/call' })
    await retry.finish()
    expect(retry.called).toEqual(['each[1]/call', 'end'])
    const whole = execution.retry({ from: 'each' })
    await whole.finish()
    expect(whole.called).toEqual(['each[0]/call', 'each[1]/call', 'each[2]/call', 'end'])
  })

  test('takes over thousands of items, in entries of bounded size', async () => {
    const input: Json = Array.from({ length: 510 }, (_, i) => i)
    const document = definition({
      each: forEach(definition({ call: { type: 'test.pure' } }), { concurrency: 50 }),
    })
    const execution = new TestExecution(document, {}, { input })
    await execution.finish()
    const retry = execution.retry({ input: [...input, 'new'] })
    await retry.finish()
    expect(retry.called).toEqual(['each[510]/call'])
    const counts = retry.journal.entries.map(({ items = [] }) => items.length)
    expect(Math.max(...counts)).toBe(500)

    const lost = execution.retry({ input: [...input, 'new'] })
    lost.journal.crashAt = counts.indexOf(500) + 1
    await lost.run().catch(ignoreCrash)
    expect(lost.journal.items.get('each')?.size).toBe(500)
    expect((await lost.finish(lost.recover())).status).toBe('COMPLETED')
    expect(lost.called).toEqual(['each[510]/call'])
  })
})

describe('a call of which nobody knows whether it happened', () => {
  const UNKNOWN = definition(
    { before: {}, pay: { type: 'test.costly', config: { of: '{{ input }}' } } },
    'before > pay',
  )

  /** The worker dies while the call is under way. */
  async function loseCall(execution: TestExecution): Promise<TestExecution> {
    execution.start()
    await execution.quiet()
    expect(await execution.finish(execution.recover())).toMatchObject({
      status: 'FAILED',
      error: { code: 'CALL_OUTCOME_UNKNOWN' },
    })
    return execution
  }

  const lost = () => loseCall(new TestExecution(UNKNOWN, { pay: hangs() }, { input: 7 }))

  test('keeps its key when it is made again, through retries of retries', async () => {
    const execution = await lost()
    const retry = execution.retry({ behaviours: { pay: fails('DECLINED', { retryable: false }) } })
    await retry.finish()
    expect(retry.called).toEqual(['pay'])
    expect(keysOf(retry)).toEqual(['execution/pay'])
    // Its outcome is known now: the next one is a call of its own.
    const last = retry.retry({ behaviours: {} })
    await last.finish()
    expect(keysOf(last)).toEqual(['retry-2/pay'])
  })

  test('keeps its key from wherever the retry begins', async () => {
    const execution = await lost()
    const retry = execution.retry({ behaviours: {}, from: 'START' })
    await retry.finish()
    expect(keysOf(retry)).toEqual(['retry-1/before', 'execution/pay'])
  })

  test('gets a new key when it is another call', async () => {
    const execution = await lost()
    const retry = execution.retry({ behaviours: {}, input: 8 })
    await retry.finish()
    expect(keysOf(retry)).toEqual(['retry-1/before', 'retry-1/pay'])
  })

  test('lost once more in the retry, it still has the first key', async () => {
    const retry = await loseCall((await lost()).retry({ behaviours: { pay: hangs() } }))
    expect(keysOf(retry)).toEqual(['execution/pay'])
    const last = retry.retry({ behaviours: {} })
    await last.finish()
    expect(keysOf(last)).toEqual(['execution/pay'])
  })
})

describe('the outputs of the source execution', () => {
  const WIDE = definition(
    {
      root: { config: { mark: '{{ variables.mark }}' } },
      a: {},
      b: {},
      c: { config: { of: '{{ nodes.root.output }}' } },
      end: {},
    },
    'root > a > end',
    'root > b > end',
    'root > c > end',
  )

  test('are not read by a retry that takes over whatever they were made from', async () => {
    const execution = new TestExecution(
      WIDE,
      { root: returns('same'), end: fails() },
      { variables: { mark: 1 } },
    )
    await execution.finish()
    const retry = execution.retry({ behaviours: { end: returns('done') } })
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED', output: '"done"' })
    expect(retry.called).toEqual(['end'])
    expect(execution.sourceReads).toEqual([])
  })

  test('are not brought into memory for steps that are taken over and whose configs do not read them', async () => {
    const document = definition(
      { a: {}, b: { config: { of: '{{ input }}' } }, c: {}, end: {} },
      'a > b > c > end',
    )
    const execution = new TestExecution(document, { end: fails() }, { input: 1 })
    await execution.finish()
    const retry = execution.retry({ behaviours: { end: ({ input }) => completed(input) } })
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED', output: '1' })
    expect(retry.called).toEqual(['end'])
    expect(retry.journal.outputReads).toEqual([['c']])
  })

  test('are read one at a time by a retry whose first step ran again and returned the same', async () => {
    const execution = new TestExecution(
      WIDE,
      { root: returns('same'), end: fails() },
      { variables: { mark: 1 } },
    )
    await execution.finish()
    const retry = execution.retry({
      behaviours: { root: returns('same'), end: returns('done') },
      variables: { mark: 2 },
    })
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED', output: '"done"' })
    expect(retry.called).toEqual(['root', 'end'])
    expect(execution.sourceReads).toEqual([['root'], ['root'], ['root']])
  })

  test('are not read to take over a loop whose items are made from an output that was taken over', async () => {
    const each = forEach(definition({ call: {} }), { items: '{{ nodes.list.output }}' })
    const document = definition({ list: {}, each, end: {} }, 'list > each > end')
    const execution = new TestExecution(document, { list: returns([1, 2]), end: fails() })
    await execution.finish()
    const retry = execution.retry({ behaviours: { end: returns('done') } })
    expect((await retry.finish()).status).toBe('COMPLETED')
    expect(retry.called).toEqual(['end'])
    expect(execution.sourceReads).toEqual([])
  })

  test('that a loop’s items were made from are compared when the step before it ran again', async () => {
    const each = forEach(definition({ call: {} }), { items: '{{ nodes.list.output }}' })
    const document = definition(
      { list: { config: { mark: '{{ variables.mark }}' } }, each, end: {} },
      'list > each > end',
    )
    const execution = new TestExecution(document, { list: returns([1, 2]) }, { variables: { mark: 1 } })
    await execution.finish()
    const retry = execution.retry({ behaviours: { list: returns([1, 3]) }, variables: { mark: 2 } })
    expect((await retry.finish()).status).toBe('COMPLETED')
    expect(retry.called).toEqual(['list', 'each[1]/call', 'end'])
    expect(new Set(execution.sourceReads.flat())).toEqual(new Set(['list', 'each']))
  })

  test('fail a loop with a code, and repeat none of its items, when its old items do not fit into memory', async () => {
    const lists = Array.from({ length: 10 }, (_, index) => `list${index}`)
    const each = forEach(definition({ call: {} }), {
      items: `{{ ${lists.map((id) => `nodes.${id}.output.size() > 0`).join(' && ')} ? [1, 2] : [] }}`,
    })
    const document = definition(
      {
        mark: { config: { mark: '{{ variables.mark }}' } },
        ...Object.fromEntries(lists.map((id) => [id, { config: { mark: '{{ nodes.mark.output }}' } }])),
        each,
      },
      ...lists.map((id) => `mark > ${id} > each`),
    )
    const behaviours = Object.fromEntries(lists.map((id) => [id, returns('x'.repeat(1024 * 1024))]))
    const execution = new TestExecution(
      document,
      { ...behaviours, mark: returns(1) },
      { variables: { mark: 1 } },
    )
    expect((await execution.finish()).status).toBe('COMPLETED')
    const retry = execution.retry({
      behaviours: {
        ...behaviours,
        ...Object.fromEntries(lists.map((id) => [id, returns('y')])),
        mark: returns(2),
      },
      variables: { mark: 2 },
    })
    Object.assign(retry.options, {
      world: { memory: new ProcessMemory(96 * 1024 * 1024).open('owner') },
    })
    expect(await retry.finish()).toMatchObject({
      status: 'FAILED',
      error: { code: MEMORY_BUDGET_EXCEEDED, message: expect.stringContaining('Retry from the loop') },
    })
    expect(retry.called.filter((path) => path.startsWith('each'))).toEqual([])
  })
})

describe('a worker that is lost in the middle of a retry', () => {
  test('is replaced by one that takes over the same, at whatever entry it was lost', async () => {
    const original = await brokenChain()
    const whole = original.retry({ behaviours: WORKS })
    await whole.finish()
    for (let crashAt = 0; crashAt < whole.journal.entries.length; crashAt++) {
      const retry = original.retry({ behaviours: WORKS })
      retry.journal.crashAt = crashAt
      await retry.run().catch(ignoreCrash)
      const end = retry.journal.job.end ?? (await retry.finish(retry.recover()))
      expect(end).toMatchObject({ status: 'COMPLETED', output: '"sent"' })
      expect(new Set(retry.called)).toEqual(new Set(['send']))
      expect(reusedOf(retry)).toEqual({ find: 'execution', enrich: 'execution', send: null })
      expect(retry.journal.eventsOf('STEP_COMPLETED')).toHaveLength(3)
    }
  })
})

function keysOf({ calls }: TestExecution): string[] {
  return calls.map(({ context }) => context.idempotencyKey)
}

const ignoreCrash = (thrown: unknown): null => {
  if (thrown instanceof Crash) return null
  throw thrown
}

function withConfig(nodes: Json | undefined, id: string, config: Json): Json {
  const list = nodes as readonly { readonly [field: string]: Json }[]
  return list.map((node) => (node.id === id ? { ...node, config } : node))
}
