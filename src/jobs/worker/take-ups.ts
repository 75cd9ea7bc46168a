import { SMALL_VALUES_MAX_BYTES } from '../../db/executions/index.ts'
import { JSON_HEAP_MAX_PER_BYTE } from '../../engine/memory/index.ts'
import { OwnerShares } from '../../lib/turns/index.ts'
import type { OwnerId } from '../../lib/index.ts'

/**
 * Bounds the stored values that are loaded at the same time, by workers that take executions up or by requests: the heap that stored
 * values may take is known only once they are parsed, so each load is counted with the most that its text can take. One owner's loads
 * never keep another owner from loading (see `OwnerShares`).
 */
export class TakeUps {
  readonly #shares: OwnerShares

  /** `ownerMaxBytes`: of heap, for one owner. */
  constructor(ownerMaxBytes: number) {
    this.#shares = new OwnerShares(ownerMaxBytes)
  }

  /** The number of loads that wait. */
  get waiting(): number {
    return this.#shares.waiting
  }

  /** The number of the owner's loads that wait. */
  waitingOf(owner: OwnerId): number {
    return this.#shares.waitingOf(owner)
  }

  /**
   * Waits for the turn of a load of that many bytes of JSON text; a small load needs no turn. The returned function ends the turn: from
   * then on the values are counted elsewhere, or gone. Rejects with the signal's reason; with null nothing calls the load off.
   */
  async enter(owner: OwnerId, textBytes: number, signal: AbortSignal | null): Promise<() => void> {
    signal?.throwIfAborted()
    if (textBytes <= SMALL_VALUES_MAX_BYTES) return () => {}
    return this.#shares.enter(owner, textBytes * JSON_HEAP_MAX_PER_BYTE, signal)
  }
}
