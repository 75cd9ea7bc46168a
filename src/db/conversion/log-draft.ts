import { ENTRY_MAX_LENGTH } from '../log/index.ts'
import { emptyDraft, type EntryDraft } from './entry-draft.ts'
import type { EntryWriter } from './entry-writer.ts'
import { fullName, isLast, pathOf, type FoundRecords } from './found-records.ts'
import type { OldEvent, OldJob } from './old-records.ts'

/** Maximum number of events, and of steps, items and checkpoints, that are read together and that one entry holds. */
export const PIECE_MAX_COUNT = 1_000
/** An entry takes no further record once its values have this many bytes. */
const ENTRY_VALUES_MAX_BYTES = 1024 * 1024
/** The size of a change and of an event without their values and errors, as JSON text. */
const ROW_BYTES = 150

/** Cuts the records of one job into entries. */
export class LogDraft {
  readonly #job: OldJob
  readonly #writer: EntryWriter
  #draft: EntryDraft

  constructor(job: OldJob, writer: EntryWriter) {
    this.#job = job
    this.#writer = writer
    this.#draft = emptyDraft(job, { seq: 0, at: 0 })
  }

  /** Adds successive events, each with the step or item whose last event it is. */
  async add(
    events: readonly OldEvent[],
    last: ReadonlyMap<string, number>,
    found: FoundRecords,
  ): Promise<void> {
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
  async addUntold({ steps, items, checkpoints }: FoundRecords): Promise<void> {
    for (const name of new Set([...steps.keys(), ...items.keys(), ...checkpoints.keys()])) {
      if (!name.startsWith(`${this.#job.id} `)) continue
      this.#take(name, { steps, items, checkpoints })
      if (isFull(this.#draft)) await this.#next()
    }
  }

  /** Adds the records that are left, and ends the log. */
  async end(found: FoundRecords): Promise<void> {
    await this.addUntold(found)
    this.#draft.seq = this.#job.lastSeq
    this.#draft.isLast = true
    await this.#writer.put(this.#draft)
  }

  /** Moves a record into the entry. */
  #take(name: string, found: FoundRecords): void {
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
