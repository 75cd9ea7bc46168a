import { describe, expect, test } from '@jest/globals'
import {
  GROUP_MAX_CHECKPOINTS,
  GROUP_MAX_LENGTH,
} from '../../../src/engine/run/step/call/checkpoint-groups.ts'
import {
  definition,
  fails,
  forEach,
  hangs,
  returns,
  settled,
  takes,
  TestExecution,
  waits,
  type Behaviour,
} from '../../support/run-definition.ts'
import type { StepSite } from '../../../src/engine/run/context/frame.ts'
import { CHECKPOINT_MAX_LENGTH } from '../../../src/engine/run/step/call/step-reports.ts'
import {
  STEP_CHECKPOINTS_MAX_COUNT,
  STEP_CHECKPOINTS_MAX_LENGTH,
  StepCheckpoints,
} from '../../../src/engine/run/step/state/step-checkpoints.ts'

const one = definition({ a: {} })
const step = { path: 'a', nodeId: 'a', attempt: 1 }

/** Does something with its context and completes. */
const uses =
  (use: (call: Parameters<Behaviour>[0]) => unknown): Behaviour =>
  async (call) => {
    await use(call)
    return null
  }

describe('what a block logs', () => {
  test('becomes events, in order, with level and fields', async () => {
    const execution = new TestExecution(one, {
      a: uses(({ context: { log } }) => {
        log.info('first', { n: 1 })
        log.error('second')
      }),
    })
    await execution.finish()
    expect(execution.journal.eventsOf('STEP_LOG').map(({ body }) => body)).toEqual([
      { ...step, level: 'info', message: 'first', fields: { n: 1 } },
      { ...step, level: 'error', message: 'second' },
    ])
  })

  test('is dropped under the level in force', async () => {
    const execution = new TestExecution(
      one,
      { a: uses(({ context: { log } }) => (log.debug('a'), log.info('b'), log.warn('c'), log.error('d'))) },
      { world: { logLevel: 'warn' } },
    )
    await execution.finish()
    expect(execution.journal.eventsOf('STEP_LOG').map(({ body }) => body.message)).toEqual(['c', 'd'])
  })

  test('is cut, bounded in number, and harmless whatever it holds', async () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const execution = new TestExecution(one, {
      a: uses(({ context: { log } }) => {
        log.info('x'.repeat(10_000), { long: 'y'.repeat(20_000) })
        log.info('nul \u0000', cyclic as never)
        log.info({ not: 'a text' } as never)
        for (let i = 0; i < 500; i++) log.info(`line ${i}`)
      }),
    })
    await execution.finish()
    const lines = execution.journal.eventsOf('STEP_LOG').map(({ body }) => body)
    expect(lines).toHaveLength(201)
    expect(lines[0]?.message).toHaveLength(4_001)
    expect(lines[0]?.fields).toEqual({ truncated: true, length: 20_011 })
    expect(lines[1]).toMatchObject({ message: 'nul \uFFFD', fields: { unreadable: expect.any(String) } })
    expect(lines[2]?.message).toBe('{"not":"a text"}')
    expect(lines.at(-1)).toMatchObject({ level: 'warn', message: '303 more lines were left out.' })
  })

  test('after the attempt is over, nothing', async () => {
    let late = () => {}
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), {
      a: uses(({ context }) => (late = () => context.log.info('too late'))),
      b: uses(() => late()),
    })
    await execution.finish()
    expect(execution.journal.eventsOf('STEP_LOG')).toEqual([])
  })
})

describe('what a block says of its progress', () => {
  test('is told with its message, once a second at most, and moves the job', async () => {
    const execution = new TestExecution(one, {
      a: uses(async ({ context }) => {
        for (let i = 0; i < 30; i++) {
          context.progress(i / 30, `row ${i}`)
          await context.clock.wait(100)
        }
      }),
    })
    await execution.finish()
    const told = execution.journal.eventsOf('STEP_PROGRESS')
    expect(told.map(({ body }) => body.message)).toEqual(['row 0', 'row 10', 'row 20'])
    expect(told.map(({ progress }) => progress)).toEqual([5, 35, 65])
  })

  test('is no event without a message', async () => {
    const execution = new TestExecution(one, { a: uses(({ context }) => context.progress(0.5)) })
    await execution.finish()
    expect(execution.journal.eventsOf('STEP_PROGRESS')).toEqual([])
  })
})

describe('text that a block hands out as it comes', () => {
  test('is gathered, and put together is what was handed out', async () => {
    const execution = new TestExecution(one, {
      a: uses(async ({ context }) => {
        for (const word of ['once ', 'upon ', 'a ', 'time']) {
          context.stream(word)
          await context.clock.wait(100)
        }
      }),
    })
    await execution.finish()
    expect(execution.journal.eventsOf('STEP_STREAM').map(({ body }) => body.text)).toEqual([
      'once upon a ',
      'time',
    ])
  })
})

describe('E7: signs of life', () => {
  const document = definition({ a: { heartbeatMs: 1_000, retry: { maxAttempts: 1 } } })

  test('an attempt without one for too long fails with HEARTBEAT_MISSED, retryable', async () => {
    const execution = new TestExecution(document, { a: hangs() })
    const startedAt = execution.clock.now()
    expect(await execution.finish()).toMatchObject({ error: { code: 'HEARTBEAT_MISSED' } })
    expect(execution.clock.now() - startedAt).toBe(1_000)
  })

  test('heartbeats, logs, progress and checkpoints are such', async () => {
    const execution = new TestExecution(document, {
      a: uses(async ({ context }) => {
        for (const sign of [
          async () => context.heartbeat(),
          async () => context.log.info('here'),
          async () => context.progress(0.1),
          () => context.checkpoint('at', 1),
        ]) {
          await context.clock.wait(900)
          await sign()
        }
        await context.clock.wait(900)
      }),
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('checkpoints', () => {
  test('that a block records without waiting for each are few entries of the journal, and each is on record when it says so', async () => {
    const count = 3 * GROUP_MAX_CHECKPOINTS + 1
    const onRecord: boolean[] = []
    const execution = new TestExecution(definition({ a: {} }), {
      a: async ({ context }) => {
        const record = async (n: number) => {
          await context.checkpoint(`key ${n}`, n)
          onRecord.push(execution.journal.checkpoints.get('a')?.get(`key ${n}`) === String(n))
        }
        await Promise.all(Array.from({ length: count }, (_, n) => record(n)))
      },
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    const sizes = execution.journal.entries.map(({ checkpoints = [] }) => checkpoints.length)
    expect(sizes.filter((size) => size > 0)).toEqual([...Array<number>(3).fill(GROUP_MAX_CHECKPOINTS), 1])
    expect(onRecord).toEqual(Array<boolean>(count).fill(true))
  })

  test('that are long are not gathered beyond the length of an entry', async () => {
    const value = 'x'.repeat(GROUP_MAX_LENGTH / 8)
    const execution = new TestExecution(definition({ a: {} }), {
      a: ({ context }) =>
        Promise.all(Array.from({ length: 20 }, (_, n) => context.checkpoint(`${n}`, value))).then(() => null),
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    const sizes = execution.journal.entries.map(({ checkpoints = [] }) => checkpoints.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8)
    expect(execution.journal.checkpoints.get('a')?.size).toBe(20)
  })

  test('that a block has not waited for are recorded with its attempt', async () => {
    const execution = new TestExecution(definition({ a: {} }), {
      a: ({ context }) => {
        void context.checkpoint('left', 1)
        return 'done'
      },
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.journal.checkpoints.get('a')?.get('left')).toBe('1')
  })

  test('are committed when the call resolves, and the next attempt finds the newest of each key', async () => {
    const seen: unknown[] = []
    const execution = new TestExecution(definition({ a: { retry: { maxAttempts: 3, initialDelayMs: 0 } } }), {
      a: uses(async ({ context, attempt }) => {
        seen.push(context.checkpoints)
        await context.checkpoint('run', { id: `run-${attempt}` })
        await context.checkpoint('page', attempt)
        if (attempt < 3) throw new Error('again')
      }),
    })
    await execution.finish()
    expect(seen).toEqual([{}, { run: { id: 'run-1' }, page: 1 }, { run: { id: 'run-2' }, page: 2 }])
  })

  test('survive a crash: the next worker’s attempt goes on from them', async () => {
    const seen: unknown[] = []
    const execution = new TestExecution(definition({ a: { type: 'test.costly' } }), {
      a: async ({ context }) => {
        seen.push(context.checkpoints)
        if (seen.length > 1) return 'bought once'
        await context.checkpoint('run', 'r1')
        return new Promise(() => {})
      },
    })
    execution.start()
    await settled()
    expect(await execution.finish(execution.recover())).toMatchObject({ status: 'COMPLETED' })
    expect(seen).toEqual([{}, { run: 'r1' }])
  })

  test('stay in the tables until an attempt begins, and long ones return there when it ends', async () => {
    const seen: number[] = []
    const node = { retry: { maxAttempts: 3, initialDelayMs: 3_600_000, factor: 1, maxDelayMs: 3_600_000 } }
    const execution = new TestExecution(definition({ a: { retry: node.retry } }), {
      a: uses(async ({ context, attempt }) => {
        seen.push(Object.keys(context.checkpoints).length)
        for (let n = 0; n < 5; n++) await context.checkpoint(`${attempt}.${n}`, 'x'.repeat(60_000))
        if (attempt < 3) throw new Error('again')
      }),
    })
    const { checkpointReads } = execution.journal
    expect(await execution.run()).toMatchObject({ kind: 'parked' })
    expect(execution.journal.recorded().steps.get('a')?.hasCheckpoints).toBe(true)
    expect(checkpointReads).toEqual([])
    expect(await execution.finish(execution.start())).toMatchObject({ status: 'COMPLETED' })
    expect(seen).toEqual([0, 5, 10])
    expect(checkpointReads).toEqual(['a', 'a'])
  })

  test('that are too long together fail the attempt with CHECKPOINTS_FULL, and a value under a known key is replaced', async () => {
    const value = 'x'.repeat(CHECKPOINT_MAX_LENGTH - 2)
    const count = STEP_CHECKPOINTS_MAX_LENGTH / CHECKPOINT_MAX_LENGTH
    let recorded = 0
    const execution = new TestExecution(one, {
      a: uses(async ({ context }) => {
        for (let n = 0; n < 2 * count; n++) await context.checkpoint('same', value)
        for (let n = 0; n < count; n++, recorded++) await context.checkpoint(`key ${n}`, value)
      }),
    })
    expect(await execution.finish()).toMatchObject({
      error: { code: 'CHECKPOINTS_FULL', message: expect.stringContaining('divide the work between steps') },
    })
    expect(recorded).toBe(count - 2)
  })

  test('over 50,000 of one step are refused, and those on record can still be replaced', () => {
    const checkpoints = new StepCheckpoints({ site: {} as StepSite, areOnRecord: false })
    for (let n = 0; n < STEP_CHECKPOINTS_MAX_COUNT; n++) {
      checkpoints.requireRoom(`${n}`, 1)
      checkpoints.put(`${n}`, '1')
    }
    expect(() => checkpoints.requireRoom('more', 1)).toThrow(`at most ${STEP_CHECKPOINTS_MAX_COUNT}`)
    expect(() => checkpoints.requireRoom('7', 5)).not.toThrow()
  })

  test('E13: without one the lost call of a costly block is not made again', async () => {
    const execution = new TestExecution(definition({ a: { type: 'test.costly' } }), { a: hangs() })
    execution.start()
    await settled()
    expect(await execution.finish(execution.recover())).toMatchObject({
      error: { code: 'CALL_OUTCOME_UNKNOWN' },
    })
    expect(execution.calls).toHaveLength(1)
  })

  test.each([
    ['no plain JSON', 'key', () => 1],
    ['too large', 'key', 'x'.repeat(70_000)],
    ['without a key', '', 1],
  ])('%s: the attempt fails, saying so', async (_what, key, value) => {
    const execution = new TestExecution(one, {
      a: uses(({ context }) => context.checkpoint(key, value as never)),
    })
    expect(await execution.finish()).toMatchObject({ error: { code: 'CHECKPOINT_INVALID' } })
  })
})

describe('E7: the time for a whole step', () => {
  test('ends it with STEP_TIMEOUT through attempts and retries', async () => {
    const node = {
      stepTimeoutMs: 10_000,
      retry: { maxAttempts: 100, initialDelayMs: 3_000, factor: 1, maxDelayMs: 3_000 },
    }
    const execution = new TestExecution(definition({ a: node }), { a: fails() })
    const startedAt = execution.clock.now()
    expect(await execution.finish()).toMatchObject({ error: { code: 'STEP_TIMEOUT', path: 'a' } })
    expect(execution.clock.now() - startedAt).toBe(10_000)
  })

  test('aborts the attempt that runs, and the node’s onError decides what follows', async () => {
    const execution = new TestExecution(
      definition({ a: { stepTimeoutMs: 1_000, onError: 'continue', defaultOutput: 'late' } }),
      { a: takes(60_000) },
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '"late"' })
    expect(execution.calls[0]?.signal.aborted).toBe(true)
  })

  test('ends a wait for the next attempt that would last longer', async () => {
    const retry = { maxAttempts: 2 }
    const execution = new TestExecution(definition({ a: { stepTimeoutMs: 60_000, retry } }), {
      a: fails('BUSY', { retryAfterMs: 3_600_000 }),
    })
    const startedAt = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: startedAt + 60_000 })
    await execution.clock.advance(60_000)
    expect(await execution.finish(execution.start())).toMatchObject({ error: { code: 'STEP_TIMEOUT' } })
  })

  test('ends a wait that is cut to it, which does not complete early', async () => {
    const document = definition({ a: { stepTimeoutMs: 300 }, busy: {} })
    const execution = new TestExecution(document, { a: waits(3_600_000), busy: takes(10_000) })
    // Timers for one instant may fire in any order.
    execution.clock.reverse()
    expect(await execution.finish()).toMatchObject({ error: { code: 'STEP_TIMEOUT' } })
  })

  test('runs on through a park and a crash', async () => {
    const execution = new TestExecution(definition({ a: { stepTimeoutMs: 5_000 } }), { a: waits(3_600_000) })
    const startedAt = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: startedAt + 5_000 })
    await execution.clock.advance(5_000)
    expect(await execution.finish(execution.recover())).toMatchObject({ error: { code: 'STEP_TIMEOUT' } })
  })
})

describe('E7: the time for a whole loop', () => {
  const signalWait = { type: 'core.waitForSignal', config: { name: 'never' } }
  const slowLoop = (body: object, node: object = {}) =>
    definition({ loop: forEach(definition({ ...body }), {}, { stepTimeoutMs: 5_000, ...node }) })

  test('ends it although all its items wait, which nothing would wake', async () => {
    const execution = new TestExecution(slowLoop({ ask: signalWait }), {}, { input: [1, 2] })
    const startedAt = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: startedAt + 5_000 })
    await execution.clock.advance(5_000)
    expect(await execution.finish(execution.start())).toMatchObject({
      error: { code: 'STEP_TIMEOUT', path: 'loop' },
    })
  })

  test('cuts off what runs in its items, which is no failure of theirs', async () => {
    const document = slowLoop({ work: { onError: 'continue' } }, { onError: 'continue' })
    const execution = new TestExecution(document, { work: takes(60_000) }, { input: [1] })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.journal.steps.get('loop[0]/work')).toMatchObject({ status: 'CANCELED' })
    expect(execution.journal.steps.get('loop')).toMatchObject({ status: 'FAILED' })
  })
})

describe('what calls cost', () => {
  const spends =
    (costUsd: number): Behaviour =>
    ({ context }) => {
      context.usage({ costUsd, quantities: { tokens: 10 } })
      context.usage({ quantities: { tokens: 5 } })
      return null
    }

  test('is told per attempt and summed on the job', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), {
      a: spends(0.25),
      b: spends(0.5),
    })
    await execution.finish()
    expect(execution.journal.job.costUsd).toBe(0.75)
    expect(execution.journal.steps.get('a')?.attempts[0]?.usage).toEqual({
      costUsd: 0.25,
      quantities: { tokens: 15 },
    })
    expect(execution.journal.eventsOf('STEP_COMPLETED')[1]?.body.usage?.costUsd).toBe(0.5)
  })

  test('beyond `limits.maxCostUsd` the execution fails with COST_LIMIT_EXCEEDED', async () => {
    const document = { ...definition({ a: {}, b: {}, c: {} }, 'a > b > c'), limits: { maxCostUsd: 0.6 } }
    const execution = new TestExecution(document, { a: spends(0.5), b: spends(0.5) })
    expect(await execution.finish()).toMatchObject({
      status: 'FAILED',
      error: { code: 'COST_LIMIT_EXCEEDED' },
    })
    expect(execution.called).toEqual(['a', 'b'])
    expect(execution.journal.job.costUsd).toBe(1)
  })

  test('before a crash counts after it', async () => {
    const document = { ...definition({ a: {}, b: {} }, 'a > b'), limits: { maxCostUsd: 0.6 } }
    const execution = new TestExecution(document, { a: spends(0.5), b: [spends(0.5)] })
    execution.journal.crashAt = 3
    await execution.run().catch(() => {})
    expect(await execution.finish(execution.recover())).toMatchObject({
      error: { code: 'COST_LIMIT_EXCEEDED' },
    })
  })

  test('and the limit that was passed before a crash stands after it', async () => {
    const document = { ...definition({ a: {}, slow: {} }), limits: { maxCostUsd: 0.6 } }
    const execution = new TestExecution(document, { a: takes(1_000, spends(1)), slow: hangs() })
    const run = execution.start()
    await execution.clock.advance(1_000)
    // The worker dies while it still waits for what does not listen.
    execution.journal.crashAt = execution.journal.entries.length
    await execution.run(run).catch(() => {})
    expect(await execution.finish(execution.recover())).toMatchObject({
      error: { code: 'COST_LIMIT_EXCEEDED' },
    })
    expect(execution.called).toEqual(['a', 'slow'])
  })

  test('nonsense is not counted', async () => {
    const execution = new TestExecution(one, {
      a: uses(({ context }) => {
        context.usage({ costUsd: Number.NaN, quantities: { x: -1, y: Number.POSITIVE_INFINITY } })
        context.usage({ costUsd: -5 })
      }),
    })
    await execution.finish()
    expect(execution.journal.job.costUsd).toBe(0)
  })

  test('is not lost when a call fails', async () => {
    const execution = new TestExecution(one, {
      a: ({ context }) => {
        context.usage({ costUsd: 1 })
        return returns(undefined)
      },
    })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED' })
    expect(execution.journal.eventsOf('STEP_FAILED')[0]?.body.usage).toEqual({ costUsd: 1 })
  })
})
