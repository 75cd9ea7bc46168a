import type {
  CheckpointRecord,
  EventDraft,
  LoopItemRecord,
  SignalUse,
  StepRecord,
  StepValuesRecord,
} from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import { orderOf } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/** A job whose records are in tables. */
export interface OldJob {
  readonly id: JobId
  readonly ownerId: OwnerId
  /** The number of its newest event. */
  readonly lastSeq: number
}

/** A row with the job that it belongs to. */
export type OfJob<Row> = Row & { readonly jobId: JobId }

export interface OldEvent {
  readonly seq: number
  readonly progress: number
  readonly draft: EventDraft
}

/** Names a step by its path, or an item by the path of its loop and its index. */
export interface RecordKey {
  readonly job: OldJob
  readonly path: string
  /** Null: a step. */
  readonly index: number | null
}

/** `bytes`: the size of its config and output as JSON text; null: none are on record. */
export type OldStep = StepRecord & { readonly bytes: number | null }

/** An item without its output. `bytes`: the size of that as JSON text; null: there is none. */
export type OldItem = Omit<LoopItemRecord, 'output'> & { readonly bytes: number | null }

/** A checkpoint without its value. `bytes`: the size of that as JSON text. */
export type OldCheckpoint = Omit<CheckpointRecord, 'value'> & { readonly bytes: number }

/** The statements that read the tables of earlier builds. */
export class OldRecords {
  readonly #pool: Queryable

  constructor(pool: Queryable) {
    this.#pool = pool
  }

  /** Events of each job after its number, up to `limit` of all jobs together, in order. */
  async events(
    jobs: readonly OldJob[],
    { after, limit }: { after: number; limit: number },
  ): Promise<readonly OfJob<OldEvent>[]> {
    const { rows } = await this.#pool.query<EventRow>(EVENTS, [...keysOf(jobs), after, limit])
    return rows.map(({ jobId, seq, progress, kind, at, body }) => {
      return { jobId, seq, progress, draft: { kind, at, body } as EventDraft }
    })
  }

  /** The number of the last event about each step and each item of a job, by path. */
  async lastEvents(job: OldJob): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.#pool.query<{ path: string; seq: number }>(LAST_EVENTS, keysOf([job]))
    return new Map(rows.map(({ path, seq }) => [path, seq]))
  }

  /** The keys of all steps and items. */
  async keys(jobs: readonly OldJob[]): Promise<readonly RecordKey[]> {
    const byId = new Map(jobs.map((job) => [job.id, job]))
    const { rows } = await this.#pool.query<{ jobId: JobId; path: string; index: number | null }>(
      KEYS,
      keysOf(jobs),
    )
    return rows.flatMap(({ jobId, path, index }) => {
      const job = byId.get(jobId)
      return job ? { job, path, index } : []
    })
  }

  async steps(keys: readonly RecordKey[]): Promise<readonly OfJob<OldStep>[]> {
    const { rows } = await this.#pool.query<OfJob<Omit<OldStep, 'order'>> & { position: string }>(
      STEPS,
      pathsOf(keys),
    )
    return rows.map(({ position, ...step }) => ({ ...step, order: orderOf(position) }))
  }

  async items(keys: readonly RecordKey[]): Promise<readonly OfJob<OldItem>[]> {
    const { rows } = await this.#pool.query<OfJob<Omit<OldItem, 'order'>> & { position: string | null }>(
      ITEMS,
      [...pathsOf(keys), keys.map(({ index }) => index)],
    )
    return rows.map(({ position, ...item }) => ({ ...item, order: [...placeOf(position), item.index] }))
  }

  /** The checkpoints of these steps. */
  async checkpoints(keys: readonly RecordKey[]): Promise<readonly OfJob<OldCheckpoint>[]> {
    const { rows } = await this.#pool.query<
      OfJob<Omit<OldCheckpoint, 'order'>> & { position: string | null }
    >(CHECKPOINTS, pathsOf(keys))
    return rows.map(({ position, ...checkpoint }) => ({ ...checkpoint, order: placeOf(position) }))
  }

  async stepValues(keys: readonly RecordKey[]): Promise<readonly OfJob<StepValuesRecord>[]> {
    return (await this.#pool.query<OfJob<StepValuesRecord>>(STEP_VALUES, pathsOf(keys))).rows
  }

  async itemOutputs(
    keys: readonly RecordKey[],
  ): Promise<readonly OfJob<Pick<LoopItemRecord, 'path' | 'index' | 'output'>>[]> {
    const values = [...pathsOf(keys), keys.map(({ index }) => index)]
    return (
      await this.#pool.query<OfJob<Pick<LoopItemRecord, 'path' | 'index' | 'output'>>>(ITEM_OUTPUTS, values)
    ).rows
  }

  async checkpointValues(
    keys: readonly RecordKey[],
  ): Promise<readonly OfJob<Omit<CheckpointRecord, 'order'>>[]> {
    return (await this.#pool.query<OfJob<Omit<CheckpointRecord, 'order'>>>(CHECKPOINT_VALUES, pathsOf(keys)))
      .rows
  }

  /** Signals that are used up. */
  async signals(jobs: readonly OldJob[]): Promise<readonly OfJob<SignalUse>[]> {
    return (await this.#pool.query<OfJob<SignalUse>>(SIGNALS, keysOf(jobs))).rows
  }

  /** The outputs of executions as JSON text. */
  async outputs(jobs: readonly OldJob[]): Promise<ReadonlyMap<JobId, string>> {
    const { rows } = await this.#pool.query<{ jobId: JobId; output: string }>(OUTPUTS, keysOf(jobs))
    return new Map(rows.map(({ jobId, output }) => [jobId, output]))
  }
}

function keysOf(jobs: readonly OldJob[]): unknown[] {
  return [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)]
}

function pathsOf(keys: readonly RecordKey[]): unknown[] {
  return [...keysOf(keys.map(({ job }) => job)), keys.map(({ path }) => path)]
}

/** A record of a step that is not on record itself is put at the beginning. */
function placeOf(position: string | null): readonly number[] {
  return position === null ? [0] : orderOf(position)
}

interface EventRow {
  readonly jobId: JobId
  readonly seq: number
  readonly progress: number
  readonly kind: string
  readonly at: number
  readonly body: unknown
}

const JOBS = 'unnest($1::text[], $2::uuid[]) AS w(owner_id, id)'
const PATHS = 'unnest($1::text[], $2::uuid[], $3::text[]) AS w(owner_id, id, path)'
const ITEM_KEYS = 'unnest($1::text[], $2::uuid[], $3::text[], $4::int[]) AS w(owner_id, id, path, index)'

const EXECUTION = (table: string) => `${table}.owner_id = w.owner_id AND ${table}.execution_id = w.id`

/** Milliseconds since the epoch. */
const ms = (column: string, name: string) => `(extract(epoch FROM ${column}) * 1000)::float8 AS "${name}"`

const EVENTS = `
SELECT e.job_id AS "jobId", e.seq, e.progress, e.kind, ${ms('e.at', 'at')}, e.body
FROM ${JOBS} JOIN job_events e ON e.owner_id = w.owner_id AND e.job_id = w.id AND e.seq > $3
ORDER BY e.job_id, e.seq LIMIT $4`

const LAST_EVENTS = `
SELECT e.body->>'path' AS path, max(e.seq) AS seq
FROM ${JOBS} JOIN job_events e ON e.owner_id = w.owner_id AND e.job_id = w.id
WHERE e.body->>'path' IS NOT NULL GROUP BY 1`

const KEYS = `
SELECT w.id AS "jobId", s.path, NULL::int AS index FROM ${JOBS} JOIN steps s ON ${EXECUTION('s')}
UNION ALL
SELECT w.id, i.path, i.index FROM ${JOBS} JOIN loop_items i ON ${EXECUTION('i')}
UNION ALL
(SELECT DISTINCT w.id, c.path, NULL::int FROM ${JOBS} JOIN step_checkpoints c ON ${EXECUTION('c')}
 WHERE NOT EXISTS (SELECT FROM steps s WHERE ${EXECUTION('s')} AND s.path = c.path))`

const STEPS = `
SELECT w.id AS "jobId", s.path, s.position, s.node_id AS "nodeId", s.status, s.attempt, s.attempts, s.handles,
  s.input_from AS "inputFrom", ${ms('s.due_at', 'dueAt')}, s.wait, s.error, s.reused_from AS "reusedFrom", s.call_key AS "callKey",
  ${ms('s.started_at', 'startedAt')}, ${ms('s.finished_at', 'finishedAt')},
  octet_length(v.config::text) + COALESCE(octet_length(v.output::text), 0) AS bytes
FROM ${PATHS} JOIN steps s ON ${EXECUTION('s')} AND s.path = w.path
LEFT JOIN step_values v ON ${EXECUTION('v')} AND v.path = w.path`

const ITEMS = `
SELECT w.id AS "jobId", i.path, i.index, i.status, i.error, i.reused_from AS "reusedFrom", ${ms('i.finished_at', 'finishedAt')},
  s.position, octet_length(i.output::text) AS bytes
FROM ${ITEM_KEYS} JOIN loop_items i ON ${EXECUTION('i')} AND i.path = w.path AND i.index = w.index
LEFT JOIN steps s ON ${EXECUTION('s')} AND s.path = w.path`

const CHECKPOINTS = `
SELECT w.id AS "jobId", c.path, c.key, s.position, octet_length(c.value::text) AS bytes
FROM ${PATHS} JOIN step_checkpoints c ON ${EXECUTION('c')} AND c.path = w.path
LEFT JOIN steps s ON ${EXECUTION('s')} AND s.path = w.path`

const STEP_VALUES = `
SELECT w.id AS "jobId", v.path, v.config::text AS config, v.output::text AS output
FROM ${PATHS} JOIN step_values v ON ${EXECUTION('v')} AND v.path = w.path`

const ITEM_OUTPUTS = `
SELECT w.id AS "jobId", i.path, i.index, i.output::text AS output
FROM ${ITEM_KEYS} JOIN loop_items i ON ${EXECUTION('i')} AND i.path = w.path AND i.index = w.index
WHERE i.output IS NOT NULL`

const CHECKPOINT_VALUES = `
SELECT w.id AS "jobId", c.path, c.key, c.value::text AS value
FROM ${PATHS} JOIN step_checkpoints c ON ${EXECUTION('c')} AND c.path = w.path`

const SIGNALS = `
SELECT w.id AS "jobId", c.number, c.used_by AS path
FROM ${JOBS} JOIN commands c ON c.owner_id = w.owner_id AND c.job_id = w.id WHERE c.used_at IS NOT NULL ORDER BY c.number`

const OUTPUTS = `
SELECT w.id AS "jobId", v.output::text AS output
FROM ${JOBS} JOIN execution_values v ON v.execution_id = w.id AND v.owner_id = w.owner_id WHERE v.output IS NOT NULL`
