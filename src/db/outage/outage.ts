import { codeOf, messageOf } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { isTransientFault } from '../sql/index.ts'

/** How often an outage is looked at, in milliseconds: whether it is over. */
const LOOK_MS = 1_000
/** An outage is not over before this time has passed without a failed statement, in milliseconds. */
export const OUTAGE_QUIET_MS = 2_000

export interface OutageOptions {
  readonly clock: Pick<Clock, 'after' | 'now'>
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

/**
 * What this process knows of the present outage of its database. The first statement that fails begins it, with a line in the log. It ends,
 * with another line, once no statement is being repeated, none has failed for two seconds, and the database answers. Requests, retries
 * and everything else that fails meanwhile is counted and leaves no line.
 */
export class Outage {
  readonly #options: OutageOptions
  /** Errors are objects that several callers may report. */
  readonly #counted = new WeakSet<object>()
  /** Null: there is none. */
  #present: Present | null = null
  /** The number of calls that are repeated until they succeed. */
  #repeating = 0
  #probe: () => Promise<unknown> = async () => undefined
  #callOff = () => {}
  #isClosed = false

  constructor(options: OutageOptions) {
    this.#options = options
  }

  /** Whether statements have failed just now. */
  get isOn(): boolean {
    return this.#present !== null
  }

  /** Sets the statement that shows that the database answers. */
  endsWith(probe: () => Promise<unknown>): void {
    this.#probe = probe
  }

  /**
   * Counts the error of a statement. Returns whether it is one that passes: then the line of the outage is the only one in the log, and the
   * caller writes none.
   */
  takes(fault: unknown): boolean {
    if (!isTransientFault(fault)) return false
    const { clock, logger } = this.#options
    const now = clock.now()
    if (!this.#present) {
      this.#present = { beganAt: now, failedAt: now, failed: 0 }
      logger.warn(
        { code: codeOf(fault), err: messageOf(fault) },
        'the database fails; running executions wait and requests are refused until it answers',
      )
      this.#look()
    }
    this.#present.failedAt = now
    if (!this.#counted.has(fault)) this.#present.failed++
    this.#counted.add(fault)
    return true
  }

  /** A call has failed and is repeated until it succeeds, or until it is given up: then the returned function is called. */
  repeats(): () => void {
    this.#repeating++
    let isOver = false
    return () => {
      if (!isOver) this.#repeating--
      isOver = true
    }
  }

  /** Looks no more. */
  close(): void {
    this.#isClosed = true
    this.#callOff()
  }

  /**
   * Returns a logger for the rest of the process: of a line about an error of the database that passes it keeps the error for the count, and
   * drops the line.
   */
  quieted(logger: Logger): Logger {
    const unlessTaken =
      (level: 'warn' | 'error') =>
      (about: unknown, message?: string, ...more: unknown[]) => {
        if (isAboutError(about) && this.takes(about.err)) return
        logger[level](about as object, message, ...more)
      }
    return Object.assign(Object.create(logger) as Logger, {
      warn: unlessTaken('warn'),
      error: unlessTaken('error'),
    })
  }

  #look(): void {
    if (this.#isClosed) return
    this.#callOff = this.#options.clock.after(LOOK_MS, () => {
      void this.#isOver().then((isOver) => (isOver ? this.#end() : this.#look()))
    })
  }

  async #isOver(): Promise<boolean> {
    const isQuiet = () =>
      this.#repeating === 0 && this.#options.clock.now() - (this.#present?.failedAt ?? 0) >= OUTAGE_QUIET_MS
    if (!isQuiet()) return false
    try {
      await this.#probe()
      return isQuiet()
    } catch {
      return false
    }
  }

  #end(): void {
    if (!this.#present || this.#isClosed) return
    const { beganAt, failedAt, failed } = this.#present
    this.#present = null
    this.#options.logger.info({ failed, ms: failedAt - beganAt }, 'the database answers again')
  }
}

interface Present {
  readonly beganAt: number
  /** The time of the latest failure. */
  failedAt: number
  /** The number of statements that have failed. */
  failed: number
}

function isAboutError(about: unknown): about is { readonly err: unknown } {
  return typeof about === 'object' && about !== null && 'err' in about
}
