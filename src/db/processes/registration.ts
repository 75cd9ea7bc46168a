import { hostname } from 'node:os'
import { BUILD_VERSION, type WorkerId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { ProcessStore } from './process-store.ts'

export interface RegistrationOptions {
  readonly store: ProcessStore
  readonly id: WorkerId
  readonly role: string
  /** Whether this thread writes the heartbeat. Where a watchdog runs beside it, that one does. */
  readonly beats: boolean
  readonly logger: Pick<Logger, 'warn'>
}

/** Of processes that hold no jobs, or are alone on their database: no claim reads this heartbeat. */
const BEAT_EVERY_MS = 10_000
const REMOVE_EVERY_MS = 3_600_000

/** The row of this process, from its start to its stop. */
export class Registration {
  readonly #options: RegistrationOptions
  readonly #timers: NodeJS.Timeout[] = []
  #hadOutage = false

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  /** Stores the row and removes those of processes that ended long ago. Rejects where the database does not answer. */
  async open(): Promise<void> {
    const { store, id, role, beats } = this.#options
    await store.insert({ id, host: hostname(), pid: process.pid, version: BUILD_VERSION, role })
    await store.removeOld()
    this.#every(REMOVE_EVERY_MS, () => store.removeOld())
    if (beats) this.#every(BEAT_EVERY_MS, () => this.#beat())
  }

  /** Records that the process has stopped in good order. To be called once it holds no jobs. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const { store, id, logger } = this.#options
    try {
      await store.stop(id)
    } catch (fault) {
      logger.warn({ err: fault }, 'the database has no record that this process stopped in good order')
    }
  }

  async #beat(): Promise<void> {
    const hadOutage = this.#hadOutage
    this.#hadOutage = true
    await this.#options.store.beat(this.#options.id, hadOutage)
    this.#hadOutage = false
  }

  #every(ms: number, call: () => Promise<void>): void {
    const guarded = () =>
      call().catch((fault: unknown) =>
        this.#options.logger.warn({ err: fault }, 'the row of this process could not be kept up to date'),
      )
    this.#timers.push(setInterval(() => void guarded(), ms).unref())
  }
}
