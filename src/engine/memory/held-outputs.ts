import { deepFreezePieces, jsonHeapSize, type Json } from '../../lib/json/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { inPieces, yieldToEventLoop } from '../../lib/turns/index.ts'
import type { Commit, StepFailure } from '../record/index.ts'
import type { Droppable, ExecutionMemory, MemoryGrant } from './memory-budget.ts'

/** The code of a step, or of an execution, whose values do not fit into memory together. */
export const MEMORY_BUDGET_EXCEEDED = 'MEMORY_BUDGET_EXCEEDED'

/** Outputs whose size is unknown are read this many at a time to find it out. */
const READ_AT_ONCE = 4

/** Parsing and freezing a value of more bytes gives the thread to others in between. */
const LARGE_HEAP_BYTES = 1024 * 1024

/** A step's output as it is handed to the graph. */
export type StepOutput =
  | {
      readonly kind: 'value'
      readonly value: Json
      /** Null: to be estimated. */
      readonly heapBytes: number | null
      /** Whether it is on record, so that it can be read back; the commit that decides it while that is under way. */
      readonly isStored: boolean | Commit
      /** The memory that was taken for it beforehand; 0: none. */
      readonly takenBytes: number
    }
  /** On record, and not in memory. */
  | { readonly kind: 'stored' }

/**
 * Reads outputs on record, as JSON text, by step path; a path without an output is left out. What is noted and not committed yet is
 * committed first.
 */
export type ReadOutputs = (paths: readonly string[]) => Promise<ReadonlyMap<string, string>>

class HeldOutput implements Droppable {
  readonly path: string
  /** Undefined: it is on record alone. */
  value: Json | undefined
  /** Estimated; null until it has been in memory. */
  size: number | null = null
  isStored = false
  /** How many steps use it now. */
  pins = 0
  /** Nothing will read it any more. */
  isForgotten = false
  loading: Promise<StepFailure | null> | null = null

  constructor(path: string) {
    this.path = path
  }

  get bytes(): number {
    return this.size ?? 0
  }

  drop(): void {
    this.value = undefined
  }
}

/**
 * The outputs of an execution's steps that later steps may read. Within the memory budget they are kept; beyond it those that are on
 * record and not in use are dropped, and read back when a step needs them. What flows on is the same either way: the
 * value that the recorded text holds.
 */
export class HeldOutputs {
  readonly #memory: ExecutionMemory
  readonly #read: ReadOutputs
  readonly #clock: Pick<Clock, 'after'>
  readonly #held = new Map<string, HeldOutput>()

  constructor(memory: ExecutionMemory, read: ReadOutputs, clock: Pick<Clock, 'after'>) {
    this.#memory = memory
    this.#read = read
    this.#clock = clock
  }

  put(path: string, output: StepOutput): void {
    const held = new HeldOutput(path)
    this.#held.set(path, held)
    if (output.kind === 'stored') {
      held.isStored = true
      return
    }
    const { value, heapBytes, isStored, takenBytes } = output
    held.size = takenBytes || (heapBytes ?? jsonHeapSize(JSON.stringify(value)).heapBytes)
    if (isStored === true) {
      held.isStored = true
      if (!this.#memory.tryTake(held.size)) return
      held.value = value
      this.#memory.mayDrop(held)
      return
    }
    if (takenBytes === 0) this.#memory.count(held.size)
    held.value = value
    if (isStored !== false)
      isStored.onDecided((isCommitted) => {
        if (isCommitted) this.#stored(held)
      })
  }

  /** Nothing will read the output any more. */
  forget(path: string): void {
    const held = this.#held.get(path)
    if (!held) return
    held.isForgotten = true
    if (held.pins === 0) this.#discard(held)
  }

  /** An output that is pinned, or was never dropped; null for a step that has none. */
  value(path: string): Json {
    const held = this.#held.get(path)
    if (!held) return null
    if (held.value === undefined) throw new Error(`the output of ${path} is not in memory`)
    return held.value
  }

  /**
   * Keeps these outputs in memory until they are unpinned; reads back those that were dropped, for which it waits. Returns why
   * that is impossible, and pins nothing then; null on success, without a promise when nothing had to be read.
   */
  pin(paths: readonly string[], signal: AbortSignal): null | Promise<StepFailure | null> {
    const wanted = paths.flatMap((path) => this.#held.get(path) ?? [])
    for (const held of wanted) {
      held.pins++
      this.#memory.keep(held)
    }
    if (wanted.every(({ value }) => value !== undefined)) return null
    return this.#load(wanted, signal).then(
      (failure) => {
        if (failure) this.#unpin(wanted)
        return failure
      },
      (reason: unknown) => {
        this.#unpin(wanted)
        throw reason
      },
    )
  }

  unpin(paths: readonly string[]): void {
    this.#unpin(paths.flatMap((path) => this.#held.get(path) ?? []))
  }

  /** Reads one output back without keeping it. */
  async readOnce(path: string): Promise<Json> {
    const text = (await this.#read([path])).get(path)
    return text === undefined ? null : this.#parse(text, text.length)
  }

  /** Takes memory for a value that cannot be read back; waits for it for a bounded time. */
  take(bytes: number, signal: AbortSignal): null | Promise<StepFailure | null> {
    const grant = this.#memory.take(bytes, { signal, clock: this.#clock })
    if (grant === 'granted') return null
    return Promise.resolve(grant).then((outcome) => this.#failureOf(outcome, bytes))
  }

  /** Counts what the execution holds as long as it runs here. */
  count(bytes: number): void {
    this.#memory.count(bytes)
  }

  /** Gives back what was taken. */
  release(bytes: number): void {
    this.#memory.release(bytes)
  }

  /** Gives everything back: the run is over here. */
  close(): void {
    this.#held.clear()
    this.#memory.close()
  }

  #stored(held: HeldOutput): void {
    held.isStored = true
    if (!held.isForgotten && held.pins === 0 && held.value !== undefined) this.#memory.mayDrop(held)
  }

  #unpin(wanted: readonly HeldOutput[]): void {
    for (const held of wanted) {
      held.pins--
      if (held.pins > 0) continue
      if (held.isForgotten) this.#discard(held)
      else if (held.isStored && held.value !== undefined) this.#memory.mayDrop(held)
    }
  }

  #discard(held: HeldOutput): void {
    this.#held.delete(held.path)
    if (held.value === undefined) return
    this.#memory.keep(held)
    this.#memory.release(held.bytes)
    held.value = undefined
  }

  async #load(wanted: readonly HeldOutput[], signal: AbortSignal): Promise<StepFailure | null> {
    for (;;) {
      const loading = wanted.flatMap((held) => held.loading ?? [])
      if (loading.length === 0) break
      // Another step reads them back. Should it fail, this one tries for itself.
      await Promise.all(loading).catch(() => {})
      signal.throwIfAborted()
    }
    const missing = wanted.filter(({ value }) => value === undefined)
    if (missing.length === 0) return null
    const loading = this.#readBack(missing, wanted, signal)
    for (const held of missing) held.loading = loading
    return loading.finally(() => {
      for (const held of missing) held.loading = null
    })
  }

  async #readBack(
    missing: readonly HeldOutput[],
    wanted: readonly HeldOutput[],
    signal: AbortSignal,
  ): Promise<StepFailure | null> {
    const texts = await this.#measure(missing)
    signal.throwIfAborted()
    if (sum(wanted) > this.#memory.maxBytes) return this.#failureOf('tooLarge', sum(wanted))
    const bytes = sum(missing)
    if (!this.#memory.tryTake(bytes)) {
      const grant = await this.#takeAll(wanted, bytes, signal)
      if (grant !== 'granted') return this.#failureOf(grant, sum(wanted))
    }
    try {
      for (const held of missing) {
        const text = texts.get(held.path) ?? (await this.#read([held.path])).get(held.path) ?? 'null'
        texts.delete(held.path)
        held.value = await this.#parse(text, held.bytes)
      }
      signal.throwIfAborted()
      return null
    } catch (fault) {
      for (const held of missing) held.value = undefined
      this.#memory.release(bytes)
      throw fault
    }
  }

  /**
   * Waits for the memory of all that a step reads, and keeps only what is missing of it. What the step has already may be dropped
   * meanwhile: steps that hold a part each and wait for the rest would wait for each other.
   */
  async #takeAll(wanted: readonly HeldOutput[], bytes: number, signal: AbortSignal): Promise<MemoryGrant> {
    const others = wanted.filter(({ value, isStored }) => value !== undefined && isStored)
    const total = bytes + sum(others)
    this.#unpin(others)
    try {
      const grant = await this.#memory.take(total, { signal, clock: this.#clock })
      if (grant !== 'granted') return grant
    } finally {
      for (const held of others) {
        held.pins++
        this.#memory.keep(held)
      }
    }
    for (const held of others) {
      if (held.value !== undefined) this.#memory.release(held.bytes)
      else held.value = await this.#readAgain(held)
    }
    return 'granted'
  }

  async #readAgain({ path, bytes }: HeldOutput): Promise<Json> {
    return this.#parse((await this.#read([path])).get(path) ?? 'null', bytes)
  }

  /** Finds out the sizes that are unknown. Returns the texts that had to be read for it, as long as they are few. */
  async #measure(missing: readonly HeldOutput[]): Promise<Map<string, string>> {
    const unknown = missing.filter(({ size }) => size === null)
    let texts = new Map<string, string>()
    for (let done = 0; done < unknown.length; done += READ_AT_ONCE) {
      const some = unknown.slice(done, done + READ_AT_ONCE)
      texts = new Map(await this.#read(some.map(({ path }) => path)))
      for (const held of some) held.size = jsonHeapSize(texts.get(held.path) ?? 'null').heapBytes
    }
    return texts
  }

  async #parse(text: string, bytes: number): Promise<Json> {
    if (bytes > LARGE_HEAP_BYTES) await yieldToEventLoop()
    const value = JSON.parse(text) as Json
    if (bytes > LARGE_HEAP_BYTES) await yieldToEventLoop()
    return inPieces(deepFreezePieces(value))
  }

  #failureOf(grant: MemoryGrant, bytes: number): StepFailure | null {
    switch (grant) {
      case 'granted':
        return null
      case 'tooLarge':
        return {
          code: MEMORY_BUDGET_EXCEEDED,
          message:
            `The outputs that this step reads take about ${bytes} bytes of memory together; an execution may use ${this.#memory.maxBytes}. ` +
            'Let steps return less (store the rest elsewhere and return where it is), read fewer outputs in one step, ' +
            'or do the work in a loop with `output: "none"`.',
          retryable: false,
        }
      case 'timedOut':
        return {
          code: MEMORY_BUDGET_EXCEEDED,
          message:
            `The step waited in vain for about ${bytes} bytes of memory, which other steps and executions use. ` +
            'Try again later, run fewer executions at the same time, or let steps return less.',
          retryable: true,
        }
    }
  }
}

function sum(outputs: readonly HeldOutput[]): number {
  return outputs.reduce((total, { bytes }) => total + bytes, 0)
}
