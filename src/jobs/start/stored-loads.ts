import { SMALL_VALUES_MAX_BYTES } from '../../db/executions/index.ts'
import { OwnerBusyError } from '../../lib/turns/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import { TakeUps } from '../worker/index.ts'

/** A definition or the values of an execution with at most this many bytes of JSON text are loaded at once. */
export const SMALL_LOAD_MAX_BYTES = SMALL_VALUES_MAX_BYTES
/** Maximum number of requests of one owner that wait for memory to load large stored values; one more is refused with `VALIDATION_BUSY`. */
export const LARGE_LOADS_MAX_WAITING = 100
/** When a refused request may be sent again, in milliseconds. */
const RETRY_AFTER_MS = 1_000

/**
 * Bounds the memory of stored definitions, inputs and records that requests and schedules load. A request of a few bytes can name a
 * definition of 4 MiB, so the size of its body bounds nothing. The work of a request counts with the most that its values can take on the
 * heap, from their load until the work has ended. Each owner has a bound (see `TakeUps`), so that the requests of one owner never keep those
 * of another from loading.
 */
export class StoredLoads {
  readonly #loads: TakeUps

  /** `ownerMaxBytes`: of heap, for one owner. */
  constructor(ownerMaxBytes: number) {
    this.#loads = new TakeUps(ownerMaxBytes)
  }

  /**
   * Does work that loads values of that many bytes of JSON text, once there is room for them. The work must not load others this way: it
   * would wait for itself. Rejects with `OwnerBusyError` when too much refusable work of the owner waits.
   */
  async run<T>(
    load: { readonly ownerId: OwnerId; readonly bytes: number; readonly isRefusable: boolean },
    work: () => Promise<T>,
  ): Promise<T> {
    const { ownerId, bytes, isRefusable } = load
    if (bytes > SMALL_LOAD_MAX_BYTES && isRefusable) this.#requireRoom(ownerId)
    const done = await this.#loads.enter(ownerId, bytes, null)
    try {
      return await work()
    } finally {
      done()
    }
  }

  #requireRoom(ownerId: OwnerId): void {
    const waiting = this.#loads.waitingOf(ownerId)
    if (waiting < LARGE_LOADS_MAX_WAITING) return
    const message = `${waiting} requests of yours wait already for memory to load large stored definitions or values, and ${LARGE_LOADS_MAX_WAITING} may. Send the request again when they are done.`
    throw new OwnerBusyError(message, RETRY_AFTER_MS)
  }
}
