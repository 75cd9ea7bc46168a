/** A commit that is under way, and then decided. It calls back in place of a promise, because there is one for each end of a step. */
export class Commit {
  #isCommitted: boolean | null = null
  #listeners: ((isCommitted: boolean) => void)[] | null = null

  /** To be called once. */
  decide(isCommitted: boolean): void {
    this.#isCommitted = isCommitted
    const listeners = this.#listeners
    this.#listeners = null
    if (listeners) for (const listener of listeners) listener(isCommitted)
  }

  /** Calls back with whether it was committed: once that is decided, or at once where it is. The listener never throws. */
  onDecided(listener: (isCommitted: boolean) => void): void {
    if (this.#isCommitted !== null) return listener(this.#isCommitted)
    if (this.#listeners) this.#listeners.push(listener)
    else this.#listeners = [listener]
  }
}
