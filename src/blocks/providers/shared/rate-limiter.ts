import { createHash } from 'node:crypto'
import { BlockError } from '../../../engine/block/index.ts'
import type { Clock } from '../../../lib/time/index.ts'

/** How much a provider takes from one credential. */
export interface RateLimits {
  /** Calls under way at the same time. */
  readonly concurrency: number
  /** Calls begun within any span of that length, for providers that do not say what is left. */
  readonly windows?: readonly { readonly calls: number; readonly spanMs: number }[]
}

/** What an answer told about the limit. */
export interface RateNews {
  /** How many more calls the provider would take now; null: it does not say. */
  readonly left: number | null
  /** Set when it refused the call because there were too many. */
  readonly throttled?: { readonly retryAfterMs: number | undefined }
}

/** A place for one call; to be given back exactly once, with what was learnt. */
export interface Pass {
  leave(news: RateNews | null): void
}

export interface RateLimiter {
  /**
   * Resolves when one more call may be made with the credential. Throws the signal's reason, or `PROVIDER_RATE_LIMITED`
   * at once when the provider wants to be left alone for longer than is worth holding a place for.
   */
  enter(place: RatePlace, signal: AbortSignal): Promise<Pass>
}

export interface RatePlace {
  readonly provider: string
  /** Providers that count by endpoint have a lane for each. */
  readonly scope?: string
  readonly credential: string
  readonly limits: RateLimits
}

/** Beyond that the step gives its place back and tries again later. */
const MAX_WAIT_MS = 60_000
/** How long a provider that does not say how long is left alone: doubled with every refusal in a row. */
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 8_000
/** However long it asks for, somebody looks again after that: a plan may have been changed meanwhile. */
const MAX_CLOSED_MS = 15 * 60_000
/** Lanes that nobody uses are swept once there are that many. */
const MANY_LANES = 1_000

/**
 * Keeps all calls of one credential to one provider within its limits, first come, first served. All blocks share one,
 * so that many steps at once do not run into the same refusal one after the other:
 * - a refusal closes the lane for everybody, for as long as the provider asks or for a growing pause;
 * - what a provider says is left limits how many calls are under way; when nothing is left, one at a time asks anew.
 */
export function createRateLimiter({ clock }: { clock: Clock }): RateLimiter {
  const lanes = new Map<string, Lane>()
  return {
    enter(place, signal) {
      const key = laneKey(place)
      let lane = lanes.get(key)
      if (!lane) {
        if (lanes.size >= MANY_LANES) for (const [old, { isIdle }] of lanes) if (isIdle) lanes.delete(old)
        lane = new Lane(place, clock)
        lanes.set(key, lane)
      }
      return lane.enter(signal)
    },
  }
}

/** The credential itself is not kept longer than its call. */
function laneKey({ provider, scope = '', credential }: RatePlace): string {
  return createHash('sha256')
    .update(JSON.stringify([provider, scope, credential]))
    .digest('base64url')
}

interface Waiter {
  readonly admit: () => void
  readonly refuse: (reason: unknown) => void
}

class Lane {
  readonly #provider: string
  readonly #limits: RateLimits
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()
  readonly #starts: number[] = []
  #active = 0
  #left: number | null = null
  #closedUntil = 0
  #refusals = 0
  #waiting: AbortController | null = null

  constructor({ provider, limits }: RatePlace, clock: Clock) {
    this.#provider = provider
    this.#limits = limits
    this.#clock = clock
  }

  /** Whether forgetting the lane would forget nothing. */
  get isIdle(): boolean {
    this.#forgetOldStarts()
    const isQuiet = this.#active === 0 && this.#waiters.size === 0 && this.#starts.length === 0
    return isQuiet && this.#closedUntil <= this.#clock.now()
  }

  enter(signal: AbortSignal): Promise<Pass> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error)
      const settle = () => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        admit: () => {
          settle()
          resolve(this.#begin())
        },
        refuse: (reason) => {
          settle()
          reject(reason)
        },
      }
      const onAbort = () => waiter.refuse(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      this.#admit()
    })
  }

  #begin(): Pass {
    this.#active++
    if (this.#limits.windows?.length) this.#starts.push(this.#clock.now())
    let isUnderWay = true
    return {
      leave: (news) => {
        if (!isUnderWay) return
        isUnderWay = false
        this.#active--
        if (news) this.#learn(news)
        this.#admit()
      },
    }
  }

  #learn({ left, throttled }: RateNews): void {
    this.#left = left
    if (!throttled) {
      this.#refusals = 0
      return
    }
    const pauseMs =
      throttled.retryAfterMs ?? Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#refusals, 10))
    this.#refusals++
    this.#closedUntil = Math.max(this.#closedUntil, this.#clock.now() + Math.min(pauseMs, MAX_CLOSED_MS))
  }

  /** Lets in whoever may come in now, and looks again when time alone lets in the next. */
  #admit(): void {
    this.#waiting?.abort()
    this.#waiting = null
    for (const waiter of this.#waiters) {
      const waitMs = this.#opensAt() - this.#clock.now()
      if (waitMs > MAX_WAIT_MS) {
        waiter.refuse(this.#closedError(waitMs))
      } else if (waitMs > 0) {
        return this.#admitIn(waitMs)
      } else if (this.#active >= this.#room()) {
        return
      } else {
        waiter.admit()
      }
    }
  }

  #admitIn(waitMs: number): void {
    const waiting = new AbortController()
    this.#waiting = waiting
    this.#clock.wait(waitMs, waiting.signal).then(
      () => this.#waiting === waiting && this.#admit(),
      // Called off: somebody has looked again before.
      () => undefined,
    )
  }

  #room(): number {
    return Math.max(1, Math.min(this.#limits.concurrency, this.#left ?? Number.POSITIVE_INFINITY))
  }

  /** When the lane and all windows are open. */
  #opensAt(): number {
    this.#forgetOldStarts()
    let opensAt = this.#closedUntil
    for (const { calls, spanMs } of this.#limits.windows ?? []) {
      const lastBefore = this.#starts.at(-calls)
      if (lastBefore !== undefined) opensAt = Math.max(opensAt, lastBefore + spanMs)
    }
    return opensAt
  }

  #forgetOldStarts(): void {
    const longest = Math.max(0, ...(this.#limits.windows ?? []).map(({ spanMs }) => spanMs))
    const horizon = this.#clock.now() - longest
    const kept = this.#starts.findIndex((startedAt) => startedAt > horizon)
    this.#starts.splice(0, kept < 0 ? this.#starts.length : kept)
  }

  #closedError(waitMs: number): BlockError {
    return new BlockError(
      'PROVIDER_RATE_LIMITED',
      `${this.#provider} has asked for fewer calls; the next one is due in ${Math.ceil(waitMs / 1000)} s`,
      { retryable: true, retryAfterMs: waitMs, details: { provider: this.#provider } },
    )
  }
}
