import type { Breath } from '../../lib/breath.ts'
import { deepFreeze, type Json } from '../../lib/json.ts'
import type { EventDraft, JobEvent } from '../event.ts'
import type {
  EndedLoopItem,
  JobEnd,
  JournalEntry,
  LoopItemRecord,
  RecordedState,
  RunJournal,
  StepRecord,
} from '../journal.ts'

/** A step's large values, as they were read back from their text. */
export interface StepValues {
  readonly config: Json
  readonly output: Json
}

export interface SimulationJournalOptions {
  readonly maxEvents: number
  /** Drawn at every entry, so that a simulation of any length leaves the thread to others. */
  readonly breath: Breath
  /** A step's new state, once it is kept. */
  readonly onStep?: (step: StepRecord) => void
}

/** More happens than a simulation may tell. */
export class TooManyEventsError extends Error {
  override readonly name = 'TooManyEventsError'
}

/** Keeps one execution's records in memory, as the tables would. There is one writer, so nothing is ever refused. */
export class SimulationJournal implements RunJournal {
  readonly events: JobEvent[] = []
  readonly steps = new Map<string, StepRecord>()
  readonly values = new Map<string, StepValues>()
  readonly #options: SimulationJournalOptions
  readonly #items = new Map<string, Map<number, LoopItemRecord>>()
  readonly #checkpoints = new Map<string, { [key: string]: Json }>()
  #entries = 0
  #pending = 0
  #startedAt: number | null = null
  #progress = 0
  #costUsd = 0
  #end: JobEnd | null = null

  constructor(options: SimulationJournalOptions) {
    this.#options = options
  }

  async append(entry: JournalEntry): Promise<void> {
    const { events, steps = [], values = [], items = [], checkpoints = [], job } = entry
    if (this.events.length + events.length > this.#options.maxEvents) throw new TooManyEventsError()
    this.#entries++
    this.#progress = Math.max(this.#progress, job.progress)
    this.#costUsd = job.costUsd ?? this.#costUsd
    this.#startedAt = job.startedAt ?? this.#startedAt
    this.#end = job.end ?? this.#end
    for (const draft of events) this.events.push(this.#numbered(draft))
    for (const step of steps) this.steps.set(step.path, step)
    for (const { path, config, output } of values)
      this.values.set(path, { config: read(config), output: output === null ? null : read(output) })
    for (const item of items) this.#itemsOf(item.path).set(item.index, item)
    for (const { path, key, value } of checkpoints)
      this.#checkpoints.set(path, { ...this.#checkpoints.get(path), [key]: read(value) })
    for (const step of steps) this.#options.onStep?.(step)
    this.#pending++
    await this.#options.breath.draw().finally(() => this.#pending--)
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

  /** How many entries there were: a number that stands still when nothing happens. */
  get entries(): number {
    return this.#entries
  }

  /** Whether an entry is being taken in. */
  get isBusy(): boolean {
    return this.#pending > 0
  }

  get startedAt(): number | null {
    return this.#startedAt
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

  /** What a run that goes on after a park is told. */
  recorded(): RecordedState {
    const steps = [...this.steps.values()].map((whole) => {
      const { order: _, ...step } = whole
      const output = this.values.get(step.path)?.output ?? null
      return [step.path, { ...step, output, checkpoints: this.#checkpoints.get(step.path) ?? {} }] as const
    })
    const items = [...this.#items].map(
      ([path, ended]) =>
        [path, new Map([...ended].map(([index, { status }]) => [index, status] as const))] as const,
    )
    return { steps: new Map(steps), items: new Map(items) }
  }

  #numbered(draft: EventDraft): JobEvent {
    const { kind, at, body } = draft
    return {
      seq: this.events.length + 1,
      at: new Date(at),
      kind,
      progress: this.#progress,
      body,
    } as JobEvent
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
