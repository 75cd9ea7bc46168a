/** A map of at most `maxSize` entries: the one that was not asked for for the longest time makes room. */
export class RecentMap<Key, Value> {
  readonly #maxSize: number
  /** The entry that was not asked for for the longest time first. */
  readonly #entries = new Map<Key, Value>()

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.#refresh(key, value)
    return value
  }

  set(key: Key, value: Value): void {
    this.#refresh(key, value)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxSize) break
      this.#entries.delete(oldest)
    }
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }

  #refresh(key: Key, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
  }
}
