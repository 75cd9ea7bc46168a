import {
  itemPath,
  type CheckpointRecord,
  type LoopItemRecord,
  type StepValuesRecord,
} from '../../engine/record/index.ts'
import type { JobId } from '../../lib/index.ts'
import { createLogStore, encodeEntry, ENTRY_MAX_LENGTH, writePages } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'
import { insertEntries, type NewEntry } from './entry-insert.ts'
import {
  OldRecords,
  type OfJob,
  type OldCheckpoint,
  type OldEvent,
  type OldItem,
  type OldJob,
  type OldStep,
  type RecordKey,
} from './old-records.ts'

/** Maximum number of events, and of steps, items and checkpoints, that are read together and that one entry holds. */
const PIECE_MAX_COUNT = 1_000
/** Values are read for entries with at most this many bytes of them together; an entry with more is read alone. */
const VALUES_MAX_BYTES = 8 * 1024 * 1024
/** An entry takes no further record once its values have this many bytes. */
const ENTRY_VALUES_MAX_BYTES = 1024 * 1024
/** The size of a change and of an event without their values and errors, as JSON text. */
const ROW_BYTES = 150

/** Writes the logs of these jobs from their rows in the tables. All statements belong to one transaction of the caller. */
export async function convertJobs(pool: Queryable, jobs: readonly OldJob[]): Promise<void> {
  const records = new OldRecords(pool)
  for (const group of groupsOf(jobs)) {
    const [only] = group
    if (only && only.lastSeq > PIECE_MAX_COUNT) await convertLong(pool, records, only)
    else await convertShort(pool, records, group)
  }
}

/** Jobs with few events are read together; each other one is a group. */
function groupsOf(jobs: readonly OldJob[]): readonly (readonly OldJob[])[] {
  const groups: OldJob[][] = []
  let count = Number.POSITIVE_INFINITY
  for (const job of jobs) {
    count += job.lastSeq
    if (count > PIECE_MAX_COUNT) {
      groups.push([])
      count = job.lastSeq
    }
    groups.at(-1)?.push(job)
  }
  return groups
}

async function convertShort(pool: Queryable, records: OldRecords, jobs: readonly OldJob[]): Promise<void> {
  const writer = new EntryWriter(pool, records)
  const events = await records.events(jobs, { after: 0, limit: PIECE_MAX_COUNT })
  const found = await readRecords(records, await records.keys(jobs))
  const byJob = groupedBy(events, ({ jobId }) => jobId)
  for (const job of jobs) {
    const own = byJob.get(job.id) ?? []
    const log = new LogDraft(job, writer)
    await log.add(own, lastEventsOf(own), found)
    await log.end(found)
  }
  await writer.flush()
}

async function convertLong(pool: Queryable, records: OldRecords, job: OldJob): Promise<void> {
  const writer = new EntryWriter(pool, records)
  const store = createLogStore(pool)
  const log = new LogDraft(job, writer)
  const last = await records.lastEvents(job)
  for (let after = 0; after < job.lastSeq;) {
    const events = await records.events([job], { after, limit: PIECE_MAX_COUNT })
    if (events.length === 0) break
    after = events.at(-1)?.seq ?? job.lastSeq
    const keys = events.flatMap((event) => (isLast(event, last) ? keyOf(job, event) : []))
    await log.add(events, last, await readRecords(records, keys))
    await writer.flush()
    await writePages(store, job)
  }
  const rest = (await records.keys([job])).filter((key) => !last.has(nameOf(key)))
  for (let done = 0; done < rest.length; done += PIECE_MAX_COUNT) {
    const found = await readRecords(records, rest.slice(done, done + PIECE_MAX_COUNT))
    await log.addUntold(found)
  }
  await log.end(NO_RECORDS)
  await writer.flush()
  await writePages(store, job)
}

/** The path of a step or an item, as events name it. */
function nameOf({ path, index }: Pick<RecordKey, 'path' | 'index'>): string {
  return index === null ? path : itemPath(path, index)
}

function pathOf({ draft: { body } }: OldEvent): string | null {
  return 'path' in body ? body.path : null
}

function lastEventsOf(events: readonly OldEvent[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const event of events) {
    const path = pathOf(event)
    if (path !== null) last.set(path, event.seq)
  }
  return last
}

function isLast(event: OldEvent, last: ReadonlyMap<string, number>): boolean {
  const path = pathOf(event)
  return path !== null && last.get(path) === event.seq
}

function keyOf(job: OldJob, event: OldEvent): RecordKey[] {
  const { body } = event.draft
  if (!('path' in body)) return []
  if (!('index' in body)) return [{ job, path: body.path, index: null }]
  return [{ job, path: body.path.slice(0, -`[${body.index}]`.length), index: body.index }]
}

/** Steps, items and checkpoints without their values, by job and path. */
interface Records {
  readonly steps: Map<string, OldStep>
  readonly items: Map<string, OldItem>
  readonly checkpoints: Map<string, readonly OldCheckpoint[]>
}

const NO_RECORDS: Records = { steps: new Map(), items: new Map(), checkpoints: new Map() }

const fullName = (jobId: JobId, name: string) => `${jobId} ${name}`

async function readRecords(records: OldRecords, keys: readonly RecordKey[]): Promise<Records> {
  const ofSteps = keys.filter(({ index }) => index === null)
  const ofItems = keys.filter(({ index }) => index !== null)
  const steps = ofSteps.length === 0 ? [] : await records.steps(ofSteps)
  const checkpoints = ofSteps.length === 0 ? [] : await records.checkpoints(ofSteps)
  const items = ofItems.length === 0 ? [] : await records.items(ofItems)
  return {
    steps: new Map(steps.map(({ jobId, ...step }) => [fullName(jobId, step.path), step])),
    items: new Map(
      items.map(({ jobId, ...item }) => [fullName(jobId, itemPath(item.path, item.index)), item]),
    ),
    checkpoints: groupedBy(checkpoints, ({ jobId, path }) => fullName(jobId, path)),
  }
}

/** An entry without values. */
interface EntryDraft {
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

/** Cuts the records of one job into entries. */
class LogDraft {
  readonly #job: OldJob
  readonly #writer: EntryWriter
  #draft: EntryDraft

  constructor(job: OldJob, writer: EntryWriter) {
    this.#job = job
    this.#writer = writer
    this.#draft = emptyDraft(job, { seq: 0, at: 0 })
  }

  /** Adds successive events, each with the step or item whose last event it is. */
  async add(events: readonly OldEvent[], last: ReadonlyMap<string, number>, found: Records): Promise<void> {
    for (const event of events) {
      const draft = this.#draft
      draft.events.push(event)
      draft.seq = event.seq
      draft.at = event.draft.at
      draft.eventBytes += ROW_BYTES + JSON.stringify(event.draft.body).length
      if (isLast(event, last)) this.#take(fullName(this.#job.id, pathOf(event) ?? ''), found)
      if (isFull(this.#draft)) await this.#next()
    }
  }

  /** Adds records that no event names. */
  async addUntold({ steps, items, checkpoints }: Records): Promise<void> {
    for (const name of new Set([...steps.keys(), ...items.keys(), ...checkpoints.keys()])) {
      if (!name.startsWith(`${this.#job.id} `)) continue
      this.#take(name, { steps, items, checkpoints })
      if (isFull(this.#draft)) await this.#next()
    }
  }

  /** Adds the records that are left, and ends the log. */
  async end(found: Records): Promise<void> {
    await this.addUntold(found)
    this.#draft.seq = this.#job.lastSeq
    this.#draft.isLast = true
    await this.#writer.put(this.#draft)
  }

  /** Moves a record into the entry. */
  #take(name: string, found: Records): void {
    const step = found.steps.get(name)
    const item = found.items.get(name)
    const checkpoints = found.checkpoints.get(name) ?? []
    found.steps.delete(name)
    found.items.delete(name)
    found.checkpoints.delete(name)
    const draft = this.#draft
    if (step) draft.steps.push(step)
    if (item) draft.items.push(item)
    draft.checkpoints.push(...checkpoints)
    for (const { bytes } of [step, item, ...checkpoints].flatMap((one) => one ?? [])) {
      draft.valueBytes += bytes ?? 0
      draft.changeBytes += ROW_BYTES
    }
    if (step) draft.changeBytes += JSON.stringify([step.attempts, step.error]).length
    if (item) draft.changeBytes += JSON.stringify(item.error).length
  }

  async #next(): Promise<void> {
    const { seq, at } = this.#draft
    await this.#writer.put(this.#draft)
    this.#draft = emptyDraft(this.#job, { seq, at })
  }
}

function emptyDraft(job: OldJob, { seq, at }: { seq: number; at: number }): EntryDraft {
  const sizes = { valueBytes: 0, changeBytes: 0, eventBytes: 0 }
  return { job, events: [], steps: [], items: [], checkpoints: [], seq, at, ...sizes, isLast: false }
}

function isFull({
  events,
  steps,
  items,
  checkpoints,
  valueBytes,
  changeBytes,
  eventBytes,
}: EntryDraft): boolean {
  return (
    Math.max(events.length, steps.length + items.length + checkpoints.length) >= PIECE_MAX_COUNT ||
    valueBytes >= ENTRY_VALUES_MAX_BYTES ||
    Math.max(changeBytes, eventBytes) >= ENTRY_MAX_LENGTH
  )
}

/** Adds the values to entries, numbers them, and stores them. */
class EntryWriter {
  readonly #pool: Queryable
  readonly #records: OldRecords
  readonly #newest = new Map<JobId, number>()
  #drafts: EntryDraft[] = []
  #bytes = 0

  constructor(pool: Queryable, records: OldRecords) {
    this.#pool = pool
    this.#records = records
  }

  async put(draft: EntryDraft): Promise<void> {
    if (this.#bytes + draft.valueBytes > VALUES_MAX_BYTES) await this.flush()
    this.#drafts.push(draft)
    this.#bytes += draft.valueBytes
  }

  async flush(): Promise<void> {
    const drafts = this.#drafts
    if (drafts.length === 0) return
    this.#drafts = []
    this.#bytes = 0
    const values = await this.#readValues(drafts)
    const entries = drafts.map((draft): NewEntry => {
      const { id } = draft.job
      const entryNo = (this.#newest.get(id) ?? 0) + 1
      this.#newest.set(id, entryNo)
      return { jobId: id, entryNo, seq: draft.seq, entry: encodeEntry(contentsOf(draft, values), draft.at) }
    })
    await insertEntries(this.#pool, entries)
  }

  async #readValues(drafts: readonly EntryDraft[]): Promise<Values> {
    const records = this.#records
    const keys = <Record extends { readonly path: string }>(
      pick: (draft: EntryDraft) => readonly Record[],
      indexOf: (record: Record) => number | null,
    ): RecordKey[] =>
      drafts.flatMap((draft) =>
        pick(draft).map((record) => ({ job: draft.job, path: record.path, index: indexOf(record) })),
      )
    const ofSteps = keys(
      ({ steps }) => steps.filter(({ bytes }) => bytes !== null),
      () => null,
    )
    const ofItems = keys(
      ({ items }) => items.filter(({ bytes }) => bytes !== null),
      ({ index }) => index,
    )
    const ofCheckpoints = keys(
      ({ checkpoints }) => [...new Map(checkpoints.map((one) => [one.path, one])).values()],
      () => null,
    )
    const last = drafts.flatMap(({ isLast, job }) => (isLast ? job : []))
    const steps = ofSteps.length === 0 ? [] : await records.stepValues(ofSteps)
    const items = ofItems.length === 0 ? [] : await records.itemOutputs(ofItems)
    const checkpoints = ofCheckpoints.length === 0 ? [] : await records.checkpointValues(ofCheckpoints)
    const signals = last.length === 0 ? [] : await records.signals(last)
    return {
      steps: new Map(steps.map(({ jobId, ...value }) => [fullName(jobId, value.path), value])),
      items: new Map(
        items.map(({ jobId, path, index, output }) => [fullName(jobId, itemPath(path, index)), output]),
      ),
      checkpoints: new Map(
        checkpoints.map(({ jobId, path, key, value }) => [fullName(jobId, `${path} ${key}`), value]),
      ),
      signals: groupedBy(signals, ({ jobId }) => jobId),
      outputs: last.length === 0 ? new Map() : await records.outputs(last),
    }
  }
}

interface Values {
  readonly steps: ReadonlyMap<string, StepValuesRecord>
  readonly items: ReadonlyMap<string, LoopItemRecord['output']>
  readonly checkpoints: ReadonlyMap<string, CheckpointRecord['value']>
  readonly signals: ReadonlyMap<
    JobId,
    readonly OfJob<{ readonly number: number; readonly path: string | null }>[]
  >
  readonly outputs: ReadonlyMap<JobId, string>
}

function contentsOf(draft: EntryDraft, values: Values): Parameters<typeof encodeEntry>[0] {
  const { id } = draft.job
  return {
    events: draft.events,
    steps: draft.steps.map(({ bytes: _, ...step }) => step),
    values: draft.steps.flatMap(({ path }) => values.steps.get(fullName(id, path)) ?? []),
    items: draft.items.map(({ bytes: _, ...item }) => {
      return { ...item, output: values.items.get(fullName(id, itemPath(item.path, item.index))) ?? null }
    }),
    checkpoints: draft.checkpoints.map(({ bytes: _, ...checkpoint }) => {
      const { path, key } = checkpoint
      return { ...checkpoint, value: values.checkpoints.get(fullName(id, `${path} ${key}`)) ?? 'null' }
    }),
    signals: draft.isLast ? (values.signals.get(id) ?? []).map(({ number, path }) => ({ number, path })) : [],
    output: draft.isLast ? (values.outputs.get(id) ?? null) : null,
  }
}

function groupedBy<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  return groups
}
