import type { GraphQLError } from 'graphql'

const ECHO = /^Variable "\$(\w+)" got invalid value /

/**
 * What an error says to the client, without what the client sent: graphql-js quotes the whole value of a variable that
 * does not fit, and a secret with a misspelt argument beside it would stand in the logs of everyone on the way back.
 */
export function messageWithoutValue({ message, originalError }: GraphQLError): string {
  const name = ECHO.exec(message)?.[1]
  const reason = originalError?.message
  if (name === undefined || reason === undefined) return message
  const quoted = message.slice(0, -`; ${reason}`.length)
  const place = / at "([\w.[\]]+)"$/.exec(quoted)?.[1]
  // Scalars quote what they cannot read after a colon.
  const told = reason.replace(/: .*$/s, '.')
  return `Variable "$${name}" got an invalid value${place === undefined ? '' : ` at "${place}"`}; ${told}`
}
