import { expect, test } from '@jest/globals'
import { afterAwake } from '../../../src/lib/async/after-awake.ts'

/** A clock whose timers are called by hand, so that they can be late. */
function lateClock() {
  let now = 0
  let due: (() => void) | null = null
  return {
    clock: {
      now: () => now,
      after: (_ms: number, callback: () => void) => {
        due = callback
        return () => (due = null)
      },
    },
    passes: (ms: number) => (now += ms),
    calls: () => due?.(),
  }
}

test('time for which the loop was blocked does not bring the callback nearer, and is counted', () => {
  const { clock, passes, calls } = lateClock()
  let called = 0
  const callOff = afterAwake(clock, 1_000, () => called++)
  passes(5_100)
  calls()
  for (let part = 1; part < 9; part++) {
    passes(100)
    calls()
  }
  expect(called).toBe(0)
  expect(callOff()).toBe(5_000)
})

test('a wait that is called off before its overdue timer runs counts the time for which the loop was blocked', () => {
  const { clock, passes } = lateClock()
  const callOff = afterAwake(clock, 1_000, () => {})
  passes(5_100)
  expect(callOff()).toBe(5_000)
})

test('a wait that is over counts no later time', () => {
  const { clock, passes, calls } = lateClock()
  let called = 0
  const callOff = afterAwake(clock, 1_000, () => called++)
  for (let part = 0; part < 10; part++) {
    passes(100)
    calls()
  }
  expect(called).toBe(1)
  passes(9_000)
  expect(callOff()).toBe(0)
})
