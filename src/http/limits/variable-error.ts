import type { GraphQLError } from 'graphql'

/** Maximum number of UTF-16 units of the message of one error in an answer. */
export const MESSAGE_MAX_LENGTH = 2_000

const ECHO = /^Variable "\$(\w+)" got invalid value /

/**
 * The message of an error without the value that the client sent. graphql-js quotes the whole value of a variable that
 * does not fit its type: a secret beside a misspelt argument would reach every log between the client and the server.
 */
export function messageWithoutValue({ message, originalError }: GraphQLError): string {
  const name = ECHO.exec(message)?.[1]
  const reason = originalError?.message
  if (name === undefined || reason === undefined) return message
  const quoted = message.slice(0, -`; ${reason}`.length)
  const place = / at "([\w.[\]]+)"$/.exec(quoted)?.[1]
  return `Variable "$${name}" got an invalid value${place === undefined ? '' : ` at "${place}"`}; ${reasonWithoutValue(reason)}`
}

/** The reason alone: scalars quote what they cannot read after a colon. */
export function reasonWithoutValue(reason: string): string {
  const colon = reason.indexOf(': ')
  return colon < 0 ? reason : `${reason.slice(0, colon)}.`
}
