import type { JobStore } from '../db/job-store.ts'
import type { Wakeups } from '../db/wakeups.ts'
import type { Clock } from '../lib/clock.ts'
import { Closers } from '../lib/closers.ts'
import type { Logger } from '../lib/logger.ts'
import type { Processor } from './processor.ts'

export interface WorkerOptions {
  readonly processor: Processor
  readonly jobs: Pick<JobStore, 'expireLeases'>
  readonly wakeups: Wakeups
  readonly clock: Clock
  readonly logger: Logger
  readonly leaseMs: number
  /** True on the embedded database: whoever opens it is alone, so every lease found there is a dead process's. */
  readonly isAlone: boolean
}

/** How often to look for due timers, lost workers and lost hints. */
const POLL_MS = 500

/** The motor of a processor: turns hints and the passing of time into its ticks, and keeps its leases alive. */
export class Worker {
  readonly processor: Processor
  readonly #options: WorkerOptions
  readonly #closers = new Closers()
  #ticking: Promise<void> | null = null
  #isAskedAgain = false
  /** Jobs may be waiting for a free place. */
  #mayHaveBacklog = true

  constructor(options: WorkerOptions) {
    this.#options = options
    this.processor = options.processor
  }

  async start(): Promise<void> {
    const { processor, jobs, wakeups, isAlone, leaseMs } = this.#options
    if (isAlone) await jobs.expireLeases()
    this.#closers.add(wakeups.onQueued(() => this.kick()))
    this.#closers.add(wakeups.onCommand((jobId) => void this.#guard(processor.obey(jobId))))
    this.#every(POLL_MS, () => this.#tickOnce())
    this.#every(leaseMs / 3, (since) => this.#renew(since))
    this.kick()
  }

  /** There may be work: look now, or again after the look that is under way. */
  kick(): void {
    this.#mayHaveBacklog = true
    this.#request()
  }

  /** A place became free: look only if somebody may be waiting for it. */
  placeIsFree(): void {
    if (this.#mayHaveBacklog) this.#request()
  }

  async stop(): Promise<void> {
    await this.#closers.close()
    await this.#ticking
    await this.#options.processor.stop()
  }

  #request(): void {
    if (this.#ticking) this.#isAskedAgain = true
    else this.#ticking = this.#tickAll()
  }

  async #tickAll(): Promise<void> {
    do {
      this.#isAskedAgain = false
      await this.#guard(this.#tickOnce())
    } while (this.#isAskedAgain)
    this.#ticking = null
  }

  async #tickOnce(): Promise<void> {
    const { processor } = this.#options
    const wanted = processor.freePlaces
    const claimed = await processor.tick()
    this.#mayHaveBacklog = claimed >= wanted
  }

  async #renew(since: number): Promise<void> {
    const { processor, clock, leaseMs } = this.#options
    try {
      await processor.renewLeases()
    } catch (fault) {
      if (clock.now() - since > leaseMs) processor.yieldAll()
      throw fault
    }
  }

  /** Calls on a period, one call at a time; `since` is when the last call that succeeded began. */
  #every(periodMs: number, call: (since: number) => Promise<void>): void {
    const { clock } = this.#options
    const stopped = new AbortController()
    const loop = async () => {
      let since = clock.now()
      while (!stopped.signal.aborted) {
        await clock.wait(periodMs, stopped.signal).catch(() => {}) // stopped: the loop's condition ends it
        if (stopped.signal.aborted) return
        const startedAt = clock.now()
        if (await this.#guard(call(since))) since = startedAt
      }
    }
    const running = loop()
    this.#closers.add(() => {
      stopped.abort(new Error('the worker stops'))
      return running
    })
  }

  /** The edge of the loops: a fault here is the database's, and the next period tries again. */
  async #guard(call: Promise<unknown>): Promise<boolean> {
    try {
      await call
      return true
    } catch (fault) {
      this.#options.logger.error({ err: fault }, 'the worker met a fault and goes on')
      return false
    }
  }
}
