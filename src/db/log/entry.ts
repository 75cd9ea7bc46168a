import type {
  AttemptRecord,
  CheckpointRecord,
  EventDraft,
  KnownWait,
  LoopItemRecord,
  RecordedError,
  SignalUse,
  StepRecord,
  StepValuesRecord,
} from '../../engine/record/index.ts'
import type { JsonObject } from '../../lib/json/index.ts'
import type { EventCode, StatusCode } from './codes.ts'

/**
 * The version of the format of entries. A reader reads all formats up to its own. An entry is never rewritten, so a change of the
 * format adds a version and keeps the code that reads the earlier ones. Format 2 has the columns of format 1; of a log in it, the
 * entries may begin behind the first event, which is then JOB_QUEUED at the time of the job's creation.
 */
export const ENTRY_FORMAT = 2

/** Values with more characters of JSON text than this are stored in `job_values`, smaller ones in the entry. */
export const SMALL_VALUE_MAX_LENGTH = 2_048

/** An entry has at most this many characters of changes, and of events, unless a run records more at once. */
export const ENTRY_MAX_LENGTH = 256 * 1024

/** What one flush records of one execution, beside the changes of the job's row. */
export interface EntryContents {
  readonly events: readonly EntryEvent[]
  readonly steps: readonly StepRecord[]
  readonly values: readonly StepValuesRecord[]
  readonly items: readonly LoopItemRecord[]
  readonly checkpoints: readonly CheckpointRecord[]
  readonly signals: readonly SignalUse[]
  /** The execution's output as JSON text, in the entry that completes it. */
  readonly output: string | null
}

/** The contents of an entry that records nothing. */
export const NO_CONTENTS: EntryContents = {
  events: [],
  steps: [],
  values: [],
  items: [],
  checkpoints: [],
  signals: [],
  output: null,
}

/** An event whose number follows from the number of its entry. */
export interface EntryEvent {
  /** The job's progress in percent at that moment. */
  readonly progress: number
  readonly draft: EventDraft
}

/** A step as the log records it: a wait for a signal names the length of its schema. */
export type LoggedStep = Omit<StepRecord, 'wait'> & { readonly wait: KnownWait | null }

/** A row of `job_log` as it is written; the columns with JSON are texts. */
export interface EncodedEntry {
  /** In milliseconds; the times inside count from here. */
  readonly at: number
  readonly changes: string | null
  readonly events: string | null
  readonly small: string | null
  readonly large: readonly LargeValue[]
  /** The number of steps, items and checkpoints that the entry changes. */
  readonly changeCount: number
}

/** A row of `job_values`. */
export interface LargeValue {
  readonly key: string
  /** JSON text. */
  readonly value: string
}

/** The column `changes`. All lists may be left out. */
export interface Changes {
  readonly s?: readonly StepChange[]
  readonly i?: readonly ItemChange[]
  readonly k?: readonly CheckpointChange[]
  /** Signals that are used up, and by the step at which path; null: discarded. */
  readonly u?: readonly (readonly [number: number, path: string | null])[]
}

/**
 * A step's new state. What is left out has its usual value: status COMPLETED, attempt 1, the handle `out` of a completed step and none
 * of any other, the only attempt from `b` to `f` with the block's version `c`, and no inputs, due time, wait, error, source or key.
 */
export interface StepChange {
  /** Path. */
  readonly p: string
  /** Position. */
  readonly o: string
  /** The id of the node, where the path does not end with it. */
  readonly m?: string
  readonly s?: StatusCode
  /** The number of the attempt. */
  readonly n?: number
  /** When it began, in milliseconds after the entry; left out: it has not begun. */
  readonly b?: number
  /** When it ended; left out: it is open. */
  readonly f?: number
  readonly h?: readonly string[]
  readonly i?: readonly string[]
  readonly a?: readonly AttemptRecord[]
  /** The version of the block that made its only attempt; left out where that is not on record, or where `a` has it. */
  readonly c?: string
  readonly d?: number
  /** Without the schema of a signal's payload, which is a value of the entry (see `ValueKind`). */
  readonly w?: KnownWait
  readonly e?: RecordedError
  readonly r?: string
  readonly k?: string
  /** Its config and output are in this entry (see `VALUE`); left out: those of an earlier entry still hold. */
  readonly v?: number
}

/** The end of a loop's item; left out: it completed. */
export interface ItemChange {
  /** The loop's path. */
  readonly p: string
  /** The item's position. */
  readonly o: string
  readonly x: number
  readonly f: number
  readonly s?: StatusCode
  readonly e?: RecordedError
  readonly r?: string
  readonly v?: number
}

export type CheckpointChange = readonly [path: string, position: string, key: string, value: number]

/**
 * An event. `subject`: the place of a step in `s`, or -1 minus the place of an item in `i`; null: none. `body`: what does not follow
 * from the subject. Nulls at the end are left out; `progress` is null where the event before it in the entry has the same.
 */
export type EventChange = readonly [
  kind: EventCode,
  at: number,
  progress?: number | null,
  subject?: number | null,
  body?: JsonObject | null,
]

/** Bits that say which values of a step, an item or a checkpoint an entry holds, and where. */
export const VALUE = {
  /** There is an output. */
  OUTPUT: 1,
  /** The output is in `job_values`. */
  LARGE_OUTPUT: 2,
  /** The config has fields. */
  CONFIG: 4,
  /** The config is in `job_values`. */
  LARGE_CONFIG: 8,
} as const

/**
 * The kinds of values, as they begin the keys of `job_values` and name the members of `small`: configs, outputs, checkpoints, and
 * the schemas that waits demand of a signal.
 */
export type ValueKind = 'c' | 'o' | 'k' | 'w'

/** The path under which the execution's own output is stored. */
export const EXECUTION_OUTPUT = ''

/** The key of a value in `job_values`. A path has no space, so that a checkpoint's key can follow one. */
export function valueKey(kind: ValueKind, path: string): string {
  return `${kind}:${path}`
}

/** The name of a checkpoint among all of an execution. */
export function checkpointPath(path: string, key: string): string {
  return `${path} ${key}`
}
