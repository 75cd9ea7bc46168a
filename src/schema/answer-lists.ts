import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql'
import { AnswerBudget } from './answers/index.ts'
import type { Context } from './kit/index.ts'

type Resolver = GraphQLFieldResolver<unknown, Context>

/**
 * Counts the items of every list of objects, those of introspection included, when it is resolved, before any of them is: each counts as many values as
 * fields are selected in it. An answer with too many is refused with `ANSWER_TOO_LARGE`, whatever its lists are and under
 * however many aliases they are asked for.
 */
export function countListItems(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) if (isObjectType(type)) countItemsOf(type)
  return schema
}

/** Types whose lists are counted. All schemas of a process share those of introspection. */
const counted = new WeakSet<GraphQLObjectType>()

function countItemsOf(type: GraphQLObjectType): void {
  if (counted.has(type)) return
  counted.add(type)
  for (const field of Object.values(type.getFields())) {
    if (!isListType(getNullableType(field.type)) || !isCompositeType(getNamedType(field.type))) continue
    const resolve: Resolver = field.resolve ?? readProperty
    field.resolve = (source: unknown, args: Parameters<Resolver>[1], context: Context, info) => {
      const count = (list: unknown) => {
        const answer = answerOf(context)
        if (!answer || !Array.isArray(list)) return list
        answer.list(nameOf(info), list.length, fieldsOf(info))
        return list
      }
      const list = resolve(source, args, context, info)
      return list instanceof Promise ? list.then(count) : count(list)
    }
  }
}

/** Null where the introspection of another schema of this process is asked for, or that of this one by a program. */
function answerOf(context: Partial<Context> | null | undefined): AnswerBudget | null {
  return context?.answer instanceof AnswerBudget ? context.answer : null
}

const readProperty: Resolver = (source, _args, _context, { fieldName }) =>
  (source as Readonly<Record<string, unknown>>)[fieldName]

function nameOf({ parentType, fieldName }: GraphQLResolveInfo): string {
  return `${parentType.name}.${fieldName}`
}

/** By the selection of a field, which is the same object for every item of the list that the field is in. */
const known = new WeakMap<SelectionSetNode, number>()

/** How many fields are selected in each item, those of nested objects included. */
function fieldsOf({ fieldNodes, fragments }: GraphQLResolveInfo): number {
  let sum = 0
  for (const { selectionSet } of fieldNodes) if (selectionSet) sum += countFields(selectionSet, fragments)
  return sum
}

/** Validation refuses fragments that spread each other in a circle. */
function countFields(set: SelectionSetNode, fragments: GraphQLResolveInfo['fragments']): number {
  const before = known.get(set)
  if (before !== undefined) return before
  let count = 0
  for (const selection of set.selections) {
    switch (selection.kind) {
      case Kind.FIELD:
        count += 1 + (selection.selectionSet ? countFields(selection.selectionSet, fragments) : 0)
        break
      case Kind.INLINE_FRAGMENT:
        count += countFields(selection.selectionSet, fragments)
        break
      case Kind.FRAGMENT_SPREAD: {
        const fragment = fragments[selection.name.value]
        if (fragment) count += countFields(fragment.selectionSet, fragments)
      }
    }
  }
  known.set(set, count)
  return count
}
