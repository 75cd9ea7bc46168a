/** Resolves in a later turn of the event loop, so that leases are renewed and clients answered in between. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
