/** Chance that comes out the same on every run. */
export interface Random {
  /** At least 0, below 1. */
  fraction(): number
  /** Both ends included. */
  integer(low: number, high: number): number
  /** True in `share` of all calls, 0 to 1. */
  chance(share: number): boolean
  pick<T>(items: readonly T[]): T
}

/** The mulberry32 generator: 32 bits of state are plenty for sample data. */
export function createRandom(seed: number): Random {
  let state = seed | 0
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    fraction,
    integer: (low, high) => low + Math.floor(fraction() * (high - low + 1)),
    chance: (share) => fraction() < share,
    pick: <T>(items: readonly T[]) => items[Math.floor(fraction() * items.length)] as T,
  }
}
