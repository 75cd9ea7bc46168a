import { randomUUID } from 'node:crypto'
import { GraphQLError } from 'graphql'
import type { Logger } from '../lib/logger.ts'

/**
 * Shows clients what was meant for them and nothing else: any fault that is not a GraphQL error of its own is logged under
 * a reference, and the client sees that reference in place of the fault.
 */
export function createMaskError(logger: Pick<Logger, 'error'>) {
  return (error: unknown): Error => {
    if (error instanceof GraphQLError) {
      const { originalError } = error
      if (!originalError || originalError instanceof GraphQLError) return error
    }
    const reference = randomUUID()
    const fault = error instanceof GraphQLError ? error.originalError : error
    logger.error({ err: fault, reference }, 'a request met a fault')
    const place =
      error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {}
    return new GraphQLError(`Something went wrong here. Ask the operator for reference ${reference}.`, {
      ...place,
      extensions: { code: 'INTERNAL_SERVER_ERROR', reference },
    })
  }
}
