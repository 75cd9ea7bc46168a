import { describe, expect, test } from '@jest/globals'
import { definition, fails, returns, TestExecution } from '../../support/run-definition.ts'

class Lead {
  readonly name = 'Ada'
}

const cycle: unknown[] = []
cycle.push({ back: cycle })

const deep = Array.from({ length: 600 }).reduce<unknown>((inner) => ({ inner }), 1)

describe('E8: an output that is not plain JSON is a clear step error', () => {
  test.each<[what: string, output: unknown, reason: string]>([
    ['undefined', undefined, 'is undefined'],
    ['undefined in a list', { list: [1, undefined] }, 'at "/list/1" is undefined'],
    ['a BigInt', { id: 10n }, 'at "/id" is a BigInt'],
    ['NaN', { score: Number.NaN }, 'at "/score" is NaN'],
    ['an infinity', [Number.NEGATIVE_INFINITY], 'at "/0" is -Infinity'],
    ['a NUL character', { 'a/b': 'x\u0000' }, 'at "/a~1b" holds a NUL character'],
    ['a NUL character in a key', { 'x\u0000': 1 }, 'holds a NUL character'],
    ['half of a surrogate pair', ['\ud800'], 'at "/0" holds half of a surrogate pair'],
    ['a cycle', cycle, 'contains itself'],
    ['a class instance', { lead: new Lead() }, 'at "/lead" is a Lead instance'],
    ['a Map', new Map(), 'is a Map instance'],
    ['a function', { run: () => 1 }, 'at "/run" is a function'],
    ['a symbol', Symbol('x'), 'is a symbol'],
    ['nesting without end', deep, 'nested deeper'],
    [
      'a getter that throws',
      {
        get x(): number {
          throw new Error('no')
        },
      },
      'cannot be read',
    ],
    ['a toJSON that throws', { toJSON: () => JSON.parse('{') as unknown }, 'cannot be read'],
    ['a toJSON that gives no JSON', { toJSON: () => 1n }, 'is a BigInt'],
    [
      'a revoked proxy',
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      })(),
      'cannot be read',
    ],
  ])('%s', async (_what, output, reason) => {
    const execution = new TestExecution(definition({ a: { retry: { maxAttempts: 3 } } }), {
      a: () => ({ kind: 'completed', output }),
    })
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_INVALID', path: 'a' } })
    expect(end.status === 'FAILED' && end.error.message).toContain(reason)
    expect(execution.calls).toHaveLength(1)
  })

  test('an output over 4 MiB is OUTPUT_TOO_LARGE, whose hint names `output: "none"`', async () => {
    const execution = new TestExecution(definition({ a: {} }), { a: returns('x'.repeat(4 * 1024 * 1024)) })
    expect(await execution.finish()).toMatchObject({
      error: { code: 'OUTPUT_TOO_LARGE', message: expect.stringContaining('output: "none"') },
    })
  })

  test('bytes count, not characters', async () => {
    const execution = new TestExecution(definition({ a: {} }), { a: returns('é'.repeat(3 * 1024 * 1024)) })
    expect(await execution.finish()).toMatchObject({ error: { code: 'OUTPUT_TOO_LARGE' } })
  })

  test('the output of a whole execution has the same bound', async () => {
    const half = 'x'.repeat(3 * 1024 * 1024)
    const execution = new TestExecution(definition({ a: {}, b: {} }), { a: returns(half), b: returns(half) })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'OUTPUT_TOO_LARGE' } })
  })

  test('a step with such an output follows its `onError`', async () => {
    const execution = new TestExecution(definition({ a: { onError: 'continue' }, b: {} }, 'a > b'), {
      a: returns(10n),
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: 'null' })
  })

  test.each<[what: string, outcome: unknown]>([
    ['an unknown kind', { kind: 'done', output: 1 }],
    ['handles that are no list', { kind: 'completed', output: 1, handles: 'out' }],
    ['handles that are no texts', { kind: 'completed', output: 1, handles: [1] }],
    ['a handle it does not have', { kind: 'completed', output: 1, handles: ['sideways'] }],
    ['a wait without an instant', { kind: 'waiting', output: 1 }],
  ])('an outcome with %s is OUTCOME_INVALID', async (_what, outcome) => {
    const execution = new TestExecution(definition({ a: {} }), { a: () => outcome })
    expect(await execution.finish()).toMatchObject({ error: { code: 'OUTCOME_INVALID' } })
  })
})

describe('E8: what flows on is exactly what is recorded', () => {
  const output = { at: new Date(0), gone: undefined, zero: -0, list: [{ x: 1 }] }

  test('the value as it reads back, not as it was returned', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { a: returns(output) })
    await execution.finish()
    const seen = execution.calls[1]?.input
    expect(seen).toEqual({ at: '1970-01-01T00:00:00.000Z', zero: 0, list: [{ x: 1 }] })
    expect(seen).toEqual(execution.journal.output('a'))
    expect(JSON.stringify(seen)).toBe(execution.journal.values.get('a')?.output)
  })

  test('frozen all the way down: no block changes what another one sees', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {}, c: {} }, 'a > b', 'a > c'), {
      a: returns(output),
      b: ({ input }) => {
        ;(input as unknown as typeof output).list[0] = { x: 2 }
      },
    })
    expect(await execution.finish()).toMatchObject({ error: { code: 'BLOCK_FAILED', path: 'b' } })
    expect(Object.isFrozen(execution.calls.at(-1)?.input)).toBe(true)
    expect(execution.journal.output('a')).toMatchObject({ list: [{ x: 1 }] })
  })

  test('a block that changes its outcome afterwards changes nothing', async () => {
    const outcome = { kind: 'completed', output: { list: [1] }, handles: ['out'] }
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), {
      a: () => {
        setImmediate(() => {
          outcome.output.list.push(2)
          outcome.handles.push('other')
        })
        return outcome
      },
    })
    await execution.finish()
    expect(execution.calls[1]?.input).toEqual({ list: [1] })
    expect(execution.journal.steps.get('a')?.handles).toEqual(['out'])
  })

  test('the input, the items of a loop and the definition’s own config are frozen too', async () => {
    const frozen = (value: unknown) => Object.isFrozen(value)
    const body = definition({ item: { config: { deep: { list: [1] } } } })
    const document = definition(
      { root: {}, loop: { type: 'core.forEach', config: { items: [{ a: 1 }], body } }, last: {} },
      'root > loop > last',
      'root > last',
    )
    const execution = new TestExecution(document, {}, { input: JSON.parse('{"given":[1]}') })
    await execution.finish()
    const byPath = new Map(execution.calls.map((call) => [call.path, call]))
    expect(frozen(byPath.get('root')?.input)).toBe(true)
    expect(frozen(byPath.get('loop[0]/item')?.input)).toBe(true)
    expect(frozen(byPath.get('loop[0]/item')?.config['deep'])).toBe(true)
    expect(frozen(byPath.get('last')?.input)).toBe(true)
  })

  test.each([
    ['COMPLETED', returns({ list: [1] }), {}],
    ['FAILED', fails('ODD'), { onError: 'route' }],
  ])('so is what a lost worker has recorded (%s)', async (status, behaviour, rest) => {
    const document = definition({ a: { ...rest }, b: {} }, status === 'FAILED' ? 'a:error > b' : 'a > b')
    const execution = new TestExecution(document, { a: behaviour })
    execution.journal.crashAt = 3
    await expect(execution.run()).rejects.toThrow('the worker is gone')
    await execution.run(execution.recover())
    const input = execution.calls.at(-1)?.input as { list?: unknown; error?: unknown }
    expect(execution.journal.statuses()).toEqual({ a: status, b: 'COMPLETED' })
    expect(Object.isFrozen(input.list ?? input.error)).toBe(true)
  })

  test('what an attempt does to its config, the next one does not see', async () => {
    const seen: string[] = []
    const config = { top: '{{ input }}', deep: { x: '{{ input }}' } }
    const execution = new TestExecution(
      definition({ a: { retry: { maxAttempts: 3, initialDelayMs: 0 }, config } }),
      {
        a: (call) => {
          seen.push(JSON.stringify(call.config))
          Object.assign(call.config, { top: 'changed' })
          Object.assign(call.config['deep'] as object, { x: 'changed' })
        },
      },
      { input: 'given' },
    )
    expect(await execution.finish()).toMatchObject({
      error: { message: expect.stringContaining('read only') },
    })
    expect(seen).toEqual(Array.from({ length: 3 }, () => '{"top":"given","deep":{"x":"given"}}'))
  })
})
