import { GraphQLError, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql'
import { OwnerBusyError } from '../lib/turns/index.ts'
import type { Context } from './kit/index.ts'

/** Fields beside the mutations that read definitions. */
const READING_FIELDS: Readonly<Record<string, readonly string[]>> = { Workflow: ['diagnostics'] }

/**
 * Lets the fields that validate definitions or check inputs answer `VALIDATION_BUSY` when the owner has too much of such
 * work under way. `extensions.retryAfterMs` says when the same request may be sent again; nothing was changed by it.
 */
export function answerOwnerBusy(schema: GraphQLSchema): GraphQLSchema {
  const fields = [
    ...Object.values(schema.getMutationType()?.getFields() ?? {}),
    ...Object.entries(READING_FIELDS).flatMap(([name, names]) => {
      const type = schema.getType(name)
      if (!type || !('getFields' in type)) throw new Error(`there is no object type ${name}`)
      return names.map((field) => {
        const found = type.getFields()[field]
        if (!found || !('resolve' in found)) throw new Error(`${name} has no field ${field}`)
        return found
      })
    }),
  ]
  for (const field of fields) {
    const resolve = field.resolve as GraphQLFieldResolver<unknown, Context> | undefined
    field.resolve = (...given: Parameters<GraphQLFieldResolver<unknown, Context>>) => {
      try {
        const value = resolve?.(...given)
        return value instanceof Promise ? value.then(undefined, fail) : value
      } catch (fault) {
        return fail(fault)
      }
    }
  }
  return schema
}

function fail(fault: unknown): never {
  throw fault instanceof OwnerBusyError ? ownerBusy(fault) : fault
}

function ownerBusy({ code, message, retryAfterMs }: OwnerBusyError): GraphQLError {
  return new GraphQLError(message, { extensions: { code, retryAfterMs } })
}
