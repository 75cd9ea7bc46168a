import type { Clock } from '../../lib/time/index.ts'

/** The share of a process's budget that one owner may take. */
export const OWNER_MEMORY_SHARE = 0.5

/** The most that one execution may take of a budget, in bytes; less where the owner's share is less. */
export const EXECUTION_MEMORY_MAX_BYTES = 128 * 1024 * 1024

/** How long a step waits for memory that others hold, in milliseconds. */
export const MEMORY_WAIT_MS = 60_000

/** Something that is held only to save reading it again. */
export interface Droppable {
  readonly bytes: number
  /** Forgets the value. Its bytes are given back by the caller. */
  drop(): void
}

/**
 * The outcome of a request for memory. `tooLarge`: it exceeds what the execution may hold at all. `timedOut`: others held
 * the memory until the wait was over.
 */
export type MemoryGrant = 'granted' | 'tooLarge' | 'timedOut'

/** One level of the budget: the process, an owner, or an execution. */
class Scope {
  readonly max: number
  used = 0
  droppableBytes = 0
  /** The least recently used first. */
  readonly droppable = new Set<Entry>()

  constructor(max: number) {
    this.max = max
  }

  /** Whether the bytes fit once everything is dropped that may be. */
  couldFit(bytes: number): boolean {
    return this.used - this.droppableBytes + bytes <= this.max
  }
}

interface Entry {
  readonly scopes: readonly Scope[]
  readonly value: Droppable
}

interface Waiter {
  readonly scopes: readonly Scope[]
  readonly bytes: number
  readonly grant: () => void
}

/**
 * Bounds the heap that the values of running executions take: per execution, per owner, and in the whole process. Values
 * that are on record are dropped, the least recently used first, to make room for others; what is in use is kept. Requests that
 * do not fit wait in the order in which they came; those that wait for the share of their owner or their execution do not hold
 * back others.
 */
export class MemoryBudget {
  readonly #process: Scope
  readonly #ownerMax: number
  readonly #owners = new Map<string, { readonly scope: Scope; executions: number }>()
  #waiters: Waiter[] = []

  constructor(maxBytes: number) {
    this.#process = new Scope(maxBytes)
    this.#ownerMax = Math.floor(maxBytes * OWNER_MEMORY_SHARE)
  }

  /** The bytes that are held in the process, without those that may be dropped. */
  get bytesInUse(): number {
    return this.#process.used - this.#process.droppableBytes
  }

  /** The bytes that the process may hold. */
  get maxBytes(): number {
    return this.#process.max
  }

  /** The bytes that one owner may hold. */
  get maxBytesOfOwner(): number {
    return this.#ownerMax
  }

  /** The bytes that an owner's executions hold, without those that may be dropped. */
  bytesInUseOf(ownerId: string): number {
    const scope = this.#owners.get(ownerId)?.scope
    return scope ? scope.used - scope.droppableBytes : 0
  }

  /** The part of an execution that begins to run here; to be closed at its end. */
  openExecution(ownerId: string): ExecutionMemory {
    const owner = this.#owners.get(ownerId) ?? { scope: new Scope(this.#ownerMax), executions: 0 }
    owner.executions++
    this.#owners.set(ownerId, owner)
    const execution = new Scope(Math.min(EXECUTION_MEMORY_MAX_BYTES, this.#ownerMax))
    const scopes = [execution, owner.scope, this.#process]
    return new ExecutionMemory(
      {
        scopes,
        fit: (bytes) => this.#makeRoom(scopes, bytes),
        request: (waiter) => this.#request(waiter),
        withdraw: (waiter) => this.#withdraw(waiter),
        freed: () => this.#serve(),
      },
      () => {
        owner.executions--
        if (owner.executions === 0) this.#owners.delete(ownerId)
      },
    )
  }

  #request(waiter: Waiter): void {
    this.#waiters.push(waiter)
    this.#serve()
  }

  #withdraw(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter)
    this.#serve()
  }

  /** Grants what fits, in order. A request that does not fit blocks those behind it that need the same scope. */
  #serve(): void {
    if (this.#waiters.length === 0) return
    const blocked = new Set<Scope>()
    const granted: Waiter[] = []
    this.#waiters = this.#waiters.filter((waiter) => {
      const { scopes, bytes } = waiter
      if (scopes.some((scope) => blocked.has(scope))) return true
      if (this.#makeRoom(scopes, bytes)) {
        for (const scope of scopes) scope.used += bytes
        granted.push(waiter)
        return false
      }
      for (const scope of scopes) if (!scope.couldFit(bytes)) blocked.add(scope)
      return true
    })
    for (const { grant } of granted) grant()
  }

  /** Drops values until the bytes fit into every scope; false, and nothing is dropped, when that is not enough. */
  #makeRoom(scopes: readonly Scope[], bytes: number): boolean {
    if (!scopes.every((scope) => scope.couldFit(bytes))) return false
    for (const scope of scopes) {
      for (const entry of scope.droppable) {
        if (scope.used + bytes <= scope.max) break
        removeDroppable(entry)
        for (const other of entry.scopes) other.used -= entry.value.bytes
        entry.value.drop()
      }
    }
    return true
  }
}

function removeDroppable(entry: Entry): void {
  for (const scope of entry.scopes) {
    if (scope.droppable.delete(entry)) scope.droppableBytes -= entry.value.bytes
  }
}

interface Access {
  /** The execution, its owner, the process. */
  readonly scopes: readonly Scope[]
  readonly fit: (bytes: number) => boolean
  readonly request: (waiter: Waiter) => void
  readonly withdraw: (waiter: Waiter) => void
  readonly freed: () => void
}

/** The memory of one execution. Whatever it holds counts for its owner and the process as well. */
export class ExecutionMemory {
  readonly #access: Access
  readonly #onClose: () => void
  readonly #entries = new Map<Droppable, Entry>()
  #held = 0
  #isClosed = false

  constructor(access: Access, onClose: () => void) {
    this.#access = access
    this.#onClose = onClose
  }

  /** The most that the execution may hold. */
  get maxBytes(): number {
    return this.#access.scopes[0]?.max ?? 0
  }

  /** Counts what is held already, however much it is. */
  count(bytes: number): void {
    if (this.#isClosed) return
    for (const scope of this.#access.scopes) scope.used += bytes
    this.#held += bytes
  }

  /** Counts the bytes if they fit, dropping other values for them; false, and nothing is counted, if they do not. */
  tryTake(bytes: number): boolean {
    if (this.#isClosed || !this.#access.fit(bytes)) return false
    this.count(bytes)
    return true
  }

  /** The same, but waits for a bounded time until others give memory back. Rejects with the signal's reason. */
  take(
    bytes: number,
    { signal, clock }: { readonly signal: AbortSignal; readonly clock: Pick<Clock, 'after'> },
  ): 'granted' | 'tooLarge' | Promise<MemoryGrant> {
    if (bytes > this.maxBytes) return 'tooLarge'
    let isGranted = false
    let onGrant = () => {}
    const waiter: Waiter = {
      scopes: this.#access.scopes,
      bytes,
      grant: () => {
        this.#held += bytes
        if (this.#isClosed) this.#giveBack(bytes)
        isGranted = true
        onGrant()
      },
    }
    this.#access.request(waiter)
    if (isGranted) return 'granted'
    return new Promise((resolve, reject) => {
      const stopTimer = clock.after(MEMORY_WAIT_MS, () => {
        done()
        this.#access.withdraw(waiter)
        resolve('timedOut')
      })
      const onAbort = () => {
        done()
        this.#access.withdraw(waiter)
        reject(signal.reason as Error)
      }
      const done = () => {
        stopTimer()
        signal.removeEventListener('abort', onAbort)
      }
      onGrant = () => {
        done()
        resolve('granted')
      }
      if (signal.aborted) onAbort()
      else signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Gives bytes back. */
  release(bytes: number): void {
    if (!this.#isClosed) this.#giveBack(bytes)
  }

  #giveBack(bytes: number): void {
    for (const scope of this.#access.scopes) scope.used -= bytes
    this.#held -= bytes
    this.#access.freed()
  }

  /** From now on the value may be dropped; it is the most recently used one. Its bytes have been counted. */
  mayDrop(value: Droppable): void {
    if (this.#isClosed) return
    const entry: Entry = {
      scopes: this.#access.scopes,
      value: {
        bytes: value.bytes,
        drop: () => {
          this.#entries.delete(value)
          this.#held -= value.bytes
          value.drop()
        },
      },
    }
    this.#entries.set(value, entry)
    for (const scope of entry.scopes) {
      scope.droppable.add(entry)
      scope.droppableBytes += value.bytes
    }
    this.#access.freed()
  }

  /** The value is in use: it is not dropped until `mayDrop` is called again. */
  keep(value: Droppable): void {
    const entry = this.#entries.get(value)
    if (!entry) return
    this.#entries.delete(value)
    removeDroppable(entry)
  }

  /** Gives everything back. */
  close(): void {
    if (this.#isClosed) return
    for (const value of Array.from(this.#entries.keys())) this.keep(value)
    this.release(this.#held)
    this.#isClosed = true
    this.#onClose()
  }
}
