import { ContextVariable } from './async-context.ts'

const owner = new ContextVariable<string>()

/** Does work on behalf of an owner: all that it calls, and awaits, finds the owner by `currentOwner`. */
export function onBehalfOf<T>(ownerId: string, work: () => T): T {
  return owner.run(ownerId, work)
}

/** The owner on whose behalf the calling work is done; null: the server’s own work. */
export function currentOwner(): string | null {
  return owner.value ?? null
}
