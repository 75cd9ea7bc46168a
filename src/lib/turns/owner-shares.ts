import { OwnerQueues } from './owner-queues.ts'

/** How many owners may hold at the same time as much as one owner may. */
export const SHARING_OWNERS = 2

interface Waiting {
  readonly amount: number
  readonly enter: () => void
}

/**
 * Bounds what pieces of work hold at the same time. The work of one owner has a bound, and that of all owners together has
 * `SHARING_OWNERS` times that bound. A piece of work that exceeds its owner's bound alone counts as much as the bound, and is done alone
 * of its owner. So one owner's work, whatever it is, never keeps another owner's from beginning. Owners that hold nothing come first,
 * others take turns, and each owner's work begins in the order in which it came.
 */
export class OwnerShares {
  readonly #ownerMax: number
  readonly #waiting = new OwnerQueues<Waiting>()
  /** What the work of each owner holds; only owners that hold something. */
  readonly #heldBy = new Map<string, number>()
  #held = 0

  /** `ownerMax`: what the work of one owner may hold. */
  constructor(ownerMax: number) {
    this.#ownerMax = ownerMax
  }

  /** The number of pieces of work that wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** The number of the owner's pieces of work that wait. */
  waitingOf(owner: string): number {
    return this.#waiting.itemsOf(owner).length
  }

  /** Waits until work that holds the amount may begin. The returned function ends it. Rejects with the signal's reason. */
  async enter(owner: string, wanted: number, signal: AbortSignal | null): Promise<() => void> {
    signal?.throwIfAborted()
    const amount = Math.min(wanted, this.#ownerMax)
    await this.#turn(owner, amount, signal)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#count(owner, -amount)
      this.#waiting.defer(owner)
      this.#serve()
    }
  }

  #turn(owner: string, amount: number, signal: AbortSignal | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.remove(owner, waiting)
        this.#serve()
        reject(signal?.reason as Error)
      }
      const waiting = {
        amount,
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

  /** Begins work of an owner that holds nothing, or of one that does. `full`: an owner waits for what others hold. */
  #beginNext({ isNew }: { readonly isNew: boolean }): 'begun' | 'full' | 'none' {
    for (const owner of this.#waiting.owners()) {
      const held = this.#heldBy.get(owner) ?? 0
      const [next] = this.#waiting.itemsOf(owner)
      if (!next || (held === 0) !== isNew || held + next.amount > this.#ownerMax) continue
      if (this.#held + next.amount > this.#ownerMax * SHARING_OWNERS) return 'full'
      this.#waiting.take(owner, next)
      this.#count(owner, next.amount)
      next.enter()
      return 'begun'
    }
    return 'none'
  }

  #count(owner: string, amount: number): void {
    const held = (this.#heldBy.get(owner) ?? 0) + amount
    if (held > 0) this.#heldBy.set(owner, held)
    else this.#heldBy.delete(owner)
    this.#held += amount
  }
}
