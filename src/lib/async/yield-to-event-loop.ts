/** The end of the queue of those who yielded. Shared by the process, as its thread is. */
let lastTurn: Promise<void> = Promise.resolve()
let waiting = 0

/**
 * Resolves in a turn of the event loop that no other caller shares: however many pieces of work yield at the same time, leases are
 * renewed and clients answered between any two of them.
 */
export function yieldToEventLoop(): Promise<void> {
  waiting++
  lastTurn = lastTurn.then(() => new Promise((resolve) => setImmediate(resolve)))
  return lastTurn.finally(() => waiting--)
}

/** Whether work waits for its turn: a thread that looks idle is not. */
export function isYielding(): boolean {
  return waiting > 0
}
