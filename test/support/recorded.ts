import type pg from 'pg'
import { decodeEvents, type LogRow } from '../../src/db/log/decode-entry.ts'
import { checkpointPath, EXECUTION_OUTPUT, VALUE, valueKey, type ValueKind } from '../../src/db/log/entry.ts'
import { Fold, type ValuesAt } from '../../src/db/log/fold.ts'
import { positionOf } from '../../src/db/log/position.ts'
import type { JobEvent } from '../../src/engine/record/event.ts'
import { itemPath } from '../../src/engine/record/step.ts'
import type { Json } from '../../src/lib/json/json.ts'

/** What the log of one job has on record, with all values. */
export interface Recorded {
  /** The entries in their order. */
  readonly entries: readonly StoredEntry[]
  readonly fold: Fold
  readonly events: readonly JobEvent[]
  /** In the definition's order. */
  readonly steps: readonly ShownStep[]
  /** By loop path and index. */
  readonly items: readonly ShownItem[]
  readonly checkpoints: readonly { readonly path: string; readonly key: string; readonly value: unknown }[]
  /** The execution's output; undefined: it has none. */
  readonly output: unknown
}

export type ShownStep = ReturnType<typeof stepsOf>[number]
export type ShownItem = ReturnType<typeof itemsOf>[number]

export type StoredEntry = LogRow & {
  readonly small: Readonly<Record<ValueKind, Readonly<Record<string, unknown>>>> | null
}

type Pool = Pick<pg.Pool, 'query'>

/** Folds the whole log of a job. A job without entries has nothing on record. */
export async function recordOf(pool: Pool, jobId: string): Promise<Recorded> {
  const records = await recordsOf(pool, [jobId])
  return records.get(jobId) ?? recorded([], [], null)
}

/** Folds the whole logs of these jobs. */
export async function recordsOf(
  pool: Pool,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, Recorded>> {
  const { rows: entries } = await pool.query<StoredEntry & { job: string }>(ENTRIES, [jobIds])
  const { rows: large } = await pool.query<LargeRow & { job: string }>(LARGE, [jobIds])
  const { rows: jobs } = await pool.query<JobRow>(JOBS, [jobIds])
  return new Map(
    jobIds.map((id) => [
      id,
      recorded(
        entries.filter(({ job }) => job === id),
        large.filter(({ job }) => job === id),
        jobs.find((job) => job.id === id) ?? null,
      ),
    ]),
  )
}

const ENTRIES = `
SELECT job_id AS job, seq, entry_no AS "entryNo", format, (extract(epoch FROM at) * 1000)::float8 AS at, changes, events, small
FROM job_log WHERE job_id = ANY($1::uuid[]) ORDER BY seq, entry_no`

const LARGE = `SELECT job_id AS job, entry_no AS "entryNo", key, value FROM job_values WHERE job_id = ANY($1::uuid[])`

const JOBS =
  'SELECT id, last_seq AS "lastSeq", created_at AS "createdAt" FROM jobs WHERE id = ANY($1::uuid[])'

interface JobRow {
  readonly id: string
  readonly lastSeq: number
  readonly createdAt: Date
}

interface LargeRow {
  readonly entryNo: number
  readonly key: string
  readonly value: unknown
}

function recorded(entries: readonly StoredEntry[], large: readonly LargeRow[], job: JobRow | null): Recorded {
  const values = new Values(entries, large)
  const fold = Fold.of(entries)
  return {
    entries,
    fold,
    events: eventsOf(entries, job),
    steps: stepsOf(fold, values),
    items: itemsOf(fold, values),
    checkpoints: checkpointsOf(fold, values),
    output: values.read('o', EXECUTION_OUTPUT, entries.at(-1)?.entryNo ?? 0),
  }
}

/** A log whose entries begin behind the first event leaves that event to the job's row. */
function eventsOf(entries: readonly StoredEntry[], job: JobRow | null): readonly JobEvent[] {
  const logged = entries.flatMap(decodeEvents)
  const first = logged[0]?.seq ?? 2
  if (!job || job.lastSeq === 0 || first === 1) return logged
  return [{ seq: 1, at: job.createdAt, kind: 'JOB_QUEUED', progress: 0, body: {} }, ...logged]
}

/** The values of a log. */
class Values {
  readonly #small: ReadonlyMap<number, StoredEntry['small']>
  readonly #large: ReadonlyMap<string, unknown>

  constructor(rows: readonly StoredEntry[], large: readonly LargeRow[]) {
    this.#small = new Map(rows.map(({ entryNo, small }) => [entryNo, small]))
    this.#large = new Map(large.map(({ entryNo, key, value }) => [`${entryNo} ${key}`, value]))
  }

  /** Undefined: the entry has none. */
  read(kind: ValueKind, path: string, entryNo: number): Json | undefined {
    const key = `${entryNo} ${valueKey(kind, path)}`
    const value = this.#large.has(key) ? this.#large.get(key) : this.#small.get(entryNo)?.[kind]?.[path]
    return value as Json | undefined
  }

  /** Reads a value where its record says that it is. */
  at(kind: ValueKind, path: string, values: ValuesAt | null, bit: number): Json | undefined {
    return values === null || (values.held & bit) === 0
      ? undefined
      : this.read(kind, path, values.entry.entryNo)
  }
}

function stepsOf(fold: Fold, values: Values) {
  return [...fold.steps.values()]
    .map(({ step: { order, ...step }, entry, values: held }) => ({
      ...step,
      position: positionOf(order),
      schema: step.wait?.kind === 'signal' ? values.read('w', step.path, entry.entryNo) : undefined,
      config: held === null ? undefined : (values.at('c', step.path, held, VALUE.CONFIG) ?? {}),
      output: values.at('o', step.path, held, VALUE.OUTPUT),
    }))
    .toSorted((a, b) => compare([a.position, a.path], [b.position, b.path]))
}

function itemsOf(fold: Fold, values: Values) {
  return [...fold.items.values()]
    .map(({ item: { path, index, status, error, reusedFrom, finishedAt }, values: held }) => ({
      path,
      index,
      status,
      error,
      reusedFrom,
      finishedAt,
      output: values.at('o', itemPath(path, index), held, VALUE.OUTPUT),
    }))
    .toSorted((a, b) => (a.path === b.path ? a.index - b.index : compare([a.path], [b.path])))
}

function checkpointsOf(fold: Fold, values: Values) {
  return [...fold.checkpoints.values()].flatMap((keys) =>
    [...keys.values()].map(({ path, key, value }) => ({
      path,
      key,
      value: values.at('k', checkpointPath(path, key), value, VALUE.OUTPUT),
    })),
  )
}

function compare(a: readonly string[], b: readonly string[]): number {
  const place = a.findIndex((one, index) => one !== b[index])
  return place === -1 ? 0 : (a[place] ?? '') < (b[place] ?? '') ? -1 : 1
}
