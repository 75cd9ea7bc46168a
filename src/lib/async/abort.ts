import { setMaxListeners } from 'node:events'

export interface FollowingController {
  readonly controller: AbortController
  /** Stops following. To be called once the work is done, or the parent keeps the child alive. */
  readonly unfollow: () => void
}

/** A controller that aborts with its parent, for the same reason, and may abort alone. */
export function followingController(parent: AbortSignal): FollowingController {
  const controller = new AbortController()
  // Many parts of one run listen to one signal; Node takes more than ten listeners for a leak.
  setMaxListeners(0, controller.signal)
  const unfollow = onAbort(parent, () => controller.abort(parent.reason))
  return { controller, unfollow }
}

/** The callbacks of each signal. They share one listener of the signal, because listeners cost more than callbacks. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once the signal aborts, unless the returned function is called before; at once where it has aborted. The callback never
 * throws.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback()
    return () => {}
  }
  const waiting = callbacks.get(signal) ?? listenTo(signal)
  waiting.add(callback)
  return () => void waiting.delete(callback)
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const waiting = new Set<() => void>()
  callbacks.set(signal, waiting)
  const abort = () => {
    for (const callback of waiting) callback()
    waiting.clear()
  }
  signal.addEventListener('abort', abort, { once: true })
  return waiting
}
