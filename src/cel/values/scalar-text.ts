import { typeError } from './error.ts'
import { isNumeric } from './numbers.ts'
import { aKind, Duration, Timestamp, type Value } from './value.ts'

/** The text of a value that has one: strings as they are, numbers and bools as JSON writes them, times in ISO 8601. */
export function scalarText(value: Value): string {
  if (typeof value === 'string') return value
  if (isNumeric(value) || typeof value === 'boolean') return String(value)
  if (value instanceof Timestamp) return timestampText(value)
  if (value instanceof Duration) return durationText(value)
  throw typeError(`there is no text for ${aKind(value)}; json() writes any value as text`)
}

/**
 * A text for an error message. A long one is only described: part of a secret would pass the scrubber, which knows whole
 * values.
 */
export function quoted(text: string): string {
  return text.length > 60 ? `a text of ${text.length} characters` : JSON.stringify(text)
}

/** Such as `2026-01-31T09:30:00.000Z`. */
export function timestampText({ epochMs }: Timestamp): string {
  return new Date(epochMs).toISOString()
}

/** Seconds, such as `3.5s`, as protocol buffers write durations in JSON. */
export function durationText({ ms }: Duration): string {
  return `${(ms / 1000).toFixed(9).replace(/\.?0+$/, '')}s`
}
