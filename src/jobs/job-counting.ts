import type { JobCountStore } from '../db/jobs/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'

export interface JobCountingOptions {
  readonly counts: Pick<JobCountStore, 'countEnded' | 'countDefinitions'>
  readonly clock: Clock
  readonly logger: Pick<Logger, 'warn'>
}

/** How long an ended job may wait until it is counted: what waits is counted anew by every question for statistics. */
const PERIOD_MS = 5_000
/** One statement's share: it must not hold the only connection of an embedded database for long. */
const BATCH = 1_000

/** Counts ended jobs, and the bytes of ended jobs and new definitions, from time to time, away from the runs. */
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

  /** Counts all jobs that have ended until now, and returns their number. */
  async tick(): Promise<number> {
    const { counts } = this.#options
    await this.#inBatches((limit) => counts.countDefinitions(limit))
    return this.#inBatches((limit) => counts.countEnded(limit))
  }

  async #inBatches(count: (limit: number) => Promise<number>): Promise<number> {
    let total = 0
    for (;;) {
      const counted = await count(BATCH)
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
