/**
 * Maximum number of successive turns of the event loop that are left to arriving connections. Node accepts one connection in each
 * turn: if work took every turn, a client would wait for as many pieces of work as there are connections before its own.
 */
export const ARRIVAL_TURNS_MAX = 32

/** The number of connections that have arrived. Shared by the process, as its thread is. */
let arrivals = 0

/** Notes that a connection was accepted: another one may wait, so the next turn is not used for work. */
export function noteArrival(): void {
  arrivals++
}

/** Decides, for one user of turns of the event loop, which of them it leaves to connections. */
export class ArrivalTurns {
  #seen = arrivals
  #left = 0

  /**
   * Whether the caller leaves this turn to connections: one has arrived since the last call, and fewer than `ARRIVAL_TURNS_MAX` turns in
   * a row were left.
   */
  leavesTurn(): boolean {
    const hasArrival = this.#seen !== arrivals
    this.#seen = arrivals
    this.#left = hasArrival && this.#left < ARRIVAL_TURNS_MAX ? this.#left + 1 : 0
    return this.#left > 0
  }
}
