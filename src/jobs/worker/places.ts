import type { OwnerId } from '../../lib/index.ts'

export interface PlacesOptions {
  /** The number of places in this process. */
  readonly total: number
  /** The part of the places that one owner may hold, in percent. */
  readonly ownerPercent: number
}

/** The places of one process: a place is the permit to run one job. Counts how many are free, and how many each owner holds. */
export class Places {
  /** The number of places that one owner may hold. */
  readonly maxPerOwner: number
  readonly #held = new Map<OwnerId, number>()
  #free: number

  constructor({ total, ownerPercent }: PlacesOptions) {
    this.#free = total
    this.maxPerOwner = maxPlacesPerOwner(total, ownerPercent)
  }

  get free(): number {
    return this.#free
  }

  heldBy(owner: OwnerId): number {
    return this.#held.get(owner) ?? 0
  }

  /** Whether the owner may hold another place, be one free or not. */
  isBelowMax(owner: OwnerId): boolean {
    return this.heldBy(owner) < this.maxPerOwner
  }

  /** The owners that hold places. */
  get owners(): readonly OwnerId[] {
    return [...this.#held.keys()]
  }

  /** The owners that hold as many places as they may. */
  get ownersAtMax(): readonly OwnerId[] {
    return [...this.#held].flatMap(([owner, held]) => (held >= this.maxPerOwner ? [owner] : []))
  }

  take(owner: OwnerId, count = 1): void {
    this.#free -= count
    this.#held.set(owner, this.heldBy(owner) + count)
  }

  giveBack(owner: OwnerId, count = 1): void {
    this.#free += count
    const held = this.heldBy(owner) - count
    if (held > 0) this.#held.set(owner, held)
    else this.#held.delete(owner)
  }
}

/** Under 100 percent at least one place stays free for others, where there are two or more. */
function maxPlacesPerOwner(total: number, percent: number): number {
  if (percent >= 100) return total
  return Math.max(1, Math.min(total - 1, Math.floor((total * percent) / 100)))
}
