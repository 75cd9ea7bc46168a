import { decodeGlobalID, encodeGlobalID } from '@pothos/plugin-relay'
import { parseId, type Id } from '../lib/ids.ts'

/** The id of no row. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Everything that `node` finds. */
export const NODE_TYPES = ['Workflow', 'Execution', 'Job', 'Step', 'ApiKey'] as const

interface GlobalId {
  readonly typename: string
  readonly id: string
}

/** A row's id of the inside of a global id; what is no UUID names no row, rather than being an error of the database. */
export function rowId(id: string): string {
  return parseId(id) ?? NOBODY
}

/** What `node` is to look for. Anything that is no global id of a node names no row: an answer, and not an error. */
export function readNodeId(globalId: string): GlobalId {
  const named = decode(globalId)
  return named && NODE_TYPES.some((name) => name === named.typename) ? named : { typename: 'Job', id: NOBODY }
}

/** The row that a global id of this type names; a bare UUID will do too. Null for anything else. */
export function readGlobalId<T extends Id<string>>(typename: string, globalId: string): T | null {
  const bare = parseId<T>(globalId)
  if (bare) return bare
  const named = decode(globalId)
  return named?.typename === typename ? parseId<T>(named.id) : null
}

export function globalId(typename: string, id: string): string {
  return encodeGlobalID(typename, id)
}

function decode(globalId: string): GlobalId | null {
  try {
    return decodeGlobalID(globalId)
  } catch {
    return null // not a global id at all
  }
}
