import { closest } from '../../lib/text/index.ts'
import { nextOccurrences, patternOf, type ScheduleSpec } from './occurrences.ts'

/** When a schedule is to occur, as a user says it: `cron` or `at`. */
export interface SpecInput {
  readonly cron: string | null
  readonly timeZone: string
  readonly at: number | null
}

export interface InvalidSpec {
  readonly kind: 'invalidSpec'
  readonly argument: 'cron' | 'timeZone' | 'at'
  /** What is wrong, in a sentence. */
  readonly message: string
  /** What would do instead. */
  readonly example: string
}

export type SpecReading = { readonly kind: 'ok'; readonly spec: ScheduleSpec } | InvalidSpec

const CRON_EXAMPLE = '0 9 * * 1-5'
const ZONE_EXAMPLE = 'Europe/Berlin'
const CRON_MAX_LENGTH = 200
const NICKNAME = /^@[a-z]+$/i

/** The spec that a user means, or what is wrong with it; the first occurrence must lie after `now`. */
export function readSpec({ cron, timeZone, at }: SpecInput, now: number): SpecReading {
  if ((cron === null) === (at === null)) {
    const message = 'Give either `cron`, for a schedule that repeats, or `at`, for one that occurs once.'
    return { kind: 'invalidSpec', argument: 'cron', message, example: CRON_EXAMPLE }
  }
  const zone = zoneProblem(timeZone)
  if (zone) return zone
  if (cron === null) return readOnce(at ?? 0, now)
  return readCron({ cron: cron.trim(), timeZone }, now)
}

function readOnce(at: number, now: number): SpecReading {
  if (at > now) return { kind: 'ok', spec: { kind: 'once', at } }
  const example = new Date(now + 3_600_000).toISOString()
  return { kind: 'invalidSpec', argument: 'at', message: 'The instant lies in the past.', example }
}

function readCron(given: { readonly cron: string; readonly timeZone: string }, now: number): SpecReading {
  const spec = { kind: 'cron', ...given } as const
  const invalid = (message: string): SpecReading => ({
    kind: 'invalidSpec',
    argument: 'cron',
    message,
    example: CRON_EXAMPLE,
  })
  const fields = spec.cron.split(/\s+/).length
  // The parser takes a date for a pattern, too, and reads it in its own way.
  if (spec.cron.length > CRON_MAX_LENGTH || (!NICKNAME.test(spec.cron) && fields !== 5 && fields !== 6)) {
    return invalid(
      `A cron pattern has five fields (minute, hour, day of month, month, day of week), or six with the seconds in front; this one has ${spec.cron === '' ? 0 : fields}.`,
    )
  }
  try {
    patternOf(spec)
  } catch (fault) {
    return invalid(`The cron pattern cannot be read: ${reasonOf(fault)}.`)
  }
  if (nextOccurrences(spec, now, 1).length > 0) return { kind: 'ok', spec }
  return invalid('The cron pattern never occurs.')
}

function reasonOf(fault: unknown): string {
  const text = fault instanceof Error ? fault.message : String(fault)
  return text.replace(/^Cron\w+: /, '').replace(/\.$/, '')
}

function zoneProblem(timeZone: string): InvalidSpec | null {
  if (isZone(timeZone)) return null
  const near = closest(timeZone, Intl.supportedValuesOf('timeZone'))
  return {
    kind: 'invalidSpec',
    argument: 'timeZone',
    message: `There is no time zone ${JSON.stringify(timeZone.slice(0, 64))} in the IANA database.${near ? ` Did you mean ${near}?` : ''}`,
    example: near ?? ZONE_EXAMPLE,
  }
}

/** Names only: an offset such as +02:00, which newer versions of Node.js take, knows no summer time. */
function isZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone }))
  } catch {
    return false // the only way to ask
  }
}
