import type { ApiKeyStore, QuotaGuard, QuotaRefusal } from '../db/stores/index.ts'
import { newId, type OwnerId } from '../lib/index.ts'
import { isStorableText } from '../lib/json/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { hashOf, isKeyText, newKeyText, shownPrefix } from './key-text.ts'
import { createRevocations } from './revocations.ts'
import { parseRole, type ApiKeyId, type Role, type Viewer } from './viewer.ts'

export interface NewApiKey {
  readonly name: string
  readonly role: Role
  /** Null: it does not expire. */
  readonly expiresAt: Date | null
}

export type CreateApiKeyResult =
  /** `key` is told this once and is nowhere on record. */
  | { readonly kind: 'created'; readonly id: ApiKeyId; readonly key: string }
  | { readonly kind: 'invalid'; readonly path: readonly string[]; readonly message: string }
  | QuotaRefusal

/** The stored keys. */
export interface ApiKeys {
  create(ownerId: OwnerId, input: NewApiKey): Promise<CreateApiKeyResult>
  /** Ends a key for good, and every connection that was opened with it. False when the owner has no such key. */
  revoke(ownerId: OwnerId, id: ApiKeyId): Promise<boolean>
  /** Who comes with this key; null when it is none, or none any more. */
  find(key: string): Promise<Viewer | null>
  /** Calls back once the key is revoked; returns what ends the watch. */
  onRevoked(id: ApiKeyId, listener: () => void): () => void
  /** Ends the watches and waits for what is being written. */
  close(): Promise<void>
}

export interface ApiKeysOptions {
  readonly store: ApiKeyStore
  readonly clock: Clock
  readonly logger: Pick<Logger, 'error' | 'warn'>
  readonly quotas: Pick<QuotaGuard, 'refusalOf'>
}

const NAME_MAX_LENGTH = 100
/** How old the time of the last use may be on record. */
const USE_MS = 60_000

export function createApiKeys({ store, clock, logger, quotas }: ApiKeysOptions): ApiKeys {
  const revocations = createRevocations({ store, clock, logger })
  const noting = new Map<string, Promise<void>>()

  /** Not waited for: a request is not slower for it, and fails of nothing that goes wrong here. */
  const noteUse = (id: string) => {
    if (noting.has(id)) return
    const now = clock.now()
    const noted = store
      .noteUse(id, { at: new Date(now), since: new Date(now - USE_MS) })
      .catch((fault: unknown) => logger.warn({ err: fault }, 'the last use of a key could not be noted'))
      .finally(() => noting.delete(id))
    noting.set(id, noted)
  }
  return {
    async create(ownerId, { name, role, expiresAt }) {
      const now = clock.now()
      const told = name.trim()
      if (told.length === 0 || told.length > NAME_MAX_LENGTH || !isStorableText(told)) {
        return invalid('name', `A name has 1 to ${NAME_MAX_LENGTH} characters.`)
      }
      if (expiresAt && expiresAt.getTime() <= now) return invalid('expiresAt', 'This time has passed.')
      const refusal = await quotas.refusalOf(ownerId, 'API_KEYS')
      if (refusal) return refusal
      const key = newKeyText()
      const id = newId<ApiKeyId>()
      const createdAt = new Date(now)
      await store.insert({
        id,
        ownerId,
        name: told,
        prefix: shownPrefix(key),
        hash: hashOf(key),
        role,
        createdAt,
        expiresAt,
      })
      return { kind: 'created', id, key }
    },
    async revoke(ownerId, id) {
      const isThere = await store.revoke(ownerId, id, new Date(clock.now()))
      if (isThere) revocations.tell(id)
      return isThere
    },
    async find(key) {
      if (!isKeyText(key)) return null
      const now = clock.now()
      const row = await store.findLive(hashOf(key), new Date(now))
      const role = parseRole(row?.role)
      if (!row || !role) return null
      if (!row.lastUsedAt || row.lastUsedAt.getTime() <= now - USE_MS) noteUse(row.id)
      return {
        ownerId: row.ownerId,
        role,
        name: row.name,
        credentialId: `key ${row.id}`,
        authentication: 'API_KEY',
        keyId: row.id as ApiKeyId,
        expiresAt: row.expiresAt?.getTime() ?? null,
      }
    },
    onRevoked: revocations.watch,
    async close() {
      revocations.close()
      await Promise.all(noting.values())
    },
  }
}

function invalid(field: string, message: string): CreateApiKeyResult {
  return { kind: 'invalid', path: ['input', field], message }
}
