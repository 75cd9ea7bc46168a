import { ContextVariable } from '../../lib/index.ts'

/**
 * A call into code that Lume runs but did not write: one attempt of a block, a handler function, a callback of a library
 * job, or the evaluation of a block module.
 *
 * Everything that the call starts (promises, timers, sockets) refers to this object for as long as it lives, so an
 * implementation must not keep a run or its outputs alive after the call has ended.
 */
export interface UserCode {
  readonly kind: 'block' | 'handler' | 'callback' | 'module'
  /** The block's type, the callback's name, or the module's name. */
  readonly name: string
  /** The execution (or job) that the call belongs to. Null for a module. */
  readonly executionId: string | null
  /** The step's path. Null for everything but a block. */
  readonly path: string | null
  /** The attempt's number, from 1. Null for everything but a block. */
  readonly attempt: number | null
  /** Receives an error that the code neither caught nor returned. Never throws. */
  onUnhandledError(error: unknown): void
}

// One for the process: it holds no state, and the handlers of the process have to find any Lume's calls.
const current = new ContextVariable<UserCode>()

/** Calls user code. Whatever the call starts, at once or later, is attributed to `code`. */
export function callUserCode<T>(code: UserCode, call: () => T): T {
  return current.run(code, call)
}

/** Runs Lume's own work in the middle of user code, so that its errors and waits are not attributed to the user code. */
export function leaveUserCode<T>(work: () => T): T {
  return current.run(undefined, work)
}

/** The call into user code that the running code belongs to. Undefined in Lume's own code. */
export function currentUserCode(): UserCode | undefined {
  return current.value
}

/**
 * Keeps the attribution of a callback for a caller that does not keep it. What the callback throws is then reported as
 * unhandled, and never reaches the caller. In Lume's own code it returns the callback as it is.
 */
export function bindUserCode(callback: () => void): () => void {
  const code = current.value
  if (!code) return callback
  return () =>
    callUserCode(code, () => {
      try {
        callback()
      } catch (error) {
        leaveUserCode(() => code.onUnhandledError(error))
      }
    })
}
