/** Gives a bounded number of places to those who wait, in the order they name rather than the order they came (E4). */
export class Slots {
  #free: number
  readonly #waiting: Waiter[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Returns the function that gives a place back; null where all places are taken, or others wait for one. */
  tryAcquire(): (() => void) | null {
    if (this.#free === 0 || this.#waiting.length > 0) return null
    this.#free--
    return this.#releaseOnce()
  }

  /** Resolves with the function that gives the place back; rejects with the signal's reason when it aborts first. */
  acquire(order: readonly number[], signal: AbortSignal): Promise<() => void> {
    const release = signal.aborted ? null : this.tryAcquire()
    if (release) return Promise.resolve(release)
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const waiter: Waiter = { order, grant: () => {} }
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(signal.reason as Error)
      }
      waiter.grant = () => {
        signal.removeEventListener('abort', abort)
        resolve(this.#releaseOnce())
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.splice(this.#positionOf(order), 0, waiter)
      this.#grant()
    })
  }

  #grant(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#free--
      next.grant()
    }
  }

  #releaseOnce(): () => void {
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#free++
      this.#grant()
    }
  }

  /** Behind every waiter of the same or an earlier order. */
  #positionOf(order: readonly number[]): number {
    let low = 0
    let high = this.#waiting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareOrder(this.#waiting[middle]?.order ?? [], order) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

interface Waiter {
  readonly order: readonly number[]
  grant: () => void
}

/** Below zero when `a` stands before `b` in the definition. */
export function compareOrder(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
