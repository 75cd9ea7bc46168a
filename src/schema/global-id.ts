import { decodeGlobalID, encodeGlobalID } from '@pothos/plugin-relay'
import { parseId, type Id } from '../lib/ids.ts'

const NOBODY = '00000000-0000-0000-0000-000000000000'

/** A row's id of the inside of a global id; what is no UUID names no row, rather than being an error of the database. */
export function rowId(id: string): string {
  return parseId(id) ?? NOBODY
}

/** The row that a global id of this type names; a bare UUID will do too. Null for anything else. */
export function readGlobalId<T extends Id<string>>(typename: string, globalId: string): T | null {
  const bare = parseId<T>(globalId)
  if (bare) return bare
  try {
    const decoded = decodeGlobalID(globalId)
    return decoded.typename === typename ? parseId<T>(decoded.id) : null
  } catch {
    return null // not a global id at all, so it names nothing
  }
}

export function globalId(typename: string, id: string): string {
  return encodeGlobalID(typename, id)
}
