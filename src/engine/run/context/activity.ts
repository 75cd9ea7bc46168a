/**
 * Who is at work in a part of a run: in all of it, or in one item of a loop. Work that waits for an instant, or for the
 * items of a loop, holds nothing: once nothing else is left, the part gives away what it holds (E9, E10).
 */
export interface Activity {
  /** Counts a piece of work until the returned function is called. */
  openWork(): () => void
  /**
   * Lets a piece of work wait for an instant, or for a delivery to the inbox after which the wait is over. Rejects when the
   * signal aborts.
   */
  waitUntil(dueAt: number, signal: AbortSignal, isOver?: () => boolean): Promise<void>
  /** Lets a piece of work wait for others, which count themselves. */
  waitFor(others: Promise<void>): Promise<void>
}

/** A place in a loop, given back by a call. */
type Lane = () => void

/** An item of a loop: it holds one of the loop's lanes, but for the time in which everything in it waits. */
export class ItemActivity implements Activity {
  readonly #outer: Activity
  readonly #takeLane: () => Promise<Lane>
  #lane: Lane | null
  #taking: Promise<void> | null = null
  #work = 0
  #waits = 0

  constructor({ outer, lane, takeLane }: { outer: Activity; lane: Lane; takeLane: () => Promise<Lane> }) {
    this.#outer = outer
    this.#lane = lane
    this.#takeLane = takeLane
  }

  openWork(): () => void {
    const close = this.#outer.openWork()
    this.#work++
    return () => {
      this.#work--
      this.#checkIdle()
      close()
    }
  }

  async waitUntil(dueAt: number, signal: AbortSignal, isOver?: () => boolean): Promise<void> {
    this.#waits++
    this.#checkIdle()
    try {
      await this.#outer.waitUntil(dueAt, signal, isOver)
      await this.#resume()
    } finally {
      this.#waits--
    }
  }

  async waitFor(others: Promise<void>): Promise<void> {
    this.#waits++
    try {
      await this.#outer.waitFor(others)
      await this.#resume()
    } finally {
      this.#waits--
    }
  }

  /** The item has ended. */
  close(): void {
    this.#lane?.()
    this.#lane = null
  }

  /** Who waits for a lane waits for those who hold one: they count themselves. */
  async #resume(): Promise<void> {
    while (!this.#lane) {
      this.#taking ??= this.#takeLane()
        .then((lane) => void (this.#lane = lane))
        .finally(() => (this.#taking = null))
      await this.#outer.waitFor(this.#taking)
    }
  }

  /**
   * In a macrotask of its own: by then everything that a settled promise set off has said whether it is busy. What is
   * around the item must not take itself for idle before: the lane that becomes free is another item's to take.
   */
  #checkIdle(): void {
    if (this.#waits === 0) return
    const close = this.#outer.openWork()
    setImmediate(() => {
      if (this.#waits > 0 && this.#waits === this.#work) this.close()
      close()
    })
  }
}
