import {
  aKind,
  Duration,
  ExpressionError,
  failed,
  instant,
  isNumeric,
  member,
  quoted,
  Timestamp,
  typeError,
  type Meter,
  type Scope,
  type Value,
} from '../values/index.ts'
import { defineFunction, type PlainFunction } from './function.ts'
import { wallClock } from './wall-clock.ts'

/** Reading a time takes about as long as ten visits. */
const VISITS_PER_TIME = 10

/** The parts of an instant that CEL names, counted as CEL counts them: months and days of the year from 0. */
const PARTS: Readonly<
  Record<string, { readonly says: string; readonly result: number; read(date: Date): number }>
> = {
  getFullYear: { says: 'The year.', result: 2026, read: (date) => date.getUTCFullYear() },
  getMonth: { says: 'The month, from 0.', result: 0, read: (date) => date.getUTCMonth() },
  getDate: { says: 'The day of the month, from 1.', result: 31, read: (date) => date.getUTCDate() },
  getDayOfMonth: { says: 'The day of the month, from 0.', result: 30, read: (date) => date.getUTCDate() - 1 },
  getDayOfWeek: {
    says: 'The day of the week, from 0 for Sunday.',
    result: 6,
    read: (date) => date.getUTCDay(),
  },
  getDayOfYear: { says: 'The day of the year, from 0.', result: 30, read: dayOfYear },
}

/** The parts that a duration has too, as all of it in that unit. */
const CLOCK_PARTS: Readonly<
  Record<
    string,
    { readonly unit: string; readonly ms: number; readonly result: number; read(date: Date): number }
  >
> = {
  getHours: { unit: 'hour', ms: 3_600_000, result: 9, read: (date) => date.getUTCHours() },
  getMinutes: { unit: 'minute', ms: 60_000, result: 30, read: (date) => date.getUTCMinutes() },
  getSeconds: { unit: 'second', ms: 1_000, result: 15, read: (date) => date.getUTCSeconds() },
  getMilliseconds: { unit: 'millisecond', ms: 1, result: 0, read: (date) => date.getUTCMilliseconds() },
}

const EXAMPLE = 'timestamp("2026-01-31T09:30:15Z")'

export const TIME_FUNCTIONS: readonly PlainFunction[] = [
  defineFunction({
    name: 'now',
    group: 'time',
    description: 'The instant at which the execution started: the same wherever and whenever it is asked.',
    example: 'now()',
    result: '2026-01-31T09:30:15.000Z',
    parameters: [],
    returns: 'timestamp',
    run: ({ scope, meter }) => startOf(scope, meter),
  }),
  defineFunction({
    name: 'timestamp',
    group: 'time',
    description:
      'The instant that an ISO 8601 text names, a date alone being its midnight in UTC, or Unix seconds.',
    example: 'timestamp("2026-01-31T10:30:15+01:00")',
    result: '2026-01-31T09:30:15.000Z',
    parameters: ['value: any'],
    returns: 'timestamp',
    run: ({ meter }, value) => toTimestamp(value, meter),
  }),
  defineFunction({
    name: 'duration',
    visits: 10,
    group: 'time',
    description:
      'The length of time that a text such as "1h30m", "90s" or "1.5s" names; units are h, m, s, ms, us, ns.',
    example: 'duration("1h30m")',
    result: '5400s',
    parameters: ['text: string'],
    returns: 'duration',
    run({ meter }, text) {
      meter.spend(Math.min(text.length, MAX_DURATION_TEXT))
      return parseDuration(text)
    },
  }),
  ...Object.entries(PARTS).map(([name, { says, result, read }]) =>
    defineFunction({
      name,
      group: 'time',
      description: `${says} In UTC, or in a time zone such as "Europe/Berlin".`,
      example: `${EXAMPLE}.${name}()`,
      result,
      parameters: ['time: timestamp', 'zone?: string'],
      returns: 'number',
      run: ({ meter }, time, zone) => read(wallClock(time, zone, meter)),
    }),
  ),
  ...Object.entries(CLOCK_PARTS).map(([name, { unit, ms, result, read }]) =>
    defineFunction({
      name,
      group: 'time',
      description: `The ${unit} of a timestamp, in UTC or a time zone; or all of a duration in whole ${unit}s.`,
      example: `${EXAMPLE}.${name}()`,
      result,
      parameters: ['time: any', 'zone?: string'],
      returns: 'number',
      run({ meter }, time, zone) {
        if (time instanceof Timestamp) return read(wallClock(time, zone, meter))
        if (time instanceof Duration) return Math.trunc(time.ms / ms)
        throw typeError(`${name}() needs a timestamp or a duration, but got ${aKind(time)}`)
      },
    }),
  ),
]

function startOf(scope: Scope, meter: Meter): Timestamp {
  const execution = Object.hasOwn(scope, 'execution') ? scope['execution'] : undefined
  const startedAt = execution === undefined ? undefined : member(execution, 'startedAt')
  if (typeof startedAt === 'string') return toTimestamp(startedAt, meter)
  throw new ExpressionError('EXPRESSION_MISSING', 'now() is not known here: execution.startedAt is absent')
}

// RFC 3339, and a date alone. A time without a zone is refused: it would mean another instant on every machine.
const INSTANT = /^(\d{4})-(\d\d)-(\d\d)([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/i

function toTimestamp(value: Value, meter: Meter): Timestamp {
  meter.spend(VISITS_PER_TIME)
  if (value instanceof Timestamp) return value
  if (isNumeric(value)) return instant(Number(value) * 1000)
  if (typeof value !== 'string')
    throw typeError(`timestamp() needs a string or a number, but got ${aKind(value)}`)
  const epochMs = parseInstant(value)
  if (Number.isNaN(epochMs)) throw failed(`${quoted(value)} is not a time such as "2026-01-31T09:30:15Z"`)
  return instant(epochMs)
}

/** Milliseconds since the epoch; not a number for text that names no instant. */
function parseInstant(text: string): number {
  const [, year, month, day] = INSTANT.exec(text) ?? []
  // Date rolls the 30th of February over into March.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day)
  return isDay ? Date.parse(text.replace(' ', 'T').toUpperCase()) : NaN
}

const UNITS_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
}
/** The longest text of a duration, in characters. */
const MAX_DURATION_TEXT = 100
const DURATION = /^([+-]?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)$/

function parseDuration(text: string): Duration {
  const [, sign, parts] = (text.length <= MAX_DURATION_TEXT && DURATION.exec(text)) || []
  if (parts === undefined) {
    throw failed(`${quoted(text)} is not a duration such as "1h30m" or "1.5s"`)
  }
  let ms = 0
  for (const [, count, unit = ''] of parts.matchAll(/([\d.]+)([a-zµ]+)/g))
    ms += Number(count) * (UNITS_MS[unit] ?? 0)
  return new Duration(sign === '-' ? -ms : ms)
}

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getUTCFullYear(), 0, 1)
  return Math.floor((date.getTime() - start) / 86_400_000)
}
