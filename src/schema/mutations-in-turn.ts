import type { GraphQLSchema } from 'graphql'
import { readAnew, type Context } from './kit/index.ts'

/**
 * Lets each mutation of a document begin with nothing read: they are carried out one after the other, and what was read
 * for the answer of one may be changed by the next.
 */
export function readForEachMutation(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const { resolve } = field
    field.resolve = (root: unknown, args: unknown, context: Context, info) => {
      readAnew(context)
      return resolve?.(root, args, context, info)
    }
  }
  return schema
}
