import { SMALL_VALUES_MAX_BYTES } from '../../db/executions/index.ts'
import { JSON_HEAP_MAX_PER_BYTE } from '../../engine/memory/index.ts'
import { OwnerQueues } from '../../lib/async/index.ts'
import type { OwnerId } from '../../lib/index.ts'

interface Waiting {
  readonly bytes: number
  readonly enter: () => void
}

/**
 * Bounds the stored values that are loaded at the same time, by workers that take executions up or by requests: the heap that stored values may take is known only once they are
 * parsed, so each load is counted with the most that its text can take. A load that exceeds the bound alone happens alone. Owners take
 * turns, and each owner's loads happen in the order in which they came.
 */
export class TakeUps {
  readonly #maxBytes: number
  readonly #waiting = new OwnerQueues<Waiting>()
  #bytes = 0
  #count = 0

  /** `maxBytes`: of heap. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
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
    const bytes = textBytes * JSON_HEAP_MAX_PER_BYTE
    if (this.#waiting.size > 0 || !this.#fits(bytes)) await this.#turn(owner, bytes, signal)
    else this.#begin(bytes)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#bytes -= bytes
      this.#count--
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
      this.#waiting.push(owner, waiting)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  #serve(): void {
    for (;;) {
      const next = this.#waiting.first()
      if (!next || !this.#fits(next.item.bytes)) return
      this.#waiting.takeFirst()
      this.#begin(next.item.bytes)
      next.item.enter()
    }
  }

  #fits(bytes: number): boolean {
    return this.#count === 0 || this.#bytes + bytes <= this.#maxBytes
  }

  #begin(bytes: number): void {
    this.#bytes += bytes
    this.#count++
  }
}
