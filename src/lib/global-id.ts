import { parseId, type Id } from './ids.ts'

/** What names an object to clients: its type and its row, in base64, as Relay's global object identification has it. */
export interface GlobalId {
  readonly typename: string
  readonly id: string
}

export function globalId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64')
}

/** Null for what is no global id at all. */
export function decodeGlobalId(globalId: string): GlobalId | null {
  const text = Buffer.from(globalId, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? null : { typename: text.slice(0, colon), id: text.slice(colon + 1) }
}

/** The row that a global id of this type names; a bare UUID will do too. Null for anything else. */
export function readGlobalId<T extends Id<string>>(typename: string, globalId: string): T | null {
  const bare = parseId<T>(globalId)
  if (bare) return bare
  const named = decodeGlobalId(globalId)
  return named?.typename === typename ? parseId<T>(named.id) : null
}
