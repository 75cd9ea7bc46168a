import {
  defaultFieldResolver,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import { isTurnOver } from '../lib/turns/index.ts'
import { FieldPieces } from './answers/index.ts'
import type { Context } from './kit/index.ts'

type Resolver = GraphQLFieldResolver<unknown, Context>

/**
 * Lets other work have the event loop between the fields of `Query` and between the items of every list of objects, those of
 * introspection included, where they use up its turn. An operation whose fields wait for nothing would hold the thread for as long as
 * it lasts.
 */
export function resolveInPieces(schema: GraphQLSchema): GraphQLSchema {
  const query = schema.getQueryType()
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || inPieces.has(type)) continue
    inPieces.add(type)
    pauseLists(type)
    if (type === query) pauseFields(type)
  }
  return schema
}

/** Types whose fields are wrapped. All schemas of a process share those of introspection. */
const inPieces = new WeakSet<GraphQLObjectType>()

function pauseLists(type: GraphQLObjectType): void {
  for (const field of Object.values(type.getFields())) {
    if (!isListType(getNullableType(field.type)) || !isCompositeType(getNamedType(field.type))) continue
    const { resolve = defaultFieldResolver as Resolver } = field
    field.resolve = (source: unknown, args: Parameters<Resolver>[1], context: Context, info) => {
      const list = resolve(source, args, context, info)
      const pieces = piecesOf(context)
      if (!pieces) return list
      const paced = (items: unknown) => (Array.isArray(items) ? pieces.list(items) : items)
      return list instanceof Promise ? list.then(paced) : paced(list)
    }
  }
}

function pauseFields(type: GraphQLObjectType): void {
  for (const field of Object.values(type.getFields())) {
    const { resolve = defaultFieldResolver as Resolver } = field
    field.resolve = (source: unknown, args: Parameters<Resolver>[1], context: Context, info) => {
      const pieces = piecesOf(context)
      if (!pieces || !isTurnOver()) return resolve(source, args, context, info)
      return pieces.later(null).then(() => resolve(source, args, context, info))
    }
  }
}

/** Null where the introspection of another schema of this process is asked for, or that of this one by a program. */
function piecesOf(context: Partial<Context> | null | undefined): FieldPieces | null {
  return context?.pieces instanceof FieldPieces ? context.pieces : null
}
