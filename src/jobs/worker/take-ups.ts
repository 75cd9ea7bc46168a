import { SMALL_VALUES_MAX_BYTES } from '../../db/executions/index.ts'
import { JSON_HEAP_MAX_PER_BYTE } from '../../engine/memory/index.ts'
import type { OwnerId } from '../../lib/index.ts'

interface Waiting {
  readonly bytes: number
  readonly enter: () => void
}

/**
 * Bounds what workers load at the same time to take executions up: the heap that stored values may take is known only once they are
 * parsed, so each load is counted with the most that its text can take. A load that exceeds the bound alone happens alone. Owners take
 * turns, and each owner's loads happen in the order in which they came.
 */
export class TakeUps {
  readonly #maxBytes: number
  /** The owner whose turn is next comes first. */
  readonly #waiting = new Map<OwnerId, Waiting[]>()
  #bytes = 0
  #count = 0

  /** `maxBytes`: of heap. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The number of loads that wait. */
  get waiting(): number {
    let count = 0
    for (const { length } of this.#waiting.values()) count += length
    return count
  }

  /**
   * Waits for the turn of a load of that many bytes of JSON text; a small load needs no turn. The returned function ends the turn: from then on the values are
   * counted elsewhere, or gone. Rejects with the signal's reason.
   */
  async enter(owner: OwnerId, textBytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
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

  #turn(owner: OwnerId, bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(owner) ?? []
      const onAbort = () => {
        const at = queue.indexOf(waiting)
        if (at >= 0) queue.splice(at, 1)
        if (queue.length === 0 && this.#waiting.get(owner) === queue) this.#waiting.delete(owner)
        this.#serve()
        reject(signal.reason as Error)
      }
      const waiting = {
        bytes,
        enter: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      queue.push(waiting)
      this.#waiting.set(owner, queue)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #serve(): void {
    for (;;) {
      const [next] = this.#waiting
      if (!next) return
      const [owner, queue] = next
      const [first] = queue
      if (first && !this.#fits(first.bytes)) return
      queue.shift()
      // Behind all other owners that wait.
      this.#waiting.delete(owner)
      if (queue.length > 0) this.#waiting.set(owner, queue)
      if (!first) continue
      this.#begin(first.bytes)
      first.enter()
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
