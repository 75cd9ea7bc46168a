import {
  itemPath,
  type CheckpointRecord,
  type LoopItemRecord,
  type SignalUse,
  type StepValuesRecord,
} from '../../engine/record/index.ts'
import type { JobId } from '../../lib/index.ts'
import { encodeEntry } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'
import { insertEntries, type NewEntry } from './entry-insert.ts'
import { fullName, groupedBy } from './found-records.ts'
import type { EntryDraft } from './entry-draft.ts'
import type { OldRecords, OfJob, RecordKey } from './old-records.ts'

/** Values are read for entries with at most this many bytes of them together; an entry with more is read alone. */
const VALUES_MAX_BYTES = 8 * 1024 * 1024

/** Adds the values to entries, numbers them, and stores them. */
export class EntryWriter {
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
  readonly signals: ReadonlyMap<JobId, readonly OfJob<SignalUse>[]>
  readonly outputs: ReadonlyMap<JobId, string>
}

function contentsOf(draft: EntryDraft, values: Values): Parameters<typeof encodeEntry>[0] {
  const { id } = draft.job
  return {
    events: draft.events,
    steps: draft.steps,
    values: draft.steps.flatMap(({ path }) => values.steps.get(fullName(id, path)) ?? []),
    items: draft.items.map((item) => {
      return { ...item, output: values.items.get(fullName(id, itemPath(item.path, item.index))) ?? null }
    }),
    checkpoints: draft.checkpoints.map((checkpoint) => {
      const { path, key } = checkpoint
      return { ...checkpoint, value: values.checkpoints.get(fullName(id, `${path} ${key}`)) ?? 'null' }
    }),
    signals: draft.isLast ? (values.signals.get(id) ?? []).map(({ number, path }) => ({ number, path })) : [],
    output: draft.isLast ? (values.outputs.get(id) ?? null) : null,
  }
}
