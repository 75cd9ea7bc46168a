import { describe, expect, test } from '@jest/globals'
import {
  definition,
  fails,
  forEach,
  Gate,
  held,
  returns,
  settled,
  takes,
  TestExecution,
  waits,
} from '../../support/run-definition.ts'

const HOUR_MS = 3_600_000
const delay = (duration: string) => ({ type: 'core.delay', config: { duration } })

describe('E9: parking', () => {
  test('an execution in which only waits are left parks until the first of them is due', async () => {
    const execution = new TestExecution(definition({ a: delay('2h'), b: delay('1h') }))
    const now = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: now + HOUR_MS })
    expect(execution.journal.job).toMatchObject({ status: 'WAITING', isHeld: false, wakeAt: now + HOUR_MS })
    expect(execution.journal.eventsOf('JOB_WAITING')[0]?.body.until).toBe(
      new Date(now + HOUR_MS).toISOString(),
    )
    expect(execution.journal.statuses()).toEqual({ a: 'WAITING', b: 'WAITING' })
  })

  test('a wait is committed with its absolute due time', async () => {
    const execution = new TestExecution(definition({ a: delay('90s') }))
    await execution.run()
    const dueAt = execution.clock.now() + 90_000
    expect(execution.journal.steps.get('a')).toMatchObject({ status: 'WAITING', dueAt })
    expect(execution.journal.eventsOf('STEP_WAITING')[0]?.body.until).toBe(new Date(dueAt).toISOString())
  })

  test('the next worker goes on from the record and calls nothing again', async () => {
    const execution = new TestExecution(definition({ a: {}, wait: delay('1h'), b: {} }, 'a > wait > b'), {
      a: returns({ x: 1 }),
    })
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'COMPLETED', output: '{"x":1}' })
    expect(execution.called).toEqual(['a', 'b'])
    expect(execution.journal.kinds()).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'STEP_STARTED',
      'STEP_WAITING',
      'JOB_WAITING',
      'STEP_COMPLETED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  })

  test('an output that a block gave with its wait is the step’s output when the wait is over', async () => {
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), {
      a: waits(HOUR_MS, { later: [1] }),
    })
    await execution.finish()
    expect(execution.calls[1]?.input).toEqual({ later: [1] })
    expect(execution.calls).toHaveLength(2)
    expect(execution.journal.steps.get('a')?.attempts).toMatchObject([
      { startedAt: '2027-01-01T00:00:00.000Z', finishedAt: '2027-01-01T01:00:00.000Z' },
    ])
  })

  test('nothing parks while something runs', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ wait: delay('1h'), work: {} }), { work: held(gate) })
    const run = execution.start()
    await execution.clock.advance(60_000)
    expect(run.result).toBeNull()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
    expect(execution.journal.statuses()).toEqual({ wait: 'WAITING', work: 'COMPLETED' })
  })

  test('nothing parks while a loop gathers its outputs', async () => {
    const nodes = { wait: delay('1h'), loop: forEach(definition({ item: {} }), { items: [1, 2] }), after: {} }
    const execution = new TestExecution(definition(nodes, 'loop > after'))
    const gate = new Gate()
    const open = execution.journal.open.bind(execution.journal)
    execution.journal.open = () => {
      const journal = open()
      return { ...journal, loopItems: (path) => gate.pass().then(() => journal.loopItems(path)) }
    }
    const run = execution.start()
    await settled()
    expect(execution.journal.kinds()).not.toContain('JOB_WAITING')
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
    expect(execution.called).toEqual(['loop[0]/item', 'loop[1]/item', 'after'])
  })

  test('nothing parks while a commit is under way', async () => {
    const execution = new TestExecution(
      definition({ wait: delay('1h'), work: {}, next: {} }, 'work > next'),
      {
        work: takes(10),
      },
    )
    const run = execution.start()
    await settled()
    const gate = new Gate()
    execution.journal.gate = gate
    await execution.clock.advance(10)
    expect(execution.journal.kinds()).not.toContain('JOB_WAITING')
    execution.journal.gate = null
    gate.open()
    await execution.run(run)
    expect(execution.called).toEqual(['work', 'next'])
  })

  test('what is recorded without waiting is not drawn into a park that is refused', async () => {
    const gates = { pure: new Gate(), journal: new Gate() }
    const execution = new TestExecution(definition({ a: delay('1h'), b: { type: 'test.pure' } }), {
      b: held(gates.pure),
    })
    const run = execution.start()
    await settled()
    execution.journal.busy = gates.journal
    execution.journal.hasUnreadCommand = true
    gates.pure.open()
    await settled()
    gates.journal.open()
    await settled()
    expect(execution.journal.statuses()).toEqual({ a: 'WAITING', b: 'COMPLETED' })
    run.cancel()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
  })

  test('a wait of a second or less is sat out: parking would take as long', async () => {
    const execution = new TestExecution(definition({ a: delay('900ms') }))
    expect(await execution.run()).toMatchObject({ kind: 'ended' })
    expect(execution.journal.kinds()).not.toContain('JOB_WAITING')
  })

  test('the execution’s deadline is part of the park, and runs through it', async () => {
    const document = { ...definition({ a: delay('2h') }), limits: { timeoutMs: HOUR_MS } }
    const execution = new TestExecution(document)
    const startedAt = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: startedAt + HOUR_MS })
    await execution.clock.advanceTo(startedAt + HOUR_MS)
    expect(await execution.run()).toMatchObject({
      end: { status: 'FAILED', error: { code: 'EXECUTION_TIMEOUT' } },
    })
    expect(execution.journal.statuses()).toEqual({ a: 'CANCELED' })
  })

  test('a park is refused while a command is unread, and the run stays until it is obeyed', async () => {
    const execution = new TestExecution(definition({ a: delay('1h') }))
    execution.journal.hasUnreadCommand = true
    const run = execution.start()
    await settled()
    expect(run.result).toBeNull()
    expect(execution.journal.kinds()).not.toContain('JOB_WAITING')
    run.cancel()
    execution.journal.hasUnreadCommand = false
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.journal.kinds().slice(-3)).toEqual(['JOB_CANCELING', 'STEP_CANCELED', 'JOB_CANCELED'])
  })

  test('a park that was refused is asked for again once the command was read', async () => {
    const execution = new TestExecution(definition({ a: delay('1h') }))
    execution.journal.hasUnreadCommand = true
    const run = execution.start()
    await settled()
    execution.journal.hasUnreadCommand = false
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
  })

  test('a wait that comes due while the park is being committed does not leave the job with nobody to wake it', async () => {
    const execution = new TestExecution(definition({ a: delay('10s'), b: {} }, 'a > b'))
    const gate = new Gate()
    const run = execution.start()
    for (let turn = 0; execution.journal.statuses()['a'] !== 'WAITING'; turn++) {
      if (turn > 100) throw new Error('the step does not wait')
      await Promise.resolve()
    }
    execution.journal.gate = gate // holds the park
    await settled()
    await execution.clock.advance(20_000)
    execution.journal.gate = null
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.called).toEqual(['b'])
  })

  test('a cancel that comes while the park is being committed ends the job', async () => {
    const execution = new TestExecution(definition({ a: delay('1h') }))
    const gate = new Gate()
    const run = execution.start()
    for (let turn = 0; execution.journal.statuses()['a'] !== 'WAITING'; turn++) {
      if (turn > 100) throw new Error('the step does not wait')
      await Promise.resolve()
    }
    execution.journal.gate = gate
    await settled()
    run.cancel()
    await settled()
    execution.journal.gate = null
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.journal.statuses()).toEqual({ a: 'CANCELED' })
  })

  test('a retry that comes due while the park is being committed is not made before it is decided', async () => {
    const document = definition({
      a: { retry: { maxAttempts: 2, initialDelayMs: 20_000, maxDelayMs: 20_000 } },
    })
    const execution = new TestExecution(document, { a: [fails(), returns('second')] })
    const gate = new Gate()
    const run = execution.start()
    for (let turn = 0; execution.journal.statuses()['a'] !== 'RETRYING'; turn++) {
      if (turn > 100) throw new Error('the step does not wait')
      await Promise.resolve()
    }
    execution.journal.gate = gate // holds the park
    await settled()
    await execution.clock.advance(30_000)
    expect(execution.calls).toHaveLength(1)
    execution.journal.gate = null
    gate.open()
    expect(await execution.run(run)).toMatchObject({ kind: 'parked' })
    expect(execution.calls).toHaveLength(1)
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '"second"' })
  })

  test('a cancel that stands against the park that is being committed is told, although the park is refused', async () => {
    const execution = new TestExecution(definition({ a: delay('1h') }))
    const gate = new Gate()
    const run = execution.start()
    for (let turn = 0; execution.journal.statuses()['a'] !== 'WAITING'; turn++) {
      if (turn > 100) throw new Error('the step does not wait')
      await Promise.resolve()
    }
    execution.journal.busy = gate
    execution.journal.hasUnreadCommand = true
    await settled()
    run.cancel()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
    expect(execution.journal.kinds().slice(-3)).toEqual(['JOB_CANCELING', 'STEP_CANCELED', 'JOB_CANCELED'])
  })

  test('a wait ends at a whole millisecond, and never too early', async () => {
    const execution = new TestExecution(definition({ a: {} }), { a: waits(1_500.25, 'over') })
    const { wakeAt } = (await execution.run()) as { wakeAt: number }
    expect(wakeAt).toBe(execution.clock.now() + 1_501)
    expect(execution.journal.steps.get('a')?.dueAt).toBe(wakeAt)
  })

  test('waits inside of loops park the whole execution', async () => {
    const body = definition({ wait: delay('{{ item }}'), after: {} }, 'wait > after')
    const execution = new TestExecution(definition({ loop: forEach(body, { items: ['1h', '2h', '3h'] }) }))
    const startedAt = execution.clock.now()
    expect(await execution.run()).toEqual({ kind: 'parked', wakeAt: startedAt + HOUR_MS })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '["1h","2h","3h"]' })
    expect(execution.calls.map(({ at }) => at - startedAt)).toEqual([HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS])
  })
})
