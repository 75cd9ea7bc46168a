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
  /** About the number of characters of the draft's body as JSON text. */
  readonly length: number
}

/** Numbers an event. */
export function numbered(draft: EventDraft, seq: number, progress: number): NumberedEvent {
  return { seq, progress, draft, length: aboutLength(draft.body) }
}

/** The characters that are counted for a number, and for the signs around a name and a value. */
const MEMBER_LENGTH = 8

/** Almost all bodies have texts, numbers and handles alone: their length is known without JSON text. */
function aboutLength(body: EventDraft['body']): number {
  let length = 0
  for (const [name, value] of Object.entries<unknown>(body)) {
    length += MEMBER_LENGTH + name.length
    if (typeof value === 'string') length += value.length
    else if (name === 'handles') length += String(value).length
    else if (typeof value === 'object' && value !== null) length += JSON.stringify(value).length
  }
  return length
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
  const steps = new Newest<StepRecord>()
  const values = new Newest<StepValuesRecord>()
  const items: LoopItemRecord[] = []
  const checkpoints = new Newest<CheckpointRecord>()
  const signals: SignalUse[] = []
  const job: Mutable<JobChange> = { progress: 0 }
  let endsStep = false
  let bytes = 0
  for (const entry of entries) {
    const { progress } = entry.job
    for (const draft of entry.events)
      events.push(numbered(draft, position.lastSeq + events.length + 1, progress))
    if (entry.steps) for (const step of entry.steps) steps.put(step.path, step)
    if (entry.values) for (const value of entry.values) values.put(value.path, value)
    if (entry.items) for (const item of entry.items) items.push(item)
    if (entry.checkpoints)
      for (const one of entry.checkpoints) checkpoints.put(checkpointPath(one.path, one.key), one)
    if (entry.signals) signals.push(...entry.signals)
    endsStep ||= entry.job.endsStep ?? false
    bytes += byteSize(entry)
    // The later change wins where both speak; progress never falls.
    const reached = job.progress
    Object.assign(job, entry.job)
    job.progress = Math.max(reached, progress)
  }
  // A park that something was appended behind is void: the run was not idle after all.
  const park = entries.at(-1)?.job.park ?? null
  const end = job.end ?? null
  const contents = {
    events,
    steps: steps.rows,
    values: values.rows,
    items,
    checkpoints: checkpoints.rows,
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
    bytes,
  }
}

type Mutable<Row> = { -readonly [Name in keyof Row]: Row[Name] }

/** Up to this many rows are searched one by one. */
const SEARCHED_ROWS = 8

/** Of each key only the newest row, in the order in which the keys came first. */
class Newest<Row> {
  readonly rows: Row[] = []
  readonly #keys: string[] = []
  #places: Map<string, number> | null = null

  put(key: string, row: Row): void {
    const place = this.#places ? this.#places.get(key) : this.#keys.indexOf(key)
    if (place !== undefined && place >= 0) {
      this.rows[place] = row
      return
    }
    const next = this.rows.push(row) - 1
    this.#keys.push(key)
    this.#places?.set(key, next)
    if (next === SEARCHED_ROWS) this.#places = new Map(this.#keys.map((known, at) => [known, at]))
  }
}

const ROW_BYTES = 300

/** About how much of a statement an entry takes. */
export function byteSize(entry: JournalEntry | undefined): number {
  if (!entry) return 0
  const { steps = NONE, values = NONE, items = NONE, checkpoints = NONE, job } = entry
  let bytes = (entry.events.length + steps.length + items.length + checkpoints.length) * ROW_BYTES
  for (const { config, output } of values) bytes += config.length + (output?.length ?? 0)
  for (const { output } of items) bytes += output?.length ?? 0
  for (const { value } of checkpoints) bytes += value.length
  for (const { wait } of steps) bytes += schemaLength(wait)
  return job.end?.status === 'COMPLETED' ? bytes + job.end.output.length : bytes
}

const NONE: readonly never[] = []

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
