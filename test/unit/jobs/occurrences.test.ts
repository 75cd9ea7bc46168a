import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import {
  latestOccurrences,
  nextOccurrences,
  occurrencesAfter,
  type ScheduleSpec,
} from '../../../src/jobs/schedules/occurrences.ts'
import { inOneGo } from '../../../src/lib/turns/pieces.ts'
import { readSpec } from '../../../src/jobs/schedules/read-spec.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

function cron(pattern: string, timeZone = 'UTC'): ScheduleSpec {
  return { kind: 'cron', cron: pattern, timeZone }
}

function after(spec: ScheduleSpec, instant: string, count: number): readonly string[] {
  return nextOccurrences(spec, Date.parse(instant), count).map((at) =>
    new Date(at).toISOString().slice(0, 19),
  )
}

describe('an hour that does not exist', () => {
  test('in Berlin: a time of day in it occurs once the clocks have jumped', () => {
    // On 29 March 2026 it is 03:00 (01:00 UTC) right after 01:59.
    expect(after(cron('30 2 * * *', 'Europe/Berlin'), '2026-03-28T12:00:00Z', 2)).toEqual([
      '2026-03-29T01:00:00',
      '2026-03-30T00:30:00',
    ])
  })

  test('in Berlin: a pattern that repeats through the hours leaves it out', () => {
    expect(after(cron('*/30 * * * *', 'Europe/Berlin'), '2026-03-29T00:00:00Z', 3)).toEqual([
      '2026-03-29T00:30:00', // 01:30
      '2026-03-29T01:00:00', // 03:00
      '2026-03-29T01:30:00', // 03:30
    ])
  })

  test('in New York: a time of day in it occurs once the clocks have jumped', () => {
    // On 8 March 2026 it is 03:00 (07:00 UTC) right after 01:59.
    expect(after(cron('30 2 * * *', 'America/New_York'), '2026-03-07T12:00:00Z', 2)).toEqual([
      '2026-03-08T07:00:00',
      '2026-03-09T06:30:00',
    ])
  })
})

describe('an hour that comes twice', () => {
  test('in Berlin: a time of day in it occurs once, in the first of the two', () => {
    // On 25 October 2026 it is 02:30 at 00:30 and at 01:30 UTC.
    expect(after(cron('30 2 * * *', 'Europe/Berlin'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00',
      '2026-10-26T01:30:00',
    ])
  })

  test('in Berlin: a pattern that repeats through the hours occurs in both', () => {
    expect(after(cron('*/30 * * * *', 'Europe/Berlin'), '2026-10-24T23:59:00Z', 5)).toEqual([
      '2026-10-25T00:00:00', // 02:00
      '2026-10-25T00:30:00', // 02:30
      '2026-10-25T01:00:00', // 02:00 again
      '2026-10-25T01:30:00', // 02:30 again
      '2026-10-25T02:00:00', // 03:00
    ])
  })

  test('in New York: a time of day in it occurs once, in the first of the two', () => {
    // On 1 November 2026 it is 01:30 at 05:30 and at 06:30 UTC.
    expect(after(cron('30 1 * * *', 'America/New_York'), '2026-10-31T12:00:00Z', 2)).toEqual([
      '2026-11-01T05:30:00',
      '2026-11-02T06:30:00',
    ])
  })
})

describe('occurrences', () => {
  test('keep the time of day when the zone’s offset changes', () => {
    expect(after(cron('0 9 * * *', 'Europe/Berlin'), '2026-03-27T12:00:00Z', 3)).toEqual([
      '2026-03-28T08:00:00',
      '2026-03-29T07:00:00',
      '2026-03-30T07:00:00',
    ])
  })

  test('may have seconds in front', () => {
    expect(after(cron('15 */20 * * * *'), '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-01-01T00:00:15',
      '2026-01-01T00:20:15',
    ])
  })

  test('of one instant are that instant, until it is over', () => {
    const once = { kind: 'once', at: NOW } as const
    expect(nextOccurrences(once, NOW - 1, 3)).toEqual([NOW])
    expect(nextOccurrences(once, NOW, 3)).toEqual([])
    expect(latestOccurrences(once, { from: NOW, to: NOW }, 3)).toEqual([NOW])
  })

  test('are the same when they are searched for in pieces', () => {
    const once = { kind: 'once', at: NOW } as const
    for (const spec of [
      cron('0 0 29 2 +1'),
      cron('30 1,2 * * *', 'Europe/Berlin'),
      cron('* * * * * *'),
      once,
    ]) {
      for (const count of [0, 1, 50])
        expect(inOneGo(occurrencesAfter(spec, NOW - 1, count))).toEqual(nextOccurrences(spec, NOW - 1, count))
    }
  })

  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
  )
  const patterns = fc.constantFrom(
    '* * * * *',
    '*/7 * * * *',
    '0 * * * *',
    '30 1 * * *',
    '30 2 * * *',
    '15 3,14 * * 1-5',
    '0 0 1 * *',
    '*/20 * * * * *',
    '0 12 29 2 *',
  )
  // The days around which clocks are changed, and any others.
  const changes = ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01']
  const instantsOf = fc
    .tuple(
      fc.constantFrom(...changes.map((day) => Date.parse(`${day}T00:00:00Z`)), NOW),
      fc.integer({ min: -86_400_000, max: 86_400_000 }),
    )
    .map(([day, offset]) => day + offset)

  test('grow, lie after the instant, and asking for fewer gives the first of them', () => {
    fc.assert(
      fc.property(
        patterns,
        zones,
        instantsOf,
        fc.integer({ min: 1, max: 8 }),
        (pattern, zone, instant, count) => {
          const spec = cron(pattern, zone)
          const found = nextOccurrences(spec, instant, count)
          expect(found).toHaveLength(count)
          expect(found.every((at, index) => at > (found[index - 1] ?? instant))).toBe(true)
          expect(nextOccurrences(spec, instant, 1)).toEqual(found.slice(0, 1))
          // The rest follows from any of them.
          expect(nextOccurrences(spec, found[0] ?? 0, count - 1)).toEqual(found.slice(1))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('looked back at are the same as those looked forward to', () => {
    fc.assert(
      fc.property(
        patterns,
        zones,
        instantsOf,
        fc.integer({ min: 1, max: 8 }),
        (pattern, zone, instant, count) => {
          const spec = cron(pattern, zone)
          const ahead = nextOccurrences(spec, instant, count)
          const range = { from: instant + 1, to: ahead.at(-1) ?? instant }
          expect(latestOccurrences(spec, range, 100)).toEqual(ahead)
          expect(latestOccurrences(spec, range, 2)).toEqual(ahead.slice(-2))
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('what a user says is read', () => {
  const say = (input: { cron?: string; timeZone?: string; at?: number }) =>
    readSpec({ cron: input.cron ?? null, timeZone: input.timeZone ?? 'UTC', at: input.at ?? null }, NOW)

  test('as a pattern or an instant', () => {
    expect(say({ cron: ' 0 9 * * MON-FRI ' })).toEqual({ kind: 'ok', spec: cron('0 9 * * MON-FRI') })
    expect(say({ cron: '@daily' })).toMatchObject({ kind: 'ok' })
    expect(say({ at: NOW + 1 })).toEqual({ kind: 'ok', spec: { kind: 'once', at: NOW + 1 } })
  })

  test.each([
    [{}, 'cron', /either `cron`.*or `at`/],
    [{ cron: '* * * * *', at: NOW + 1 }, 'cron', /either `cron`.*or `at`/],
    [{ cron: '' }, 'cron', /has 0\.$/],
    [{ cron: '9 * *' }, 'cron', /five fields .* has 3\.$/],
    [{ cron: '0 0 1 1 * * 2030' }, 'cron', /has 7\.$/],
    [{ cron: '61 * * * *' }, 'cron', /Invalid value for minute: 61/],
    [{ cron: '2026-05-01T10:00:00' }, 'cron', /has 1\.$/],
    [{ cron: '0 0 30 2 *' }, 'cron', /never occurs/],
    [
      { cron: '0 9 * * *', timeZone: 'Europe/Berlim' },
      'timeZone',
      /"Europe\/Berlim".*Did you mean Europe\/Berlin\?/,
    ],
    [{ cron: '0 9 * * *', timeZone: '+02:00' }, 'timeZone', /no time zone "\+02:00"/],
    [{ at: NOW }, 'at', /in the past/],
  ])('or refused with the argument, a reason and an example: %j', (input, argument, message) => {
    const reading = say(input)
    expect(reading).toMatchObject({ kind: 'invalidSpec', argument, message: expect.stringMatching(message) })
    if (reading.kind !== 'invalidSpec') return
    const better =
      argument === 'at'
        ? { at: Date.parse(reading.example) }
        : { cron: '0 9 * * *', [argument]: reading.example }
    expect(say(better)).toMatchObject({ kind: 'ok' })
  })
})
