import type { Dispatcher } from 'undici'

/** The most interim answers (status 1xx) to one request. A server may send them without end, and no limit of an answer counts them. */
export const INTERIM_ANSWERS_MAX = 100

/** The pieces of one answer that are taken in before other work has the thread. */
export const PIECES_AT_ONCE = 1_000

/**
 * Takes in the pieces of each answer a thousand at a time. A sender may divide an answer into chunks of one byte, of which one read of a
 * socket holds ten thousand: to parse all of them at once keeps the thread for a tenth of a second, for each connection.
 */
export const pacedPieces: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(options, new PacedHandler(handler))

class PacedHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler
  #count = 0
  #interimAnswers = 0
  #isResting = false
  /** Whether the receiver takes more. It says so also while the answer rests. */
  #takesMore = true

  constructor(handler: Dispatcher.DispatchHandler) {
    this.#handler = handler
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#handler.onConnect?.(abort)
  }

  onHeaders(statusCode: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    if (statusCode < 200 && ++this.#interimAnswers > INTERIM_ANSWERS_MAX)
      throw new Error(`more than ${INTERIM_ANSWERS_MAX} interim answers came`)
    this.#resume = resume
    const resumeLater = () => {
      this.#takesMore = true
      if (!this.#isResting) resume()
    }
    return this.#handler.onHeaders?.(statusCode, headers, resumeLater, statusText) ?? true
  }

  onData(chunk: Buffer): boolean {
    this.#takesMore = this.#handler.onData?.(chunk) ?? true
    if (++this.#count < PIECES_AT_ONCE) return this.#takesMore
    this.#count = 0
    this.#isResting = true
    setImmediate(() => {
      this.#isResting = false
      if (this.#takesMore) this.#resume()
    })
    return false
  }

  onComplete(trailers: string[] | null): void {
    this.#handler.onComplete?.(trailers)
  }

  onError(error: Error): void {
    this.#handler.onError?.(error)
  }

  #resume = (): void => {}
}
