import { createHash } from 'node:crypto'
import { describe, expect, jest, test } from '@jest/globals'
import { CORE_BLOCKS } from '../../../src/blocks/core/core-blocks.ts'
import { CONFIG_MAX_BYTES } from '../../../src/engine/block/config-limits.ts'
import { MEMORY_BUDGET_EXCEEDED } from '../../../src/engine/memory/held-outputs.ts'
import { MEMORY_WAIT_MS } from '../../../src/engine/memory/memory-budget.ts'
import { ProcessMemory } from '../../../src/engine/memory/process-memory.ts'
import {
  RECORDED_CONFIG_MAX_LENGTH,
  recordedConfigPieces,
} from '../../../src/engine/run/step/state/recorded-config.ts'
import { Scrubber } from '../../../src/engine/scrub/scrub.ts'
import { simulate } from '../../../src/engine/simulate/simulate.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { inOneGo } from '../../../src/lib/turns/pieces.ts'
import { fc } from '../../support/fast-check.ts'
import {
  definition,
  forEach,
  Gate,
  held,
  returns,
  scriptedBlocks,
  soundPlan,
  TestExecution,
  waits,
  type ExecutionOptions,
} from '../../support/run-definition.ts'

const MIB = 1024 * 1024
/** Configs may take 4 MiB of it per owner and per execution. */
const HEAP_BYTES = 64 * MIB
const BIG = 'x'.repeat(MIB)

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
const nodes = (names: readonly string[], config: Json) =>
  Object.fromEntries(names.map((name) => [name, { config }]))

describe('a config that is larger than it may be', () => {
  const thousandTimes = definition({ a: { config: { list: Array<string>(1_000).fill('a{{ input }}') } } })

  test('fails its step with CONFIG_TOO_LARGE at the template that exceeds the limit, before the others are evaluated', async () => {
    const execution = new TestExecution(thousandTimes, {}, { input: BIG })
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'FAILED', error: { code: 'CONFIG_TOO_LARGE', path: 'a' } })
    const message = end.status === 'FAILED' ? end.error.message : ''
    expect(message).toContain('"/list/4"')
    expect(message).toContain(`${CONFIG_MAX_BYTES} bytes`)
    expect(message).toContain('divide the work among several steps')
    expect(execution.called).toEqual([])
  })

  test('fails its step in a simulation as in the run', async () => {
    const plan = soundPlan(thousandTimes, scriptedBlocks({}))
    const simulation = await simulate(
      { plan, input: BIG, executionId: 'simulation', startedAt: 0 },
      systemClock,
    )
    expect(simulation).toMatchObject({ status: 'FAILED', error: { code: 'CONFIG_TOO_LARGE' } })
  })

  test.each([
    ['values that one template names many times', { all: Array<string>(10).fill('{{ input.lists }}') }],
    ['a constant beside a template', { constant: BIG, list: Array<string>(4).fill('{{ input.text }}') }],
  ])('is refused for %s', async (_what, config) => {
    const input = { lists: Array.from({ length: 200_000 }, () => []), text: BIG }
    const execution = new TestExecution(definition({ a: { config } }), {}, { input })
    expect(await execution.finish()).toMatchObject({ error: { code: 'CONFIG_TOO_LARGE' } })
  })

  test('is refused where it names one secret many times', async () => {
    const config = { list: Array<string>(1_000).fill('{{ secrets.token }}') }
    const secrets = { open: () => Promise.resolve(new Map([['token', 's'.repeat(10_000)]])) }
    const execution = new TestExecution(definition({ a: { config } }), {}, { world: { secrets } })
    expect(await execution.finish()).toMatchObject({ error: { code: 'CONFIG_TOO_LARGE' } })
  })

  test('takes an output of any size that an output may have', async () => {
    const document = definition(
      { a: {}, b: { type: 'core.transform', config: { value: '{{ nodes.a.output }}' } } },
      'a > b',
    )
    const largest = 'y'.repeat(4 * MIB - 2)
    const execution = new TestExecution(document, { a: returns(largest) })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: JSON.stringify(largest) })
  })

  test('fails an output of a graph that is rendered to far more than an output may be', async () => {
    const document = { ...definition({ a: {} }), output: Array<string>(1_000).fill('a{{ input }}') }
    const end = await new TestExecution(document, {}, { input: BIG }).finish()
    expect(end).toMatchObject({
      error: { code: 'OUTPUT_TOO_LARGE', message: expect.stringContaining('"/15"') },
    })
  })
})

describe('the memory of configs', () => {
  const calls = ids('call', 10)
  const document = { ...definition(nodes(calls, { text: '{{ input }}' })), output: 'done' }

  test('attempts whose configs do not fit into memory together run one after the other', async () => {
    const gate = new Gate()
    const behaviours = Object.fromEntries(calls.map((id) => [id, held(gate, returns(1))]))
    const execution = new TestExecution(document, behaviours, { input: BIG, ...inProcess() })
    const run = execution.start()
    await execution.quiet()
    expect(execution.called).toHaveLength(3)
    gate.open()
    expect(await execution.finish(run)).toMatchObject({ status: 'COMPLETED' })
    expect(execution.called).toHaveLength(10)
  })

  test('steps that wait hold no memory for their configs, however many they are', async () => {
    const memory = new ProcessMemory(HEAP_BYTES)
    const waiting = Object.fromEntries(calls.map((id) => [id, waits(3_600_000)]))
    const gate = new Gate()
    const busy = { ...definition({ ...nodes(calls, { text: '{{ input }}' }), busy: {} }), output: 'done' }
    const execution = new TestExecution(
      busy,
      { ...waiting, busy: held(gate) },
      { input: BIG, ...inProcess(memory) },
    )
    const run = execution.start()
    await execution.quiet()
    const statuses = execution.journal.statuses()
    expect(calls.map((id) => statuses[id])).toEqual(calls.map(() => 'WAITING'))
    expect(memory.open('owner').configs.tryTake(4 * MIB)).toBe(true)
    gate.open()
    expect(await execution.finish(run)).toMatchObject({ status: 'COMPLETED' })
  })

  test('steps that wait are taken up one after the other where their configs do not fit into memory together', async () => {
    const waiting = Object.fromEntries(calls.map((id) => [id, waits(3_600_000)]))
    const execution = new TestExecution(document, waiting, { input: BIG, ...inProcess() })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    const recorded = calls.map((id) => execution.journal.values.get(id)?.config)
    expect(recorded).toEqual(calls.map(() => expect.stringContaining('"truncated":true')))
  })

  test('a config that takes more memory than an execution may use fails its step with a code that says how to mend it', async () => {
    const texts = definition({ a: { config: { texts: Array<string>(3).fill('{{ input }}ж') } } })
    const execution = new TestExecution(texts, {}, { input: BIG, ...inProcess() })
    const end = await execution.finish()
    expect(end).toMatchObject({ error: { code: MEMORY_BUDGET_EXCEEDED, path: 'a' } })
    expect(end.status === 'FAILED' && end.error.message).toContain('Let the templates yield less')
  })

  test('a step that waits in vain for memory for its config fails with an error that may be tried again', async () => {
    const memory = new ProcessMemory(HEAP_BYTES)
    memory.open('owner').configs.count(4 * MIB)
    const execution = new TestExecution(
      definition(nodes(['a'], { text: '{{ input }}' })),
      {},
      {
        input: BIG,
        ...inProcess(memory),
      },
    )
    const run = execution.start()
    await execution.quiet()
    await execution.clock.advance(MEMORY_WAIT_MS)
    expect(await run.end).toBeDefined()
    expect(execution.journal.job.end).toMatchObject({
      error: { code: MEMORY_BUDGET_EXCEEDED, message: expect.stringContaining('Try again later') },
    })
    expect(execution.called).toEqual([])
  })

  test('a loop counts its items as long as it runs, and gives their memory back', async () => {
    const memory = new ProcessMemory(HEAP_BYTES)
    const gate = new Gate()
    const loop = forEach(definition({ a: {} }), {
      items: '{{ [input, input, input, input] }}',
      output: 'none',
    })
    const execution = new TestExecution(
      definition({ loop }),
      { a: held(gate, returns(1)) },
      {
        input: BIG,
        ...inProcess(memory),
      },
    )
    const run = execution.start()
    await execution.quiet()
    // The input takes 1 MiB, the items 4 MiB.
    expect(memory.open('owner').held.tryTake(4 * MIB)).toBe(false)
    gate.open()
    expect(await execution.finish(run)).toMatchObject({ status: 'COMPLETED' })
    expect(memory.open('owner').held.tryTake(8 * MIB)).toBe(true)
  })
})

describe('a step that waits', () => {
  const text = 'z'.repeat(10_000)
  const document = definition({ a: { config: { text } } })

  test('records its long config in full at its end, although it does not keep the text', async () => {
    const execution = new TestExecution(document, { a: waits(3_600_000) })
    await execution.finish()
    expect(execution.journal.values.get('a')?.config).toBe(JSON.stringify({ text }))
  })

  test('records the length and the digest of a long config when it is canceled', async () => {
    const execution = new TestExecution(document, { a: waits(600) })
    const run = execution.start()
    await execution.quiet()
    run.cancel()
    await execution.finish(run)
    expect(JSON.parse(execution.journal.values.get('a')?.config ?? '')).toMatchObject({
      truncated: true,
      length: text.length + '{"text":""}'.length,
    })
  })

  test('keeps no large output that it will end with, and reads it back at its end', async () => {
    const execution = new TestExecution(definition({ a: {} }), { a: waits(600, BIG) })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: JSON.stringify(BIG) })
    expect(execution.journal.outputReads).toEqual([['a']])
  })
})

describe('what is recorded of a config', () => {
  /** As it was recorded when the whole text was made first. */
  function reference(config: Json): string {
    const text = JSON.stringify(config)
    if (text.length <= RECORDED_CONFIG_MAX_LENGTH) return text
    const sha256 = createHash('sha256').update(text).digest('hex')
    return JSON.stringify({ truncated: true, length: text.length, sha256 })
  }

  test('is its text, or the length and the digest of a text that is too long', () => {
    const long = fc.array(fc.string({ unit: 'grapheme', minLength: 200 }), { minLength: 150, maxLength: 400 })
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ long, rest: fc.jsonValue() })), (config) => {
        const recorded = inOneGo(recordedConfigPieces(config as Json, new Scrubber()))
        expect(recorded).toBe(reference(config as Json))
      }),
      { numRuns: 50 },
    )
  })

  test('is made without the whole text of a config that is longer', () => {
    const config = Array.from({ length: 100_000 }, (_, index) => `text ${index}`)
    const stringify = jest.spyOn(JSON, 'stringify')
    try {
      inOneGo(recordedConfigPieces(config, new Scrubber()))
      const lengths = stringify.mock.results.map(({ value }) => String(value).length)
      expect(Math.max(...lengths)).toBeLessThan(RECORDED_CONFIG_MAX_LENGTH)
    } finally {
      stringify.mockRestore()
    }
  })
})

describe('large configs of one owner', () => {
  /** More than 100,000 values, in which nothing is shared. */
  const input = { rows: Array.from({ length: 40_000 }, (_, index) => [index, String(index)]) }
  const large = (count: number) => ({
    ...definition(nodes(ids('large', count), { rows: '{{ input.rows }}' })),
    output: 'done',
  })

  test('are made in several turns of the event loop, so that a small step of another owner is called first', async () => {
    const memory = new ProcessMemory(1024 * MIB)
    const order: string[] = []
    const noting = (name: string) => () => void order.push(name)
    const greedy = new TestExecution(
      large(3),
      Object.fromEntries(ids('large', 3).map((id) => [id, noting(id)])),
      {
        input,
        ...inProcess(memory, 'greedy'),
      },
    )
    const modest = new TestExecution(
      definition({ small: {} }),
      { small: noting('small') },
      inProcess(memory, 'modest'),
    )
    const runs = [greedy.start(), modest.start()]
    await Promise.all(runs.map(({ end }) => end))
    expect(order).toEqual(['small', ...ids('large', 3)])
  })

  test('are made in turns with those of other owners', async () => {
    const memory = new ProcessMemory(1024 * MIB)
    const order: string[] = []
    const names = ids('large', 6)
    const executions = ['greedy', 'modest'].map((owner) => {
      const own = owner === 'greedy' ? names : names.slice(0, 1)
      const behaviours = Object.fromEntries(own.map((id) => [id, () => void order.push(owner)]))
      return new TestExecution(large(own.length), behaviours, { input, ...inProcess(memory, owner) })
    })
    await Promise.all(executions.map((execution) => execution.start().end))
    expect(order.indexOf('modest')).toBeLessThan(3)
    expect(order).toHaveLength(7)
  })

  test('are parsed without a look at each value in them', async () => {
    const transform = CORE_BLOCKS.find(({ type }) => type === 'core.transform')
    const value = Object.freeze([1, { a: [] }])
    const parsed = transform?.config.safeParse({ value }).data as { readonly value: Json } | undefined
    expect(parsed?.value).toBe(value)
    expect(transform?.config.safeParse({}).success).toBe(false)
  })
})
