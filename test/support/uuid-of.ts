import { decodeGlobalId } from '../../src/lib/global-id.ts'

/** The id of a row, as the database knows it, in a global id of the API. */
export function uuidOf(globalId: string): string {
  const id = decodeGlobalId(globalId)?.id
  if (id === undefined) throw new Error(`${globalId} is no global id`)
  return id
}
