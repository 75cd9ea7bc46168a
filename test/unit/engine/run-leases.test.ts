import { beforeEach, expect, test } from '@jest/globals'
import { LeaseDoubt } from '../../../src/jobs/worker/lease-doubt.ts'
import { definition, Gate, held, settled, TestExecution } from '../../support/run-definition.ts'

let doubt: LeaseDoubt

beforeEach(() => {
  doubt = new LeaseDoubt()
})

test('while the lease is in doubt calls in flight continue, pure steps run, and no call starts', async () => {
  const answer = new Gate()
  const document = definition(
    { a: {}, pure: { type: 'core.transform', config: { value: 1 } }, b: {}, c: {} },
    'a > pure > b > c',
  )
  const execution = executionOf(document, { a: held(answer) })
  const run = execution.start()
  await settled()
  doubt.begin()
  answer.open()
  await execution.quiet()
  expect(execution.called).toEqual(['a'])
  expect(execution.calls[0]?.signal.aborted).toBe(false)
  expect(execution.journal.statuses()).toEqual({ a: 'COMPLETED', pure: 'COMPLETED' })
  doubt.end()
  expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
  expect(execution.called).toEqual(['a', 'b', 'c'])
})

test('a lease that is lost while it is in doubt ends the run, and no attempt is on record that made no call', async () => {
  const execution = executionOf(definition({ a: {} }))
  doubt.begin()
  const run = execution.start()
  await execution.quiet()
  run.yield()
  expect(await execution.run(run)).toEqual({ kind: 'yielded' })
  expect(execution.called).toEqual([])
  expect(execution.journal.kinds()).toEqual(['JOB_STARTED'])
})

test('a cancel reaches its end while the lease is in doubt', async () => {
  const execution = executionOf(definition({ a: {} }))
  doubt.begin()
  const run = execution.start()
  await execution.quiet()
  run.cancel()
  expect(await execution.run(run)).toMatchObject({ end: { status: 'CANCELED' } })
  expect(execution.called).toEqual([])
})

function executionOf(...[document, behaviours]: ConstructorParameters<typeof TestExecution>): TestExecution {
  return new TestExecution(document, behaviours, {
    world: { untilHeld: (signal) => doubt.untilOver(signal) },
  })
}
