import { expect, test } from '@jest/globals'
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

test('a run without an attempt in flight yields at once when its process stops', async () => {
  const execution = new TestExecution(definition({ a: {}, b: {} }, 'a > b'), { a: waits(500) })
  const run = execution.start()
  await settled()
  run.drain()
  expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  expect(execution.clock.now()).toBe(execution.journal.job.startedAt)
  expect(execution.called).toEqual(['a'])
})

test('a run that has not begun yields without a record when its process stops', async () => {
  const execution = new TestExecution(definition({ a: {} }))
  const run = execution.start({ isDraining: true })
  expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  expect(execution.journal.kinds()).toEqual([])
})

test('attempts in flight finish and are recorded before the run yields; nothing else starts', async () => {
  const gates = { a: new Gate(), b: new Gate() }
  const document = definition({ a: {}, b: {}, next: {}, last: {} }, 'a > next', 'b > last')
  const execution = new TestExecution(document, { a: held(gates.a), b: held(gates.b) })
  const run = execution.start()
  await settled()
  run.drain()
  gates.a.open()
  await execution.quiet()
  expect(run.result).toBeNull()
  gates.b.open()
  expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  expect(execution.calls.map(({ signal }) => signal.aborted)).toEqual([false, false])
  expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', b: 'COMPLETED' })
  expect(await execution.finish(execution.recover())).toMatchObject({ status: 'COMPLETED' })
  expect(execution.called).toEqual(['a', 'b', 'next', 'last'])
})

test('a run whose last attempt ends while its process stops is recorded to its end', async () => {
  const gate = new Gate()
  const execution = new TestExecution(definition({ a: {} }), { a: held(gate) })
  const run = execution.start()
  await settled()
  run.drain()
  gate.open()
  expect(await execution.run(run)).toMatchObject({ kind: 'ended', end: { status: 'COMPLETED' } })
})

test('an attempt that fails while its process stops is recorded with its next attempt, which another worker makes', async () => {
  const gate = new Gate()
  const document = definition({ a: { retry: { maxAttempts: 2, initialDelayMs: 10 } } })
  const execution = new TestExecution(document, { a: [held(gate, fails()), () => 'done'] })
  const run = execution.start()
  await settled()
  run.drain()
  gate.open()
  expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  expect(execution.journal.steps.get('a')).toMatchObject({ status: 'RETRYING', attempts: [{}] })
  expect(await execution.finish(execution.recover())).toMatchObject({ status: 'COMPLETED' })
})

test('the items of a loop that are in work finish, and no other item starts', async () => {
  const gate = new Gate()
  const document = definition({ each: forEach(definition({ work: {} }), { concurrency: 1 }) })
  const execution = new TestExecution(document, { work: held(gate) }, { input: [1, 2, 3] })
  const run = execution.start()
  await settled()
  run.drain()
  gate.open()
  expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  expect(execution.called).toEqual(['each[0]/work'])
  expect(await execution.finish(execution.recover())).toMatchObject({ status: 'COMPLETED' })
  expect(execution.called).toHaveLength(3)
})
