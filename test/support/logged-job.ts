import { expect } from '@jest/globals'
import type pg from 'pg'
import type { NewJob } from '../../src/db/jobs/new-job.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import { mergeEntries } from '../../src/db/journal/journal-write.ts'
import type { Claim } from '../../src/db/journal/journal.ts'
import { mergeIntoPages } from '../../src/db/log/page-writer.ts'
import { createLogStore, type LogKey } from '../../src/db/log/log-store.ts'
import type {
  JournalEntry,
  LoopItemRecord,
  StepRecord,
  StepValuesRecord,
} from '../../src/engine/record/journal.ts'
import { storeClaimedJob } from './jobs.ts'
import { completedStep } from './step-records.ts'

/** A claimed job whose log a test writes by flushes. */
export class LoggedJob {
  readonly #pool: pg.Pool
  #claim: Claim

  private constructor(pool: pg.Pool, claim: Claim) {
    this.#pool = pool
    this.#claim = claim
  }

  static async store(pool: pg.Pool, change: Partial<NewJob> = {}): Promise<LoggedJob> {
    return new LoggedJob(pool, await storeClaimedJob(pool, change))
  }

  get key(): LogKey {
    return { id: this.#claim.jobId, ownerId: this.#claim.ownerId }
  }

  /** The number of the newest entry. */
  get entryNo(): number {
    return this.#claim.entryNo
  }

  /** Records an entry, as a flush that holds nothing else. */
  async append(entry: Partial<JournalEntry>): Promise<void> {
    const whole = { events: [], job: { progress: 5 }, ...entry }
    const write = mergeEntries([whole], { ...this.#claim, now: 1_000 })
    expect(await createJournalStore(this.#pool).flush([write])).toHaveLength(1)
    this.#claim = { ...this.#claim, lastSeq: write.newSeq, entryNo: write.newEntryNo }
  }

  /** Merges everything into pages, however little it is. */
  async writePages(): Promise<void> {
    const store = createLogStore(this.#pool)
    const tail = (await store.tails([this.key])).get(this.key.id)
    expect(tail && (await mergeIntoPages(store, this.key, tail))).toBe(true)
  }
}

/** A step at a place of the definition's order; `finishedAt` null: it runs. */
export function stepAt(path: string, order: readonly number[], change: Partial<StepRecord> = {}): StepRecord {
  const nodeId = path.slice(path.lastIndexOf('/') + 1)
  return { ...completedStep(path), order, nodeId, ...change }
}

/** A completed item of the loop at this place of the definition's order. */
export function itemAt(
  path: string,
  loopOrder: readonly number[],
  index: number,
  change: Partial<LoopItemRecord> = {},
): LoopItemRecord {
  const ended = { status: 'COMPLETED', output: null, error: null, reusedFrom: null, finishedAt: 2 } as const
  return { path, order: [...loopOrder, index], index, ...ended, ...change }
}

/** The state of a step that runs. */
export const RUNNING = { status: 'RUNNING', handles: [], finishedAt: null } as const

export function outputOf(path: string, output: unknown, config: unknown = {}): StepValuesRecord {
  return { path, config: JSON.stringify(config), output: JSON.stringify(output) }
}
