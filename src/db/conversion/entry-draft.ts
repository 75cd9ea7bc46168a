import type { OldCheckpoint, OldEvent, OldItem, OldJob, OldStep } from './old-records.ts'

/** An entry without values. */
export interface EntryDraft {
  readonly job: OldJob
  readonly events: OldEvent[]
  readonly steps: OldStep[]
  readonly items: OldItem[]
  readonly checkpoints: OldCheckpoint[]
  seq: number
  /** In milliseconds. */
  at: number
  /** The size of its values, as JSON text. */
  valueBytes: number
  /** About the size of its changes and of its events, as JSON text. */
  changeBytes: number
  eventBytes: number
  /** The last entry has the signals that are used up, and the output. */
  isLast: boolean
}

/** `seq` and `at`: those of the entry before. */
export function emptyDraft(job: OldJob, { seq, at }: { seq: number; at: number }): EntryDraft {
  const sizes = { valueBytes: 0, changeBytes: 0, eventBytes: 0 }
  return { job, events: [], steps: [], items: [], checkpoints: [], seq, at, ...sizes, isLast: false }
}
