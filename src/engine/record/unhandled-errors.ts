import type { UserCode } from '../block/index.ts'
import type { OnDecided } from './journal.ts'
import { event, type EventDraft } from './event.ts'
import { failureOf, type Mask, type StepFailure } from './step.ts'

/** The code of an attempt that failed because its block left an error unhandled. */
export const BLOCK_UNHANDLED_ERROR = 'BLOCK_UNHANDLED_ERROR'

/** Maximum number of unhandled errors of one attempt that are recorded or logged. Further ones are only counted. */
export const UNHANDLED_ERRORS_MAX_RECORDED = 20

/** An error that user code neither caught nor returned, and where it is visible. */
export interface UnhandledError {
  readonly code: Pick<UserCode, 'kind' | 'name' | 'executionId' | 'path' | 'attempt'>
  /** Masked. */
  readonly message: string
  /** Masked. Null when the thrown value has none. */
  readonly stack: string | null
  /**
   * `failure`: it failed the attempt, or the job of a handler function. `stepLog`: it is an event of the timeline.
   * `none`: it is recorded nowhere, so that a log line has to show it. `excess`: it is only counted.
   */
  readonly shownAs: 'failure' | 'stepLog' | 'none' | 'excess'
}

export type OnUnhandledError = (error: UnhandledError) => void

/** The call of a block in one attempt. It refers to its run only until the attempt ends. */
export class AttemptCode implements UserCode {
  readonly kind = 'block'
  readonly name: string
  readonly executionId: string
  readonly path: string
  readonly attempt: number
  readonly #sink: UnhandledErrorSink
  readonly #nodeId: string
  /** Fails the attempt and returns true, or returns false when the attempt is being aborted. Null once it has ended. */
  #fail: ((error: unknown) => boolean) | null = null
  #count = 0

  constructor(
    sink: UnhandledErrorSink,
    call: { readonly type: string; readonly nodeId: string; readonly path: string; readonly attempt: number },
  ) {
    this.name = call.type
    this.executionId = sink.executionId
    this.path = call.path
    this.attempt = call.attempt
    this.#nodeId = call.nodeId
    this.#sink = sink
  }

  open(fail: (error: unknown) => boolean): void {
    this.#fail = fail
  }

  close(): void {
    this.#fail = null
  }

  onUnhandledError(error: unknown): void {
    this.#count++
    if (this.#fail?.(error)) this.#sink.report(this, error, 'failure')
    else if (this.#count > UNHANDLED_ERRORS_MAX_RECORDED) this.#sink.report(this, error, 'excess')
    else this.#sink.record(this, this.#nodeId, error)
  }
}

/**
 * Where the unhandled errors of one run's blocks go. Calls of blocks keep it alive for as long as anything that they
 * started lives; it lets go of the run when that ends.
 */
export class UnhandledErrorSink {
  readonly executionId: string
  readonly #mask: Mask
  readonly #onUnhandledError: OnUnhandledError
  #timeline: Timeline | null

  constructor(given: {
    readonly executionId: string
    readonly mask: Mask
    readonly onUnhandledError: OnUnhandledError
    readonly timeline: Timeline
  }) {
    this.executionId = given.executionId
    this.#mask = given.mask
    this.#onUnhandledError = given.onUnhandledError
    this.#timeline = given.timeline
  }

  /** From here on nothing is added to the timeline: the run's last entry is about to be written. */
  close(): void {
    this.#timeline = null
  }

  /** Adds an error to the timeline as a line of its step. Reports it as shown nowhere if the run has ended. */
  record(code: AttemptCode, nodeId: string, error: unknown): void {
    const timeline = this.#timeline
    if (!timeline) return this.report(code, error, 'none')
    const { path, attempt } = code
    const { message } = unhandledFailure(error, this.#mask)
    const line = event('STEP_LOG', timeline.now(), { path, nodeId, attempt, level: 'error', message })
    timeline.append(line, (refusal) => this.report(code, error, refusal === null ? 'stepLog' : 'none'))
  }

  report(code: AttemptCode, error: unknown, shownAs: UnhandledError['shownAs']): void {
    this.#onUnhandledError(unhandledError({ code, error, mask: this.#mask, shownAs }))
  }
}

/** What the sink needs of its run. */
interface Timeline {
  now(): number
  append(line: EventDraft, onDecided: OnDecided): void
}

/** Describes an error that user code left unhandled, whatever was thrown. */
export function unhandledError(given: {
  readonly code: UserCode
  readonly error: unknown
  readonly mask: Mask
  readonly shownAs: UnhandledError['shownAs']
}): UnhandledError {
  const { code, error, mask, shownAs } = given
  const { kind, name, executionId, path, attempt } = code
  const { message } = failureOf(error, mask)
  return { code: { kind, name, executionId, path, attempt }, message, stack: stackOf(error, mask), shownAs }
}

/** What an attempt fails with when its block leaves an error unhandled. */
export function unhandledFailure(error: unknown, mask: Mask): StepFailure {
  const failure = failureOf(error, mask)
  return {
    ...failure,
    code: BLOCK_UNHANDLED_ERROR,
    message: `The block left an error unhandled: ${failure.message}`,
  }
}

const MAX_STACK_LENGTH = 8_000

function stackOf(error: unknown, mask: Mask): string | null {
  try {
    const isObject = typeof error === 'object' && error !== null
    return isObject && 'stack' in error ? mask(String(error.stack)).slice(0, MAX_STACK_LENGTH) : null
  } catch {
    return null
  }
}
