import { failed } from './error.ts'
import type { Meter } from './meter.ts'
import { quoted } from './scalar-text.ts'
import type { Timestamp } from './value.ts'

/** The calendar of a time zone is slow: that many visits' time. */
const VISITS_PER_FORMAT = 10

const formats = new Map<string, Intl.DateTimeFormat>()

/** A date whose UTC parts are what a clock in that zone shows at the instant; UTC where no zone is given. */
export function wallClock({ epochMs }: Timestamp, zone: string | undefined, meter: Meter): Date {
  if (zone === undefined || zone === 'UTC') return new Date(epochMs)
  meter.spend(VISITS_PER_FORMAT)
  const parts = formatOf(zone).formatToParts(epochMs)
  const read = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((part) => part.type === type)?.value)
  const shown = Date.UTC(
    read('year'),
    read('month') - 1,
    read('day'),
    read('hour'),
    read('minute'),
    read('second'),
  )
  return new Date(shown + (((epochMs % 1000) + 1000) % 1000))
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
    return format
  } catch {
    throw failed(`${quoted(zone)} is not a time zone such as "Europe/Berlin"`)
  }
}
