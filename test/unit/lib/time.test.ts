import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { followingController } from '../../../src/lib/async/abort.ts'
import { backoffDelay } from '../../../src/lib/time/backoff.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import { Closers } from '../../../src/lib/async/closers.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('backoffDelay', () => {
  const policy = { initialDelayMs: 500, factor: 2, maxDelayMs: 8_000 }

  test('is a share of a cap that doubles and then stays', () => {
    const caps = [1, 2, 3, 4, 5, 6, 100].map((attempt) => backoffDelay(policy, attempt, 1 - Number.EPSILON))
    expect(caps).toEqual([499, 999, 1_999, 3_999, 7_999, 7_999, 7_999])
    expect(backoffDelay(policy, 3, 0)).toBe(0)
    expect(backoffDelay(policy, 3, 0.5)).toBe(1_000)
  })

  test('is a whole number between nothing and the cap, whatever the policy', () => {
    const anyPolicy = fc.record({
      initialDelayMs: fc.nat(86_400_000),
      factor: fc.double({ min: 1, max: 10, noNaN: true }),
      maxDelayMs: fc.nat(86_400_000),
    })
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 100 }), random, (backoff, attempt, share) => {
        const delay = backoffDelay(backoff, attempt, share)
        expect(Number.isInteger(delay)).toBe(true)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(backoff.maxDelayMs)
      }),
    )
  })
})

beforeEach(() => void jest.useFakeTimers())
afterEach(() => void jest.useRealTimers())

describe.each([
  ['the machine’s clock', () => ({ clock: systemClock, pass: jest.advanceTimersByTimeAsync })],
  [
    'the tests’ clock',
    () => {
      jest.useRealTimers()
      const clock = new ManualClock()
      return { clock, pass: (ms: number) => clock.advance(ms) }
    },
  ],
])('%s', (_name, make) => {
  test('a wait ends after its time and not before', async () => {
    const { clock, pass } = make()
    const startedAt = clock.now()
    let endedAt: number | null = null
    const wait = clock.wait(20).then(() => (endedAt = clock.now()))
    await pass(19)
    expect(endedAt).toBeNull()
    await pass(11)
    await wait
    expect(endedAt).toBe(startedAt + 20)
  })

  test('a wait for nothing, or for the past, ends at once', async () => {
    const { clock } = make()
    await clock.wait(0)
    await clock.wait(-5)
  })

  test('a wait rejects with the signal’s reason as soon as it aborts, and at once when it has', async () => {
    const { clock } = make()
    const reason = new Error('enough')
    const controller = new AbortController()
    const wait = clock.wait(1_000_000, controller.signal)
    controller.abort(reason)
    await expect(wait).rejects.toBe(reason)
    await expect(clock.wait(0, controller.signal)).rejects.toBe(reason)
  })

  test('a call that is called off is not made', async () => {
    const { clock, pass } = make()
    const calls: string[] = []
    clock.after(5, () => calls.push('made'))
    clock.after(5, () => calls.push('not made'))()
    await pass(20)
    expect(calls).toEqual(['made'])
  })
})

test('a time beyond what a timer can hold is waited for, not over at once', async () => {
  let isOver = false
  const wait = systemClock.wait(2 ** 31 + 1_000).then(() => (isOver = true))
  await jest.advanceTimersByTimeAsync(2 ** 31 + 999)
  expect(isOver).toBe(false)
  await jest.advanceTimersByTimeAsync(1)
  await wait
})

describe('followingController', () => {
  test('aborts with its parent, for the same reason', () => {
    const parent = new AbortController()
    const { controller } = followingController(parent.signal)
    const reason = new Error('why')
    parent.abort(reason)
    expect(controller.signal.reason).toBe(reason)
  })

  test('is aborted from the start when its parent is', () => {
    expect(followingController(AbortSignal.abort(new Error('why'))).controller.signal.aborted).toBe(true)
  })

  test('aborts alone without touching its parent, and follows no more once it is told to', () => {
    const parent = new AbortController()
    const alone = followingController(parent.signal)
    alone.controller.abort()
    expect(parent.signal.aborted).toBe(false)
    const free = followingController(parent.signal)
    free.unfollow()
    parent.abort()
    expect(free.controller.signal.aborted).toBe(false)
  })
})

describe('Closers', () => {
  test('close what was opened in reverse order, each once', async () => {
    const closed: number[] = []
    const closers = new Closers()
    for (const i of [1, 2, 3]) closers.add(async () => void closed.push(i))
    await closers.close()
    await closers.close()
    expect(closed).toEqual([3, 2, 1])
  })

  test('close everything although one fails, and tell it', async () => {
    const closed: number[] = []
    const closers = new Closers()
    closers.add(() => void closed.push(1))
    closers.add(() => Promise.reject(new Error('stuck')))
    closers.add(() => void closed.push(3))
    await expect(closers.close()).rejects.toMatchObject({
      errors: [expect.objectContaining({ message: 'stuck' })],
    })
    expect(closed).toEqual([3, 1])
  })
})
