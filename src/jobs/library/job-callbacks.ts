import { callUserCode } from '../../engine/block/index.ts'
import type { OnUnhandledError } from '../../engine/record/index.ts'
import type { JobId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { JobCode } from './job-code.ts'

/** How long one call of a callback is waited for. Once a call has taken longer, later calls of that callback are not waited for. */
export const CALLBACK_MAX_WAIT_MS = 2_000

export interface CallbackCallsOptions {
  readonly jobId: JobId
  readonly clock: Pick<Clock, 'after'>
  readonly logger: Pick<Logger, 'warn'>
  readonly onUnhandledError: OnUnhandledError
}

/** Calls the callbacks of one watched job. What they throw is logged; none of them delays the job's end beyond a bound. */
export class CallbackCalls {
  readonly #options: CallbackCallsOptions
  /** Names of callbacks that took too long once. */
  readonly #slow = new Set<string>()

  constructor(options: CallbackCallsOptions) {
    this.#options = options
  }

  /** Resolves when the callback has settled, or after `CALLBACK_MAX_WAIT_MS`. Never rejects. */
  async call(name: string, call: () => unknown): Promise<void> {
    const settled = this.#settle(name, call)
    if (this.#slow.has(name)) return
    const { clock, logger, jobId } = this.#options
    let stopTimer = () => {}
    const isLate = new Promise<true>((resolve) => {
      stopTimer = clock.after(CALLBACK_MAX_WAIT_MS, () => resolve(true))
    })
    if ((await Promise.race([settled, isLate])) === true) {
      this.#slow.add(name)
      const message = `the callback ${name} has not settled within ${CALLBACK_MAX_WAIT_MS} ms and is no longer waited for`
      logger.warn({ jobId }, message)
    }
    stopTimer()
  }

  async #settle(name: string, call: () => unknown): Promise<void> {
    const { jobId, logger, onUnhandledError } = this.#options
    const code = new JobCode({ kind: 'callback', name, executionId: jobId }, onUnhandledError)
    try {
      await callUserCode(code, call)
    } catch (fault) {
      logger.warn({ err: fault, jobId }, `the callback ${name} threw; the job continues`)
    }
  }
}
