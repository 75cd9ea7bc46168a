/** Counts what each owner has under way against one maximum; different owners do not wait for each other. */
export class OwnerPermits {
  /** The number of permits that one owner may hold. */
  readonly max: number
  readonly #held = new Map<string, number>()

  constructor(max: number) {
    this.max = max
  }

  /** Takes a permit of the owner. Returns the function that gives it back, once; null when the owner holds the maximum. */
  take(owner: string): (() => void) | null {
    const held = this.#held.get(owner) ?? 0
    if (held >= this.max) return null
    this.#held.set(owner, held + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#held.get(owner) ?? 1) - 1
      if (left > 0) this.#held.set(owner, left)
      else this.#held.delete(owner)
    }
  }
}
