import type { Id, OwnerId } from '../lib/index.ts'

/** What a credential may do: each role may what the one before it may, and more. */
export const ROLES = ['VIEWER', 'EDITOR', 'ADMIN'] as const
export type Role = (typeof ROLES)[number]

export type ApiKeyId = Id<'apiKey'>

interface Identity {
  /** Whose rows it sees. */
  readonly ownerId: OwnerId
  readonly role: Role
  /** The key's name or the token's subject, for people. */
  readonly name: string
  /** The same for every request with this credential, and no secret: what limits count by. */
  readonly credentialId: string
}

/** Who is asking, and how that was shown. Times are in milliseconds since the epoch. */
export type Viewer =
  /** The only user of a server without authentication. */
  | (Identity & { readonly authentication: 'LOCAL' })
  /** A key of the server's settings. */
  | (Identity & { readonly authentication: 'SETTINGS' })
  /** A stored key; null: it does not expire. */
  | (Identity & {
      readonly authentication: 'API_KEY'
      readonly keyId: ApiKeyId
      readonly expiresAt: number | null
    })
  | (Identity & { readonly authentication: 'JWT'; readonly expiresAt: number })

export function isAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** The role of this name, in whatever case; null when there is none. */
export function parseRole(name: unknown): Role | null {
  return ROLES.find((role) => typeof name === 'string' && role === name.toUpperCase()) ?? null
}

/** The user of a server without authentication, who may do everything. */
export function localViewer(ownerId: OwnerId): Viewer {
  return { ownerId, role: 'ADMIN', name: ownerId, credentialId: 'local', authentication: 'LOCAL' }
}

/** All of a viewer that answers depend on: two viewers with the same rights get the same answer to the same operation. */
export function rightsOf({ ownerId, role }: Viewer): string {
  return `${role} ${ownerId}`
}

/** When a credential ends by itself; null: never. */
export function expiryOf(viewer: Viewer): number | null {
  return 'expiresAt' in viewer ? viewer.expiresAt : null
}
