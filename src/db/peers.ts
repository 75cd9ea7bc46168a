import type { Clock } from '../lib/time/index.ts'

/** How often a process says that it listens, in milliseconds. */
export const HELLO_MS = 20_000
/** How long after its last notice a process counts as listening, in milliseconds. */
export const PEER_MS = 3 * HELLO_MS
/** How long processes may take to answer the question who listens, in milliseconds. */
export const ANSWER_MS = 2_000
/** How long this process's own hellos may stay away before it doubts that notices reach it, in milliseconds. */
const ECHO_MS = HELLO_MS + ANSWER_MS

/**
 * What this process knows of the other processes that listen. It knows that it is alone only if the database knew of no other
 * listener when this process began to listen; or if it has asked who listens, its own question has come back over the connection
 * that listens, and `ANSWER_MS` have passed without a notice of another process. Besides, its hellos must have come back ever since.
 * Otherwise another process may listen: this one has just opened, its connection was lost or is silent, or it was suspended.
 */
export class Peers {
  readonly #clock: Pick<Clock, 'now'>
  readonly #heardAt = new Map<string, number>()
  /** When the question came back; null: it was not asked, or its answers may have been lost. */
  #askedAt: number | null = null
  /** When a hello of this process last came back. */
  #echoedAt = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Whether another process listens, or may listen. */
  get mayListen(): boolean {
    const now = this.#clock.now()
    const isKnown = this.hasAsked && now - (this.#askedAt ?? now) >= ANSWER_MS
    return !isKnown || this.#areHeard(now)
  }

  /** Whether the question who listens has come back, and what came after it has arrived. */
  get hasAsked(): boolean {
    return this.#askedAt !== null && this.#clock.now() - this.#echoedAt <= ECHO_MS
  }

  /** A hello of this process has come back. `isQuestion`: every process that listens answers it. */
  echo(isQuestion: boolean): void {
    const now = this.#clock.now()
    if (!this.hasAsked) this.#askedAt = isQuestion ? now : null
    this.#echoedAt = now
  }

  /** The database knows of no other listener, and this process listens: it hears of each that begins. */
  findNone(): void {
    const now = this.#clock.now()
    this.#askedAt = now - ANSWER_MS
    this.#echoedAt = now
  }

  /** Notices may have been lost from now until the question comes back once more. */
  doubt(): void {
    this.#askedAt = null
  }

  hear(peer: string): void {
    this.#heardAt.set(peer, this.#clock.now())
  }

  forget(peer: string): void {
    this.#heardAt.delete(peer)
  }

  #areHeard(now: number): boolean {
    for (const [peer, at] of this.#heardAt) if (at < now - PEER_MS) this.#heardAt.delete(peer)
    return this.#heardAt.size > 0
  }
}
