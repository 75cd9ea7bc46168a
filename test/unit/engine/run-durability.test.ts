import { createHook } from 'node:async_hooks'
import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import {
  completed,
  type Block,
  type BlockContext,
  type BlockHttpResponse,
} from '../../../src/engine/block/block.ts'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import { TimeSlice } from '../../../src/lib/turns/time-slice.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import {
  definition,
  fails,
  Gate,
  hangs,
  held,
  returns,
  scriptedBlocks,
  settled,
  TestExecution,
  type Behaviours,
} from '../../support/run-definition.ts'
import { Crash } from '../../support/memory-journal.ts'

const ab = definition({ a: {}, b: {} }, 'a > b')

/** Turns of the event loop that are never used up, however slow the machine is. */
class EndlessTurns extends TimeSlice {
  override yieldIfOver(): null {
    return null
  }
}

/** How many promises are created while a chain of external steps runs, by the run and by the journal in memory. */
async function promisesOfChain(length: number): Promise<number> {
  const ids = Array.from({ length }, (_, i) => `n${i}`)
  const execution = new TestExecution(
    definition(Object.fromEntries(ids.map((id) => [id, {}])), ids.join(' > ')),
    {},
    { world: { timeSlice: new EndlessTurns() } },
  )
  execution.journal.delaysNotes = true
  let promises = 0
  const hook = createHook({ init: (_id, type) => void (promises += Number(type === 'PROMISE')) })
  hook.enable()
  await execution.run()
  hook.disable()
  return promises
}

/** Runs until nothing more happens, then loses the worker. */
async function lose(execution: TestExecution): Promise<void> {
  execution.start()
  await settled()
  execution.calls.length = 0
}

describe('E12: what is committed before what', () => {
  test('an external result is committed before a call that depends on it', async () => {
    const gate = new Gate()
    const called = new Gate()
    const execution = new TestExecution(ab, {
      a: async () => {
        execution.journal.gate = gate
        called.open()
        return 1
      },
    })
    const run = execution.start()
    await called.pass()
    await settled()
    expect(execution.called).toEqual(['a'])
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual(['a', 'b'])
  })

  test('so is a failure after which the node continues', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ a: { onError: 'continue' }, b: {} }, 'a > b'), {
      a: (call) => {
        execution.journal.gate = gate
        return fails()(call)
      },
    })
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual(['a'])
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual(['a', 'b'])
  })

  test('a call that depends on a loop waits for the commit of the loop’s own end', async () => {
    const gate = new Gate()
    const body = definition({ item: {} })
    const document = definition(
      { loop: { type: 'core.forEach', config: { items: [1], body } }, after: {} },
      'loop > after',
    )
    const execution = new TestExecution(document)
    const run = execution.start()
    while (!execution.journal.items.has('loop')) await Promise.resolve()
    execution.journal.gate = gate
    await settled()
    expect(execution.called).toEqual(['loop[0]/item'])
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual(['loop[0]/item', 'after'])
  })

  test('pure steps continue at once on a result that is not committed yet', async () => {
    const gate = new Gate()
    const document = definition({ a: {}, p: { type: 'test.pure' }, q: { type: 'test.pure' } }, 'a > p > q')
    const execution = new TestExecution(document)
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual(['a', 'p', 'q'])
    expect(execution.journal.entries).toHaveLength(0)
    gate.open()
    await execution.run(run)
  })

  test('a pure block’s end is committed before a call that depends on it', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ a: { type: 'test.pure' }, b: {} }, 'a > b'))
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual(['a'])
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual(['a', 'b'])
  })

  test('a call does not wait for the commit of what it does not follow from', async () => {
    const gate = new Gate()
    const document = definition({ root: {}, fast: {}, slow: {}, other: {} }, 'root > fast', 'slow > other')
    const execution = new TestExecution({ ...document, limits: { concurrency: 1 } })
    execution.journal.delaysNotes = true
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    // The second root is called although the end of the first one is only noted.
    expect(execution.called).toEqual(['root', 'slow'])
    expect(execution.journal.entries).toHaveLength(0)
    gate.open()
    await execution.run(run)
    expect(execution.called).toHaveLength(4)
  })

  test('a request by http and the start of a child wait for the commit of what they follow from, whatever block makes them', async () => {
    const gate = new Gate()
    const outside: string[] = []
    const reaching = (type: string, reach: (context: BlockContext) => Promise<Json>) =>
      defineBlock({
        type,
        name: type,
        description: 'Reaches the outside although it is declared pure.',
        effect: 'pure',
        config: z.object({}),
        output: z.json(),
        sample: null,
        run: async (context) => completed(await reach(context)),
      })
    const blocks = [
      reaching('pure.http', async ({ http }) => (await http.send({ url: 'http://a' })).status),
      reaching('pure.child', ({ children }) =>
        children.start({ key: 'k', workflowId: 'w', version: null, input: null, variables: {} }),
      ),
    ]
    const document = definition(
      { a: {}, b: { type: 'pure.http' }, c: { type: 'pure.child' } },
      'a > b',
      'a > c',
    )
    const world = {
      http: {
        send: () => {
          outside.push('http')
          return Promise.resolve({ status: 200 } as BlockHttpResponse)
        },
      },
      children: {
        start: () => {
          outside.push('child')
          return Promise.resolve('child')
        },
        endOf: () => Promise.resolve(null),
        cancel: () => Promise.resolve(),
        cancelAll: () => Promise.resolve(),
      },
    }
    const execution = new TestExecution(document, {}, { blocks, world })
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    expect([execution.called, outside]).toEqual([['a'], []])
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
    expect(outside.toSorted()).toEqual(['child', 'http'])
  })

  /** An execution of a step that fails beside one that waits for a child, and what was on record at each cancel of children. */
  function failingBesideChild() {
    const canceled: string[] = []
    const cancel = async () => void canceled.push(JSON.stringify(execution.journal.statuses()))
    const children = {
      start: () => Promise.resolve('child'),
      endOf: () => Promise.resolve(null),
      cancel,
      cancelAll: cancel,
    }
    const call = { type: 'core.callWorkflow', config: { workflowId: 'w' } }
    const reached = new Gate()
    const execution: TestExecution = new TestExecution(
      definition({ call, a: {} }),
      { a: held(reached, fails()) },
      { world: { children } },
    )
    return { execution, canceled, reached }
  }

  test('children are canceled once the failure that cancels them is committed', async () => {
    const { execution, canceled, reached } = failingBesideChild()
    const run = execution.start()
    await settled()
    expect(execution.journal.statuses()).toEqual({ call: 'WAITING', a: 'RUNNING' })
    const gate = new Gate()
    execution.journal.gate = gate
    reached.open()
    await settled()
    expect(canceled).toEqual([])
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'FAILED' } })
    expect(canceled.length).toBeGreaterThan(0)
    for (const statuses of canceled) expect(JSON.parse(statuses)).toMatchObject({ a: 'FAILED' })
  })

  test('a worker that has lost the job cancels no child of it', async () => {
    const { execution, canceled, reached } = failingBesideChild()
    const run = execution.start()
    await settled()
    execution.journal.loseFence()
    reached.open()
    expect(await execution.run(run).catch(({ name }: Error) => name)).toEqual({ kind: 'yielded' })
    expect(canceled).toEqual([])
  })

  test('a run whose job is given back has committed what has ended in it', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }), { b: hangs() })
    execution.journal.delaysNotes = true
    const run = execution.start()
    await settled()
    expect(execution.journal.entries).toHaveLength(0)
    run.yield()
    await execution.clock.advance(5_000)
    expect(await run.end).toEqual({ kind: 'yielded' })
    expect(execution.journal.statuses()).toMatchObject({ a: 'COMPLETED' })
  })

  test('a refused result ends the run although it continued: nothing that follows from it is called or recorded', async () => {
    const document = definition({ a: {}, p: { type: 'test.pure' }, b: {} }, 'a > p > b')
    const execution = new TestExecution(document)
    execution.journal.delaysNotes = true
    execution.journal.refuses = ({ steps = [] }) =>
      steps.some(({ path, status }) => path === 'a' && status === 'COMPLETED')
    expect(await execution.run()).toMatchObject({
      end: { status: 'FAILED', error: { code: 'RECORD_REFUSED' } },
    })
    expect(execution.called).toEqual(['a', 'p'])
    expect(execution.journal.eventsOf('STEP_COMPLETED')).toEqual([])
  })

  test.each([
    // Its ten steps start with the end of the step before; the job ends with the last one.
    ['ten external steps', 'test.call', 10],
    // The start of each call is committed before it.
    ['ten calls that must not be repeated', 'test.costly', 11],
    ['ten pure steps', 'test.pure', 1],
  ])('a chain of %s takes few commits', async (_what, type, commits) => {
    const ids = Array.from({ length: 10 }, (_, i) => `n${i}`)
    const execution = new TestExecution(
      definition(Object.fromEntries(ids.map((id) => [id, { type }])), ids.join(' > ')),
    )
    execution.journal.delaysNotes = true
    await execution.run()
    expect(execution.journal.commits).toBe(commits)
  })

  test('a step that waits for nothing but its call makes at most 19 promises', async () => {
    const ofTen = await promisesOfChain(10)
    expect((await promisesOfChain(20)) - ofTen).toBeLessThanOrEqual(190)
  })

  test('a wait is committed before it begins', async () => {
    const gate = new Gate()
    const execution = new TestExecution(
      definition({ a: { type: 'core.delay', config: { duration: '500ms' } } }),
    )
    execution.journal.gate = gate
    const run = execution.start()
    await execution.clock.advance(400)
    expect(execution.journal.entries).toHaveLength(0)
    gate.open()
    await execution.run(run)
    expect(execution.journal.kinds()).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_WAITING',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  })

  test('what happens while a commit is under way is committed together', async () => {
    const gate = new Gate()
    const ids = Array.from({ length: 8 }, (_, i) => `p${i}`)
    const nodes = Object.fromEntries(ids.map((id) => [id, { type: 'test.pure' }]))
    const execution = new TestExecution(definition(nodes, ids.join(' > ')))
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    gate.open()
    await execution.run(run)
    expect(execution.journal.entries).toHaveLength(10) // the start, eight steps, the end
    expect(execution.journal.commits).toBe(2)
  })
})

describe('E12 and P2: recovery', () => {
  test('a recorded step, pure or not, is never run again', async () => {
    const gate = new Gate()
    const document = definition({ a: {}, p: { type: 'test.pure' }, b: {} }, 'a > p > b')
    const execution = new TestExecution(document, { a: returns({ x: 1 }), b: held(gate) })
    await lose(execution)
    const run = execution.recover()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { output: '{"x":1}' } })
    expect(execution.called).toEqual(['b'])
  })

  test('a pure step that was not recorded is replayed, and its event is written once', async () => {
    const document = definition({ a: {}, p: { type: 'test.pure' }, b: {} }, 'a > p > b')
    const execution = new TestExecution(document)
    execution.journal.crashAt = 3 // the start, and the start and end of a
    await expect(execution.run()).rejects.toBeInstanceOf(Crash)
    execution.calls.length = 0
    await execution.run(execution.recover())
    expect(execution.called).toEqual(['p', 'b'])
    expect(execution.journal.eventsOf('STEP_COMPLETED').map(({ body }) => body.path)).toEqual(['a', 'p', 'b'])
  })

  test('the timeline tells of the recovery and goes on numbering without a gap', async () => {
    const execution = new TestExecution(ab, { b: [hangs()] })
    await lose(execution)
    const again = execution.recover()
    again.cancel()
    await execution.run(again)
    expect(execution.journal.eventsOf('JOB_RECOVERED').map(({ body }) => body)).toEqual([{ recoveries: 1 }])
    expect(execution.journal.eventsOf('JOB_STARTED')).toHaveLength(1)
    expect(execution.journal.events.map(({ seq }) => seq)).toEqual(
      execution.journal.events.map((_, i) => i + 1),
    )
  })

  test('a step that had started is started again under the same number and key, and tells its start once', async () => {
    let isFirst = true
    const execution = new TestExecution(ab, {
      a: (call) => {
        if (!isFirst) return 'again'
        isFirst = false
        return hangs()(call)
      },
    })
    await lose(execution)
    await execution.run(execution.recover())
    expect(execution.calls[0]).toMatchObject({ path: 'a', attempt: 1 })
    expect(execution.calls[0]?.context.idempotencyKey).toBe('execution/a')
    expect(execution.journal.eventsOf('STEP_STARTED').map(({ body }) => body.path)).toEqual(['a', 'b'])
  })

  test('`execution.startedAt` is the same for every worker', async () => {
    const seen: unknown[] = []
    const document = definition(
      { wait: { type: 'core.delay', config: { duration: '1h' } }, a: {}, b: {} },
      'wait > b',
    )
    const nodes = (document['nodes'] as { id: string; config?: object }[]).map((node) =>
      node.id === 'wait' ? node : { ...node, config: { at: '{{ execution.startedAt }}' } },
    )
    const script: Behaviours = {
      a: ({ config }) => seen.push(config['at']),
      b: ({ config }) => seen.push(config['at']),
    }
    await new TestExecution({ ...document, nodes: nodes as never }, script).finish()
    expect(seen).toEqual(['2027-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'])
  })

  test('a failure on record stops the rest before anything of it starts', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ other: {}, bad: {}, unborn: { type: 'test.costly' } }), {
      other: held(gate),
      bad: fails('BROKEN'),
      unborn: held(gate),
    })
    const run = execution.start()
    while (execution.journal.statuses()['bad'] !== 'FAILED') await Promise.resolve()
    execution.journal.crashAt = 0
    gate.open()
    await expect(execution.run(run)).rejects.toBeInstanceOf(Crash)
    execution.calls.length = 0
    expect(await execution.run(execution.recover())).toMatchObject({
      end: { status: 'FAILED', error: { code: 'BROKEN', path: 'bad' } },
    })
    expect(execution.called).toEqual([])
    expect(execution.journal.statuses()).toEqual({ other: 'CANCELED', bad: 'FAILED', unborn: 'CANCELED' })
  })

  test('a recovery a thousand recorded steps deep does not overflow', async () => {
    const ids = Array.from({ length: 2_000 }, (_, i) => `n${i}`)
    const document = definition(
      Object.fromEntries(ids.map((id) => [id, { type: 'test.pure' }])),
      ids.join(' > '),
    )
    const execution = new TestExecution(document, {}, { input: 'x' })
    execution.journal.crashAt = 1_999
    await expect(execution.run()).rejects.toBeInstanceOf(Crash)
    execution.calls.length = 0
    expect(await execution.run(execution.recover())).toMatchObject({
      end: { status: 'COMPLETED', output: '"x"' },
    })
    expect(execution.calls.length).toBeLessThan(5)
  })
})

describe('E13: a call that must not be repeated', () => {
  const costly = (rest: object = {}) => definition({ a: { type: 'test.costly', ...rest }, b: {} }, 'a > b')

  test('its start is committed before the call', async () => {
    const gate = new Gate()
    const execution = new TestExecution(costly())
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    expect(execution.called).toEqual([])
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual(['a', 'b'])
  })

  test('so is that of every further attempt', async () => {
    const gate = new Gate()
    const execution = new TestExecution(costly({ retry: { maxAttempts: 2, initialDelayMs: 0 } }), {
      a: [fails(), returns(1)],
    })
    const run = execution.start()
    while (execution.journal.statuses()['a'] !== 'RETRYING') await Promise.resolve()
    execution.journal.gate = gate
    await settled()
    expect(execution.calls).toHaveLength(1)
    gate.open()
    await execution.run(run)
    expect(execution.calls.slice(0, 2).map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  test('a start that is not committed makes no call', async () => {
    const execution = new TestExecution(costly())
    execution.journal.crashAt = 1
    await expect(execution.run()).rejects.toBeInstanceOf(Crash)
    expect(execution.called).toEqual([])
    expect(await execution.run(execution.recover())).toMatchObject({ end: { status: 'COMPLETED' } })
  })

  test('a cancel between its start and its call makes no call, and says that none happened', async () => {
    const gate = new Gate()
    const execution = new TestExecution(costly())
    execution.journal.gate = gate
    const run = execution.start()
    await settled()
    run.cancel()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.called).toEqual([])
    expect(execution.journal.eventsOf('STEP_CANCELED')[0]?.body.callMayHaveHappened).toBe(false)
  })

  test('an attempt of a lost worker fails with CALL_OUTCOME_UNKNOWN and is not made again', async () => {
    const execution = new TestExecution(costly({ retry: { maxAttempts: 5 } }), { a: hangs() })
    await lose(execution)
    expect(await execution.run(execution.recover())).toMatchObject({
      end: { status: 'FAILED', error: { code: 'CALL_OUTCOME_UNKNOWN', path: 'a' } },
    })
    expect(execution.called).toEqual([])
    expect(execution.journal.eventsOf('STEP_FAILED')[0]?.body.error.code).toBe('CALL_OUTCOME_UNKNOWN')
  })

  test('the node’s onError is heeded', async () => {
    const execution = new TestExecution(costly({ onError: 'continue', defaultOutput: 'none' }), {
      a: hangs(),
    })
    await lose(execution)
    expect(await execution.run(execution.recover())).toMatchObject({
      end: { status: 'COMPLETED', output: '"none"' },
    })
  })

  test('with `onUnknown: "retry"` it is the next attempt of the node’s policy', async () => {
    const document = costly({ onUnknown: 'retry', retry: { maxAttempts: 2, initialDelayMs: 0 } })
    const execution = new TestExecution(document, { a: [hangs(), returns('second')] })
    await lose(execution)
    expect(await execution.run(execution.recover())).toMatchObject({ end: { output: '"second"' } })
    expect(execution.calls[0]).toMatchObject({ path: 'a', attempt: 2 })
    expect(execution.journal.steps.get('a')?.attempts[0]?.error?.code).toBe('CALL_OUTCOME_UNKNOWN')
  })

  test('a result on record is used, and one that waits for its next attempt makes it', async () => {
    const document = costly({ retry: { maxAttempts: 2, initialDelayMs: 20_000, maxDelayMs: 20_000 } })
    const execution = new TestExecution(document, { a: [fails(), returns('ok')] })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '"ok"' })
    expect(execution.called).toEqual(['a', 'a', 'b'])
  })

  test.each([
    ['that timed out', hangs(), 'ATTEMPT_TIMEOUT'],
    ['that broke without saying why', () => Promise.reject(new Error('socket hang up')), 'BLOCK_FAILED'],
  ])('an attempt %s may have happened: it is not made again', async (_what, behaviour, code) => {
    const document = costly({ timeoutMs: 1_000, retry: { maxAttempts: 3 } })
    const execution = new TestExecution(document, { a: behaviour })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code } })
    expect(execution.calls).toHaveLength(1)
  })

  test('an attempt that the block itself calls retryable is made again', async () => {
    const execution = new TestExecution(costly({ retry: { maxAttempts: 2 } }), {
      a: [fails('BUSY'), returns(1)],
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
  })
})

describe('a block as its author wrote it', () => {
  const [template] = scriptedBlocks({})
  const odd = (change: object): Block => ({ ...template, type: 'odd.block', ...change }) as unknown as Block
  const endOf = (block: Block) =>
    new TestExecution(definition({ a: { type: 'odd.block' } }), {}, { blocks: [block] }).finish()

  test('may return its outcome instead of a promise of it', async () => {
    const end = await endOf(odd({ run: () => ({ kind: 'completed', output: 1 }) }))
    expect(end).toMatchObject({ status: 'COMPLETED', output: '1' })
  })

  test('may throw at once', async () => {
    const run = () => {
      throw new Error('at once')
    }
    expect(await endOf(odd({ run }))).toMatchObject({ error: { code: 'BLOCK_FAILED', message: 'at once' } })
  })

  test('may have a schema that throws: the config is refused, before and during the run', async () => {
    const config = z.object({}).transform((value) => {
      if (!isValidating) throw new Error('no such thing')
      return value
    })
    let isValidating = true
    const execution = new TestExecution(
      definition({ a: { type: 'odd.block' } }),
      {},
      { blocks: [odd({ config })] },
    )
    isValidating = false
    expect(await execution.finish()).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringContaining('no such thing') },
    })
    expect(
      () => new TestExecution(definition({ a: { type: 'odd.block' } }), {}, { blocks: [odd({ config })] }),
    ).toThrow('CONFIG_INVALID')
  })

  test('may not look like a block at all', async () => {
    for (const run of [() => null, () => undefined, () => 'done', async () => ({})]) {
      expect(await endOf(odd({ run }))).toMatchObject({ error: { code: 'OUTCOME_INVALID' } })
    }
  })
})

describe('a record that nobody could have written', () => {
  test('a canceled step in an execution that goes on is a fault, not a result', async () => {
    const execution = new TestExecution(ab, { a: hangs() })
    await lose(execution)
    const step = execution.journal.steps.get('a')
    if (step)
      execution.journal.steps.set('a', { ...step, status: 'CANCELED', finishedAt: execution.clock.now() })
    await expect(execution.run(execution.recover())).rejects.toThrow('a step was canceled although')
    expect(execution.journal.job.end).toBeNull()
  })
})
