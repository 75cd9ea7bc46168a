import { expect, test } from '@jest/globals'
import { steadyNow } from '../../../src/db/embedded/steady-now.ts'
import { fc } from '../../support/fast-check.ts'

const HOUR_MS = 3_600_000

test('the time of the embedded database follows the machine’s clock forward, and runs slower where that is set back', () => {
  const world = { machine: Date.parse('2027-01-01T00:00:00Z'), time: 0 }
  const start = world.machine
  const now = steadyNow(
    () => world.machine,
    () => world.time,
  )
  const pass = (ms: number) => {
    world.machine += ms
    world.time += ms
  }
  pass(10)
  expect(now()).toBe(start + 10)
  world.machine += HOUR_MS
  expect(now()).toBe(start + 10 + HOUR_MS)
  world.machine -= HOUR_MS
  expect(now()).toBe(start + 10 + HOUR_MS)
  pass(3_000)
  expect(now()).toBe(start + 10 + HOUR_MS + 2_700)
  pass(10 * HOUR_MS)
  expect(now() - world.machine).toBeLessThanOrEqual(0)
})

test('the time of the embedded database never goes back, however the machine’s clock is set', () => {
  const moves = fc.array(
    fc.record({ passesMs: fc.nat(5_000), setBy: fc.integer({ min: -HOUR_MS, max: HOUR_MS }) }),
  )
  fc.assert(
    fc.property(moves, (list) => {
      const world = { machine: 1_800_000_000_000, time: 0 }
      const now = steadyNow(
        () => world.machine,
        () => world.time,
      )
      let last = now()
      for (const { passesMs, setBy } of list) {
        world.time += passesMs
        world.machine += passesMs + setBy
        const next = now()
        expect(next).toBeGreaterThanOrEqual(last)
        last = next
      }
    }),
  )
})
