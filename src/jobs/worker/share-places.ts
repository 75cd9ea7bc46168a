import type { OwnerId } from '../../lib/index.ts'

/** The due jobs of one owner. */
export interface Demand {
  readonly ownerId: OwnerId
  readonly count: number
}

/** Whose turn it is in the rotation, and how many places of its weight the owner has used in this turn. */
export interface Turn {
  readonly ownerId: OwnerId
  readonly taken: number
}

export interface PlacesToShare {
  /** One entry per owner, in the circular order of the rotation, beginning behind the owner of the turn. */
  readonly demands: readonly Demand[]
  /** The number of free places. */
  readonly free: number
  /** The number of places that an owner holds already. */
  readonly heldBy: (owner: OwnerId) => number
  /** A whole number from 1. */
  readonly weightOf: (owner: OwnerId) => number
  /** The number of places that one owner may hold. */
  readonly maxPerOwner: number
  readonly turn: Turn | null
}

export interface SharedPlaces {
  /** The number of places that each owner gets; owners that get none are left out. */
  readonly places: ReadonlyMap<OwnerId, number>
  readonly turn: Turn | null
}

/**
 * Shares free places by weighted round robin. In each round an owner with due jobs has as many places as its weight; places
 * that it holds already count as taken in the first rounds. Within a round, owners take turns in the circular order, each up
 * to its weight, and the rotation continues where the last call stopped. Hence, whatever arrives in whatever order:
 * - while an owner holds fewer places than its weight and has due jobs, every other owner gets at most its own weight of
 *   places before that owner gets its next one: no owner starves, also when one place becomes free at a time;
 * - no owner begins a round before every other owner with due jobs, up to its maximum, has had its share of the round before.
 */
export function sharePlaces({
  demands,
  free,
  heldBy,
  weightOf,
  maxPerOwner,
  turn,
}: PlacesToShare): SharedPlaces {
  const owners = demands.map(({ ownerId, count }, index) => {
    const held = heldBy(ownerId)
    const left = Math.min(count, maxPerOwner - held)
    return { ownerId, index, held, left, weight: weightOf(ownerId) }
  })
  const places = new Map<OwnerId, number>()
  let current = turn
  let at = owners.findIndex(({ ownerId }) => ownerId === turn?.ownerId)
  for (let n = 0; n < free; n++) {
    let best: (typeof owners)[number] | null = null
    let bestKey: readonly [number, number] = [Infinity, Infinity]
    for (const owner of owners) {
      if (owner.left <= 0) continue
      const key = [Math.floor(owner.held / owner.weight), distance(owner)] as const
      if (key[0] < bestKey[0] || (key[0] === bestKey[0] && key[1] < bestKey[1]))
        [best, bestKey] = [owner, key]
    }
    if (!best) break
    const isSameTurn = best.ownerId === current?.ownerId && current.taken < best.weight
    current = { ownerId: best.ownerId, taken: isSameTurn && current ? current.taken + 1 : 1 }
    at = best.index
    best.held++
    best.left--
    places.set(best.ownerId, (places.get(best.ownerId) ?? 0) + 1)
  }
  return { places, turn: current }

  /** 0 for the owner of the turn until it has used up its weight, when it becomes the last; the next owner has 1. */
  function distance({ ownerId, index, weight }: { ownerId: OwnerId; index: number; weight: number }): number {
    if (ownerId === current?.ownerId) return current.taken < weight ? 0 : owners.length
    return at < 0 ? index + 1 : (index - at + owners.length) % owners.length
  }
}
