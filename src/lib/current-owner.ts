import { AsyncLocalStorage } from 'node:async_hooks'

const storage = new AsyncLocalStorage<string>()

/** Does work on behalf of an owner: all that it calls, and awaits, finds the owner by `currentOwner`. */
export function onBehalfOf<T>(owner: string, work: () => T): T {
  return storage.run(owner, work)
}

/** The owner on whose behalf the calling work is done; null: the server’s own work. */
export function currentOwner(): string | null {
  return storage.getStore() ?? null
}
