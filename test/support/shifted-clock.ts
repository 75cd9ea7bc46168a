import { systemClock, type Clock } from '../../src/lib/time/clock.ts'

/** The machine's clock, which a test may set forward: as if everybody had been away for a while. */
export interface ShiftedClock extends Clock {
  setForward(ms: number): void
}

export function createShiftedClock(): ShiftedClock {
  let shiftMs = 0
  return {
    ...systemClock,
    now: () => systemClock.now() + shiftMs,
    setForward: (ms) => {
      shiftMs += ms
    },
  }
}
