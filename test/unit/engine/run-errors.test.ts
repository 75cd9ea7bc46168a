import { describe, expect, test } from '@jest/globals'
import { BUILD_VERSION } from '../../../src/lib/build-version.ts'
import {
  definition,
  fails,
  Gate,
  hangs,
  held,
  listens,
  returns,
  settled,
  takes,
  TestExecution,
} from '../../support/run-definition.ts'

describe('E5: onError "fail"', () => {
  test('ends the execution FAILED with the error and the path of the step', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), {
      a: fails('QUOTA', { retryable: false, details: { left: 0 } }),
    })
    const error = { code: 'QUOTA', message: 'it says QUOTA', path: 'a', details: { left: 0 } }
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error })
    expect(execution.journal.eventsOf('JOB_FAILED')[0]?.body.error).toEqual(error)
    expect(execution.journal.eventsOf('STEP_FAILED')[0]?.body).toMatchObject({ path: 'a', handledBy: 'fail' })
  })

  test('aborts running siblings, which end CANCELED, and never starts the rest, which end CANCELED too', async () => {
    const document = definition(
      { bad: {}, sibling: {}, after: {}, later: {} },
      'bad > after',
      'sibling > later',
    )
    const execution = new TestExecution(document, { bad: takes(10, fails()), sibling: listens() })
    await execution.finish()
    expect(execution.journal.statuses()).toEqual({
      bad: 'FAILED',
      sibling: 'CANCELED',
      after: 'CANCELED',
      later: 'CANCELED',
    })
    expect(execution.called).toEqual(['bad', 'sibling'])
    expect(execution.calls[1]?.signal.aborted).toBe(true)
  })

  test('says of an aborted call that it may have happened, of a step that never began nothing', async () => {
    const document = definition({ bad: {}, sibling: {}, after: {} }, 'bad > after')
    const execution = new TestExecution(document, { bad: takes(10, fails()), sibling: listens() })
    await execution.finish()
    const sibling = execution.journal.steps.get('sibling')
    expect(sibling?.attempts).toEqual([
      {
        number: 1,
        status: 'CANCELED',
        startedAt: '2027-01-01T00:00:00.000Z',
        finishedAt: '2027-01-01T00:00:00.010Z',
        blockVersion: BUILD_VERSION,
        callMayHaveHappened: true,
      },
    ])
    expect(execution.journal.eventsOf('STEP_CANCELED').map(({ body }) => body)).toEqual([
      { path: 'sibling', nodeId: 'sibling', attempt: 1, callMayHaveHappened: true },
    ])
    expect(execution.journal.steps.get('after')).toMatchObject({ attempt: 0, attempts: [], startedAt: null })
  })

  test('drops the late result of an aborted sibling', async () => {
    const execution = new TestExecution(definition({ bad: {}, sibling: {}, after: {} }, 'sibling > after'), {
      bad: takes(10, fails()),
      // Deaf to its signal, and back within the grace.
      sibling: (call) => call.context.clock.wait(4_000).then(() => 'late'),
    })
    await execution.finish()
    expect(execution.journal.output('sibling')).toBeUndefined()
    expect(execution.journal.statuses()).toMatchObject({ sibling: 'CANCELED', after: 'CANCELED' })
  })

  test('commits FAILED only once the siblings have settled', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ bad: {}, sibling: {} }), {
      bad: fails(),
      sibling: held(gate),
    })
    const run = execution.start()
    await execution.clock.advance(1_000)
    expect(execution.journal.kinds()).toContain('STEP_FAILED')
    expect(run.result).toBeNull()
    gate.open()
    await settled()
    expect(run.result).toMatchObject({ value: { kind: 'ended', end: { status: 'FAILED' } } })
  })

  test('waits five seconds for a sibling that does not listen, and no longer', async () => {
    const execution = new TestExecution(definition({ bad: {}, sibling: {} }), {
      bad: fails(),
      sibling: hangs(),
    })
    const run = execution.start()
    await execution.clock.advance(4_999)
    expect(run.result).toBeNull()
    await execution.clock.advance(1)
    expect(run.result).toMatchObject({ value: { kind: 'ended', end: { status: 'FAILED' } } })
    execution.expectSound(await run.end)
  })

  test('when two fail, the first that failed is the execution’s error and both are told', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }), {
      a: takes(10, fails('SECOND')),
      b: takes(5, fails('FIRST')),
    })
    expect(await execution.finish()).toMatchObject({ error: { code: 'FIRST', path: 'b' } })
  })

  test('a step that fails keeps the output of those before it', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { a: returns(1), b: fails() })
    await execution.finish()
    expect(execution.journal.output('a')).toBe(1)
    expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', b: 'FAILED' })
  })

  test('no call is made once a sibling has failed', async () => {
    const nodes = { bad: {}, costly: { type: 'test.costly' } }
    const execution = new TestExecution(definition(nodes), { bad: fails() })
    const gate = new Gate()
    execution.journal.gate = gate
    const run = execution.start()
    run.cancel()
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual([])
  })
})

describe('E5: onError "continue"', () => {
  test('goes on with null by the handle "out"', async () => {
    const document = definition({ a: { onError: 'continue' }, b: {} }, 'a > b')
    const execution = new TestExecution(document, { a: fails() })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.calls[1]).toMatchObject({ path: 'b', input: null })
    expect(execution.journal.statuses()).toEqual({ a: 'FAILED', b: 'COMPLETED' })
  })

  test('goes on with the default output, which expressions see too', async () => {
    const nodes = {
      a: { onError: 'continue', defaultOutput: { score: 0 } },
      b: { config: { seen: '{{ nodes.a.output.score }}' } },
    }
    const execution = new TestExecution(definition(nodes, 'a > b'), { a: fails() })
    await execution.finish()
    expect(execution.calls[1]).toMatchObject({ input: { score: 0 }, config: { seen: 0 } })
    expect(execution.journal.eventsOf('STEP_FAILED')[0]?.body.handledBy).toBe('continue')
    expect(execution.journal.output('a')).toEqual({ score: 0 })
  })
})

describe('E5: onError "route"', () => {
  const nodes = {
    a: { onError: 'route' },
    good: {},
    bad: {
      config: { code: '{{ error.code }}', message: '{{ error.message }}', details: '{{ error.details }}' },
    },
  }
  const document = definition(nodes, 'a > good', 'a:error > bad')

  test('leaves by the handle "error", with the error as output and in scope', async () => {
    const execution = new TestExecution(document, { a: fails('GONE', { details: { id: 7 } }) })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    const error = { code: 'GONE', message: 'it says GONE', details: { id: 7 } }
    expect(execution.calls[1]).toMatchObject({ path: 'bad', input: { error }, config: error })
    expect(execution.journal.statuses()).toEqual({ a: 'FAILED', good: 'SKIPPED', bad: 'COMPLETED' })
  })

  test('`error` is that of the step whose error route was taken, and of no other', async () => {
    const joined = {
      good: { onError: 'route' },
      bad: { onError: 'continue' },
      join: { config: { code: '{{ default(error.code, "none") }}' } },
    }
    const execution = new TestExecution(definition(joined, 'good:error > join', 'bad > join'), {
      bad: fails(),
    })
    await execution.finish()
    expect(execution.calls.at(-1)).toMatchObject({ path: 'join', config: { code: 'none' } })
  })

  test('skips the error route when nothing failed', async () => {
    const execution = new TestExecution(document)
    await execution.finish()
    expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', good: 'COMPLETED', bad: 'SKIPPED' })
  })

  test('has the same error in scope when the step’s end was recorded by a worker that is lost', async () => {
    const execution = new TestExecution(document, { a: fails('GONE', { details: { id: 7 } }) })
    execution.journal.refuses = () => false
    const run = execution.start()
    execution.journal.crashAt = 3 // the start, the step's start and its end
    await expect(execution.run(run)).rejects.toThrow('the worker is gone')
    execution.calls.length = 0
    await execution.run(execution.recover())
    expect(execution.calls).toHaveLength(1)
    const error = { code: 'GONE', message: 'it says GONE', details: { id: 7 } }
    expect(execution.calls[0]).toMatchObject({ path: 'bad', input: { error }, config: error })
  })
})

describe('whatever a block throws is a step’s error', () => {
  const thrown: [what: string, value: unknown, expected: object][] = [
    ['an Error', new TypeError('no such field'), { code: 'BLOCK_FAILED', message: 'no such field' }],
    [
      'an Error with a code',
      Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
      { code: 'BLOCK_FAILED', details: { code: 'ECONNREFUSED' } },
    ],
    ['a text', 'it broke', { code: 'BLOCK_FAILED', message: 'it broke' }],
    ['nothing', undefined, { code: 'BLOCK_FAILED' }],
    ['null', null, { code: 'BLOCK_FAILED' }],
    ['a symbol', Symbol('odd'), { code: 'BLOCK_FAILED' }],
    ['an object without a prototype', Object.create(null), { code: 'BLOCK_FAILED' }],
    [
      'an object that breaks when it is read',
      {
        get message(): string {
          throw new Error('no')
        },
        get code(): string {
          throw new Error('no')
        },
      },
      { code: 'BLOCK_FAILED' },
    ],
    [
      'an Error whose message is no text',
      Object.assign(new Error('x'), { message: { deep: 1 } }),
      { code: 'BLOCK_FAILED' },
    ],
    ['a message with NUL and half a pair', new Error('a\u0000b\ud800'), { message: 'a\uFFFDb\uFFFD' }],
  ]

  test.each(thrown)('%s', async (_what, value, expected) => {
    const execution = new TestExecution(definition({ a: {} }), {
      a: () => {
        throw value
      },
    })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: expected })
  })

  const garbage: [what: string, options: object, expected: object][] = [
    ['details that are no JSON', { details: { big: 1n } }, { code: 'BROKEN' }],
    ['a cycle for details', { details: cycle() }, { code: 'BROKEN' }],
    ['details of a megabyte', { details: { text: 'x'.repeat(1_000_000) } }, { code: 'BROKEN' }],
    ['a Retry-After that is no number', { retryAfterMs: Number.NaN }, { code: 'BROKEN' }],
    ['a Retry-After without end', { retryAfterMs: Number.POSITIVE_INFINITY }, { code: 'BROKEN' }],
    ['a Retry-After in the past', { retryAfterMs: -5 }, { code: 'BROKEN' }],
  ]

  test.each(garbage)('a BlockError with %s', async (_what, options, expected) => {
    const document = definition({ a: { retry: { maxAttempts: 2 } } })
    const execution = new TestExecution(document, { a: fails('BROKEN', options) })
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'FAILED', error: expected })
    expect(execution.calls).toHaveLength(2)
    expect(JSON.stringify(end).length).toBeLessThan(50_000)
  })

  test('a BlockError whose code is no text', async () => {
    const execution = new TestExecution(definition({ a: {} }), { a: fails(404 as unknown as string) })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: '404' } })
  })

  test('a message is cut to a length that can be shown, never in the middle of a character', async () => {
    const execution = new TestExecution(definition({ a: {} }), {
      a: () => {
        throw new Error(`x${'😀'.repeat(10_000)}`)
      },
    })
    const end = await execution.finish()
    const message = end.status === 'FAILED' ? end.error.message : ''
    expect(message.length).toBeLessThanOrEqual(4_001)
    expect(message.isWellFormed()).toBe(true)
  })
})

function cycle(): object {
  const value: { self?: object } = {}
  value.self = value
  return value
}
