import type { ApiKeyStore } from '../db/stores/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'
import type { ApiKeyId } from './viewer.ts'

/** How long a key that another process revoked may still be held by a connection here. */
const LOOK_MS = 5_000

export interface Revocations {
  /** Calls back once the key is revoked, here or by another process; returns what ends the watch. */
  watch(id: ApiKeyId, onRevoked: () => void): () => void
  /** A key was revoked here: whoever watches it learns of it at once. */
  tell(id: ApiKeyId): void
  close(): void
}

export interface RevocationsOptions {
  readonly store: Pick<ApiKeyStore, 'revokedAmong'>
  readonly clock: Pick<Clock, 'after'>
  readonly logger: Pick<Logger, 'error'>
}

/** Tells holders of open connections that their key was revoked. Looks at the table only while somebody watches. */
export function createRevocations({ store, clock, logger }: RevocationsOptions): Revocations {
  const watchers = new Map<ApiKeyId, Set<() => void>>()
  let callOff: (() => void) | null = null
  let isClosed = false

  const tell = (id: ApiKeyId) => {
    for (const onRevoked of watchers.get(id) ?? []) onRevoked()
  }
  const look = async () => {
    try {
      for (const id of await store.revokedAmong([...watchers.keys()])) tell(id as ApiKeyId)
    } catch (fault) {
      logger.error({ err: fault }, 'revoked keys could not be looked for; the next look is soon')
    }
    arm()
  }
  const arm = () => {
    callOff = watchers.size > 0 && !isClosed ? clock.after(LOOK_MS, () => void look()) : null
  }
  return {
    tell,
    watch(id, onRevoked) {
      const those = watchers.get(id) ?? new Set()
      watchers.set(id, those.add(onRevoked))
      if (!callOff) arm()
      return () => {
        those.delete(onRevoked)
        if (those.size === 0 && watchers.get(id) === those) watchers.delete(id)
        if (watchers.size > 0) return
        callOff?.()
        callOff = null
      }
    },
    close() {
      isClosed = true
      callOff?.()
    },
  }
}
