import type { DraftHashStore } from '../db/stores/index.ts'
import type { Logger } from '../lib/log/index.ts'
import { draftHash } from './drafts.ts'

/**
 * Stores the hashes of drafts that have none: drafts older than the column, and those that a process of an older version
 * has written. It reads one draft at a time and lets others have the thread. Until it has come to a draft, a read computes
 * the hash.
 */
export async function storeDraftHashes(
  hashes: DraftHashStore,
  { signal, logger }: { readonly signal: AbortSignal; readonly logger: Pick<Logger, 'warn'> },
): Promise<void> {
  try {
    let draft = await hashes.unhashedAfter(null)
    while (draft && !signal.aborted) {
      await hashes.store(draft, await draftHash(draft.draft))
      draft = await hashes.unhashedAfter(draft.id)
    }
  } catch (failure) {
    logger.warn({ err: failure }, 'hashes of drafts were not stored; the next start tries again')
  }
}
