import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { ProgressMeter } from '../../../src/engine/record/progress.ts'
import {
  definition,
  fails,
  forEach,
  Gate,
  held,
  settled,
  TestExecution,
  waits,
} from '../../support/run-definition.ts'

describe('E11: the formula', () => {
  test('a job that runs shows 5 %, plus 0.9 of the mean over its top-level nodes', () => {
    const meter = new ProgressMeter(4, 5)
    expect(meter.percent).toBe(5)
    meter.report(0, 1)
    expect(meter.percent).toBe(5 + 90 / 4)
    meter.report(1, 0.5)
    expect(meter.percent).toBe(5 + (90 * 1.5) / 4)
    for (const node of [1, 2, 3]) meter.report(node, 1)
    expect([meter.percent, meter.endedNodes]).toEqual([95, 4])
  })

  test('starts from what is recorded, and passes it only once there is more', () => {
    const meter = new ProgressMeter(2, 60)
    meter.report(0, 1)
    expect(meter.percent).toBe(60)
    meter.report(1, 1)
    expect(meter.percent).toBe(95)
  })

  test('never falls and stays between 5 and 95, whatever is reported', () => {
    const report = fc.tuple(fc.nat(5), fc.oneof(fc.double(), fc.constantFrom(0, 1, 2, -1)))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(report), (count, reports) => {
        const meter = new ProgressMeter(count, 5)
        let before = meter.percent
        for (const [node, fraction] of reports) {
          meter.report(node % count, fraction)
          expect(meter.percent).toBeGreaterThanOrEqual(before)
          expect(meter.percent).toBeLessThanOrEqual(95)
          before = meter.percent
        }
        expect(meter.endedNodes).toBeLessThanOrEqual(count)
      }),
    )
  })
})

describe('E11: a job’s progress', () => {
  const progressOf = (execution: TestExecution) =>
    execution.journal.events.map(({ kind, progress }) => [kind, progress])

  test('counts ended nodes, skipped ones too, and is 100 only when the job has completed', async () => {
    const nodes = { a: { config: { handles: ['x', 'y'] } }, b: {}, c: {}, d: {} }
    const execution = new TestExecution(definition(nodes, 'a:x > b', 'a:y > c > d'), {
      a: () => ({ kind: 'completed', output: 1, handles: ['x'] }),
    })
    await execution.finish()
    expect(progressOf(execution)).toEqual([
      ['JOB_STARTED', 5],
      ['STEP_STARTED', 5],
      ['STEP_COMPLETED', 27.5],
      ['STEP_SKIPPED', expect.any(Number)],
      ['STEP_SKIPPED', 72.5],
      ['STEP_STARTED', 72.5],
      ['STEP_COMPLETED', 95],
      ['JOB_COMPLETED', 100],
    ])
    expect(execution.journal.job).toMatchObject({ progress: 100, completedNodes: 4, currentStep: null })
  })

  test('keeps its last value when the job fails or is canceled', async () => {
    const failed = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { b: fails() })
    await failed.finish()
    expect(failed.journal.job.progress).toBe(50)
    const gate = new Gate()
    const canceled = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { b: held(gate) })
    const run = canceled.start()
    await settled()
    run.cancel()
    gate.open()
    await canceled.run(run)
    expect(canceled.journal.job.progress).toBe(50)
  })

  test('takes in what a running block reports, and what a loop has behind it', async () => {
    const gate = new Gate()
    const document = definition({ a: {}, loop: forEach(definition({ item: {} }), { items: [1, 2, 3, 4] }) })
    const execution = new TestExecution(document, {
      a: async ({ context }) => {
        for (const fraction of [0.5, 0.25, Number.NaN, 7, -1]) context.progress(fraction)
        await gate.pass()
      },
      'loop[3]/item': held(gate),
    })
    const run = execution.start()
    await settled()
    expect(execution.journal.job.progress).toBe(5 + 90 * ((0.5 + 0.75) / 2))
    gate.open()
    await execution.run(run)
  })

  test('of a block that works for long is shown while it works, once a second at most, without events', async () => {
    const execution = new TestExecution(definition({ a: {} }), {
      a: async ({ context }) => {
        for (let done = 1; done <= 100; done++) {
          await context.clock.wait(100)
          context.progress(done / 100)
        }
      },
    })
    const run = execution.start()
    await execution.clock.advance(5_050)
    expect(execution.journal.job.progress).toBeGreaterThan(45)
    await execution.run(run)
    expect(execution.journal.entries.length).toBeLessThan(15)
    expect(execution.journal.kinds()).toEqual([
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  })

  test('a block that reports 1 has not ended yet', async () => {
    const execution = new TestExecution(definition({ a: {} }), {
      a: ({ context }) => {
        context.progress(1)
        throw new Error('after all')
      },
    })
    await execution.finish()
    expect(execution.journal.job.progress).toBeLessThan(95)
    expect(execution.journal.job.completedNodes).toBe(0)
  })

  test('falls neither at a recovery nor at a park, nor does the number of ended nodes', async () => {
    const document = definition({ a: {}, wait: {}, b: {} }, 'a > wait > b')
    const execution = new TestExecution(document, { wait: waits(3_600_000) })
    await execution.run()
    const { progress, completedNodes } = execution.journal.job
    expect([progress, completedNodes]).toEqual([35, 1])
    execution.recover()
    await settled()
    expect(execution.journal.job).toMatchObject({ progress, completedNodes })
    await execution.finish()
    expect(execution.journal.eventsOf('JOB_RECOVERED')[0]?.progress).toBe(35)
  })

  test('`currentStep` names the step that began last', async () => {
    const gate = new Gate()
    const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { b: held(gate) })
    const run = execution.start()
    await settled()
    expect(execution.journal.job.currentStep).toBe('b')
    gate.open()
    await execution.run(run)
    expect(execution.journal.job.currentStep).toBeNull()
  })
})
