import { onAbort } from '../../lib/async/index.ts'

/**
 * Whether the leases of this process may have run out because the database has not answered. While they may have, another worker may take
 * the jobs at any moment: calls in flight continue, and no new call starts (E7).
 */
export class LeaseDoubt {
  #present: { readonly over: Promise<void>; readonly end: () => void } | null = null

  get isOn(): boolean {
    return this.#present !== null
  }

  begin(): void {
    if (this.#present) return
    let end = () => {}
    const over = new Promise<void>((resolve) => (end = resolve))
    this.#present = { over, end }
  }

  end(): void {
    this.#present?.end()
    this.#present = null
  }

  /** Null: the leases hold. Otherwise resolves once they do; rejects with the signal's reason. */
  untilOver(signal: AbortSignal): null | Promise<void> {
    return this.#present && this.#waitUntilOver(signal)
  }

  async #waitUntilOver(signal: AbortSignal): Promise<void> {
    while (this.#present) await untilSettled(this.#present.over, signal)
    signal.throwIfAborted()
  }
}

/** Resolves with the promise; rejects with the signal's reason. */
function untilSettled(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const callOff = onAbort(signal, () => reject(signal.reason as Error))
    void promise.then(() => {
      callOff()
      resolve()
    })
  })
}
