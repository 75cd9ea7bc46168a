import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import type { GraphQLFieldResolver } from 'graphql'
import { globalId } from '../../lib/index.ts'

/**
 * A row whose columns are in memory, under the names that Prisma gives them, and with it the rows that some of its relations
 * lead to. What is undefined is not in memory.
 */
export abstract class KnownRow {
  readonly isKnown = true
  /** The column of the key. Every type of such rows is a node. */
  abstract readonly id: string
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
 * Resolves the fields of a `KnownRow` from memory. Prisma's plugin reads a row again when its columns were not selected by the
 * field that returned it. A field that needs more than memory has is left to that plugin.
 */
class KnownRowsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { name, parentType, extensions, resolve: ownResolve }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    // The Relay plugin's own resolver is asynchronous, and so would be each selection of an id.
    if (name === 'id')
      return (parent, ...rest) =>
        parent instanceof KnownRow ? globalId(parentType, parent.id) : resolve(parent, ...rest)
    const isInMemory = memoryTest(extensions)
    if (!isInMemory || !ownResolve) return resolve
    return (parent, ...rest) =>
      (parent instanceof KnownRow && isInMemory(parent) ? ownResolve : resolve)(parent, ...rest)
  }
}

/** Returns the test whether a row holds all that a field needs; null where no row does. */
function memoryTest(
  extensions: Readonly<Record<string, unknown>> | null | undefined,
): ((row: KnownRow) => boolean) | null {
  const relation = relationOf(extensions?.['pothosPrismaRelationField'])
  if (relation) return (row) => valueOf(row, relation) instanceof KnownRow
  const selection = readSelection(extensions?.['pothosPrismaSelect'])
  return selection && ((row) => holds(row, selection))
}

/** The name of the relation that a field is. */
function relationOf(field: unknown): string | null {
  if (typeof field !== 'object' || field === null || !('name' in field)) return null
  return typeof field.name === 'string' ? field.name : null
}

function valueOf(row: object, name: string): unknown {
  return (row as { readonly [name: string]: unknown })[name]
}

/** By name: null for a column, for a relation what is selected of its rows. */
type Selection = ReadonlyMap<string, Selection | null>

/** The keys of a nested selection that leave no row out. */
const WHOLE_RELATION: readonly string[] = ['select', 'orderBy']

/** Null for a selection that is made for each request, or that takes a part of a relation's rows. */
function readSelection(given: unknown): Selection | null {
  if (typeof given !== 'object' || given === null) return null
  const selection = new Map<string, Selection | null>()
  for (const [name, value] of Object.entries(given)) {
    if (value === true) selection.set(name, null)
    else {
      const nested = readNested(value)
      if (!nested) return null
      selection.set(name, nested)
    }
  }
  return selection
}

function readNested(given: unknown): Selection | null {
  if (typeof given !== 'object' || given === null) return null
  const isWhole = Object.keys(given).every((key) => WHOLE_RELATION.includes(key))
  return isWhole && 'select' in given ? readSelection(given.select) : null
}

/** Whether everything that is selected is in memory. */
function holds(row: object, selection: Selection): boolean {
  for (const [name, nested] of selection) {
    const value = valueOf(row, name)
    if (value === undefined || (nested && !holdsRelated(value, nested))) return false
  }
  return true
}

function holdsRelated(value: unknown, selection: Selection): boolean {
  if (Array.isArray(value)) return value.every((row) => holdsRelated(row, selection))
  return value === null || (typeof value === 'object' && holds(value, selection))
}

export const KNOWN_ROWS = 'knownRows'

SchemaBuilder.registerPlugin(KNOWN_ROWS, KnownRowsPlugin)
