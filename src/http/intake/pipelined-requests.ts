import type { Socket } from 'node:net'

/**
 * Maximum number of requests of one connection that are being answered. Beyond it nothing more is read from the client.
 * It is one, because Node holds a response back until the one before it is sent: meanwhile its response neither closes with
 * the connection nor ends it, so whatever waits for the client would wait for ever.
 */
export const CONNECTION_MAX_UNANSWERED = 1
/** Maximum number of requests of one connection that have arrived and wait; beyond it the connection is closed. */
export const CONNECTION_MAX_WAITING = 4_000

interface Waiting {
  readonly begin: () => void
  readonly drop: () => void
}

interface Connection {
  running: number
  readonly waiting: Waiting[]
}

/**
 * Bounds the requests of one connection that are answered at the same time. A packet may hold thousands of requests; those
 * beyond the bound wait, and the connection is not read meanwhile. In each turn of the event loop at most one request that has
 * waited begins, and connections take turns: many requests are answered without a turn of the event loop, and nothing else would be
 * served until the last of them is.
 */
export class PipelinedRequests {
  readonly #connections = new WeakMap<Socket, Connection>()
  /** Connections whose next request may begin, in the order of their turns. */
  readonly #ready: (() => void)[] = []

  /**
   * Answers a request when it is its turn; resolves when `answer` is done, or the connection has ended before it began.
   * `answer` is done when the response has been handed to the connection, or the connection has ended.
   */
  async run(socket: Socket, answer: () => Promise<void>): Promise<void> {
    const connection = this.#connections.get(socket) ?? this.#open(socket)
    if (connection.running >= CONNECTION_MAX_UNANSWERED) {
      if (connection.waiting.length >= CONNECTION_MAX_WAITING) socket.destroy()
      const isDropped = await wait(socket, connection)
      if (isDropped) return
    } else connection.running++
    try {
      await answer()
    } finally {
      this.#next(socket, connection)
    }
  }

  #open(socket: Socket): Connection {
    const connection: Connection = { running: 0, waiting: [] }
    this.#connections.set(socket, connection)
    // Node reads on whenever it wants the rest of a request.
    socket.on('resume', () => {
      if (connection.waiting.length > 0) socket.pause()
    })
    socket.once('close', () => {
      for (const { drop } of connection.waiting.splice(0)) drop()
    })
    return connection
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
    if (next) next.begin()
    else connection.running--
    if (connection.waiting.length === 0 && socket.isPaused()) socket.resume()
  }
}

/** Resolves to whether the connection ended before the request's turn came. */
function wait(socket: Socket, connection: Connection): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(true)
  return new Promise((resolve) => {
    connection.waiting.push({ begin: () => resolve(false), drop: () => resolve(true) })
    socket.pause()
  })
}
