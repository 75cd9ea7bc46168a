import type { Clock } from '../../lib/time/index.ts'

/** Maximum messages of any kind that one WebSocket connection sends in a minute. */
export const SOCKET_MESSAGES_PER_MINUTE = 12_000
/** Maximum pings and pongs that one WebSocket connection sends in a minute, of the protocol and of graphql-ws together. */
export const SOCKET_PINGS_PER_MINUTE = 600
const WINDOW_MS = 60_000

/** Counts events in windows of a minute. */
export class MessageRate {
  readonly #clock: Pick<Clock, 'now'>
  readonly #max: number
  #startedAt = -Infinity
  #count = 0

  constructor(max: number, clock: Pick<Clock, 'now'>) {
    this.#max = max
    this.#clock = clock
  }

  /** Counts one. False: there were too many in this window. */
  count(): boolean {
    const now = this.#clock.now()
    if (now - this.#startedAt >= WINDOW_MS) {
      this.#startedAt = now
      this.#count = 0
    }
    return ++this.#count <= this.#max
  }
}
