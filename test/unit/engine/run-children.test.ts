import { beforeEach, describe, expect, test } from '@jest/globals'
import type { ChildEnd, ChildExecutions } from '../../../src/engine/run/context/run-ports.ts'
import { definition, Gate, held, settled, TestExecution } from '../../support/run-definition.ts'

type ChildStart = Parameters<ChildExecutions['start']>[0]

const started: ChildStart[] = []
const canceled: string[] = []
const ends = new Map<string, ChildEnd>()
/** The same key gives the same child. */
const children: ChildExecutions = {
  start: async (request) => {
    started.push(request)
    return `child of ${request.key}`
  },
  endOf: async (id) => ends.get(id) ?? null,
  cancel: async (id) => void (canceled.includes(id) || canceled.push(id)),
  async cancelAll() {
    const open = started.map(({ key }) => `child of ${key}`).filter((id) => !ends.has(id))
    await Promise.all(open.map((id) => children.cancel(id)))
  },
}
const CHILD = 'child of execution/call#1'

beforeEach(() => {
  started.length = 0
  canceled.length = 0
  ends.clear()
})

const call = (node: object = {}) => ({
  type: 'core.callWorkflow',
  config: { workflowId: 'w', input: '{{ input }}' },
  ...node,
})
const calling = (document = definition({ call: call() })) =>
  new TestExecution(document, {}, { input: { x: 1 }, world: { children } })

describe('E10: core.callWorkflow', () => {
  test('starts a child, parks, and completes with its output', async () => {
    const execution = calling()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: null })
    expect(started).toEqual([
      {
        key: 'execution/call#1',
        workflowId: 'w',
        version: null,
        input: { x: 1 },
        variables: {},
        parentId: 'execution',
        path: 'call',
      },
    ])
    expect(execution.journal.steps.get('call')?.wait).toEqual({ kind: 'child', executionId: CHILD })
    ends.set(CHILD, { status: 'COMPLETED', output: { y: 2 } })
    execution.send({ kind: 'CHILD_ENDED', executionId: CHILD })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '{"y":2}' })
    expect(started).toHaveLength(1)
  })

  test('large outputs of children are read one after the other, each until the end of its step is recorded', async () => {
    const reads: string[] = []
    const large: ChildExecutions = {
      ...children,
      async endOf(id, takeMemory) {
        if (!ends.has(id)) return null
        await takeMemory(4 * 1024 * 1024)
        reads.push(id)
        return { status: 'COMPLETED', output: 'x' }
      },
    }
    const nodes = Object.fromEntries(Array.from({ length: 3 }, (_, n) => [`call${n}`, call()]))
    const document = { ...definition(nodes), limits: { concurrency: 10 } }
    const execution = new TestExecution(document, {}, { world: { children: large } })
    await execution.run()
    for (const { key } of started) ends.set(`child of ${key}`, { status: 'COMPLETED', output: 'x' })
    const gate = (execution.journal.gate = new Gate())
    const run = execution.start()
    await settled()
    expect(reads).toHaveLength(1)
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
    expect(reads).toHaveLength(3)
  })

  test('sees an end that came while nobody was told', async () => {
    const execution = calling()
    await execution.run()
    ends.set(CHILD, { status: 'COMPLETED', output: 1 })
    expect(await execution.finish(execution.start())).toMatchObject({ output: '1' })
  })

  test('goes on without a park when the child ends while something else runs', async () => {
    const gate = new Gate()
    const document = definition({ call: call(), busy: {}, after: {} }, 'call > after')
    const execution = new TestExecution(document, { busy: held(gate) }, { world: { children } })
    const run = execution.start()
    await settled()
    ends.set(CHILD, { status: 'COMPLETED', output: 1 })
    execution.send({ kind: 'CHILD_ENDED', executionId: CHILD })
    await settled()
    expect(execution.called).toEqual(['busy', 'after'])
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
  })

  test('a child that fails fails the step, telling which and why', async () => {
    const execution = calling()
    await execution.run()
    ends.set(CHILD, { status: 'FAILED', error: { code: 'BROKEN', message: 'it broke' } })
    expect(await execution.finish(execution.start())).toMatchObject({
      status: 'FAILED',
      error: { code: 'CHILD_FAILED', path: 'call', details: { executionId: CHILD, code: 'BROKEN' } },
    })
  })

  test('another attempt starts another child', async () => {
    const execution = calling(
      definition({ call: call({ retry: { maxAttempts: 2, initialDelayMs: 0, maxDelayMs: 0 } }) }),
    )
    await execution.run()
    ends.set(CHILD, { status: 'FAILED', error: { code: 'BROKEN', message: 'it broke' } })
    expect(await execution.run(execution.start())).toMatchObject({ kind: 'parked' })
    expect(started.map(({ key }) => key)).toEqual(['execution/call#1', 'execution/call#2'])
  })

  test('a crash between start and record starts the same child again, by its key', async () => {
    const execution = calling()
    execution.journal.crashAt = 2
    await execution.run().catch(() => {})
    await execution.run(execution.recover())
    expect(new Set(started.map(({ key }) => key))).toEqual(new Set(['execution/call#1']))
  })

  test('a cancel goes to the child before it is told as done', async () => {
    const execution = calling()
    await execution.run()
    execution.send({ kind: 'CANCEL' })
    expect(await execution.finish()).toMatchObject({ status: 'CANCELED' })
    expect(canceled).toEqual([CHILD])
  })

  test('the end of the step’s time goes to the child, whatever follows the step', async () => {
    const document = definition({ call: call({ stepTimeoutMs: 5_000, onError: 'continue' }) })
    const execution = calling(document)
    const startedAt = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: startedAt + 5_000 })
    await execution.clock.advance(5_000)
    expect(await execution.finish(execution.start())).toMatchObject({ status: 'COMPLETED' })
    expect(canceled).toEqual([CHILD])
  })

  test('a child whose start is under way when its step is cut off is canceled once it is there', async () => {
    const gate = new Gate()
    const slow = {
      ...children,
      async start(request: ChildStart) {
        await gate.pass()
        return children.start(request)
      },
      cancelAll: async () => undefined,
    }
    const execution = new TestExecution(
      definition({ call: call() }),
      {},
      { input: {}, world: { children: slow } },
    )
    const run = execution.start()
    await settled()
    execution.send({ kind: 'CANCEL' })
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    gate.open()
    await settled()
    expect(canceled).toEqual([CHILD])
  })

  test('a child whose start is under way when the worker stops is left to the next worker', async () => {
    const gate = new Gate()
    const slow = {
      ...children,
      async start(request: ChildStart) {
        await gate.pass()
        return children.start(request)
      },
    }
    const execution = new TestExecution(
      definition({ call: call() }),
      {},
      { input: {}, world: { children: slow } },
    )
    const run = execution.start()
    await settled()
    run.yield()
    expect(await execution.run(run)).toEqual({ kind: 'yielded' })
    gate.open()
    await settled()
    expect(canceled).toEqual([])
    expect(await execution.run(execution.recover())).toMatchObject({ kind: 'parked' })
    expect(new Set(started.map(({ key }) => key))).toEqual(new Set(['execution/call#1']))
  })

  test('a child that was started by a worker that died is canceled with its parent', async () => {
    const execution = calling()
    execution.journal.crashAt = 2
    await execution.run().catch(() => {})
    execution.send({ kind: 'CANCEL' })
    expect(await execution.finish(execution.recover())).toMatchObject({ status: 'CANCELED' })
    expect(canceled).toEqual([CHILD])
  })

  test('a sibling’s failure goes to the child, too', async () => {
    const document = definition(
      {
        call: call(),
        wait: { type: 'core.delay', config: { duration: '2s' } },
        bad: { type: 'core.fail', config: { message: 'no' } },
      },
      'wait > bad',
    )
    const execution = new TestExecution(document, {}, { world: { children } })
    expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'FAILED_ON_PURPOSE' } })
    expect(canceled).toEqual([CHILD])
  })
})
