import { inGroups } from '../../lib/async/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import { RecentMap } from '../../lib/index.ts'
import type { Clock } from '../../lib/time/index.ts'

export interface ApproximateCountsOptions<Key extends string> {
  /** Counts rows; it may stop at the limit. A key that is left out counts 0. */
  readonly read: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, number>>
  readonly limit: number
  /** Age at which a count is read again, in the background, by the next call for its key. */
  readonly maxAgeMs: number
  readonly clock: Pick<Clock, 'now'>
}

export type Taken =
  /** The caller reports whether it has stored what it took. */
  | { readonly kind: 'taken'; readonly settle: (isStored: boolean) => void }
  | { readonly kind: 'full'; readonly used: number }

/** A key that is full by memory is read again at most this often. */
const RECHECK_MS = 1_000
/** Counts kept in memory; the least recently used one is dropped. */
const MAX_KEYS = 10_000
const KEYS_PER_READ = 100

/**
 * Counts what keys hold against a limit, without a row that every writer would lock. What this process adds counts at once;
 * what other processes add counts after the next read. So a key may exceed its limit by what each other process adds within
 * `maxAgeMs`, and by what this one adds until its first read of the key. Nothing is refused before a read has confirmed it, and while
 * something in flight may count twice, a call waits until that is settled.
 */
export class ApproximateCounts<Key extends string> {
  readonly #options: ApproximateCountsOptions<Key>
  readonly #entries = new RecentMap<Key, Entry>(MAX_KEYS)
  readonly #count: (key: Key) => Promise<number>

  constructor(options: ApproximateCountsOptions<Key>) {
    this.#options = options
    this.#count = inGroups(
      async (keys: readonly Key[]) => {
        const counts = await options.read(keys)
        return keys.map((key) => counts.get(key) ?? 0)
      },
      { maxSize: KEYS_PER_READ, sizeOf: () => 1, keyOf: () => null },
    )
  }

  get limit(): number {
    return this.#options.limit
  }

  /** Adds to a key, unless that exceeds the limit. Waits for a read only where memory says that the key is full. */
  take(key: Key, amount = 1): Awaitable<Taken> {
    const entry = this.#entryOf(key)
    const age = this.#options.clock.now() - entry.readAt
    if (this.#isFull(entry, amount)) return this.#takeOnceRead(key, entry, { amount, age })
    if (age >= this.#options.maxAgeMs) void this.#read(key, entry).catch(() => {}) // the next call reads again
    return this.#add(entry, amount)
  }

  /** Adds to a key that is full by memory, if a read shows that it is not. */
  async #takeOnceRead(
    key: Key,
    entry: Entry,
    { amount, age }: { readonly amount: number; readonly age: number },
  ): Promise<Taken> {
    const { limit } = this.#options
    if (age >= RECHECK_MS || entry.doubtful > 0 || entry.reading) await this.#read(key, entry)
    while (this.#isFull(entry, amount) && entry.doubtful > 0 && entry.known + amount <= limit) {
      if (entry.inFlight > 0) await this.#nextSettled(entry)
      await this.#read(key, entry)
    }
    return this.#isFull(entry, amount) ? { kind: 'full', used: usedOf(entry) } : this.#add(entry, amount)
  }

  #isFull(entry: Entry, amount: number): boolean {
    return usedOf(entry) + amount > this.#options.limit
  }

  #add(entry: Entry, amount: number): Taken {
    entry.added += amount
    entry.inFlight += amount
    let isSettled = false
    const settle = (isStored: boolean) => {
      if (isSettled) return
      isSettled = true
      entry.inFlight -= amount
      if (!isStored) entry.added -= amount
      for (const resume of entry.waiting.splice(0)) resume()
    }
    return { kind: 'taken', settle }
  }

  #nextSettled(entry: Entry): Promise<void> {
    return new Promise((resolve) => entry.waiting.push(resolve))
  }

  #entryOf(key: Key): Entry {
    const entry = this.#entries.get(key) ?? newEntry()
    this.#entries.set(key, entry)
    return entry
  }

  async #read(key: Key, entry: Entry): Promise<void> {
    entry.reading ??= this.#readOnce(key, entry).finally(() => (entry.reading = null))
    await entry.reading
  }

  async #readOnce(key: Key, entry: Entry): Promise<void> {
    // Part of the rows that are read now.
    const stored = entry.added - entry.inFlight
    entry.readAt = this.#options.clock.now()
    entry.known = await this.#count(key)
    entry.added -= stored
    // In flight when the read began, or added before it returned: the rows may hold it already.
    entry.doubtful = entry.added
  }
}

interface Entry {
  known: number
  /** Added here since the last read began. */
  added: number
  /** The part of `added` that is not known to be stored. */
  inFlight: number
  /** The part of `added` that `known` may count, too, until the next read. */
  doubtful: number
  /** Calls that wait until something in flight is settled. */
  readonly waiting: (() => void)[]
  readAt: number
  reading: Promise<void> | null
}

function newEntry(): Entry {
  return {
    known: 0,
    added: 0,
    inFlight: 0,
    doubtful: 0,
    waiting: [],
    readAt: Number.NEGATIVE_INFINITY,
    reading: null,
  }
}

function usedOf({ known, added }: Entry): number {
  return known + added
}
