/** Remembers one ring until its owner waits for it. */
export class Bell {
  #hasRung = false
  #answer: (() => void) | null = null

  /** True if it has rung since the last reset. */
  get hasRung(): boolean {
    return this.#hasRung
  }

  readonly ring = (): void => {
    this.#hasRung = true
    this.#answer?.()
  }

  reset(): void {
    this.#hasRung = false
  }

  /** Resolves at the next ring; at once if it has rung since the last reset. */
  rung(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasRung) return resolve()
      this.#answer = () => {
        this.#answer = null
        resolve()
      }
    })
  }
}
