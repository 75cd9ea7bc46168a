import type pg from 'pg'
import { currentOwner } from '../../lib/index.ts'
import type { Clock } from '../../lib/time/index.ts'

/** How much of the API's connections the statements of one owner may hold. */
export const OWNER_CONNECTIONS_SHARE = 0.6
/** How long a statement waits for a connection, in milliseconds; then it is refused with 503 `QUERY_TIMEOUT`. */
export const CONNECTION_WAIT_MS = 15_000

/** The `SQLSTATE` of a statement that was ended because it took too long. */
const QUERY_CANCELED = '57014'

interface Waiting {
  readonly enter: () => void
}

/**
 * Shares a number of connections among owners: one owner holds at most a part of them, and owners whose statements wait take
 * turns. Work that is done on behalf of no owner counts as one more owner.
 */
export class OwnerConnections {
  readonly #max: number
  readonly #maxOfOwner: number
  readonly #clock: Pick<Clock, 'after'>
  readonly #held = new Map<string, number>()
  /** The owner whose turn is next comes first. */
  readonly #waiting = new Map<string, Set<Waiting>>()
  #count = 0

  constructor(max: number, clock: Pick<Clock, 'after'>) {
    this.#max = max
    this.#maxOfOwner = Math.max(1, Math.floor(max * OWNER_CONNECTIONS_SHARE))
    this.#clock = clock
  }

  /** Resolves with the function that gives the connection back, once, when it is the owner's turn. */
  async take(owner: string): Promise<() => void> {
    if (this.#hasRoom(owner)) this.#enter(owner)
    else await this.#wait(owner)
    let isHeld = true
    return () => {
      if (isHeld) this.#leave(owner)
      isHeld = false
    }
  }

  #hasRoom(owner: string): boolean {
    return this.#count < this.#max && (this.#held.get(owner) ?? 0) < this.#maxOfOwner
  }

  #enter(owner: string): void {
    this.#count++
    this.#held.set(owner, (this.#held.get(owner) ?? 0) + 1)
  }

  #leave(ended: string): void {
    this.#count--
    const left = (this.#held.get(ended) ?? 1) - 1
    if (left > 0) this.#held.set(ended, left)
    else this.#held.delete(ended)
    for (const [owner, queue] of this.#waiting) {
      if (!this.#hasRoom(owner)) continue
      const [next] = queue
      // Behind all other owners that wait.
      this.#waiting.delete(owner)
      if (queue.size > 1) this.#waiting.set(owner, queue)
      return next?.enter()
    }
  }

  #wait(owner: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(owner) ?? new Set()
      const leave = () => {
        queue.delete(waiting)
        if (queue.size === 0 && this.#waiting.get(owner) === queue) this.#waiting.delete(owner)
      }
      const forget = this.#clock.after(CONNECTION_WAIT_MS, () => {
        leave()
        reject(Object.assign(new Error('no connection has become free'), { code: QUERY_CANCELED }))
      })
      const waiting: Waiting = {
        enter: () => {
          forget()
          leave()
          this.#enter(owner)
          resolve()
        },
      }
      queue.add(waiting)
      this.#waiting.set(owner, queue)
    })
  }
}

type Connected = Parameters<Parameters<pg.Pool['connect']>[0]>

/** Makes a pool give its connections out by turns of the owners on whose behalf they are asked for. */
export function shareByOwner(pool: pg.Pool, connections: OwnerConnections): void {
  const connect = pool.connect.bind(pool)
  const connectInTurn = async (): Promise<pg.PoolClient> => {
    const giveBack = await connections.take(currentOwner() ?? '')
    try {
      const client = await connect()
      const { release } = client
      client.release = (fault) => {
        giveBack()
        release(fault)
      }
      return client
    } catch (fault) {
      giveBack()
      throw fault
    }
  }
  pool.connect = ((callback?: (...connected: Connected) => void) => {
    const client = connectInTurn()
    if (!callback) return client
    client.then(
      (connected) => callback(undefined, connected, connected.release),
      (fault: Error) => callback(fault, undefined, () => {}),
    )
    return undefined
  }) as pg.Pool['connect']
}
