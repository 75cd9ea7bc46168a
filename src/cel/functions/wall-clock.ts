import { failed, quoted, type ExpressionError, type Meter, type Timestamp } from '../values/index.ts'

/** The calendar of a time zone is slow, and slower still to make: that many visits' time. */
const VISITS_PER_FORMAT = 80
const VISITS_PER_ZONE = 800
/** Each zone has thousands of spellings, in upper and lower case. */
const MAX_FORMATS = 100
/** The longest name of a zone has 32 characters, and Intl takes its time to refuse a long text. */
const MAX_ZONE = 64

const formats = new Map<string, Intl.DateTimeFormat>()

/** A date whose UTC parts are what a clock in that zone shows at the instant; UTC where no zone is given. */
export function wallClock({ epochMs }: Timestamp, zone: string | undefined, meter: Meter): Date {
  if (zone === undefined || zone === 'UTC') return new Date(epochMs)
  meter.spend(VISITS_PER_FORMAT)
  const parts = formatOf(zone, meter).formatToParts(epochMs)
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

function formatOf(zone: string, meter: Meter): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  meter.spend(VISITS_PER_ZONE)
  if (zone.length > MAX_ZONE) throw notAZone(zone)
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
    if (formats.size >= MAX_FORMATS) formats.clear()
    formats.set(zone, format)
    return format
  } catch {
    throw notAZone(zone)
  }
}

function notAZone(zone: string): ExpressionError {
  return failed(`${quoted(zone)} is not a time zone such as "Europe/Berlin"`)
}
