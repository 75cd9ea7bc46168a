import type { JobCountStore } from '../db/job-count-store.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'

export interface JobCountingOptions {
  readonly counts: Pick<JobCountStore, 'countEnded'>
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
}

/** How long an ended job may wait until it is counted: what waits is counted anew by every question for statistics. */
const PERIOD_MS = 5_000
/** One statement's share: it must not hold the only connection of an embedded database for long. */
const BATCH = 1_000

/** Counts ended jobs from time to time, away from the runs that end them. */
export class JobCounting {
  readonly #options: JobCountingOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: JobCountingOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#loop()
  }

  /** Counts all that have ended until now; gives how many it were. */
  async tick(): Promise<number> {
    let total = 0
    for (;;) {
      const counted = await this.#options.counts.countEnded(BATCH)
      total += counted
      if (counted < BATCH || this.#stopped.signal.aborted) return total
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the counting stops'))
    await this.#running
  }

  async #loop(): Promise<void> {
    const { clock, logger } = this.#options
    const { signal } = this.#stopped
    while (!signal.aborted) {
      await clock.wait(PERIOD_MS, signal).catch(() => {}) // stopped: the loop's condition ends it
      if (signal.aborted) return
      try {
        await this.tick()
      } catch (fault) {
        logger.warn({ err: fault }, 'ended jobs could not be counted; the next round tries again')
      }
    }
  }
}
