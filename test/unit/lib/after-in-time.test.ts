import { expect, test } from '@jest/globals'
import { afterInTime } from '../../../src/lib/async/after-in-time.ts'

/** Timers that fire when the test says, at whatever time that then is. */
function lateClock() {
  let now = 0
  const timers: { readonly ms: number; readonly fire: () => void }[] = []
  return {
    now: () => now,
    after(ms: number, fire: () => void) {
      const timer = { ms, fire }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
    /** Fires the only timer at an instant. */
    fireAt(instant: number) {
      now = instant
      timers.shift()?.fire()
    },
    get pending() {
      return timers.map(({ ms }) => ms)
    },
  }
}

test('a deadline that is met in time calls back', () => {
  const clock = lateClock()
  let calls = 0
  afterInTime(clock, 500, () => calls++)
  clock.fireAt(510)
  expect(calls).toBe(1)
})

test('a deadline that a blocked event loop made late is put off once, for a second', () => {
  const clock = lateClock()
  let calls = 0
  afterInTime(clock, 500, () => calls++)
  clock.fireAt(20_000)
  expect(calls).toBe(0)
  expect(clock.pending).toEqual([1_000])
  clock.fireAt(60_000)
  expect(calls).toBe(1)
})

test('a deadline that is put off can still be called off', () => {
  const clock = lateClock()
  let calls = 0
  const stop = afterInTime(clock, 500, () => calls++)
  clock.fireAt(20_000)
  stop()
  expect(clock.pending).toEqual([])
  expect(calls).toBe(0)
})
