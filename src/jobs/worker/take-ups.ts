import { SMALL_VALUES_MAX_BYTES } from '../../db/executions/index.ts'
import { JSON_HEAP_MAX_PER_BYTE } from '../../engine/memory/index.ts'
import { OwnerQueues } from '../../lib/async/index.ts'
import type { OwnerId } from '../../lib/index.ts'

/** How many owners may load at the same time as much as one owner may. */
export const LOADING_OWNERS = 2

interface Waiting {
  readonly bytes: number
  readonly enter: () => void
}

/**
 * Bounds the stored values that are loaded at the same time, by workers that take executions up or by requests: the heap that stored
 * values may take is known only once they are parsed, so each load is counted with the most that its text can take.
 *
 * The loads of one owner have a bound, and those of all owners together have `LOADING_OWNERS` times that bound. A load that exceeds its
 * owner's bound alone counts as much as the bound, and happens alone of its owner. So one owner's loads, whatever they are, never keep
 * another owner from loading. Owners that load nothing come first, others take turns, and each owner's loads happen in the order in
 * which they came.
 */
export class TakeUps {
  readonly #ownerMaxBytes: number
  readonly #waiting = new OwnerQueues<Waiting>()
  /** The bytes of the loads of each owner that loads something. */
  readonly #bytesOf = new Map<string, number>()
  #bytes = 0

  /** `ownerMaxBytes`: of heap, for one owner. */
  constructor(ownerMaxBytes: number) {
    this.#ownerMaxBytes = ownerMaxBytes
  }

  /** The number of loads that wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** The number of the owner's loads that wait. */
  waitingOf(owner: OwnerId): number {
    return this.#waiting.itemsOf(owner).length
  }

  /**
   * Waits for the turn of a load of that many bytes of JSON text; a small load needs no turn. The returned function ends the turn: from then on the values are
   * counted elsewhere, or gone. Rejects with the signal's reason; with null nothing calls the load off.
   */
  async enter(owner: OwnerId, textBytes: number, signal: AbortSignal | null): Promise<() => void> {
    signal?.throwIfAborted()
    if (textBytes <= SMALL_VALUES_MAX_BYTES) return () => {}
    const bytes = Math.min(textBytes * JSON_HEAP_MAX_PER_BYTE, this.#ownerMaxBytes)
    await this.#turn(owner, bytes, signal)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#count(owner, -bytes)
      this.#waiting.defer(owner)
      this.#serve()
    }
  }

  #turn(owner: OwnerId, bytes: number, signal: AbortSignal | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.remove(owner, waiting)
        this.#serve()
        reject(signal?.reason as Error)
      }
      const waiting = {
        bytes,
        enter: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(owner, waiting)
      this.#serve()
    })
  }

  #serve(): void {
    for (;;) {
      const begun = this.#beginNext({ isNew: true })
      if (begun === 'full' || (begun === 'none' && this.#beginNext({ isNew: false }) !== 'begun')) return
    }
  }

  /** Begins one load of an owner that loads nothing, or of one that does. `full`: an owner waits for what others load. */
  #beginNext({ isNew }: { readonly isNew: boolean }): 'begun' | 'full' | 'none' {
    for (const owner of this.#waiting.owners()) {
      const held = this.#bytesOf.get(owner) ?? 0
      const [next] = this.#waiting.itemsOf(owner)
      if (!next || (held === 0) !== isNew || held + next.bytes > this.#ownerMaxBytes) continue
      if (this.#bytes + next.bytes > this.#ownerMaxBytes * LOADING_OWNERS) return 'full'
      this.#waiting.take(owner, next)
      this.#count(owner, next.bytes)
      next.enter()
      return 'begun'
    }
    return 'none'
  }

  #count(owner: string, bytes: number): void {
    const held = (this.#bytesOf.get(owner) ?? 0) + bytes
    if (held > 0) this.#bytesOf.set(owner, held)
    else this.#bytesOf.delete(owner)
    this.#bytes += bytes
  }
}
