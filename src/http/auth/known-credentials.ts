import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/time/index.ts'

/** How long one is remembered after it was good for the last time. */
const REMEMBERED_MS = 60 * 60_000
const MAX_REMEMBERED = 10_000

/**
 * Which credentials were good here not long ago, by their hashes. That lets nobody in: it tells whom to look up when most
 * that come from the same address are bad.
 */
export class KnownCredentials {
  readonly #clock: Pick<Clock, 'now'>
  readonly #goodAt = new Map<string, number>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  has(credential: string): boolean {
    const goodAt = this.#goodAt.get(hashOf(credential))
    return goodAt !== undefined && this.#clock.now() - goodAt < REMEMBERED_MS
  }

  /** The one that was not seen for the longest time makes room. */
  add(credential: string): void {
    const hash = hashOf(credential)
    this.#goodAt.delete(hash)
    this.#goodAt.set(hash, this.#clock.now())
    if (this.#goodAt.size > MAX_REMEMBERED) this.#goodAt.delete(this.#goodAt.keys().next().value ?? '')
  }

  delete(credential: string): void {
    this.#goodAt.delete(hashOf(credential))
  }
}

function hashOf(credential: string): string {
  return createHash('sha256').update(credential).digest('base64')
}
