import { Socket } from 'node:net'
import pg from 'pg'
import type { Monitored, SilenceMonitor } from './silence-monitor.ts'

/** How long a connection that is closed may take to say goodbye, in milliseconds. */
const GOODBYE_MS = 1_000
/** The time for a new connection is not shorter than this, in milliseconds, however short the limit for silence is. */
const CONNECT_MIN_MS = 2_000
const KEEP_ALIVE_MS = 10_000

export interface MonitoredClientOptions {
  readonly monitor: SilenceMonitor
  readonly silenceMs: number
  /** The first statement of each session; its row has the `pid` of the server process. */
  readonly sessionStatement: string
  /** See `Monitored`. Default: null. */
  readonly maxSilentSteps?: number | null
  /** A connection that only listens sends a statement after each such time, in milliseconds: so its silence shows. Default: none. */
  readonly probeMs?: number | null
}

/** A connection of pg that a monitor ends when it is silent. */
export interface MonitoredClient extends pg.Client {
  /** A pool marks its clients: an unused one is given up as soon as another one is silent. Default: true. */
  isInUse: boolean
}

/** Returns a class of clients, for `new pg.Pool({ Client })` too, that give their sessions settings and are monitored. */
export function monitoredClient(
  options: MonitoredClientOptions,
): new (config?: pg.ClientConfig) => MonitoredClient {
  const { monitor, silenceMs, sessionStatement, maxSilentSteps = null, probeMs = null } = options
  return class extends pg.Client implements MonitoredClient, Monitored {
    readonly #socket: Socket
    readonly maxSilentSteps = maxSilentSteps
    isInUse = true
    backendPid: number | null = null
    /** The number of bytes that were written when the server was last ready for a statement. */
    #answered = 0

    constructor(config: pg.ClientConfig = {}) {
      const socket = new Socket()
      super({
        ...config,
        stream: () => socket,
        keepAlive: true,
        keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
        connectionTimeoutMillis: Math.max(silenceMs, CONNECT_MIN_MS),
      })
      this.#socket = socket
      // The pool listens for errors only once the session has begun. An error before that also rejects `connect`.
      this.on('error', () => {})
      socket.once('close', monitor.add(this))
      // Before pg's own listener, which sends the next statement.
      this.connection.prependListener('readyForQuery', () => {
        this.#answered = this.#written
      })
    }

    get bytesRead(): number {
      return this.#socket.bytesRead
    }

    get awaitsAnswer(): boolean {
      return this.#written > this.#answered
    }

    get isIdle(): boolean {
      return !this.isInUse && !this.awaitsAnswer
    }

    giveUp(): void {
      this.#socket.destroy(new Error('Connection terminated: the server sent nothing for too long'))
    }

    override connect(): Promise<pg.Client>
    override connect(callback: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void
    override connect(
      callback?: ((error: Error) => void) | ((error: null, client: pg.Client) => void),
    ): Promise<pg.Client> | void {
      const connected = this.#open()
      if (!callback) return connected
      const done = callback as (error: Error | null, client?: pg.Client) => void
      connected.then(
        () => done(null, this),
        (fault: Error) => done(fault),
      )
    }

    override end(): Promise<void>
    override end(callback: (error: Error) => void): void
    override end(callback?: (error: Error) => void): Promise<void> | void {
      const forced = setTimeout(() => this.#socket.destroy(), GOODBYE_MS).unref()
      this.#socket.once('close', () => clearTimeout(forced))
      return callback ? super.end(callback) : super.end()
    }

    async #open(): Promise<pg.Client> {
      await super.connect()
      try {
        const { rows } = await this.query<{ pid?: number }>(sessionStatement)
        this.backendPid = rows[0]?.pid ?? null
        if (probeMs !== null) this.#probeEvery(probeMs)
        return this
      } catch (fault) {
        this.#socket.destroy()
        throw fault
      }
    }

    #probeEvery(periodMs: number): void {
      const timer = setInterval(() => {
        if (!this.awaitsAnswer) this.query('SELECT').catch(() => {}) // the connection's end is reported by itself
      }, periodMs).unref()
      this.#socket.once('close', () => clearInterval(timer))
    }

    /** With TLS, the stream is that of the plain text. */
    get #written(): number {
      return (this.connection.stream as Socket).bytesWritten
    }
  }
}
