import type { JsonObject } from '../../../src/lib/json/json.ts'
import { startMetaServer, type MetaServer } from './meta-server.ts'
import { openProviderRoom, type ProviderRoom } from './provider-room.ts'

const TOKEN = 'meta-test-token'
export const ACCOUNT = '1234567890'

export type MetaRoom = ProviderRoom<MetaServer>

/** Meta's blocks before its stand-in. */
export function openMetaRoom(): Promise<MetaRoom> {
  const start = () => startMetaServer(TOKEN)
  return openProviderRoom({ start, provider: 'meta', key: TOKEN, basePath: '/v26.0' })
}

/** People that are told apart by their addresses. */
export function people(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, index) => ({ email: `person${index}@example.com` }))
}
