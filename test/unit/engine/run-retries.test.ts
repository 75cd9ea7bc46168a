import { describe, expect, test } from '@jest/globals'
import { BlockError } from '../../../src/engine/block/block.ts'
import {
  definition,
  fails,
  hangs,
  returns,
  settled,
  TestExecution,
  waits,
} from '../../support/run-definition.ts'

const retried = (retry: object, rest: object = {}) => definition({ a: { retry, ...rest } })

describe('E6: retries', () => {
  test('a failed attempt is made again, up to `maxAttempts` with the first', async () => {
    const execution = new TestExecution(retried({ maxAttempts: 3 }), { a: fails() })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'BROKEN', path: 'a' } })
    expect(execution.calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
    expect(execution.journal.kinds()).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_RETRYING',
      'STEP_STARTED',
      'STEP_RETRYING',
      'STEP_STARTED',
      'STEP_FAILED',
      'JOB_FAILED',
    ])
    expect(execution.journal.steps.get('a')).toMatchObject({ attempt: 3, attempts: [{}, {}, { number: 3 }] })
  })

  test('a step keeps the details and the whole message of its last attempt only; the timeline has those of each', async () => {
    const details = { answer: 'y'.repeat(15_000) }
    const message = 'm'.repeat(3_000)
    const fail = () => {
      throw new BlockError('BROKEN', message, { retryable: true, details })
    }
    const execution = new TestExecution(retried({ maxAttempts: 4 }), { a: fail })
    await execution.finish()
    const attempts = execution.journal.steps.get('a')?.attempts ?? []
    expect(attempts.map(({ error }) => [error?.code, error?.message.length, error?.details])).toEqual([
      ['BROKEN', 201, undefined],
      ['BROKEN', 201, undefined],
      ['BROKEN', 201, undefined],
      ['BROKEN', 3_000, details],
    ])
    const told = [
      ...execution.journal.eventsOf('STEP_RETRYING'),
      ...execution.journal.eventsOf('STEP_FAILED'),
    ]
    expect(told.map(({ body }) => [body.error.message.length, body.error.details])).toEqual(
      Array.from({ length: 4 }, () => [3_000, details]),
    )
  })

  test('the details of an attempt are on record until the next one begins, and short ones until it ends', async () => {
    const retry = { maxAttempts: 2, initialDelayMs: 20_000, maxDelayMs: 20_000 }
    const lastDetails = async (details: { readonly [key: string]: string }) => {
      const execution = new TestExecution(retried(retry), { a: [fails('BROKEN', { details }), hangs()] })
      await execution.run()
      const last = () => execution.journal.steps.get('a')?.attempts.at(-1)?.error?.details ?? null
      const parked = last()
      await execution.clock.advance(20_000)
      execution.start()
      await settled()
      return [parked, last()]
    }
    const [long, short] = [{ text: 'y'.repeat(15_000) }, { text: 'y' }]
    expect(await lastDetails(long)).toEqual([long, null])
    expect(await lastDetails(short)).toEqual([short, short])
  })

  test('an attempt that succeeds ends the tries', async () => {
    const execution = new TestExecution(retried({ maxAttempts: 5 }), {
      a: [fails(), fails(), returns('done')],
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '"done"' })
    expect(execution.journal.steps.get('a')?.attempts.map(({ status }) => status)).toEqual([
      'FAILED',
      'FAILED',
      'COMPLETED',
    ])
  })

  test('the delays grow by the factor up to the cap, times the jitter', async () => {
    const retry = { maxAttempts: 6, initialDelayMs: 100, factor: 3, maxDelayMs: 1_000 }
    const execution = new TestExecution(retried(retry), { a: fails() }, { random: () => 0.5 })
    await execution.finish()
    const starts = execution.calls.map(({ at }) => at)
    expect(starts.slice(1).map((at, i) => at - (starts[i] ?? 0))).toEqual([50, 150, 450, 500, 500])
  })

  test('what a node does not say of its retries is the block’s own, not a general default', async () => {
    const execution = new TestExecution(retried({ initialDelayMs: 1 }), { a: fails() })
    await execution.finish()
    expect(execution.calls).toHaveLength(1)
  })

  test('a provider’s Retry-After wins over the backoff, up to a day', async () => {
    const retry = { maxAttempts: 3, initialDelayMs: 60_000, maxDelayMs: 60_000 }
    const execution = new TestExecution(retried(retry), {
      a: [
        fails('LIMIT', { retryAfterMs: 1_234 }),
        fails('LIMIT', { retryAfterMs: 10 * 86_400_000 }),
        returns(1),
      ],
    })
    await execution.finish()
    const [first = 0, second = 0, third = 0] = execution.calls.map(({ at }) => at)
    expect(second - first).toBe(1_234)
    expect(third - second).toBe(86_400_000)
  })

  test('a failure that trying again cannot mend is not retried', async () => {
    const execution = new TestExecution(retried({ maxAttempts: 5 }), {
      a: fails('WRONG', { retryable: false }),
    })
    await execution.finish()
    expect(execution.calls).toHaveLength(1)
  })

  test('an expression that fails inside a block is not retried, and keeps its code', async () => {
    const items = [{ score: 1 }, {}]
    const node = {
      type: 'core.filter',
      config: { items, condition: 'item.score > 0' },
      retry: { maxAttempts: 3 },
    }
    const execution = new TestExecution(definition({ a: node }))
    expect(await execution.finish()).toMatchObject({ error: { code: 'EXPRESSION_MISSING', path: 'a' } })
    expect(execution.journal.steps.get('a')?.attempts).toHaveLength(1)
  })

  test('`retryIf` decides on code, message, details and attempt', async () => {
    const retryIf = 'error.code == "SLOW" && error.details.left > 0 && error.retryable && attempt < 3'
    const slow = fails('SLOW', { details: { left: 1 } })
    const byAttempt = new TestExecution(retried({ maxAttempts: 9, retryIf }), { a: slow })
    await byAttempt.finish()
    expect(byAttempt.calls).toHaveLength(3)
    const byCode = new TestExecution(retried({ maxAttempts: 9, retryIf }), { a: [slow, fails('FAST')] })
    await byCode.finish()
    expect(byCode.calls).toHaveLength(2)
  })

  test.each(['error.details.missing == 1', '"yes"'])(
    'a `retryIf` that gives no true ends the tries: %s',
    async (retryIf) => {
      const execution = new TestExecution(retried({ maxAttempts: 3, retryIf }), { a: fails('FIRST') })
      expect(await execution.finish()).toMatchObject({ error: { code: 'FIRST' } })
      expect(execution.calls).toHaveLength(1)
    },
  )

  test('the next attempt’s time is committed and visible while it is waited for', async () => {
    const retry = { maxAttempts: 2, initialDelayMs: 2_000, maxDelayMs: 2_000 }
    const execution = new TestExecution(retried(retry), { a: [fails('SLOW'), returns(1)] })
    const run = execution.start()
    await settled()
    const nextAttemptAt = execution.clock.now() + 1_000
    expect(execution.journal.steps.get('a')).toMatchObject({
      status: 'RETRYING',
      dueAt: nextAttemptAt,
      error: { code: 'SLOW' },
    })
    expect(execution.journal.eventsOf('STEP_RETRYING')[0]?.body).toMatchObject({
      nextAttemptAt: new Date(nextAttemptAt).toISOString(),
      attempt: 1,
    })
    await execution.run(run)
    expect(execution.journal.steps.get('a')).toMatchObject({ status: 'COMPLETED', dueAt: null, error: null })
  })

  test('a delay over five seconds is a wait: the run parks, and the next worker makes the next attempt', async () => {
    const retry = { maxAttempts: 2, initialDelayMs: 20_000, maxDelayMs: 20_000 }
    const execution = new TestExecution(retried(retry), { a: [fails(), returns('ok')] })
    const dueAt = execution.clock.now() + 10_000
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: dueAt })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.calls.map(({ attempt, at }) => [attempt, at])).toEqual([
      [1, dueAt - 10_000],
      [2, dueAt],
    ])
  })

  test('a delay of five seconds or less is sat out', async () => {
    const retry = { maxAttempts: 2, initialDelayMs: 10_000, maxDelayMs: 10_000 }
    const execution = new TestExecution(retried(retry), { a: [fails(), returns('ok')] })
    expect(await execution.run()).toMatchObject({ kind: 'ended' })
  })

  test('a step that waits for its next attempt holds no place', async () => {
    const document = {
      ...definition({ a: { retry: { maxAttempts: 2, initialDelayMs: 2_000 } }, b: {} }),
      limits: { concurrency: 1 },
    }
    const execution = new TestExecution(document, { a: [fails(), returns(1)] })
    await execution.finish()
    expect(execution.called).toEqual(['a', 'b', 'a'])
  })

  test('the idempotency key is the same for every attempt and for the next worker', async () => {
    const execution = new TestExecution(
      retried({ maxAttempts: 3, initialDelayMs: 60_000, maxDelayMs: 60_000 }),
      {
        a: [fails(), fails(), returns(1)],
      },
    )
    await execution.finish()
    expect(new Set(execution.calls.map(({ context }) => context.idempotencyKey))).toEqual(
      new Set(['execution/a']),
    )
  })
})

describe('E7: time-outs', () => {
  test('an attempt that takes longer than `timeoutMs` is aborted and fails, retryable', async () => {
    const execution = new TestExecution(
      definition({ a: { timeoutMs: 1_000, retry: { maxAttempts: 2, initialDelayMs: 0 } } }),
      { a: [hangs(), returns('second')] },
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '"second"' })
    expect(execution.calls[0]?.signal.aborted).toBe(true)
    expect(execution.journal.steps.get('a')?.attempts[0]?.error?.code).toBe('ATTEMPT_TIMEOUT')
  })

  test('an attempt that is back just in time counts', async () => {
    const execution = new TestExecution(definition({ a: { timeoutMs: 1_000 } }), {
      a: (call) => call.context.clock.wait(999).then(() => 'in time'),
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
  })

  test('a block that calls back after its end changes nothing', async () => {
    const execution = new TestExecution(
      definition({ a: { timeoutMs: 1_000, onError: 'continue' }, b: {} }, 'a > b'),
      {
        a: async ({ context }) => {
          await context.clock.wait(2_000)
          context.progress(1)
          throw new BlockError('LATE', 'too late')
        },
        b: ({ context }) => context.clock.wait(5_000),
      },
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.journal.steps.get('a')).toMatchObject({ error: { code: 'ATTEMPT_TIMEOUT' }, attempt: 1 })
    expect(execution.journal.eventsOf('STEP_FAILED')).toHaveLength(1)
  })

  test('a block that never settles does not hold the execution', async () => {
    const execution = new TestExecution(definition({ a: { timeoutMs: 60_000 } }), { a: hangs() })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'ATTEMPT_TIMEOUT' } })
  })

  test('`limits.timeoutMs` ends the execution FAILED, whatever runs', async () => {
    const document = { ...definition({ a: {}, b: {} }, 'a > b'), limits: { timeoutMs: 10_000 } }
    const execution = new TestExecution(document, { a: hangs() })
    const startedAt = execution.clock.now()
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'EXECUTION_TIMEOUT' } })
    expect(execution.clock.now()).toBe(startedAt + 15_000) // the grace of a deaf block included
    expect(execution.journal.statuses()).toEqual({ a: 'CANCELED', b: 'CANCELED' })
  })

  test('an execution whose time was up before its worker came makes no further call', async () => {
    const document = { ...definition({ a: {}, b: {} }, 'a > b'), limits: { timeoutMs: 10_000 } }
    const execution = new TestExecution(document, { a: returns(1) })
    execution.journal.crashAt = 3
    await expect(execution.run()).rejects.toThrow('the worker is gone')
    execution.calls.length = 0
    await execution.clock.advance(60_000)
    expect(await execution.run(execution.recover())).toMatchObject({
      end: { status: 'FAILED', error: { code: 'EXECUTION_TIMEOUT' } },
    })
    expect(execution.called).toEqual([])
    expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', b: 'CANCELED' })
  })

  test('a run that has ended leaves no timer behind', async () => {
    const document = { ...definition({ a: {}, b: {} }, 'a > b'), limits: { timeoutMs: 10_000 } }
    const execution = new TestExecution(document)
    await execution.finish()
    expect(execution.clock.nextDueAt).toBeNull()
  })

  test.each([
    ['beyond all dates', 1e300],
    ['not a number', Number.NaN],
    ['endless', Number.POSITIVE_INFINITY],
  ])('a wait until an instant that is %s is a clear error', async (_what, until) => {
    const execution = new TestExecution(definition({ a: {} }), {
      a: () => ({ kind: 'waiting', until, output: null }),
    })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'OUTCOME_INVALID' } })
  })

  test('a wait until an instant in the past ends at once', async () => {
    const execution = new TestExecution(definition({ a: {} }), { a: waits(-5_000, 'over') })
    expect(await execution.run()).toMatchObject({ end: { output: '"over"' } })
  })
})
