/** A connection that awaits an answer and receives no byte is given up after this time at the latest, in milliseconds. */
export const SILENCE_MAX_MS = 10_000

/** The limit is counted in this many steps. */
const STEPS = 12
/** After this many silent steps the server is asked whether it still works on the statement. */
const ASK_AFTER_STEPS = 4
/** A connection that is asked for nothing but an answer at once is given up after this many steps, so that there is time for another one. */
export const PROBE_STEPS = 4
/** A connection that is probed after each third of the limit is given up after this many steps: both together take the limit. */
export const LISTENER_STEPS = 8

/** What the monitor has to know of a connection. */
export interface Monitored {
  /** The number of bytes received so far. */
  readonly bytesRead: number
  /** The server owes an answer. */
  readonly awaitsAnswer: boolean
  /** No one uses the connection, and no statement is under way. */
  readonly isIdle: boolean
  /** The server process; null while it is not known. */
  readonly backendPid: number | null
  /** The number of silent steps after which the connection is given up; null: those of the limit. */
  readonly maxSilentSteps: number | null
  /** Ends the connection at once. Statements that are under way fail with an unknown outcome. */
  giveUp(): void
}

export interface SilenceMonitorOptions {
  /** The limit in milliseconds. */
  readonly silenceMs: number
  /** Returns those of the server processes that are working on a statement. */
  readonly askWorking: (pids: readonly number[]) => Promise<readonly number[]>
}

/**
 * Gives connections up whose other end has gone without a word, such as after a failover or behind a firewall that forgot them. A
 * statement on which the server still works, or that waits for a lock, is not silence: the server is asked over another connection.
 * When one connection is given up, so are the unused ones, which may have lost the same server.
 *
 * Time is counted in steps of a timer: while this thread is blocked or the process is stopped nothing can be received, so that counts as one step.
 */
export class SilenceMonitor {
  readonly #options: SilenceMonitorOptions
  readonly #connections = new Map<Monitored, Progress>()
  readonly #timer: NodeJS.Timeout
  #isAsking = false

  constructor(options: SilenceMonitorOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#step(), options.silenceMs / STEPS).unref()
  }

  /** Monitors a connection until the returned function is called. */
  add(connection: Monitored): () => void {
    this.#connections.set(connection, { bytesRead: connection.bytesRead, silentSteps: 0 })
    return () => void this.#connections.delete(connection)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #step(): void {
    const silent: Monitored[] = []
    for (const [connection, progress] of this.#connections) {
      const { bytesRead, awaitsAnswer } = connection
      progress.silentSteps = awaitsAnswer && bytesRead === progress.bytesRead ? progress.silentSteps + 1 : 0
      progress.bytesRead = bytesRead
      if (progress.silentSteps >= (connection.maxSilentSteps ?? STEPS)) this.#giveUp(connection)
      else if (progress.silentSteps >= ASK_AFTER_STEPS) silent.push(connection)
    }
    if (silent.length > 0 && !this.#isAsking) void this.#ask(silent)
  }

  #giveUp(silent: Monitored): void {
    const all = [...this.#connections.keys()]
    for (const connection of all) if (connection === silent || connection.isIdle) connection.giveUp()
  }

  async #ask(silent: readonly Monitored[]): Promise<void> {
    this.#isAsking = true
    try {
      const pids = silent.flatMap(({ backendPid }) => backendPid ?? [])
      const working = new Set(pids.length === 0 ? [] : await this.#options.askWorking(pids))
      for (const connection of silent) {
        const progress = this.#connections.get(connection)
        if (progress && connection.backendPid !== null && working.has(connection.backendPid))
          progress.silentSteps = 0
      }
    } catch {
      // No answer either: the connections remain silent.
    } finally {
      this.#isAsking = false
    }
  }
}

interface Progress {
  bytesRead: number
  silentSteps: number
}
