import type { Socket } from 'node:net'
import { getHeapStatistics } from 'node:v8'
import ipaddr from 'ipaddr.js'
import { OwnerPermits } from '../../lib/turns/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { senderAt } from './rate-limit.ts'

/**
 * Maximum connections of one address that carry no event stream and no acknowledged WebSocket, idle ones included. A browser
 * opens at most a few dozen, and a pool of connections a few hundred. The connections of loopback addresses are not limited by
 * address unless the setting is given: they come from this machine, or from a proxy on it that speaks for many clients.
 */
export const ADDRESS_MAX_CONNECTIONS = 1_000
/** How much of the heap limit such connections of all addresses may take. */
export const CONNECTIONS_HEAP_SHARE = 1 / 4
/** What one of them takes on the heap at most while nothing is answered on it, in bytes: its buffers and its parser. */
const CONNECTION_BYTES = 32 * 1024
/**
 * How many acknowledged WebSockets one owner may have open in one process for each subscription that it may have open. One
 * usually carries several subscriptions; twice as many leave room for clients that reconnect.
 */
export const WEBSOCKETS_PER_SUBSCRIPTION = 2
/** How long a connection beyond a limit stays open, so that its client can read why it is refused, in milliseconds. */
const REFUSED_MS = 5_000
/** Maximum connections that are being refused; further ones are closed without an answer. */
export const REFUSED_MAX_CONNECTIONS = 256

export interface ConnectionLimits {
  /** Maximum connections of one address; 0: no limit; undefined: `ADDRESS_MAX_CONNECTIONS`, loopback addresses excepted. */
  readonly maxOfAddress?: number | undefined
  /** Maximum connections of all addresses; undefined: by the heap limit of the process. */
  readonly max?: number | undefined
  /** Maximum acknowledged WebSockets of one owner. */
  readonly maxWebSocketsOfOwner: number
}

/** How many connections there are. */
export interface OpenConnections {
  /** Those without an event stream and without an acknowledged WebSocket. */
  readonly unattributed: number
  /** Those that carry an event stream or an acknowledged WebSocket. */
  readonly owned: number
}

interface Entry {
  readonly sender: string
  readonly isRefused: boolean
  isOwned: boolean
  isClosed: boolean
}

/** With a heap of 512 MB about 4,700, with one of 2 GB about 17,000. */
function maxOfHeap(): number {
  return Math.floor((getHeapStatistics().heap_size_limit * CONNECTIONS_HEAP_SHARE) / CONNECTION_BYTES)
}

/**
 * Bounds the connections of this process. A connection counts against its address until it is known whose it is: from then on,
 * as long as it carries an event stream or an acknowledged WebSocket, it counts against its owner, so that many clients of many
 * owners may share the address of a proxy.
 */
export class Connections {
  readonly #maxOfAddress: number | undefined
  readonly #max: number
  readonly #webSockets: OwnerPermits
  readonly #clock: Pick<Clock, 'after'>
  readonly #entries = new WeakMap<Socket, Entry>()
  readonly #ofSenders = new Map<string, number>()
  #unattributed = 0
  #owned = 0
  #refusing = 0
  #refused = 0

  constructor({ maxOfAddress, max, maxWebSocketsOfOwner }: ConnectionLimits, clock: Pick<Clock, 'after'>) {
    this.#maxOfAddress = maxOfAddress
    this.#max = max ?? maxOfHeap()
    this.#webSockets = new OwnerPermits(maxWebSocketsOfOwner)
    this.#clock = clock
  }

  /** The number of open connections. */
  get open(): OpenConnections {
    return { unattributed: this.#unattributed, owned: this.#owned }
  }

  /** The number of connections that were refused since the start. */
  get refused(): number {
    return this.#refused
  }

  /** Counts a new connection. One beyond a limit is marked as refused, and closed after a while. */
  add(socket: Socket): void {
    const sender = senderAt(socket.remoteAddress)
    const isLoopback = isLoopbackAddress(socket.remoteAddress)
    const isRefused = !this.#hasRoom(sender, isLoopback)
    const entry: Entry = { sender, isRefused, isOwned: false, isClosed: false }
    this.#entries.set(socket, entry)
    if (isRefused) return this.#refuse(socket)
    this.#count(entry, 1)
    socket.once('close', () => {
      if (!entry.isOwned) this.#count(entry, -1)
      entry.isClosed = true
    })
  }

  /** Whether the connection is beyond a limit: nothing is done for it, and its client is answered why. */
  isRefused(socket: Socket): boolean {
    return this.#entries.get(socket)?.isRefused ?? false
  }

  /** The connection carries a stream of a known owner. Returns the function that ends that, once. */
  own(socket: Socket): () => void {
    const entry = this.#entries.get(socket)
    if (!entry || entry.isOwned || entry.isClosed) return () => {}
    this.#count(entry, -1)
    entry.isOwned = true
    this.#owned++
    return () => {
      if (!entry.isOwned) return
      entry.isOwned = false
      this.#owned--
      if (!entry.isClosed) this.#count(entry, 1)
    }
  }

  /** Takes a WebSocket of an owner. Returns the function that gives it back; null: the owner has the maximum. */
  takeWebSocket(owner: string): (() => void) | null {
    return this.#webSockets.take(owner)
  }

  #hasRoom(sender: string, isLoopback: boolean): boolean {
    if (this.#unattributed >= this.#max) return false
    const limit = this.#maxOfAddress ?? (isLoopback ? 0 : ADDRESS_MAX_CONNECTIONS)
    return limit === 0 || (this.#ofSenders.get(sender) ?? 0) < limit
  }

  #count({ sender }: Entry, change: 1 | -1): void {
    this.#unattributed += change
    const ofSender = (this.#ofSenders.get(sender) ?? 0) + change
    if (ofSender > 0) this.#ofSenders.set(sender, ofSender)
    else this.#ofSenders.delete(sender)
  }

  #refuse(socket: Socket): void {
    this.#refused++
    if (this.#refusing >= REFUSED_MAX_CONNECTIONS) {
      socket.destroy()
      return
    }
    this.#refusing++
    const forget = this.#clock.after(REFUSED_MS, () => socket.destroy())
    socket.once('close', () => {
      forget()
      this.#refusing--
    })
  }
}

/** What the client of a refused connection reads. */
export const TOO_MANY_CONNECTIONS = {
  status: 429,
  code: 'TOO_MANY_CONNECTIONS',
  message:
    'Your address, or this server, has too many connections open. Close idle ones, send requests over fewer connections, or retry in 5 s.',
  headers: { 'retry-after': '5', connection: 'close' },
} as const

function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback'
}
