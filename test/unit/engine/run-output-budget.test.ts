import { describe, expect, test } from '@jest/globals'
import { MEMORY_BUDGET_EXCEEDED } from '../../../src/engine/memory/held-outputs.ts'
import { MEMORY_WAIT_MS } from '../../../src/engine/memory/memory-budget.ts'
import { ProcessMemory } from '../../../src/engine/memory/process-memory.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import {
  definition,
  fails,
  forEach,
  Gate,
  held,
  returns,
  TestExecution,
  waits,
  type Behaviour,
  type ExecutionOptions,
} from '../../support/run-definition.ts'

const MIB = 1024 * 1024
/** An owner may hold 8 MiB of it, and so may an execution. */
const HEAP_BYTES = 64 * MIB
/** Takes a little more than 1 MiB. */
const BIG = 'x'.repeat(MIB)

/** A process whose memory executions share, as the `world` of one of its runs. */
function inProcess(memory = new ProcessMemory(HEAP_BYTES), owner = 'owner'): Pick<ExecutionOptions, 'world'> {
  return {
    world: {
      get memory() {
        return memory.open(owner)
      },
    },
  }
}

const ids = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}${index}`)
const scripts = (names: readonly string[], behaviour: Behaviour): Record<string, Behaviour> =>
  Object.fromEntries(names.map((name) => [name, behaviour]))

/** Nodes in a row, given by id. */
function inARow(nodes: Parameters<typeof definition>[0], output: Json = 'done'): JsonObject {
  return { ...definition(nodes, Object.keys(nodes).join(' > ')), output }
}

const CALLS = ids('call', 40)
const calls = Object.fromEntries(CALLS.map((id) => [id, {}]))
/** One step for each call that reads what that gave. */
const readers = Object.fromEntries(
  CALLS.map((id) => [
    `read-${id}`,
    { type: 'core.transform', config: { value: `{{ size(nodes.${id}.output) }}` } },
  ]),
)
const TOGETHER = inARow({
  ...calls,
  all: { type: 'core.transform', config: { value: CALLS.map((id) => `{{ size(nodes.${id}.output) }}`) } },
})

describe('the memory of one execution', () => {
  test('an execution may make more outputs than it may hold: what nothing reads any more is forgotten', async () => {
    const execution = new TestExecution(inARow(calls), scripts(CALLS, returns(BIG)), inProcess())
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.journal.outputReads).toEqual([])
  })

  test('outputs beyond the budget are read back from the record when a step needs them', async () => {
    const output = Object.fromEntries(Object.keys(readers).map((id) => [id, `{{ nodes["${id}"].output }}`]))
    const document = inARow({ ...calls, ...readers }, output)
    const execution = new TestExecution(document, scripts(CALLS, returns(BIG)), inProcess())
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'COMPLETED' })
    expect(JSON.parse((end as { output: string }).output)).toEqual(
      Object.fromEntries(Object.keys(readers).map((id) => [id, MIB])),
    )
    expect(execution.journal.outputReads.flat()).toContain('call0')
    expect(execution.called).toEqual(CALLS)
  })

  test('a step that reads more than the execution may hold fails with a code that says how to mend it', async () => {
    const execution = new TestExecution(TOGETHER, scripts(CALLS, returns(BIG)), inProcess())
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'FAILED', error: { code: MEMORY_BUDGET_EXCEEDED, path: 'all' } })
    expect(end.status === 'FAILED' && end.error.message).toContain('read fewer outputs in one step')
    expect(execution.journal.steps.get('all')?.attempts).toHaveLength(1)
  })

  test('an output of an execution that is made of more than it may hold fails the execution', async () => {
    const output = Object.fromEntries(CALLS.map((id) => [id, `{{ size(nodes.${id}.output) }}`]))
    const execution = new TestExecution(inARow(calls, output), scripts(CALLS, returns(BIG)), inProcess())
    expect(await execution.finish()).toMatchObject({ error: { code: MEMORY_BUDGET_EXCEEDED } })
  })

  test('a worker that takes an execution up reads only the outputs that its steps need', async () => {
    const document = inARow({
      ...calls,
      nap: {},
      last: { type: 'core.transform', config: { value: '{{ size(nodes.call3.output) }}' } },
    })
    const behaviours = { ...scripts(CALLS, returns(BIG)), nap: waits(3_600_000) }
    const execution = new TestExecution(document, behaviours, inProcess())
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(new Set(execution.journal.outputReads.flat())).toEqual(new Set(['call39', 'call3', 'nap']))
    expect(execution.journal.output('last')).toBe(MIB)
  })

  test('a retry that reuses many large outputs holds no more of them at a time', async () => {
    const document = inARow({ ...calls, last: {} })
    const failing = { ...scripts(CALLS, returns(BIG)), last: fails('X', { retryable: false }) }
    const original = new TestExecution(document, failing, inProcess())
    await original.finish()
    const retry = original.retry({ behaviours: { last: returns(1) } })
    expect(await retry.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(retry.called).toEqual(['last'])
  })

  test('an output that holds more values than the heap bears is refused, however short its text is', async () => {
    const lists = Array.from({ length: 700_000 }, () => [])
    const execution = new TestExecution(definition({ a: {} }), { a: returns(lists) })
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_TOO_LARGE', path: 'a' } })
    expect(end.status === 'FAILED' && end.error.message).toContain('bytes in memory')
  })

  test('an output that names one text many times is refused before that text is written', async () => {
    const text = 'x'.repeat(MIB)
    const execution = new TestExecution(definition({ a: {} }), { a: returns(Array(100_000).fill(text)) })
    expect(await execution.finish()).toMatchObject({ error: { code: 'OUTPUT_TOO_LARGE' } })
  })
})

describe('the memory of loops', () => {
  const items = ids('item', 20)
  const PURE = { type: 'test.pure' }

  test('an item’s outputs are held until it ends', async () => {
    const body = { ...definition({ find: PURE, read: PURE }, 'find > read'), output: null }
    const document = definition({ loop: forEach(body, { concurrency: 2, output: 'none' }) })
    const behaviours = { find: returns(BIG), read: returns(BIG) }
    const execution = new TestExecution(document, behaviours, { input: items, ...inProcess() })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '20' })
  })

  test('open items whose outputs cannot be read back wait for memory, and fail with a code when none comes', async () => {
    const body = {
      ...definition({ find: PURE, nap: {}, read: {} }, 'find > nap > read', 'find > read'),
      output: null,
    }
    const loop = forEach(body, { concurrency: 20, output: 'none', onItemError: 'skip' })
    const behaviours = { find: returns(BIG), nap: waits(MEMORY_WAIT_MS * 10) }
    const document = { ...definition({ loop, busy: {} }), output: 'done' }
    const gate = new Gate()
    const execution = new TestExecution(
      document,
      { ...behaviours, busy: held(gate) },
      { input: items, ...inProcess() },
    )
    const run = execution.start()
    await execution.quiet()
    await execution.clock.advance(MEMORY_WAIT_MS)
    await execution.quiet()
    const failed = [...(execution.journal.items.get('loop')?.values() ?? [])]
    expect(failed.length).toBeGreaterThan(10)
    expect(failed.map(({ error }) => error?.code)).toEqual(failed.map(() => MEMORY_BUDGET_EXCEEDED))
    gate.open()
    expect(await execution.finish(run)).toMatchObject({ status: 'COMPLETED' })
  })

  test('a loop whose items’ outputs are too much together fails before they are read', async () => {
    const loop = forEach(definition({ find: {} }))
    const execution = new TestExecution(definition({ loop }), { find: returns(BIG) }, { input: items })
    expect(await execution.finish()).toMatchObject({ error: { code: 'OUTPUT_TOO_LARGE', path: 'loop' } })
    expect(execution.journal.loopReads).toBe(0)
  })
})

describe('the memory that executions share', () => {
  const document = inARow({
    ...Object.fromEntries(ids('call', 6).map((id) => [id, {}])),
    all: {
      type: 'test.call',
      config: { read: ids('call', 6).map((id) => `{{ size(nodes.${id}.output) }}`) },
    },
  })
  const behaviours = (gate: Gate) => ({
    ...scripts(ids('call', 6), returns(BIG)),
    all: held(gate, returns(1)),
  })

  test('a step waits while other executions of its owner use the memory, and continues when they have ended', async () => {
    const memory = new ProcessMemory(HEAP_BYTES)
    const gate = new Gate()
    const first = new TestExecution(document, behaviours(gate), inProcess(memory))
    const second = new TestExecution(document, behaviours(gate), inProcess(memory))
    const [one, two] = [first.start(), second.start()]
    await first.quiet()
    await second.quiet()
    expect([...first.called, ...second.called].filter((path) => path === 'all')).toHaveLength(1)
    gate.open()
    await Promise.all([one.end, two.end])
    expect(second.journal.job.end).toMatchObject({ status: 'COMPLETED' })
    expect(first.journal.job.end).toMatchObject({ status: 'COMPLETED' })
  })

  test('a step that waits in vain fails with an error that may be tried again', async () => {
    const memory = new ProcessMemory(HEAP_BYTES)
    const gate = new Gate()
    const first = new TestExecution(document, behaviours(gate), inProcess(memory))
    first.start()
    await first.quiet()
    const second = new TestExecution(document, behaviours(gate), inProcess(memory))
    const run = second.start()
    await second.quiet()
    await second.clock.advance(MEMORY_WAIT_MS)
    await run.end
    expect(second.journal.job.end).toMatchObject({
      error: { code: MEMORY_BUDGET_EXCEEDED, message: expect.stringContaining('Try again later') },
    })
    gate.open()
  })

  test('an owner whose executions use all of its memory keeps no other owner waiting', async () => {
    const memory = new ProcessMemory(HEAP_BYTES)
    const gate = new Gate()
    const owners = ['greedy', 'greedy', 'modest']
    const executions = owners.map(
      (owner) => new TestExecution(document, behaviours(gate), inProcess(memory, owner)),
    )
    const runs = []
    for (const execution of executions) {
      runs.push(execution.start())
      await execution.quiet()
    }
    expect(executions.map(({ called }) => called.includes('all'))).toEqual([true, false, true])
    gate.open()
    await Promise.all(runs.map(({ end }) => end))
  })
})
