import { OwnerBusyError } from './owner-turns.ts'

const RETRY_AFTER_MS = 1_000

/** Bounds how much work of one kind each owner has under way at the same time; different owners do not wait for each other. */
export class OwnerPlaces {
  readonly #what: string
  readonly #max: number
  readonly #taken = new Map<string, number>()

  /** `what` names the work in the message of a refusal, such as "simulations". */
  constructor(what: string, max: number) {
    this.#what = what
    this.#max = max
  }

  /** Does work in one of the owner's places; rejects with `OwnerBusyError`, and does not begin it, when all are taken. */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const taken = this.#taken.get(owner) ?? 0
    if (taken >= this.#max) {
      const message = `${taken} ${this.#what} of yours are under way, and ${this.#max} may be. Send the request again when one is done.`
      throw new OwnerBusyError(message, RETRY_AFTER_MS)
    }
    this.#taken.set(owner, taken + 1)
    try {
      return await work()
    } finally {
      const left = (this.#taken.get(owner) ?? 1) - 1
      if (left === 0) this.#taken.delete(owner)
      else this.#taken.set(owner, left)
    }
  }
}
