/** Remembers one ring until its owner waits for it. */
export class Bell {
  #hasRung = false
  #answer: (() => void) | null = null

  readonly ring = (): void => {
    this.#hasRung = true
    this.#answer?.()
  }

  reset(): void {
    this.#hasRung = false
  }

  /** Resolves at the next ring; at once if it has rung since the last reset. */
  async rung(): Promise<void> {
    if (this.#hasRung) return
    await new Promise<void>((resolve) => {
      this.#answer = resolve
    })
    this.#answer = null
  }
}
