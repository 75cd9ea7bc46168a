import type { OnUnhandledError, UnhandledError } from '../engine/record/index.ts'
import { codeOf, messageOf } from '../lib/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'

/** Maximum number of log lines about unhandled errors per minute. Further errors are only counted. */
export const UNHANDLED_ERROR_LINES_PER_MINUTE = 100

const MINUTE_MS = 60_000

/** The label of errors that belong to no block: `(handler)`, `(callback)`, `(module)` or `(unattributed)`. */
const UNATTRIBUTED = '(unattributed)'

export interface UnhandledErrorsOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Pick<Logger, 'error'>
}

/** Counts the errors that user code left unhandled, and logs those that nothing else shows. */
export class UnhandledErrors {
  readonly #options: UnhandledErrorsOptions
  readonly #counts = new Map<string, number>()
  #minute = Number.NEGATIVE_INFINITY
  #lines = 0

  constructor(options: UnhandledErrorsOptions) {
    this.#options = options
  }

  /** By block type; what belongs to no block is in parentheses. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  readonly take: OnUnhandledError = ({ code, message, stack, shownAs }: UnhandledError) => {
    const { kind, name, executionId, path, attempt } = code
    this.#count(kind === 'block' ? name : `(${kind})`)
    if (shownAs !== 'none') return
    const place = { executionId, path, attempt, [kind]: name }
    this.#log({ ...place, err: { message, stack } }, `a ${kind} left an error unhandled after it had ended`)
  }

  /** An error of unknown origin: Lume's own, or one whose origin Node does not report. */
  readonly takeUnattributed = (error: unknown): void => {
    this.#count(UNATTRIBUTED)
    const shown = error instanceof Error ? error : { message: messageOf(error), code: codeOf(error) }
    this.#log({ err: shown, unattributed: true }, 'an error was left unhandled; the process continues')
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  #log(fields: object, message: string): void {
    const minute = Math.floor(this.#options.clock.now() / MINUTE_MS)
    if (minute !== this.#minute) this.#lines = 0
    this.#minute = minute
    if (++this.#lines > UNHANDLED_ERROR_LINES_PER_MINUTE) return
    this.#options.logger.error(fields, message)
  }
}
