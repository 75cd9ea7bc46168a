import { OwnerPermits } from './owner-permits.ts'
import { OwnerBusyError } from './owner-turns.ts'

const RETRY_AFTER_MS = 1_000

/** Bounds how much work of one kind each owner has under way at the same time; different owners do not wait for each other. */
export class OwnerPlaces {
  readonly #what: string
  readonly #permits: OwnerPermits

  /** `what` names the work in the message of a refusal, such as "simulations". */
  constructor(what: string, max: number) {
    this.#what = what
    this.#permits = new OwnerPermits(max)
  }

  /** Does work in one of the owner's places; rejects with `OwnerBusyError`, and does not begin it, when all are taken. */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const giveBack = this.#permits.take(owner)
    if (!giveBack) {
      const { max } = this.#permits
      const message = `${max} ${this.#what} of yours are under way, which is the limit. Send the request again when one is done.`
      throw new OwnerBusyError(message, RETRY_AFTER_MS)
    }
    try {
      return await work()
    } finally {
      giveBack()
    }
  }
}
