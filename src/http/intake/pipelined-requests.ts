import type { Socket } from 'node:net'
import { getHeapStatistics } from 'node:v8'

/**
 * Maximum number of requests of one connection that are being answered. Beyond it nothing more is read from the client.
 * It is one, because Node holds a response back until the one before it is sent: meanwhile its response neither closes with
 * the connection nor ends it, so whatever waits for the client would wait for ever.
 */
export const CONNECTION_MAX_UNANSWERED = 1
/**
 * Maximum number of requests of one connection that have arrived and wait; beyond it the connection is closed. Node parses a packet
 * whole, and one may hold 2,000 small requests.
 */
export const CONNECTION_MAX_WAITING = 100
/** The share of the heap limit that the requests that wait on all connections may take. */
export const PIPELINED_HEAP_SHARE = 1 / 16
/** What a request takes on the heap while it waits, in bytes: Node has parsed its head. */
const WAITING_BYTES = 4 * 1024

/**
 * Maximum number of requests that arrive in one turn of the event loop and wait. Beyond it only connections whose requests have never
 * waited are read until the next turn, and beyond four times as many none is.
 */
export const TURN_MAX_ARRIVALS = 500

/** How many requests may wait on all connections: with a heap of 512 MB about 9,000. */
export function pipelinedMaxWaiting(): number {
  return Math.floor((getHeapStatistics().heap_size_limit * PIPELINED_HEAP_SHARE) / WAITING_BYTES)
}

interface Waiting {
  readonly begin: () => void
  readonly drop: () => void
}

interface Connection {
  running: number
  /** A request has been answered, and none has ever waited. */
  isModest: boolean
  hasWaited: boolean
  readonly waiting: Waiting[]
}

/**
 * Bounds the requests of one connection that are answered at the same time. A packet may hold thousands of requests; those
 * beyond the bound wait, and the connection is not read meanwhile. Where too many wait on all connections together, the connection on
 * which the most wait is closed. One turn of the event loop reads a packet of each connection, and a connection that was closed keeps its
 * requests in memory until the end of that turn: so the number of requests that one turn reads is bounded as well. In each turn of the
 * event loop at most one request that has waited begins, and connections take turns: many requests are answered without a turn of the
 * event loop, and nothing else would be served until the last of them is.
 */
export class PipelinedRequests {
  readonly #connections = new WeakMap<Socket, Connection>()
  /** Connections on which requests wait. */
  readonly #crowded = new Map<Connection, Socket>()
  /** Connections whose next request may begin, in the order of their turns. */
  readonly #ready: (() => void)[] = []
  readonly #maxWaiting: number
  readonly #open = new Set<Socket>()
  #waiting = 0
  /** Requests that have arrived in this turn of the event loop and wait. */
  #arrivals = 0
  /** Connections that are not read for the rest of this turn. */
  #held: Socket[] = []

  /** `maxWaiting`: requests that may wait on all connections. */
  constructor(maxWaiting: number = pipelinedMaxWaiting()) {
    this.#maxWaiting = maxWaiting
  }

  /** A connection was opened: it is not read while too many requests arrive. */
  watch(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }

  /** The connection carries no requests any more. */
  unwatch(socket: Socket): void {
    this.#open.delete(socket)
  }

  /** The number of requests that wait on all connections. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Answers a request when it is its turn; resolves when `answer` is done, or the connection has ended before it began.
   * `answer` is done when the response has been handed to the connection, or the connection has ended. `drop` is called at once in place
   * of `answer` where the connection has ended.
   */
  async run(socket: Socket, answer: () => Promise<void>, drop: () => void = () => {}): Promise<void> {
    const connection = this.#connections.get(socket) ?? this.#begun(socket)
    if (connection.running >= CONNECTION_MAX_UNANSWERED) {
      if (connection.waiting.length >= CONNECTION_MAX_WAITING) socket.destroy()
      const isDropped = await this.#wait(socket, connection, drop)
      if (isDropped) return
    } else connection.running++
    try {
      await answer()
    } finally {
      connection.isModest = !connection.hasWaited
      this.#next(socket, connection)
    }
  }

  #begun(socket: Socket): Connection {
    const connection: Connection = { running: 0, isModest: false, hasWaited: false, waiting: [] }
    this.#connections.set(socket, connection)
    // Node reads on whenever it wants the rest of a request.
    socket.on('resume', () => {
      if (connection.waiting.length > 0) socket.pause()
    })
    // Ahead of Node's own listener, which makes an error for each request that is not dropped.
    socket.prependOnceListener('close', () => {
      this.#dropAll(connection)
    })
    return connection
  }

  /** Resolves to whether the connection ended before the request's turn came. */
  #wait(socket: Socket, connection: Connection, drop: () => void): Promise<boolean> {
    connection.isModest = false
    connection.hasWaited = true
    this.#countArrival()
    if (socket.destroyed) {
      drop()
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const dropThis = () => {
        drop()
        resolve(true)
      }
      connection.waiting.push({ begin: () => resolve(false), drop: dropThis })
      this.#crowded.set(connection, socket)
      this.#waiting++
      socket.pause()
      if (this.#waiting <= this.#maxWaiting) return
      this.#closeMostCrowded()
      this.#hold((socket) => !this.#isModest(socket))
    })
  }

  #countArrival(): void {
    if (this.#arrivals === 0) setImmediate(() => (this.#arrivals = 0))
    this.#arrivals++
    if (this.#arrivals === TURN_MAX_ARRIVALS + 1) this.#hold((socket) => !this.#isModest(socket))
    if (this.#arrivals === 4 * TURN_MAX_ARRIVALS + 1) this.#hold(() => true)
  }

  #isModest(socket: Socket): boolean {
    return this.#connections.get(socket)?.isModest ?? false
  }

  /** Does not read these connections until the next turn. What this turn has closed is gone by then. */
  #hold(isHeld: (socket: Socket) => boolean): void {
    const more = [...this.#open].filter((socket) => !socket.destroyed && !socket.isPaused() && isHeld(socket))
    for (const socket of more) socket.pause()
    if (this.#held.length === 0) setImmediate(() => setImmediate(() => this.#release()))
    this.#held.push(...more)
  }

  #release(): void {
    for (const socket of this.#held.splice(0)) socket.resume()
  }

  #closeMostCrowded(): void {
    let most: Connection | null = null
    for (const connection of this.#crowded.keys()) {
      if (most === null || connection.waiting.length > most.waiting.length) most = connection
    }
    if (!most) return
    this.#crowded.get(most)?.destroy()
    // The event of its end comes in a later turn, and the rest of a packet before that.
    this.#dropAll(most)
  }

  #dropAll(connection: Connection): void {
    const dropped = connection.waiting.splice(0)
    this.#waiting -= dropped.length
    this.#crowded.delete(connection)
    for (const { drop } of dropped) drop()
  }

  /** Hands the place to the request that has waited longest, in a later turn of the event loop. */
  #next(socket: Socket, connection: Connection): void {
    if (connection.waiting.length === 0) return this.#begin(socket, connection)
    this.#ready.push(() => this.#begin(socket, connection))
    if (this.#ready.length === 1) setImmediate(() => this.#takeTurn())
  }

  /** What is scheduled in an immediate runs in the next turn of the loop. */
  #takeTurn(): void {
    this.#ready.shift()?.()
    if (this.#ready.length > 0) setImmediate(() => this.#takeTurn())
  }

  /** Begins the request that has waited longest, or gives the place back. */
  #begin(socket: Socket, connection: Connection): void {
    const next = connection.waiting.shift()
    if (next) {
      this.#waiting--
      next.begin()
    } else connection.running--
    if (connection.waiting.length === 0) this.#crowded.delete(connection)
    if (connection.waiting.length === 0 && socket.isPaused()) socket.resume()
  }
}
