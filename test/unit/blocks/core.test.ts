import { describe, expect, test } from '@jest/globals'
import { CORE_BLOCKS } from '../../../src/blocks/core/core-blocks.ts'
import { delayBlock } from '../../../src/blocks/core/delay.ts'
import { filterBlock } from '../../../src/blocks/core/filter.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { runBlock } from '../../support/block-context.ts'
import { inShortestPieces } from '../../support/hold-turn.ts'
import { definition, ManualClock, TestExecution } from '../../support/run-definition.ts'

/** Runs one block as a whole workflow; gives its output, or the code of its error. */
async function run(type: string, config: JsonObject, input: Json = null): Promise<unknown> {
  const end = await new TestExecution(definition({ a: { type, config } }), {}, { input }).finish()
  if (end.status === 'COMPLETED') return JSON.parse(end.output)
  return end.status === 'FAILED' ? end.error.code : end.status
}

describe.each(CORE_BLOCKS.map((block) => [block.type, block] as const))('%s', (_type, block) => {
  test('shows a sample that fits its own output', () => {
    expect(block.output.safeParse(block.sample).success).toBe(true)
  })

  test('has a name and a description', () => {
    expect(block.name).toMatch(/^[A-Z]/)
    expect(block.description).toMatch(/^[A-Z].*\.$/)
  })
})

describe('core.filter', () => {
  const items = [{ score: 10 }, { score: 90 }, { score: 50 }]

  test('parts a list in two by a condition, in order', async () => {
    expect(await run('core.filter', { items: '{{ input }}', condition: 'item.score >= 50' }, items)).toEqual({
      items: [{ score: 90 }, { score: 50 }],
      rejected: [{ score: 10 }],
    })
  })

  test('its condition sees `index` and everything else in scope', async () => {
    const config = { items: '{{ input.list }}', condition: 'index < input.first' }
    expect(await run('core.filter', config, { list: ['a', 'b', 'c'], first: 2 })).toEqual({
      items: ['a', 'b'],
      rejected: ['c'],
    })
  })

  test('an empty list is parted into two', async () => {
    expect(await run('core.filter', { items: [], condition: 'true' })).toEqual({ items: [], rejected: [] })
  })

  test.each<[what: string, condition: string, code: string]>([
    ['that is no boolean', 'item.score', 'CONDITION_NOT_BOOLEAN'],
    ['that reads what is not there', 'item.missing > 1', 'EXPRESSION_MISSING'],
  ])('a condition %s fails the step', async (_what, condition, code) => {
    expect(await run('core.filter', { items, condition })).toBe(code)
  })

  test('conditions that visit too many elements together fail the step, although each of them may run', async () => {
    // One search counts as about 880,000 visits.
    const input = { text: 'a'.repeat(60_000), part: 'b'.repeat(60_000) }
    const condition = '!contains(input.text, input.part)'
    const few = Array.from({ length: 20 }, (_, i) => i)
    expect(await run('core.filter', { items: few, condition }, input)).toEqual({ items: few, rejected: [] })
    expect(await run('core.filter', { items: [...few, ...few], condition }, input)).toBe(
      'EXPRESSION_TOO_COSTLY',
    )
  })

  test('what is not a list fails the step', async () => {
    expect(await run('core.filter', { items: '{{ input }}', condition: 'true' }, { not: 'a list' })).toBe(
      'CONFIG_INVALID',
    )
  })

  test('a long list does not keep the thread, and a cancel stops it in the middle', async () => {
    const controller = new AbortController()
    setImmediate(() => controller.abort(new Error('enough')))
    let asked = 0
    const filtered = inShortestPieces(() =>
      runBlock(filterBlock, {
        config: { items: Array.from({ length: 1_000 }, (_, i) => i), condition: 'true' },
        signal: controller.signal,
        evaluate: () => Boolean(++asked),
      }),
    )
    await expect(filtered).rejects.toThrow('enough')
    expect(asked).toBeLessThan(100)
  })
})

describe('core.branch', () => {
  async function handlesOf(config: JsonObject, input: Json): Promise<readonly string[] | undefined> {
    const execution = new TestExecution(definition({ a: { type: 'core.branch', config } }), {}, { input })
    await execution.finish()
    expect(execution.journal.output('a') ?? null).toEqual(input)
    return execution.journal.steps.get('a')?.handles
  }

  test('with one condition leaves by "true" or "false", and passes its input on', async () => {
    expect(await handlesOf({ condition: 'input.score > 5' }, { score: 7 })).toEqual(['true'])
    expect(await handlesOf({ condition: 'input.score > 5' }, { score: 3 })).toEqual(['false'])
  })

  const cases = [
    { handle: 'hot', when: 'input.score > 80' },
    { handle: 'warm', when: 'input.score > 40' },
  ]

  test('with cases leaves by the first that holds', async () => {
    expect(await handlesOf({ cases, default: 'cold' }, { score: 90 })).toEqual(['hot'])
    expect(await handlesOf({ cases, default: 'cold' }, { score: 50 })).toEqual(['warm'])
    expect(await handlesOf({ cases, default: 'cold' }, { score: 1 })).toEqual(['cold'])
  })

  test('without a default and a case that holds, nothing after it runs', async () => {
    const document = definition(
      { a: { type: 'core.branch', config: { cases } }, b: {}, c: {} },
      'a:hot > b',
      'a:warm > c',
    )
    const execution = new TestExecution(document, {}, { input: { score: 1 } })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '{}' })
    expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', b: 'SKIPPED', c: 'SKIPPED' })
  })

  test('a case behind the one that holds is not asked', async () => {
    const asked = [...cases, { handle: 'odd', when: 'input.missing.deep' }]
    expect(await handlesOf({ cases: asked }, { score: 90 })).toEqual(['hot'])
  })

  test('a condition that is no boolean fails the step', async () => {
    expect(await run('core.branch', { condition: 'input.score' }, { score: 1 })).toBe('CONDITION_NOT_BOOLEAN')
  })
})

describe('core.transform', () => {
  test('gives the value with its templates filled in, of the types they have', async () => {
    const value = {
      name: 'Dear {{ input.name }}',
      score: '{{ input.score }}',
      list: ['{{ input.tags[0] }}', 1, null],
      literal: '{{ "{{" }}',
    }
    expect(await run('core.transform', { value }, { name: 'Ada', score: 7, tags: [{ x: 1 }] })).toEqual({
      name: 'Dear Ada',
      score: 7,
      list: [{ x: 1 }, 1, null],
      literal: '{{',
    })
  })

  test.each<[value: Json]>([[null], [false], [0], [''], [[]], ['{{ input }}']])(
    'may give %p',
    async (value) => {
      expect(await run('core.transform', { value }, null)).toEqual(value === '{{ input }}' ? null : value)
    },
  )

  test('all templates of one config together may cost no more than one', async () => {
    const costly = '{{ input.list.map(x, input.list.exists(y, y == -1)).size() }}'
    const list = Array.from({ length: 700 }, (_, i) => i)
    expect(await run('core.transform', { value: [costly] }, { list })).toEqual([700])
    expect(await run('core.transform', { value: [costly, costly, costly] }, { list })).toBe(
      'EXPRESSION_TOO_COSTLY',
    )
  })
})

describe('core.delay', () => {
  const now = Date.parse('2027-01-01T00:00:00Z')
  const until = async (config: JsonObject): Promise<number | string> => {
    try {
      const outcome = await runBlock(delayBlock, { config, input: 'kept', clock: new ManualClock(now) })
      return 'until' in outcome ? outcome.until - now : outcome.kind
    } catch (thrown) {
      return (thrown as { code: string }).code
    }
  }

  test.each<[config: JsonObject, ms: number]>([
    [{ duration: 1_500 }, 1_500],
    [{ duration: '90s' }, 90_000],
    [{ duration: 'PT15M' }, 900_000],
    [{ duration: 0 }, 0],
    [{ duration: '366d' }, 366 * 86_400_000],
    [{ until: '2027-01-01T01:00:00Z' }, 3_600_000],
    [{ until: '2027-01-01T01:00Z' }, 3_600_000],
    [{ until: '2027-01-01T02:00:00+01:00' }, 3_600_000],
    [{ until: '2027-01-02' }, 86_400_000],
    [{ until: '2026-12-31T00:00:00Z' }, -86_400_000],
  ])('%j waits for %i ms', async (config, ms) => {
    expect(await until(config)).toBe(ms)
  })

  test.each<[config: JsonObject]>([
    [{ duration: 'soon' }],
    [{ duration: '367d' }],
    [{ duration: 1e300 }],
    [{ until: 'tomorrow' }],
    [{ until: '2027-01-01T01:00:00' }], // whose one o'clock?
    [{ until: 'January 1, 2027' }],
    [{ until: '2027-13-01T00:00:00Z' }],
    [{ until: '2029-01-01T00:00:00Z' }],
  ])('%j is DELAY_INVALID', async (config) => {
    expect(await until(config)).toBe('DELAY_INVALID')
  })

  test('passes its input on', async () => {
    expect(await run('core.delay', { duration: 5 }, { x: 1 })).toEqual({ x: 1 })
  })

  test('may take its length from a template', async () => {
    expect(await run('core.delay', { duration: '{{ input.ms }}' }, { ms: 20 })).toEqual({ ms: 20 })
  })

  test('needs exactly one of `duration` and `until`', () => {
    for (const config of [{}, { duration: 5, until: '2027-01-01' }, { duration: -1 }, { duration: true }]) {
      expect(delayBlock.config.safeParse(config).success).toBe(false)
    }
  })
})

describe('core.forEach', () => {
  const block = CORE_BLOCKS.find(({ type }) => type === 'core.forEach')
  const body = { nodes: [] }

  test('five items at a time unless it is told otherwise', () => {
    expect(block?.config.parse({ items: [], body })).toMatchObject({ concurrency: 5, onItemError: 'fail' })
  })

  test.each<[config: JsonObject]>([
    [{ body }],
    [{ items: 'x', body }],
    [{ items: [], body, concurrency: 0 }],
    [{ items: [], body, concurrency: 101 }],
    [{ items: [], body, onItemError: 'retry' }],
    [{ items: [], body, output: 'all' }],
    [{ items: [], body, itemz: [] }],
    [{ items: [] }],
  ])('refuses %j', (config) => {
    expect(block?.config.safeParse(config).success).toBe(false)
  })
})
