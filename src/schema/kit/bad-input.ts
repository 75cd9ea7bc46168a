import { GraphQLError } from 'graphql'

/**
 * An error about an argument, for a field without a result union. Every item of a list may fail with one at the same time, and
 * clients never see its stack trace: it is made without one, which costs a third.
 */
export function badInput(message: string): GraphQLError {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

export function badCursor(): GraphQLError {
  return badInput('This cursor is not one of this list: use `endCursor` or `startCursor` of an earlier page.')
}
