import type {
  CheckpointRecord,
  EventDraft,
  JobChange,
  JobEnd,
  JobStatus,
  JournalEntry,
  LoopItemRecord,
  SignalUse,
  StepRecord,
  StepValuesRecord,
} from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import { checkpointPath, encodeEntry, type EncodedEntry } from '../log/index.ts'

/** Everything one flush changes about one job. */
export interface JobWrite {
  readonly jobId: JobId
  readonly ownerId: OwnerId
  readonly fence: bigint
  readonly expectedSeq: number
  readonly newSeq: number
  readonly expectedEntryNo: number
  readonly newEntryNo: number
  /** What the job's log records. */
  readonly entry: EncodedEntry
  readonly commandsSeen: number
  readonly status: JobStatus | null
  readonly progress: number
  readonly currentStep: string | null
  readonly completedNodes: number | null
  readonly startedAt: number | null
  readonly costUsd: number | null
  /** The job has lost no worker since: a step has ended, or a run has parked. */
  readonly clearsLosses: boolean
  readonly end: JobEnd | null
  readonly park: { readonly wakeAt: number | null } | null
  readonly events: readonly NumberedEvent[]
  readonly signals: readonly SignalUse[]
  /** About the number of bytes that it adds to the database. */
  readonly bytes: number
}

export interface NumberedEvent {
  readonly seq: number
  readonly progress: number
  readonly draft: EventDraft
  /** The draft's body as JSON text. */
  readonly body: string
}

/** Numbers an event. */
export function numbered(draft: EventDraft, seq: number, progress: number): NumberedEvent {
  return { seq, progress, draft, body: JSON.stringify(draft.body) }
}

interface Position {
  readonly jobId: JobId
  readonly ownerId: OwnerId
  readonly fence: bigint
  readonly lastSeq: number
  /** The number of the newest entry in the job's log. */
  readonly entryNo: number
  readonly commandsSeen: number
  /** The present instant, in milliseconds. */
  readonly now: number
}

/**
 * Folds the entries of one job into one write: events numbered on from the last (D4), of each record only its newest state. Throws where
 * they hold what no entry of a log can hold.
 */
export function mergeEntries(entries: readonly JournalEntry[], position: Position): JobWrite {
  const events: NumberedEvent[] = []
  const steps = new Map<string, StepRecord>()
  const values = new Map<string, StepValuesRecord>()
  const items: LoopItemRecord[] = []
  const checkpoints = new Map<string, CheckpointRecord>()
  const signals: SignalUse[] = []
  let job: JobChange = { progress: 0 }
  let endsStep = false
  for (const entry of entries) {
    for (const draft of entry.events) {
      events.push(numbered(draft, position.lastSeq + events.length + 1, entry.job.progress))
    }
    for (const step of entry.steps ?? []) steps.set(step.path, step)
    for (const value of entry.values ?? []) values.set(value.path, value)
    items.push(...(entry.items ?? []))
    for (const one of entry.checkpoints ?? []) checkpoints.set(checkpointPath(one.path, one.key), one)
    signals.push(...(entry.signals ?? []))
    endsStep ||= entry.job.endsStep ?? false
    job = foldChanges(job, entry.job)
  }
  // A park that something was appended behind is void: the run was not idle after all.
  const park = entries.at(-1)?.job.park ?? null
  const end = job.end ?? null
  const contents = {
    events,
    steps: [...steps.values()],
    values: [...values.values()],
    items,
    checkpoints: [...checkpoints.values()],
    signals,
    output: end?.status === 'COMPLETED' ? end.output : null,
  }
  return {
    jobId: position.jobId,
    ownerId: position.ownerId,
    fence: position.fence,
    expectedSeq: position.lastSeq,
    newSeq: position.lastSeq + events.length,
    expectedEntryNo: position.entryNo,
    newEntryNo: position.entryNo + 1,
    entry: encodeEntry(contents, position.now),
    commandsSeen: position.commandsSeen,
    status: end?.status ?? job.status ?? null,
    progress: job.progress,
    currentStep: job.currentStep ?? null,
    completedNodes: job.completedNodes ?? null,
    startedAt: job.startedAt ?? null,
    costUsd: job.costUsd ?? null,
    clearsLosses: endsStep || (park !== null && !park.isUnrun),
    end,
    park,
    events,
    signals,
    bytes: entries.reduce((sum, entry) => sum + byteSize(entry), 0),
  }
}

/** The later change wins where both speak; progress never falls. */
function foldChanges(earlier: JobChange, later: JobChange): JobChange {
  return { ...earlier, ...later, progress: Math.max(earlier.progress, later.progress) }
}

const ROW_BYTES = 300

/** About how much of a statement an entry takes. */
export function byteSize(entry: JournalEntry | undefined): number {
  if (!entry) return 0
  const values = (entry.values ?? []).reduce(
    (sum, { config, output }) => sum + config.length + (output?.length ?? 0),
    0,
  )
  const items = (entry.items ?? []).reduce((sum, { output }) => sum + (output?.length ?? 0), 0)
  const checkpoints = (entry.checkpoints ?? []).reduce((sum, { value }) => sum + value.length + ROW_BYTES, 0)
  const result = entry.job.end?.status === 'COMPLETED' ? entry.job.end.output.length : 0
  const waits = (entry.steps ?? []).reduce((sum, { wait }) => sum + schemaLength(wait), 0)
  const rows = recordCount(entry) - (entry.checkpoints?.length ?? 0)
  return waits + values + items + checkpoints + result + rows * ROW_BYTES
}

/** The number of events, steps, items and checkpoints that an entry records. */
export function recordCount(entry: JournalEntry | undefined): number {
  if (!entry) return 0
  const { events, steps, items, checkpoints } = entry
  return events.length + (steps?.length ?? 0) + (items?.length ?? 0) + (checkpoints?.length ?? 0)
}

/** The schema of a signal's payload, which may be long. */
function schemaLength(wait: StepRecord['wait']): number {
  return wait?.kind === 'signal' && wait.schema !== null ? JSON.stringify(wait.schema).length : 0
}
