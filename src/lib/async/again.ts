/** Makes one call at a time; asked for it while one is under way, it makes one more after that. */
export class Again {
  readonly #call: () => Promise<void>
  #running: Promise<void> | null = null
  #isAskedAgain = false

  /** `call` never rejects. */
  constructor(call: () => Promise<void>) {
    this.#call = call
  }

  request(): void {
    if (this.#running) this.#isAskedAgain = true
    else this.#running = this.#runAll()
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #runAll(): Promise<void> {
    do {
      this.#isAskedAgain = false
      await this.#call()
    } while (this.#isAskedAgain)
    this.#running = null
  }
}
