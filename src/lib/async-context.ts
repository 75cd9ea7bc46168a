import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * The only storage of the process: Node 20 calls JavaScript for each promise and timer, and once more for each further storage. It
 * holds the values of all context variables, each at the index of its variable.
 */
const storage = new AsyncLocalStorage<readonly unknown[]>()
let variables = 0

/** A value that all work finds which runs inside of `run`, or is started there: what it calls, awaits, and sets timers for. */
export class ContextVariable<T> {
  readonly #index = variables++

  /** The value of the running code; undefined: none was set. */
  get value(): T | undefined {
    return storage.getStore()?.[this.#index] as T | undefined
  }

  /** Does work for which the variable has this value. */
  run<R>(value: T | undefined, work: () => R): R {
    const values = [...(storage.getStore() ?? [])]
    values[this.#index] = value
    // Not `exit`, which on Node 20 switches the hooks of the whole process off and on again.
    return storage.run(values, work)
  }
}

/** Returns a function that does work with the values that all context variables have now. */
export function captureContext(): (work: () => void) => void {
  const values = storage.getStore() ?? []
  return (work) => storage.run(values, work)
}
