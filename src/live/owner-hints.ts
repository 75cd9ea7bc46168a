import type { Wakeups } from '../db/index.ts'
import type { JobChanges } from '../db/lists/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'

/** Hears that jobs of one owner may have changed. */
export interface HintListener {
  add(id: JobId): void
  /** Some were lost: any job may have changed. */
  lose(): void
}

/** Tells hints to those whose jobs they are of, so that nobody is woken by the news of others. */
export interface OwnerHints {
  listen(ownerId: OwnerId, listener: HintListener): () => void
}

export interface OwnerHintsOptions {
  readonly changes: Pick<JobChanges, 'ownersOf'>
  readonly wakeups: Pick<Wakeups, 'onAnyNews' | 'onCommand'>
}

/** Of how many jobs the owner is remembered; a job never changes it. */
const MAX_KNOWN = 20_000
/** Hints beyond this number that wait for their owner are dropped, and everybody is told so. */
const MAX_WAITING = 5_000

/**
 * A hint carries the job alone. Whose it is is read once for each job, of many at once, one statement at a time, and only
 * while somebody listens. When that fails the hints are lost, which costs latency and no change.
 */
export function createOwnerHints({ changes, wakeups }: OwnerHintsOptions): OwnerHints {
  const listeners = new Map<OwnerId, Set<HintListener>>()
  const known = new Map<JobId, OwnerId>()
  let waiting = new Set<JobId>()
  /** Those that are told when the statement that runs has answered. */
  let reading: ReadonlySet<JobId> | null = null
  let detach: readonly (() => void)[] = []

  const tell = (ownerId: OwnerId, id: JobId) => {
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
    while (waiting.size > 0) {
      reading = waiting
      waiting = new Set()
      try {
        for (const { id, ownerId } of await changes.ownersOf([...reading])) {
          remember(id, ownerId)
          tell(ownerId, id)
        }
      } catch {
        lose() // whoever looks then meets the fault, or the change
      }
    }
    reading = null
  }
  const hear = (id: JobId) => {
    const ownerId = known.get(id)
    if (ownerId !== undefined) return tell(ownerId, id)
    if (reading?.has(id)) return
    if (waiting.size < MAX_WAITING) waiting.add(id)
    else if (!waiting.has(id)) lose()
    if (!reading) void readAll()
  }
  return {
    listen(ownerId, listener) {
      if (listeners.size === 0) detach = [wakeups.onAnyNews(hear), wakeups.onCommand(hear)]
      const those = listeners.get(ownerId) ?? new Set()
      listeners.set(ownerId, those.add(listener))
      return () => {
        those.delete(listener)
        if (those.size === 0 && listeners.get(ownerId) === those) listeners.delete(ownerId)
        if (listeners.size > 0) return
        for (const stop of detach) stop()
        detach = []
      }
    },
  }
}
