import type { Wakeups } from '../db/index.ts'
import type { JobChanges } from '../db/lists/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'

/** Receives the hints that jobs of one owner may have changed. */
export interface HintListener {
  add(id: JobId): void
  /** Hints were lost: any job may have changed. */
  lose(): void
}

/** Passes hints to the listeners whose owner's jobs they are of, so that the news of one owner wake no listener of another. */
export interface OwnerHints {
  listen(ownerId: OwnerId, listener: HintListener): () => void
}

export interface OwnerHintsOptions {
  readonly changes: Pick<JobChanges, 'ownersOf'>
  readonly wakeups: Pick<Wakeups, 'onAnyNews' | 'onCommand' | 'onGap'>
  readonly clock: Pick<Clock, 'wait'>
}

/** Maximum number of jobs whose owner is remembered; a job never changes its owner. */
const MAX_KNOWN = 20_000
/** Maximum number of hints that wait for their owner to be read. Those beyond it are dropped, and all listeners are informed. */
const MAX_WAITING = 5_000
/** How long the read of owners waits after it has failed, in milliseconds; the wait doubles up to the maximum. */
const READ_AGAIN_MS = 200
const READ_AGAIN_MAX_MS = 5_000

/**
 * A hint carries only the job's id. The owner of each job is read once, of many jobs at once, one statement at a time, and only
 * while there is a listener. A read that fails is repeated with the same jobs. Meanwhile all listeners look at all changes.
 */
export function createOwnerHints({ changes, wakeups, clock }: OwnerHintsOptions): OwnerHints {
  const listeners = new Map<OwnerId, Set<HintListener>>()
  const known = new Map<JobId, OwnerId>()
  let waiting = new Set<JobId>()
  /** The jobs whose owners are being read. */
  let reading: ReadonlySet<JobId> | null = null
  let detach: readonly (() => void)[] = []
  /** Aborts when the last listener leaves. */
  let unheard = new AbortController()

  const pass = (ownerId: OwnerId, id: JobId) => {
    for (const listener of listeners.get(ownerId) ?? []) listener.add(id)
  }
  const lose = () => {
    for (const those of listeners.values()) for (const listener of those) listener.lose()
  }
  const remember = (id: JobId, ownerId: OwnerId) => {
    known.set(id, ownerId)
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value as JobId)
  }
  const readAll = async () => {
    for (let waitMs = READ_AGAIN_MS; waiting.size > 0;) {
      reading = waiting
      waiting = new Set()
      try {
        for (const { id, ownerId } of await changes.ownersOf([...reading])) {
          remember(id, ownerId)
          pass(ownerId, id)
        }
        waitMs = READ_AGAIN_MS
      } catch {
        lose() // listeners that look meet the fault themselves, or find the change
        waiting = new Set([...reading, ...waiting].slice(0, MAX_WAITING))
        await clock.wait(waitMs, unheard.signal).catch(() => {}) // no listener is left
        waitMs = Math.min(2 * waitMs, READ_AGAIN_MAX_MS)
      }
    }
    reading = null
  }
  const hear = (id: JobId) => {
    const ownerId = known.get(id)
    if (ownerId !== undefined) return pass(ownerId, id)
    if (reading?.has(id)) return
    if (waiting.size < MAX_WAITING) waiting.add(id)
    else if (!waiting.has(id)) lose()
    if (!reading) void readAll()
  }
  return {
    listen(ownerId, listener) {
      if (listeners.size === 0) {
        unheard = new AbortController()
        detach = [wakeups.onAnyNews(hear), wakeups.onCommand(hear), wakeups.onGap(lose)]
      }
      const those = listeners.get(ownerId) ?? new Set()
      listeners.set(ownerId, those.add(listener))
      return () => {
        those.delete(listener)
        if (those.size === 0 && listeners.get(ownerId) === those) listeners.delete(ownerId)
        if (listeners.size > 0) return
        waiting = new Set()
        unheard.abort(new Error('there is no listener'))
        for (const stop of detach) stop()
        detach = []
      }
    },
  }
}
