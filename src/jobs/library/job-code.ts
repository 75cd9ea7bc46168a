import type { UserCode } from '../../engine/block/index.ts'
import { unhandledError, type OnUnhandledError } from '../../engine/record/index.ts'

/** A call of a handler function, of a callback or of a block module, as far as unhandled errors go. */
export class JobCode implements UserCode {
  readonly kind: 'handler' | 'callback' | 'module'
  readonly name: string
  readonly executionId: string | null
  readonly path = null
  readonly attempt = null
  readonly #onUnhandledError: OnUnhandledError
  #fail: ((error: unknown) => void) | null = null

  constructor(
    { kind, name, executionId }: Pick<UserCode, 'name' | 'executionId'> & Pick<JobCode, 'kind'>,
    onUnhandledError: OnUnhandledError,
  ) {
    this.kind = kind
    this.name = name
    this.executionId = executionId
    this.#onUnhandledError = onUnhandledError
  }

  /** Until `close`, an unhandled error fails the call. */
  open(fail: (error: unknown) => void): void {
    this.#fail = fail
  }

  close(): void {
    this.#fail = null
  }

  onUnhandledError(error: unknown): void {
    const fail = this.#fail
    const shownAs = fail ? 'failure' : 'none'
    this.#onUnhandledError(unhandledError({ code: this, error, mask: (value) => value, shownAs }))
    fail?.(error)
  }
}
