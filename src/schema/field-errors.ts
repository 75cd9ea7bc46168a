import {
  defaultFieldResolver,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import { AnswerBudget } from './answers/index.ts'
import type { Context } from './kit/index.ts'

type Resolver = GraphQLFieldResolver<unknown, Context>

/**
 * Stops an operation at `ANSWER_MAX_ERRORS` errors of its fields. Each error takes a stack trace and several copies on its
 * way to the answer, and a list may have one for each of its items under each of many aliases. From the last error on no
 * resolver begins, and those that are under way fail with one shared error. Nor does one begin once the operation is answered.
 */
export function stopAtErrors(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type)) countErrorsOf(type)
  }
  return schema
}

/** Types whose fields are wrapped. All schemas of a process share those of introspection. */
const counting = new WeakSet<GraphQLObjectType>()

function countErrorsOf(type: GraphQLObjectType): void {
  if (counting.has(type)) return
  counting.add(type)
  for (const field of Object.values(type.getFields())) {
    const { resolve = defaultFieldResolver as Resolver } = field
    field.resolve = (source: unknown, args: Parameters<Resolver>[1], context: Context, info) => {
      const { answer } = (context ?? {}) as Partial<Context>
      // A program may execute the schema, or the introspection of another one, without a budget.
      if (!(answer instanceof AnswerBudget)) return resolve(source, args, context, info)
      // An error in a field that is not null ends the answer while the fields beside it wait for their turn.
      if (answer.over) throw answer.over
      try {
        return counted(resolve(source, args, context, info), answer)
      } catch (error) {
        throw answer.fail(error)
      }
    }
  }
}

/** The value of a field, whose promise, and those of the items of a list, count when they are rejected. */
function counted(value: unknown, answer: AnswerBudget): unknown {
  if (value instanceof Promise) {
    return value.then(
      (resolved) => countedItems(resolved, answer),
      (error: unknown) => {
        throw answer.fail(error)
      },
    )
  }
  return countedItems(value, answer)
}

function countedItems(value: unknown, answer: AnswerBudget): unknown {
  if (value instanceof Error) return answer.fail(value)
  if (!Array.isArray(value) || !value.some((item) => item instanceof Promise || item instanceof Error))
    return value
  return value.map((item: unknown) => counted(item, answer))
}
