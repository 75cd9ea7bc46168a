import { randomUUID } from 'node:crypto'
import { GraphQLError, OperationTypeNode, type GraphQLErrorExtensions } from 'graphql'
import type { Outage } from '../../db/outage/index.ts'
import { isQueryTimeout } from '../../db/sql/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import { shorten } from '../../lib/text/index.ts'
import { SERVICE_UNAVAILABLE } from '../intake/index.ts'
import { MESSAGE_MAX_LENGTH, messageWithoutValue } from '../limits/index.ts'

export interface MaskErrorOptions {
  readonly logger: Pick<Logger, 'error'>
  readonly outage: Pick<Outage, 'isOn' | 'takes'>
}

/** Returns what a client is shown of an error. `type`: of the operation that met it, where that is known. */
export type MaskError = (error: unknown, type?: OperationTypeNode) => Error

/**
 * Shows clients what was meant for them and nothing else: any fault that is not a GraphQL error of its own is logged under
 * a reference, and the client sees that reference in place of the fault. An outage of the database is `SERVICE_UNAVAILABLE` and has
 * one line in the log for all requests. Every error gets a code.
 */
export function createMaskError({ logger, outage }: MaskErrorOptions): MaskError {
  return (error, type) => {
    if (error instanceof GraphQLError && !causeOf(error)) return withCode(error)
    const fault = error instanceof GraphQLError ? causeOf(error) : error
    if (isQueryTimeout(fault) && !outage.isOn)
      return type === OperationTypeNode.MUTATION ? unavailable(error, type) : queryTimeout(error)
    if (outage.takes(fault)) return unavailable(error, type)
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

const UNKNOWN_OUTCOME =
  'The database is not available now, and it is not known whether the mutation took effect. If it was sent with an `idempotencyKey`, ' +
  'send it again with the same key, which makes a repetition safe; otherwise read the state before you repeat it.'
const STREAM_ENDS =
  'The database is not available now, so the subscription ends. Subscribe again in a few seconds, after the last cursor that was received.'

function unavailable(error: unknown, type: OperationTypeNode | undefined): GraphQLError {
  const { status, code, message, headers } = SERVICE_UNAVAILABLE
  const messages: { readonly [T in OperationTypeNode]: string } = {
    [OperationTypeNode.QUERY]: message,
    [OperationTypeNode.MUTATION]: UNKNOWN_OUTCOME,
    [OperationTypeNode.SUBSCRIPTION]: STREAM_ENDS,
  }
  return new GraphQLError(messages[type ?? OperationTypeNode.QUERY], {
    ...placeOf(error),
    extensions: { code, http: { status, headers } },
  })
}

/** Whether an error is a fault of the server. Any other error is meant for the client. */
export function isServerFault(error: unknown): boolean {
  return !(error instanceof GraphQLError) || causeOf(error) !== null
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
