import { expect, test } from '@jest/globals'
import { CALLBACK_MAX_WAIT_MS, CallbackCalls } from '../../../src/jobs/library/job-callbacks.ts'
import { newId, type JobId } from '../../../src/lib/ids.ts'
import { ManualClock, settled } from '../../support/manual-clock.ts'

function open() {
  const clock = new ManualClock()
  const warnings: string[] = []
  const logger = { warn: (_fields: unknown, message?: string) => void warnings.push(message ?? '') }
  const calls = new CallbackCalls({ jobId: newId<JobId>(), clock, logger, onUnhandledError: () => {} })
  return { clock, warnings, calls }
}

test('a callback that never settles is waited for once, for two seconds, and is called again nevertheless', async () => {
  const { clock, warnings, calls } = open()
  let count = 0
  const never = () => {
    count++
    return new Promise(() => {})
  }
  const order: string[] = []
  const first = calls.call('onProgress', never).then(() => order.push('first'))
  await clock.advance(CALLBACK_MAX_WAIT_MS - 1)
  expect(order).toEqual([])
  await clock.advance(1)
  await first
  await calls.call('onProgress', never)
  expect(count).toBe(2)
  expect(warnings).toEqual([
    'the callback onProgress has not settled within 2000 ms and is no longer waited for',
  ])
})

test('another callback is still waited for', async () => {
  const { clock, calls } = open()
  const slow = calls.call('onProgress', () => new Promise(() => {}))
  await clock.advance(CALLBACK_MAX_WAIT_MS)
  await slow
  let isDone = false
  const complete = calls.call('onComplete', () => clock.wait(100)).then(() => (isDone = true))
  await settled()
  expect(isDone).toBe(false)
  await clock.advance(100)
  await complete
  expect(isDone).toBe(true)
})

test('what a callback throws or rejects with is logged', async () => {
  const { warnings, calls } = open()
  await calls.call('onProgress', () => {
    throw new Error('thrown')
  })
  await calls.call('onError', () => Promise.reject(new Error('rejected')))
  expect(warnings).toEqual([
    'the callback onProgress threw; the job continues',
    'the callback onError threw; the job continues',
  ])
})
