import { assertNever } from '../../lib/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { OwnerQueues } from '../../lib/turns/index.ts'

/** The share of a process's budget that one owner may take. */
export const OWNER_MEMORY_SHARE = 0.5

/**
 * The share of a process's budget that is reserved for new owners: those that hold nothing of it, or hold at most
 * `NEW_OWNER_MEMORY_SHARE` with what they ask for. All other requests are granted from the rest.
 */
export const RESERVED_MEMORY_SHARE = 0.25

/** An owner that holds at most this share of a process's budget, with what it asks for, may use the reserve. */
export const NEW_OWNER_MEMORY_SHARE = 0.125

/**
 * The multiple of a process's budget up to which new owners are granted memory. So two owners, whatever they hold and however
 * long, leave at least a third of the budget to a third owner.
 */
export const NEW_OWNERS_MEMORY_PART = 4 / 3

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
  couldFit(bytes: number, max = this.max): boolean {
    return this.used - this.droppableBytes + bytes <= max
  }
}

interface Entry {
  readonly scopes: readonly Scope[]
  readonly value: Droppable
}

interface Waiter {
  readonly scopes: ExecutionScopes
  readonly bytes: number
  readonly grant: () => void
}

/** The scopes that the memory of one execution is counted in. */
interface ExecutionScopes {
  readonly ownerId: string
  readonly execution: Scope
  readonly owner: Scope
  /** All of them, the smallest first. */
  readonly all: readonly Scope[]
}

/** The requests that wait for memory of the process, which requests that came later must not take. */
type ProcessWait = 'none' | 'ofHolders' | 'ofNewOwners'

/**
 * Bounds the heap that the values of running executions take: per execution, per owner, and in the whole process. Values
 * that are on record are dropped, the least recently used first, to make room for others; what is in use is kept. Requests that
 * do not fit wait: owners take turns, and requests of one owner are granted in the order in which they came. Requests that wait
 * for the share of their owner or their execution do not hold back others. A part of the memory is reserved for new owners
 * (`RESERVED_MEMORY_SHARE`).
 */
export class MemoryBudget {
  readonly #process: Scope
  readonly #ownerMax: number
  readonly #owners = new Map<string, { readonly scope: Scope; executions: number }>()
  readonly #waiters = new OwnerQueues<Waiter>()
  #processWait: ProcessWait = 'none'

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
    const all = [execution, owner.scope, this.#process]
    const scopes: ExecutionScopes = { ownerId, execution, owner: owner.scope, all }
    return new ExecutionMemory(
      {
        scopes: all,
        fit: (bytes) => this.#fit(scopes, bytes),
        request: (bytes, grant) => this.#request({ scopes, bytes, grant }),
        freed: () => this.#serve(),
      },
      () => {
        owner.executions--
        if (owner.executions === 0) this.#owners.delete(ownerId)
      },
    )
  }

  /** Makes room for a request that does not wait; false where it would take what others wait for. */
  #fit(scopes: ExecutionScopes, bytes: number): boolean {
    return !this.#mustWait(scopes, bytes) && this.#makeRoom(scopes, bytes)
  }

  /** Returns the function that withdraws the request. */
  #request(waiter: Waiter): () => void {
    const { ownerId } = waiter.scopes
    this.#waiters.push(ownerId, waiter)
    this.#serve()
    return () => {
      if (this.#waiters.remove(ownerId, waiter)) this.#serve()
    }
  }

  /** Grants what fits, owners in turn. A request that does not fit blocks those behind it that need the same scope. */
  #serve(): void {
    this.#processWait = 'none'
    if (this.#waiters.size === 0) return
    const blocked = new Set<Scope>()
    const granted: Waiter[] = []
    let hasGranted = true
    while (hasGranted) {
      hasGranted = false
      for (const owner of Array.from(this.#waiters.owners())) {
        const waiter = this.#waiters.itemsOf(owner).find((one) => this.#canBeGranted(one, blocked))
        if (!waiter) continue
        this.#waiters.take(owner, waiter)
        for (const scope of waiter.scopes.all) scope.used += waiter.bytes
        granted.push(waiter)
        hasGranted = true
      }
    }
    for (const { grant } of granted) grant()
  }

  #canBeGranted({ scopes, bytes }: Waiter, blocked: Set<Scope>): boolean {
    const { execution, owner } = scopes
    if (blocked.has(execution) || blocked.has(owner) || this.#mustWait(scopes, bytes)) return false
    if (this.#makeRoom(scopes, bytes)) return true
    const own = [execution, owner].filter((scope) => !scope.couldFit(bytes))
    for (const scope of own) blocked.add(scope)
    if (own.length === 0) this.#processWait = this.#isNew(scopes, bytes) ? 'ofNewOwners' : 'ofHolders'
    return false
  }

  /** Whether requests that came before wait for the same memory of the process. */
  #mustWait(scopes: ExecutionScopes, bytes: number): boolean {
    switch (this.#processWait) {
      case 'none':
        return false
      case 'ofHolders':
        return !this.#isNew(scopes, bytes)
      case 'ofNewOwners':
        return true
      default:
        return assertNever(this.#processWait)
    }
  }

  #isNew({ owner }: ExecutionScopes, bytes: number): boolean {
    const inUse = owner.used - owner.droppableBytes
    return inUse <= 0 || inUse + bytes <= this.#process.max * NEW_OWNER_MEMORY_SHARE
  }

  /** Drops values until the bytes fit into every scope; false, and nothing is dropped, when that is not enough. */
  #makeRoom(scopes: ExecutionScopes, bytes: number): boolean {
    const { execution, owner } = scopes
    const isNew = this.#isNew(scopes, bytes)
    const part = isNew ? NEW_OWNERS_MEMORY_PART : 1 - RESERVED_MEMORY_SHARE
    const process = this.#process
    const fits =
      execution.couldFit(bytes) && owner.couldFit(bytes) && process.couldFit(bytes, process.max * part)
    if (!fits) return false
    for (const scope of scopes.all) {
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
  /** Calls `grant` once the bytes are counted. Returns the function that withdraws the request. */
  readonly request: (bytes: number, grant: () => void) => () => void
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
    const withdraw = this.#access.request(bytes, () => {
      this.#held += bytes
      if (this.#isClosed) this.#giveBack(bytes)
      isGranted = true
      onGrant()
    })
    if (isGranted) return 'granted'
    return new Promise((resolve, reject) => {
      const stopTimer = clock.after(MEMORY_WAIT_MS, () => {
        done()
        withdraw()
        resolve('timedOut')
      })
      const onAbort = () => {
        done()
        withdraw()
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
