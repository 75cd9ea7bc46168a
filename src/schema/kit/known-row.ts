import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLFieldResolver } from 'graphql'

/** A row whose columns are in memory already, under the names that Prisma gives them. */
export abstract class KnownRow {
  readonly isKnown = true
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      knownRows: KnownRowsPlugin<Types>
    }
  }
}

/**
 * Resolves the fields of a `KnownRow` from its own columns. Prisma's plugin reads a row again when its columns were not
 * selected by the field that returned it. A field that needs more than the row has, such as a relation, is left to it.
 */
class KnownRowsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { extensions, resolve: ownResolve }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const columns = columnsOf(extensions?.['pothosPrismaSelect'])
    if (!columns || !ownResolve) return resolve
    return (parent, ...rest) => {
      const isKnown = parent instanceof KnownRow && columns.every((column) => column in parent)
      return (isKnown ? ownResolve : resolve)(parent, ...rest)
    }
  }
}

/** The names of the columns that a selection consists of; null when it is made for each request or has relations. */
function columnsOf(selection: unknown): readonly string[] | null {
  if (typeof selection !== 'object' || selection === null) return null
  const entries = Object.entries(selection)
  return entries.every(([, value]) => value === true) ? entries.map(([name]) => name) : null
}

export const KNOWN_ROWS = 'knownRows'

SchemaBuilder.registerPlugin(KNOWN_ROWS, KnownRowsPlugin)
