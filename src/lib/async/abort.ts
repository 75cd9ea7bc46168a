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
  const follow = () => controller.abort(parent.reason)
  if (parent.aborted) follow()
  else parent.addEventListener('abort', follow, { once: true })
  return { controller, unfollow: () => parent.removeEventListener('abort', follow) }
}
