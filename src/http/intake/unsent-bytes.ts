import { getHeapStatistics } from 'node:v8'
import type { Clock } from '../../lib/time/index.ts'

/** Maximum bytes that wait for one client to read them; beyond it the connection is closed. */
export const UNSENT_MAX_BYTES_OF_CONNECTION = 16 * 1024 * 1024
/** How much of the heap limit the bytes may take that wait for all clients together. */
export const UNSENT_HEAP_SHARE = 1 / 4
/** How long a client may read nothing of what waits for it; then the connection is closed. */
export const UNSENT_STALL_MS = 30_000

export interface UnsentLimits {
  /** Maximum bytes that wait for one client. */
  readonly maxBytesOfConnection: number
  /** Maximum bytes that wait for all clients together. */
  readonly maxBytes: number
  /** How long a client may read nothing, in milliseconds. */
  readonly stallMs: number
}

/** Limits that hold for the heap limit of this process. */
export function unsentLimitsOfHeap(): UnsentLimits {
  return {
    maxBytesOfConnection: UNSENT_MAX_BYTES_OF_CONNECTION,
    maxBytes: Math.floor(getHeapStatistics().heap_size_limit * UNSENT_HEAP_SHARE),
    stallMs: UNSENT_STALL_MS,
  }
}

/** What waits for one client. */
export interface Outbox {
  /** Counts bytes before they are handed to the socket. False: the client is cut, and nothing is to be sent. */
  add(bytes: number): boolean
  /** Counts bytes that have left. */
  sent(bytes: number): void
  /** The connection has ended. */
  close(): void
}

/** Why a connection is closed: its client does not read, or the process needs the memory at once. */
export type CutReason = 'slow' | 'memory'

interface Entry {
  unsent: number
  /** When the client last read, or when it was sent something to read. */
  readAt: number
  /** Ends the timer that looks whether the client has stalled; null: none runs. */
  cancelStall: (() => void) | null
  isCut: boolean
  readonly cut: (reason: CutReason) => void
}

/**
 * Bounds what is buffered for clients that do not read: for one connection by bytes and by time, and for all together,
 * where the connection with the most goes first.
 */
export class UnsentBytes {
  readonly #limits: UnsentLimits
  readonly #clock: Pick<Clock, 'now' | 'after'>
  readonly #entries = new Set<Entry>()
  #total = 0

  constructor(limits: UnsentLimits, clock: Pick<Clock, 'now' | 'after'>) {
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * `cut` is called when a limit is exceeded. For a slow client it closes the connection with a code; what waits counts
   * until then. For memory it ends the connection at once, also one that is being closed.
   */
  open(cut: (reason: CutReason) => void): Outbox {
    const entry: Entry = { unsent: 0, readAt: 0, cancelStall: null, isCut: false, cut }
    this.#entries.add(entry)
    return {
      add: (bytes) => {
        if (entry.isCut || !this.#entries.has(entry)) return false
        this.#change(entry, bytes)
        // One message may be larger than the limit; a second one does not join it.
        const isFirst = entry.unsent === bytes
        if (isFirst) entry.readAt = this.#clock.now()
        if (!isFirst && entry.unsent > this.#limits.maxBytesOfConnection) this.#cutSlow(entry)
        while (this.#total > this.#limits.maxBytes && this.#total > 0) this.#cutForMemory(this.#largest())
        if (!entry.isCut) entry.cancelStall ??= this.#watch(entry, this.#limits.stallMs)
        return !entry.isCut
      },
      sent: (bytes) => {
        if (!this.#entries.has(entry)) return
        this.#change(entry, -Math.min(bytes, entry.unsent))
        entry.readAt = this.#clock.now()
      },
      close: () => this.#close(entry),
    }
  }

  #change(entry: Entry, bytes: number): void {
    entry.unsent += bytes
    this.#total += bytes
  }

  /** Looks in `ms` milliseconds whether the client has stalled. Most have read everything long before, so no message moves the timer. */
  #watch(entry: Entry, ms: number): () => void {
    return this.#clock.after(ms, () => {
      entry.cancelStall = null
      if (entry.unsent === 0) return
      const leftMs = entry.readAt + this.#limits.stallMs - this.#clock.now()
      if (leftMs > 0) entry.cancelStall = this.#watch(entry, leftMs)
      else this.#cutSlow(entry)
    })
  }

  #unwatch(entry: Entry): void {
    entry.cancelStall?.()
    entry.cancelStall = null
  }

  #cutSlow(entry: Entry): void {
    if (entry.isCut) return
    entry.isCut = true
    this.#unwatch(entry)
    entry.cut('slow')
  }

  #cutForMemory(entry: Entry): void {
    entry.isCut = true
    this.#close(entry)
    entry.cut('memory')
  }

  #close(entry: Entry): void {
    this.#unwatch(entry)
    this.#change(entry, -entry.unsent)
    this.#entries.delete(entry)
  }

  #largest(): Entry {
    return [...this.#entries].reduce((most, entry) => (entry.unsent > most.unsent ? entry : most))
  }
}
