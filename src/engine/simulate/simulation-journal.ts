import { deepFreeze, jsonHeapSize, type Json } from '../../lib/json/index.ts'
import type { TimeSlice } from '../../lib/turns/index.ts'
import {
  ParkRefusedError,
  type CheckpointsSize,
  type EndedLoopItem,
  type EventDraft,
  type JobEnd,
  type JobEvent,
  type JournalEntry,
  type LoopItemRecord,
  type OnDecided,
  type ReceivedSignal,
  type RunJournal,
  type StepRecord,
} from '../record/index.ts'

/** A step's large values, as they were read back from their text. */
export interface StepValues {
  readonly config: Json
  readonly output: Json
}

/** How much a simulation holds. */
export interface SimulationSize {
  readonly events: number
  /** Estimated bytes of heap. */
  readonly heapBytes: number
}

export interface SimulationJournalOptions {
  readonly maxEvents: number
  /** Drawn at every entry, so that a simulation of any length leaves the thread to others. */
  readonly timeSlice: TimeSlice
  /** Whether a run that has only waits left ends there, or is told to stay: going on is cheaper than taking it up anew. */
  readonly grantsPark: boolean
  /** Called before each entry with the size of the simulation so far; the entry waits for the returned promise. */
  readonly beforeEntry?: (size: SimulationSize) => Promise<void> | null
  /** A step's new state, once it is kept. */
  readonly onStep?: (step: StepRecord) => void
}

/** The most that the values of a simulation may take in memory together, in estimated bytes of heap. */
export const SIMULATION_MAX_HEAP_BYTES = 48 * 1024 * 1024

/** More happens than a simulation may report. The message says what. */
export class TooManyEventsError extends Error {
  override readonly name = 'TooManyEventsError'
}

/** Keeps one execution's records in memory, as the tables would. There is one writer, and nobody takes a run up again. */
export class SimulationJournal implements RunJournal {
  readonly events: JobEvent[] = []
  readonly steps = new Map<string, StepRecord>()
  readonly values = new Map<string, StepValues>()
  /** The payloads of the signals that were sent, by number. */
  readonly payloads = new Map<number, string>()
  readonly #options: SimulationJournalOptions
  readonly #items = new Map<string, Map<number, LoopItemRecord>>()
  /** By step path and key, as JSON text. */
  readonly #checkpoints = new Map<string, Map<string, string>>()
  #entries = 0
  #pending = 0
  #heapBytes = 0
  #progress = 0
  #costUsd = 0
  #end: JobEnd | null = null

  constructor(options: SimulationJournalOptions) {
    this.#options = options
  }

  async append(entry: JournalEntry): Promise<void> {
    const size = { events: this.events.length, heapBytes: this.#heapBytes }
    const wait = this.#options.beforeEntry?.(size)
    if (wait) await wait
    const { events, steps = [], values = [], items = [], checkpoints = [], job } = entry
    if (this.events.length + events.length > this.#options.maxEvents)
      throw new TooManyEventsError(`more than ${this.#options.maxEvents} events`)
    this.#count([
      ...values.flatMap(({ config, output }) => [config, output]),
      ...items.map(({ output }) => output),
      ...checkpoints.map(({ value }) => value),
    ])
    if (job.park && !this.#options.grantsPark) {
      // Asked again until time moves, it is told once.
      if (this.events.at(-1)?.kind !== 'JOB_WAITING') for (const draft of events) this.#tell(draft)
      throw new ParkRefusedError()
    }
    this.#entries++
    this.#progress = Math.max(this.#progress, job.progress)
    this.#costUsd = job.costUsd ?? this.#costUsd
    this.#end = job.end ?? this.#end
    for (const draft of events) this.#tell(draft)
    for (const step of steps) this.steps.set(step.path, step)
    for (const { path, config, output } of values)
      this.values.set(path, { config: read(config), output: output === null ? null : read(output) })
    for (const { path, key, value } of checkpoints) this.#checkpointsOf(path).set(key, value)
    for (const item of items) this.#itemsOf(item.path).set(item.index, item)
    for (const step of steps) this.#options.onStep?.(step)
    this.#pending++
    try {
      await this.#options.timeSlice.yieldIfOver()
    } finally {
      this.#pending--
    }
  }

  /** Memory needs no group: what is noted is kept at once. */
  note(entry: JournalEntry, onDecided: OnDecided): void {
    this.append(entry).then(() => onDecided(null), onDecided)
  }

  hasten(): void {
    // Nothing is delayed.
  }

  #count(texts: readonly (string | null)[]): void {
    for (const text of texts) this.#heapBytes += text === null ? 0 : jsonHeapSize(text).heapBytes
    if (this.#heapBytes > SIMULATION_MAX_HEAP_BYTES)
      throw new TooManyEventsError(`values of more than ${SIMULATION_MAX_HEAP_BYTES} bytes of memory`)
  }

  loopItems(path: string): Promise<readonly EndedLoopItem[]> {
    const items = [...this.#itemsOf(path).values()].toSorted((a, b) => a.index - b.index)
    return Promise.resolve(
      items.map(({ index, status, output, error }) => ({
        index,
        status,
        output: output === null ? null : read(output),
        error,
      })),
    )
  }

  loopItemsBytes(path: string): Promise<number> {
    let bytes = 0
    for (const { output } of this.#itemsOf(path).values()) bytes += output?.length ?? 0
    return Promise.resolve(bytes)
  }

  outputs(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = paths.flatMap((path) => {
      const values = this.values.get(path)
      return values ? [[path, JSON.stringify(values.output)] as const] : []
    })
    return Promise.resolve(new Map(found))
  }

  checkpointsSize(path: string): Promise<CheckpointsSize> {
    let bytes = 0
    const texts = this.#checkpointsOf(path)
    for (const [key, text] of texts) bytes += key.length + text.length
    return Promise.resolve({ count: texts.size, bytes })
  }

  checkpoints(path: string): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(this.#checkpointsOf(path))
  }

  signal(number: number, path: string): Promise<ReceivedSignal> {
    const wait = this.steps.get(path)?.wait
    const schema = JSON.stringify(wait?.kind === 'signal' ? wait.schema : null)
    return Promise.resolve({ payload: this.payloads.get(number) ?? 'null', schema })
  }

  /** How many entries there were: a number that stands still when nothing happens. */
  get entries(): number {
    return this.#entries
  }

  /** Whether an entry is being taken in. */
  get isBusy(): boolean {
    return this.#pending > 0
  }

  get progress(): number {
    return this.#progress
  }

  get costUsd(): number {
    return this.#costUsd
  }

  get end(): JobEnd | null {
    return this.#end
  }

  #tell({ kind, at, body }: EventDraft): void {
    const seq = this.events.length + 1
    this.events.push({ seq, at: new Date(at), kind, progress: this.#progress, body } as JobEvent)
  }

  #checkpointsOf(path: string): Map<string, string> {
    const known = this.#checkpoints.get(path)
    if (known) return known
    const texts = new Map<string, string>()
    this.#checkpoints.set(path, texts)
    return texts
  }

  #itemsOf(path: string): Map<number, LoopItemRecord> {
    const known = this.#items.get(path)
    if (known) return known
    const items = new Map<number, LoopItemRecord>()
    this.#items.set(path, items)
    return items
  }
}

function read(text: string): Json {
  return deepFreeze(JSON.parse(text) as Json)
}
