import { shorten } from '../../lib/text/index.ts'
import type { AttemptRecord, RecordedError } from './step.ts'

/**
 * Details of an error with more characters of JSON are recorded with the end of the attempt, and not kept in memory after that: 1,000
 * items of a loop may wait for their next attempts.
 */
export const KEPT_DETAILS_MAX_LENGTH = 1_024

/** A step's record keeps at most this many characters of the messages of attempts before the last one. */
export const EARLIER_MESSAGE_MAX_LENGTH = 200

/** The ended attempts of a step with one more. Earlier attempts keep their code and the beginning of their message; the timeline has the rest. */
export function withAttempt(
  earlier: readonly AttemptRecord[],
  ended: AttemptRecord,
): readonly AttemptRecord[] {
  return [...earlier.map(withShortError), ended]
}

/** What is kept in memory of the ended attempts of an open step once they are recorded. */
export function keptAttempts(attempts: readonly AttemptRecord[]): readonly AttemptRecord[] {
  const last = attempts.at(-1)
  const details = last?.error?.details
  if (!last?.error || details === undefined || JSON.stringify(details).length <= KEPT_DETAILS_MAX_LENGTH)
    return attempts
  return [...attempts.slice(0, -1), { ...last, error: withoutDetails(last.error) }]
}

function withShortError(attempt: AttemptRecord): AttemptRecord {
  const { error } = attempt
  if (!error || (error.details === undefined && error.message.length <= EARLIER_MESSAGE_MAX_LENGTH))
    return attempt
  const message = shorten(error.message, EARLIER_MESSAGE_MAX_LENGTH)
  return { ...attempt, error: { ...withoutDetails(error), message } }
}

function withoutDetails({ code, message, path }: RecordedError): RecordedError {
  return { code, message, ...(path === undefined ? {} : { path }) }
}
