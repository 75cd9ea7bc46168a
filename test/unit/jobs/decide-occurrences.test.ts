import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { CATCH_UPS, OVERLAPS } from '../../../src/db/stores/schedule-store.ts'
import {
  decideOccurrences,
  decideOverlap,
  MISSED_AFTER_MS,
  type DueSchedule,
} from '../../../src/jobs/schedules/decide.ts'
import { nextOccurrences } from '../../../src/jobs/schedules/occurrences.ts'

const NOON = Date.parse('2027-01-01T12:00:00Z')
const HOUR = 3_600_000
const SECOND = 1_000

function hourly(change: Partial<DueSchedule> = {}): DueSchedule {
  const spec = { kind: 'cron', cron: '0 * * * *', timeZone: 'UTC' } as const
  return { spec, nextAt: NOON, catchUp: 'LAST', catchUpLimit: 2, ...change }
}

describe('what has come due', () => {
  test('starts on time, whatever the catch-up policy is', () => {
    for (const catchUp of CATCH_UPS) {
      expect(decideOccurrences(hourly({ catchUp }), NOON)).toEqual({
        due: [NOON],
        missed: [],
        nextAt: NOON + HOUR,
      })
    }
  })

  test('is nothing before its time', () => {
    expect(decideOccurrences(hourly(), NOON - 1)).toEqual({ due: [], missed: [], nextAt: NOON })
  })

  test('is missed once it is more than a minute old', () => {
    const none = hourly({ catchUp: 'NONE' })
    expect(decideOccurrences(none, NOON + MISSED_AFTER_MS).due).toEqual([NOON])
    expect(decideOccurrences(none, NOON + MISSED_AFTER_MS + 1)).toMatchObject({ due: [], missed: [NOON] })
  })

  test('and is late starts by LAST only when none is on time', () => {
    const schedule = hourly({ nextAt: NOON - 2 * HOUR })
    expect(decideOccurrences(schedule, NOON - 5 * SECOND * 60)).toMatchObject({
      due: [NOON - HOUR],
      missed: [NOON - 2 * HOUR],
    })
    expect(decideOccurrences(schedule, NOON)).toMatchObject({
      due: [NOON],
      missed: [NOON - 2 * HOUR, NOON - HOUR],
    })
  })

  test('and is late starts by ALL up to the limit, the newest of them', () => {
    const schedule = hourly({ nextAt: NOON - 3 * HOUR, catchUp: 'ALL' })
    expect(decideOccurrences(schedule, NOON)).toEqual({
      due: [NOON - 2 * HOUR, NOON - HOUR, NOON],
      missed: [NOON - 3 * HOUR],
      nextAt: NOON + HOUR,
    })
  })

  test('of a schedule that occurs once is that, late or not, and nothing follows', () => {
    const once = hourly({ spec: { kind: 'once', at: NOON } })
    expect(decideOccurrences(once, NOON + HOUR)).toEqual({ due: [NOON], missed: [], nextAt: null })
  })

  test('is decided without a gap or a double: due, missed and next are consecutive, within bounds', () => {
    const schedules = fc.record({
      cron: fc.constantFrom('* * * * *', '*/5 * * * * *', '0 * * * *', '30 2 * * *'),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
      catchUp: fc.constantFrom(...CATCH_UPS),
      catchUpLimit: fc.integer({ min: 1, max: 100 }),
      lateBy: fc.integer({ min: 0, max: 3 * 24 * HOUR }),
    })
    fc.assert(
      fc.property(schedules, ({ cron, timeZone, catchUp, catchUpLimit, lateBy }) => {
        const spec = { kind: 'cron', cron, timeZone } as const
        const [nextAt = 0] = nextOccurrences(spec, NOON, 1)
        const now = nextAt + lateBy
        const decision = decideOccurrences({ spec, nextAt, catchUp, catchUpLimit }, now)
        const seen = [...decision.missed, ...decision.due]
        expect(seen).toEqual(seen.toSorted((a, b) => a - b))
        const [oldest] = seen
        if (oldest !== undefined)
          expect([...seen, decision.nextAt]).toEqual(nextOccurrences(spec, oldest - 1, seen.length + 1))
        expect(decision.nextAt).toBeGreaterThan(now)
        expect(seen.length).toBeLessThanOrEqual(200)
        const late = decision.due.filter((at) => at < now - MISSED_AFTER_MS).length
        expect(late).toBeLessThanOrEqual({ NONE: 0, LAST: 1, ALL: catchUpLimit }[catchUp])
      }),
      { numRuns: 40 },
    )
  })
})

describe('while an earlier one runs', () => {
  const due = [1, 2, 3]
  const actions = (overlap: (typeof OVERLAPS)[number], isRunning: boolean, queuedAt: number | null = null) =>
    decideOverlap(overlap, due, { isRunning, queuedAt }).map(({ at, action }) => `${at} ${action}`)

  test('or not, the policy decides', () => {
    expect(actions('SKIP', false)).toEqual(['1 start', '2 skip', '3 skip'])
    expect(actions('SKIP', true)).toEqual(['1 skip', '2 skip', '3 skip'])
    expect(actions('QUEUE', false)).toEqual(['1 start', '2 queue', '3 skip'])
    expect(actions('QUEUE', true)).toEqual(['1 queue', '2 skip', '3 skip'])
    expect(actions('ALLOW', true)).toEqual(['1 start', '2 start', '3 start'])
    expect(actions('CANCEL_PREVIOUS', true)).toEqual(['1 skip', '2 skip', '3 start'])
  })

  test('the one that waits has its turn before those that came later', () => {
    expect(actions('QUEUE', false, 0)).toEqual(['0 start', '1 queue', '2 skip', '3 skip'])
    expect(actions('QUEUE', true, 0)).toEqual(['0 queue', '1 skip', '2 skip', '3 skip'])
  })

  test('every policy but ALLOW starts one at most, and none but QUEUE lets one wait', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...OVERLAPS),
        fc.integer({ min: 0, max: 6 }),
        fc.boolean(),
        (overlap, count, isRunning) => {
          const instants = Array.from({ length: count }, (_, index) => index)
          const steps = decideOverlap(overlap, instants, { isRunning, queuedAt: null })
          expect(steps.map(({ at }) => at)).toEqual(instants)
          const having = (action: string) => steps.filter((step) => step.action === action).length
          if (overlap !== 'ALLOW') expect(having('start')).toBeLessThanOrEqual(1)
          expect(having('queue')).toBeLessThanOrEqual(overlap === 'QUEUE' ? 1 : 0)
          if (isRunning && (overlap === 'SKIP' || overlap === 'QUEUE')) expect(having('start')).toBe(0)
        },
      ),
    )
  })
})
