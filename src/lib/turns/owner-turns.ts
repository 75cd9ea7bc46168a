import { LumeError } from '../index.ts'

/** An owner has more work of one kind under way than one owner may; the same request may succeed later. */
export class OwnerBusyError extends LumeError {
  /** When to try again, in milliseconds from now. */
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs: number) {
    super('VALIDATION_BUSY', message)
    this.retryAfterMs = retryAfterMs
  }
}

export interface OwnerTurnsOptions {
  /** What the work is, for the message of a refusal, such as "checks of inputs against their schemas". */
  readonly what: string
  /** How many pieces of work of one owner may wait. */
  readonly maxWaiting: number
  /** How many pieces of work are done at the same time. Default 1. */
  readonly atOnce?: number
  /** Processor time per owner; null: no bound. */
  readonly allowance: Allowance | null
  /** The time now in milliseconds, from any beginning; never goes back. Default: `performance.now`. */
  readonly now?: () => number
}

/** A bucket that empties as work takes time and fills again as time passes. */
export interface Allowance {
  /** What a full bucket holds, in milliseconds. */
  readonly burstMs: number
  /** How many milliseconds flow back in a second. */
  readonly perSecondMs: number
}

export interface TurnOptions {
  /** False for work that was accepted before, such as that of a run: it waits as long as it must. Default true. */
  readonly isRefusable?: boolean
}

/** The owner's turn, in the hands of the work that is being done in it. */
export interface Turn {
  /** Lets one piece of work of each other owner that waits be done, and resolves when it is this work's turn again. */
  handOn(): Promise<void>
  /** Waits for something that needs no turn, lets other owners work meanwhile, and takes a turn again. */
  outside<T>(answer: Promise<T>): Promise<T>
}

interface Waiting {
  readonly isRefusable: boolean
  readonly enter: () => void
  readonly refuse: (reason: Error) => void
}

interface Bucket {
  leftMs: number
  at: number
}

const RETRY_AFTER_MS = 1_000

/**
 * Does the work of many owners one piece at a time, or `atOnce` pieces: owners take turns, and each owner's work is done in
 * the order in which it came. Work that hands its turn on after each piece delays another owner's work by one piece, however
 * long it is. One owner's further work begins only when the first has ended, so work in progress is bounded by the number of
 * owners.
 */
export class OwnerTurns {
  readonly #options: OwnerTurnsOptions
  readonly #now: () => number
  /** The owner whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #buckets = new Map<string, Bucket>()
  /** How many pieces of work are being done. */
  #running = 0
  /** Owners whose first work waits for something outside of their turn. */
  readonly #outside = new Set<string>()
  #closed: Error | null = null

  constructor(options: OwnerTurnsOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** How many pieces of work wait, of all owners together. */
  get waiting(): number {
    let count = 0
    for (const { length } of this.#waiting.values()) count += length
    return count
  }

  /**
   * Does work in the owner's turn. Rejects with `OwnerBusyError`, and does not begin the work, when too much of the owner's
   * work waits or the owner's allowance is spent.
   */
  async run<T>(
    owner: string,
    work: (turn: Turn) => Promise<T>,
    { isRefusable = true }: TurnOptions = {},
  ): Promise<T> {
    await this.#enter(owner, isRefusable)
    try {
      return await work({
        handOn: () => this.#handOn(owner),
        outside: (answer) => this.#waitOutside(owner, answer),
      })
    } finally {
      this.#leave(owner)
    }
  }

  /** Takes time from an owner's allowance, which may go below nothing. */
  charge(owner: string, ms: number): void {
    const { allowance } = this.#options
    if (!allowance) return
    const bucket = this.#bucket(owner, allowance)
    bucket.leftMs -= ms
    this.#buckets.set(owner, bucket)
    if (this.#buckets.size > MAX_BUCKETS) this.#forgetFullBuckets(allowance)
  }

  /** Refuses all work that waits, and all that comes. */
  close(reason: Error): void {
    this.#closed = reason
    const all = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    for (const { refuse } of all) refuse(reason)
  }

  #enter(owner: string, isRefusable: boolean): Promise<void> | void {
    if (this.#closed) throw this.#closed
    const busy = isRefusable ? this.#whyBusy(owner) : null
    if (busy) throw busy
    if (this.#isFree() && !this.#outside.has(owner)) {
      this.#running++
      return
    }
    return new Promise((enter, refuse) => {
      const queue = this.#waiting.get(owner)
      const entry = { isRefusable, enter, refuse }
      if (queue) queue.push(entry)
      else this.#waiting.set(owner, [entry])
    })
  }

  /** Puts the owner's work in progress behind all other owners, and before the owner's other work. */
  async #handOn(owner: string): Promise<void> {
    if (this.#closed) throw this.#closed
    const hasOthers = [...this.#waiting.keys()].some((other) => other !== owner && !this.#outside.has(other))
    if (!hasOthers) return
    const resumed = this.#resume(owner)
    this.#leave(owner)
    await resumed
  }

  async #waitOutside<T>(owner: string, answer: Promise<T>): Promise<T> {
    this.#outside.add(owner)
    this.#leave(owner)
    try {
      return await answer
    } finally {
      this.#outside.delete(owner)
      if (this.#isFree()) this.#running++
      else await this.#resume(owner)
    }
  }

  /**
   * Waits for the owner's next turn, before the owner's other work. Work in progress is refused only by `close`; it counts
   * as running again, so that its end passes on the turn that it has.
   */
  async #resume(owner: string): Promise<void> {
    try {
      if (this.#closed) throw this.#closed
      await new Promise<void>((enter, refuse) => {
        const entry = { isRefusable: false, enter, refuse }
        const queue = this.#waiting.get(owner)
        if (queue) queue.unshift(entry)
        else this.#waiting.set(owner, [entry])
      })
    } catch (reason) {
      this.#running++
      throw reason
    }
  }

  #isFree(): boolean {
    return this.#running < (this.#options.atOnce ?? 1)
  }

  /** Passes the turn of an owner on. */
  #leave(ended: string): void {
    this.#toTheEnd(ended)
    for (const [owner, queue] of this.#waiting) {
      if (this.#outside.has(owner)) continue
      const next = queue.shift()
      this.#toTheEnd(owner)
      if (!next) continue
      const spent = next.isRefusable ? this.#whySpent(owner) : null
      if (!spent) return next.enter()
      next.refuse(spent)
    }
    this.#running--
  }

  /** Behind all other owners that wait. */
  #toTheEnd(owner: string): void {
    const queue = this.#waiting.get(owner)
    if (!queue) return
    this.#waiting.delete(owner)
    if (queue.length > 0) this.#waiting.set(owner, queue)
  }

  #whyBusy(owner: string): OwnerBusyError | null {
    const { what, maxWaiting } = this.#options
    const waiting = this.#waiting.get(owner)?.length ?? 0
    if (waiting < maxWaiting) return this.#whySpent(owner)
    const message = `${waiting} ${what} of yours wait already, and ${maxWaiting} may. Send the request again when they are done.`
    return new OwnerBusyError(message, RETRY_AFTER_MS)
  }

  #whySpent(owner: string): OwnerBusyError | null {
    const { what, allowance } = this.#options
    if (!allowance) return null
    const { leftMs } = this.#bucket(owner, allowance)
    if (leftMs > 0) return null
    const { burstMs, perSecondMs } = allowance
    const retryAfterMs = Math.ceil((-leftMs / perSecondMs) * 1_000) + RETRY_AFTER_MS
    const message = `Your ${what} have used their processor time: ${burstMs} ms at once, and ${perSecondMs} ms per second. Send the request again in ${Math.ceil(retryAfterMs / 1_000)} s.`
    return new OwnerBusyError(message, retryAfterMs)
  }

  #bucket(owner: string, { burstMs, perSecondMs }: Allowance): Bucket {
    const now = this.#now()
    const bucket = this.#buckets.get(owner) ?? { leftMs: burstMs, at: now }
    bucket.leftMs = Math.min(burstMs, bucket.leftMs + ((now - bucket.at) * perSecondMs) / 1_000)
    bucket.at = now
    return bucket
  }

  #forgetFullBuckets(allowance: Allowance): void {
    for (const owner of this.#buckets.keys())
      if (this.#bucket(owner, allowance).leftMs >= allowance.burstMs) this.#buckets.delete(owner)
  }
}

/** Beyond this many buckets the full ones are forgotten. */
const MAX_BUCKETS = 1_000
