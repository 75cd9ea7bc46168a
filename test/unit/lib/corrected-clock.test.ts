import { describe, expect, test } from '@jest/globals'
import { CorrectedClock, SLEW, type ClockReading } from '../../../src/lib/time/corrected-clock.ts'
import { fc } from '../../support/fast-check.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const LEADING = Date.parse('2027-01-01T00:00:00Z')
const HOUR_MS = 3_600_000

/** A machine and a leading clock whose times a test decides. */
function openWorld({ machineAheadMs = 0 } = {}) {
  const machine = new ManualClock(LEADING + machineAheadMs)
  const world = { time: 1_000, leadingMs: 0 }
  const leadingNow = () => LEADING + world.time - 1_000 + world.leadingMs
  /** A reading whose answer takes this long; the clock was read after `share` of it. */
  const read = (roundTripMs = 0, share = 0.5): ClockReading => ({
    askedAt: world.time - roundTripMs,
    answeredAt: world.time,
    instant: leadingNow() - roundTripMs * (1 - share),
  })
  const clock = new CorrectedClock(read(), { machine, monotonic: () => world.time })
  return { clock, machine, world, read, leadingNow }
}

describe('a corrected clock', () => {
  test.each([HOUR_MS, -HOUR_MS])(
    'shows the leading clock’s time on a machine that is %d ms ahead of it, and reports that',
    (machineAheadMs) => {
      const { clock, world } = openWorld({ machineAheadMs })
      expect(clock.now()).toBe(LEADING)
      expect(clock.machineOffsetMs).toBe(machineAheadMs)
      world.time += 3_000
      expect(clock.now()).toBe(LEADING + 3_000)
    },
  )

  test('does not change when the machine’s clock is set; the next reading reports the offset', async () => {
    const { clock, machine, world, read } = openWorld()
    await machine.advance(HOUR_MS)
    expect(clock.now()).toBe(LEADING)
    world.time += 10
    expect(clock.correct(read())).toBe(0)
    expect(clock.now()).toBe(LEADING + 10)
    expect(clock.machineOffsetMs).toBe(HOUR_MS - 10)
  })

  test('steps forward at once when the leading clock is ahead', () => {
    const { clock, world, read } = openWorld()
    world.leadingMs = HOUR_MS
    expect(clock.correct(read())).toBe(HOUR_MS)
    expect(clock.now()).toBe(LEADING + HOUR_MS)
  })

  test('runs slower, and never back, until a leading clock that is behind has reached it', () => {
    const { clock, world, read, leadingNow } = openWorld()
    world.leadingMs = -1_000
    expect(clock.correct(read())).toBe(-1_000)
    expect(clock.now()).toBe(LEADING)
    world.time += 5_000
    expect(clock.now()).toBe(LEADING + 5_000 * (1 - SLEW))
    world.time += 5_000
    expect(clock.now()).toBe(leadingNow())
    world.time += 5_000
    expect(clock.now()).toBe(leadingNow())
  })

  test('is not moved by a reading that took long and does not contradict it', () => {
    const { clock, world, read } = openWorld()
    world.time += 4_000
    for (const share of [0, 0.3, 1]) expect(clock.correct(read(4_000, share))).toBe(0)
    expect(clock.now()).toBe(LEADING + 4_000)
  })

  test('keeps the machine’s own time where the first reading does not contradict it', () => {
    const machine = new ManualClock(LEADING)
    const first = { askedAt: 0, answeredAt: 40, instant: LEADING - 20 }
    expect(new CorrectedClock(first, { machine, monotonic: () => 20 }).now()).toBe(LEADING)
  })

  test('never goes back, and is as near to the leading clock as its readings are, whatever happens to the three clocks', () => {
    const steps = fc.array(
      fc.record({
        passesMs: fc.nat(60_000),
        leadingMovesMs: fc.oneof(fc.constant(0), fc.integer({ min: -5_000, max: 5_000 })),
        machineMovesMs: fc.nat(HOUR_MS),
        roundTripMs: fc.nat(500),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(steps, (happening) => {
        const { clock, machine, world, read, leadingNow } = openWorld()
        let last = clock.now()
        const look = () => {
          const now = clock.now()
          expect(now).toBeGreaterThanOrEqual(last)
          expect(Number.isInteger(now)).toBe(true)
          last = now
        }
        for (const { passesMs, leadingMovesMs, machineMovesMs, roundTripMs, share } of happening) {
          world.leadingMs += leadingMovesMs
          machine.block(machineMovesMs)
          world.time += passesMs + roundTripMs
          look()
          clock.correct(read(roundTripMs, share))
          look()
          expect(clock.now()).toBeGreaterThanOrEqual(Math.floor(leadingNow() - roundTripMs - 1))
        }
        // Long enough for 30 moves of 5 s.
        world.time += (30 * 5_000) / SLEW
        clock.correct(read())
        world.time += 1_000 / SLEW
        look()
        expect(Math.abs(clock.now() - leadingNow())).toBeLessThanOrEqual(1)
      }),
    )
  })
})
