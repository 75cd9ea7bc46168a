import { randomUUID } from 'node:crypto'
import { GraphQLError, type GraphQLErrorExtensions } from 'graphql'
import { isQueryTimeout } from '../../db/sql/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import { shorten } from '../../lib/text/index.ts'
import { MESSAGE_MAX_LENGTH, messageWithoutValue } from '../limits/index.ts'

/**
 * Shows clients what was meant for them and nothing else: any fault that is not a GraphQL error of its own is logged under
 * a reference, and the client sees that reference in place of the fault. Every error gets a code.
 */
export function createMaskError(logger: Pick<Logger, 'error'>) {
  return (error: unknown): Error => {
    if (error instanceof GraphQLError && !causeOf(error)) return withCode(error)
    const fault = error instanceof GraphQLError ? causeOf(error) : error
    if (isQueryTimeout(fault)) return queryTimeout(error)
    const reference = randomUUID()
    logger.error({ err: fault, reference }, 'a request met a fault')
    return new GraphQLError(`Something went wrong here. Ask the operator for reference ${reference}.`, {
      ...placeOf(error),
      extensions: { code: 'INTERNAL_SERVER_ERROR', reference },
    })
  }
}

function queryTimeout(error: unknown): GraphQLError {
  const message =
    'The database took too long to read this. Ask for a smaller page (`first`) or for fewer fields, or filter the list further.'
  return new GraphQLError(message, {
    ...placeOf(error),
    extensions: { code: 'QUERY_TIMEOUT', http: { status: 503, spec: true } },
  })
}

/** The fault behind an error, unless that is an error for the client, too. */
function causeOf({ originalError }: GraphQLError): Error | null {
  return originalError && !(originalError instanceof GraphQLError) ? originalError : null
}

/** Errors of graphql-js about values and of Pothos about pages have none. */
function withCode(error: GraphQLError): GraphQLError {
  const { originalError: _inner, ...extensions }: GraphQLErrorExtensions = error.extensions
  if (extensions.code && !_inner && error.message.length <= MESSAGE_MAX_LENGTH) return error
  return new GraphQLError(shorten(messageWithoutValue(error), MESSAGE_MAX_LENGTH), {
    ...placeOf(error),
    extensions: { ...extensions, code: extensions.code ?? 'BAD_USER_INPUT' },
  })
}

function placeOf(error: unknown) {
  if (!(error instanceof GraphQLError)) return {}
  const { nodes = null, source = null, positions = null, path = null } = error
  return { nodes, source, positions, path }
}
