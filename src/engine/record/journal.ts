import type { Json } from '../../lib/json/index.ts'
import type { EventDraft } from './event.ts'
import type { JobStatus, TerminalStatus } from './job.ts'
import type { AttemptRecord, KnownWait, RecordedError, StepStatus, StepWait } from './step.ts'

/**
 * What one entry changes about one execution (D1): all of it is committed together or not at all. Entries of one
 * execution are committed in the order in which they were appended.
 */
export interface JournalEntry {
  readonly events: readonly EventDraft[]
  readonly steps?: readonly StepRecord[]
  readonly values?: readonly StepValuesRecord[]
  readonly items?: readonly LoopItemRecord[]
  readonly checkpoints?: readonly CheckpointRecord[]
  /** Signals that are used up by this entry. */
  readonly signals?: readonly SignalUse[]
  readonly job: JobChange
}

/** A step's new state, whole. */
export interface StepRecord {
  readonly path: string
  /** Its place in the definition: `[node]`, inside a loop `[node, item, node]`. */
  readonly order: readonly number[]
  readonly nodeId: string
  readonly status: StepStatus
  readonly attempt: number
  readonly attempts: readonly AttemptRecord[]
  readonly handles: readonly string[]
  readonly inputFrom: readonly string[]
  readonly dueAt: number | null
  /** Null unless the step waits. */
  readonly wait: StepWait | null
  readonly error: RecordedError | null
  /** The execution that holds its output, when it was not run (a retry); null for every other step. */
  readonly reusedFrom: string | null
  /** The idempotency key of its calls, when it is that of an earlier execution; null: its own. */
  readonly callKey: string | null
  readonly startedAt: number | null
  readonly finishedAt: number | null
}

/** What a block recorded in the middle of its work, in place of what it recorded under this key before. */
export interface CheckpointRecord {
  readonly path: string
  /** That of the step. */
  readonly order: readonly number[]
  readonly key: string
  /** JSON text. */
  readonly value: string
}

/** A signal of the inbox that is used up, by the wait of the step at `path`; null: it was discarded. */
export interface SignalUse {
  readonly number: number
  readonly path: string | null
}

/** The large values of a step, as JSON text. */
export interface StepValuesRecord {
  readonly path: string
  readonly config: string
  readonly output: string | null
}

/** How one item of a loop ended (E10). */
export interface LoopItemRecord {
  /** The loop's step path. */
  readonly path: string
  /** That of the loop's step, followed by the index. */
  readonly order: readonly number[]
  readonly index: number
  readonly status: 'COMPLETED' | 'FAILED'
  /** JSON text; null when the loop keeps no outputs, the item failed, or its output is elsewhere. */
  readonly output: string | null
  readonly error: RecordedError | null
  /** The execution that holds its output, when it was not run. */
  readonly reusedFrom: string | null
  readonly finishedAt: number
}

/** What the entry changes on the job's row. */
export interface JobChange {
  readonly status?: Exclude<JobStatus, TerminalStatus>
  /** In percent; never falls. */
  readonly progress: number
  readonly currentStep?: string | null
  readonly completedNodes?: number
  readonly startedAt?: number
  /** What all calls have cost so far, in US dollars. */
  readonly costUsd?: number
  /** True when a step's end is among the records: a worker that gets this far is not in a crash loop (D5). So is one whose run parks. */
  readonly endsStep?: boolean
  /** Ends the job and gives up the lease. */
  readonly end?: JobEnd
  /** Gives up the lease in good order until an instant (null: until something comes), unless a command arrived that has not been read (D8). */
  readonly park?: Park
}

export interface Park {
  readonly wakeAt: number | null
  /** True when nothing of the execution was loaded or run: then it proves nothing about what the execution does to its worker. */
  readonly isUnrun?: boolean
}

export type JobEnd =
  | { readonly status: 'COMPLETED'; readonly at: number; /** JSON text. */ readonly output: string }
  | { readonly status: 'FAILED'; readonly at: number; readonly error: RecordedError }
  | { readonly status: 'CANCELED'; readonly at: number }

/** Receives how the commit of an entry was decided: null once it is committed, otherwise why nothing of it was written. Never throws. */
export type OnDecided = (refusal: unknown) => void

/** Where the run loop records what it does. */
export interface RunJournal {
  /**
   * Records an entry whose commit a caller waits for: it is flushed as soon as possible, with everything that was recorded before it.
   * Resolves once the entry is committed. Rejects with `FenceLostError` when another worker holds the job by now, with
   * `ParkRefusedError` when a park met an unread command, and with `EntryRefusedError` when the database refused the
   * values of the entry or of an earlier one. In each case nothing of it was written, and every entry that was recorded behind
   * it is rejected, too, except behind a refused park. Once the database has refused an entry, only the job's end is recorded.
   */
  append(entry: JournalEntry): Promise<void>
  /**
   * Records an entry whose commit no caller waits for yet. The entry triggers no flush: it is flushed with the next entry of this
   * execution that is awaited, after `hasten`, or after a short time. `onDecided` is called as `append` would settle, never before
   * this call returns: most entries are notes, and on Node 20 each promise costs calls of the hooks of `AsyncLocalStorage`.
   */
  note(entry: JournalEntry, onDecided: OnDecided): void
  /** A caller waits for the commit of everything that was recorded so far: it is flushed as soon as possible. */
  hasten(): void
  /** A loop's ended items, in order, with what is wanted of them; the rest is null. */
  loopItems(path: string, wanted?: LoopItemPart): Promise<readonly EndedLoopItem[]>
  /** The bytes of JSON text that `loopItems` would read. */
  loopItemsBytes(path: string, wanted?: LoopItemPart): Promise<number>
  /**
   * The committed outputs of these steps as JSON text, by path; one that an earlier execution recorded is read there. A step
   * without an output is left out.
   */
  outputs(paths: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** The size of what a step's attempts have recorded by `checkpoint`. */
  checkpointsSize(path: string): Promise<CheckpointsSize>
  /** The same values as JSON text, by key. */
  checkpoints(path: string): Promise<ReadonlyMap<string, string>>
  /** Reads a signal in the job's inbox, and what the step at that path, which waits for it, demands of it. */
  signal(number: number, path: string): Promise<ReceivedSignal>
}

export interface CheckpointsSize {
  readonly count: number
  /** Keys, and values as JSON text, in bytes of UTF-8. */
  readonly bytes: number
}

/** A signal, and the wait that takes it. */
export interface ReceivedSignal {
  /** JSON text. */
  readonly payload: string
  /** The schema that the wait demands, as JSON text; `null` where it demands none. */
  readonly schema: string
}

/** Which values of ended items to read. Default: `both`. */
export type LoopItemPart = 'outputs' | 'errors' | 'both'

export interface EndedLoopItem {
  readonly index: number
  readonly status: 'COMPLETED' | 'FAILED'
  readonly output: Json
  readonly error: RecordedError | null
}

/** Another worker holds the job: this one must stop and write nothing more (D3). */
export class FenceLostError extends Error {
  override readonly name = 'FenceLostError'
}

/** A command came that the run has not read: it must be obeyed before the job may park (D8). */
export class ParkRefusedError extends Error {
  override readonly name = 'ParkRefusedError'
}

/** The database refuses an entry for what it holds: only its execution is guilty (D2). */
export class EntryRefusedError extends Error {
  override readonly name = 'EntryRefusedError'
}

/** What is known of an execution when a worker takes it up. */
export interface RecordedState {
  readonly steps: ReadonlyMap<string, RecordedStep>
  /** Ended items by loop path: statuses only, never outputs (E10). */
  readonly items: ReadonlyMap<string, ReadonlyMap<number, 'COMPLETED' | 'FAILED'>>
}

export interface RecordedStep extends Omit<StepRecord, 'order' | 'wait'> {
  /** Null unless the step waits. */
  readonly wait: KnownWait | null
  /** Null unless the step ended with one, or waits to end with one; undefined: it was not loaded, `outputs` reads it. */
  readonly output: Json | undefined
  /** Whether its attempts recorded anything by `checkpoint`, which the journal reads when an attempt begins; false once it has ended. */
  readonly hasCheckpoints: boolean
}

export const NOTHING_RECORDED: RecordedState = { steps: new Map(), items: new Map() }
