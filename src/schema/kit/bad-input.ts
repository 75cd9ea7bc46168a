import { GraphQLError } from 'graphql'

/** Arguments that make no sense, where a field has no result union to say so in. */
export function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
}

export function badCursor(): GraphQLError {
  return badInput('This cursor is not one of this list: use `endCursor` or `startCursor` of an earlier page.')
}
