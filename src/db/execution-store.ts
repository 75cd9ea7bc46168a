import type { ExecutionMode, JobStatus } from '../engine/job.ts'
import type { RecordedState, RecordedStep } from '../engine/journal.ts'
import type { Mocks } from '../engine/stand-in/mocks.ts'
import type { RecordedError, AttemptRecord, StepStatus, StepWait } from '../engine/step.ts'
import type { NewJob } from './job-store.ts'
import type { JobId, OwnerId, WorkflowId, WorkflowVersionId } from '../lib/ids.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import { batched } from './batched.ts'
import { first, type Queryable } from './rows.ts'

/** What a worker needs to take an execution up. */
export interface StoredExecution {
  readonly definition: { readonly hash: string; readonly body: Json }
  readonly input: Json
  readonly variables: JsonObject
  readonly mode: ExecutionMode
  /** Test mode only: what comes of its calls. */
  readonly mocks: Mocks | null
  readonly startedAt: Date | null
  readonly progress: number
  readonly costUsd: number
  readonly status: JobStatus
  /** When its starter wanted it to begin; null: at once. */
  readonly runAt: Date | null
  /** What it retries, and how; null when it is no retry. */
  readonly retry: NewJob['retry']
}

/** What an execution was started with, and its output once it completed. */
export interface ExecutionDetails {
  readonly workflowId: WorkflowId | null
  /** Null when it runs a draft, or a definition in place. */
  readonly versionId: WorkflowVersionId | null
  readonly label: string | null
  /** In order. */
  readonly tags: readonly string[]
  readonly priority: number
  readonly mode: ExecutionMode
  readonly metadata: JsonObject
  readonly input: Json
  readonly variables: JsonObject
  /** In test mode: what comes of its calls. */
  readonly mocks: Json
  readonly output: Json
}

export interface ExecutionStore {
  details(id: JobId): Promise<ExecutionDetails | null>
  load(id: JobId): Promise<StoredExecution | null>
  /**
   * Steps and loop items on record; of ended items only the status, and nothing of the steps inside them (E10). Of outputs
   * only small ones: the rest is undefined, and read by the journal.
   */
  loadRecorded(job: { id: JobId; ownerId: OwnerId }): Promise<RecordedState>
  /** The steps that wait for a signal of this name. */
  signalWaits(
    job: { id: JobId; ownerId: OwnerId },
    name: string,
  ): Promise<readonly { readonly path: string; readonly schema: JsonObject | boolean | null }[]>
  /** All steps on record, without their outputs and checkpoints. */
  steps(job: { id: JobId; ownerId: OwnerId }): Promise<readonly StepState[]>
}

/** A step on record without its large values. */
export type StepState = Omit<RecordedStep, 'output' | 'checkpoints'>

/** Which rows are meant: those of a job's execution. */
type JobKey = Parameters<ExecutionStore['loadRecorded']>[0]

/** Whoever takes up many jobs at once has them read at once. */
export function createExecutionStore(pool: Queryable): ExecutionStore {
  return {
    async details(id) {
      const { rows } = await pool.query<ExecutionDetails>(
        `SELECT e.workflow_id AS "workflowId", e.version_id AS "versionId", e.label, e.mode, e.metadata, v.input, v.variables, v.mocks,
           v.output, j.priority,
           ARRAY(SELECT t.tag FROM execution_tags t WHERE t.execution_id = e.id ORDER BY t.tag) AS tags
         FROM executions e JOIN execution_values v ON v.execution_id = e.id JOIN jobs j ON j.id = e.id
         WHERE e.id = $1`,
        [id],
      )
      return first(rows)
    },
    load: batched((ids) => loadExecutions(pool, ids)),
    loadRecorded: batched((jobs) => loadRecorded(pool, jobs)),
    async signalWaits({ id, ownerId }, name) {
      const { rows } = await pool.query<{ path: string; schema: JsonObject | boolean | null }>(
        `SELECT path, wait->'schema' AS schema FROM steps
         WHERE owner_id = $1 AND execution_id = $2 AND status = 'WAITING'
           AND wait->>'kind' = 'signal' AND wait->>'name' = $3
         ORDER BY position, path`,
        [ownerId, id, name],
      )
      return rows
    },
    async steps(job) {
      return (await loadSteps(pool, [job])).map(toStep)
    },
  }
}

type ExecutionRow = Omit<StoredExecution, 'definition' | 'retry'> & {
  id: JobId
  hash: string
  body: Json
} & RetryRow

async function loadExecutions(
  pool: Queryable,
  ids: readonly JobId[],
): Promise<readonly (StoredExecution | null)[]> {
  const { rows } = await pool.query<ExecutionRow>(
    `SELECT e.id, d.hash, d.body, v.input, v.variables, v.mocks, e.mode, j.started_at AS "startedAt", j.progress, j.status,
       j.cost_usd AS "costUsd", e.run_at AS "runAt", e.retry_of AS "retryOf", e.retry_from AS "retryFrom", v.patched
     FROM unnest($1::uuid[]) AS wanted(id)
     JOIN executions e ON e.id = wanted.id
     JOIN jobs j ON j.id = e.id
     JOIN definitions d ON d.id = e.definition_id
     JOIN execution_values v ON v.execution_id = e.id`,
    [ids],
  )
  const found = new Map(rows.map((row) => [row.id, toStored(row)]))
  return ids.map((id) => found.get(id) ?? null)
}

function toStored(row: ExecutionRow): StoredExecution {
  const { id: _, hash, body, retryOf, retryFrom, patched, ...rest } = row
  const isRetry = retryOf !== null && retryFrom !== null
  return {
    ...rest,
    definition: { hash, body },
    retry: isRetry ? { of: retryOf, from: retryFrom, patched: patched ?? {} } : null,
  }
}

async function loadRecorded(pool: Queryable, jobs: readonly JobKey[]): Promise<readonly RecordedState[]> {
  const [items, rows] = await Promise.all([loadItems(pool, jobs), loadSteps(pool, jobs)])
  const steps = rows.filter(({ executionId, path }) => !isInsideEnded(path, items.get(executionId)))
  const [outputs, checkpoints] = await Promise.all([
    loadOutputs(pool, jobs, steps),
    loadCheckpoints(pool, jobs),
  ])
  const recorded = new Map(jobs.map(({ id }) => [id, new Map<string, RecordedStep>()]))
  for (const step of steps) {
    const { executionId, path } = step
    recorded.get(executionId)?.set(path, {
      ...toStep(step),
      output: outputs.get(executionId)?.get(path),
      checkpoints: checkpoints.get(executionId)?.get(path) ?? {},
    })
  }
  return jobs.map(({ id }) => ({ items: items.get(id) ?? new Map(), steps: recorded.get(id) ?? new Map() }))
}

interface RetryRow {
  retryOf: JobId | null
  retryFrom: string | null
  patched: JsonObject | null
}

type ItemStatuses = Map<string, Map<number, 'COMPLETED' | 'FAILED'>>

interface StepRow {
  executionId: JobId
  path: string
  nodeId: string
  status: StepStatus
  attempt: number
  attempts: AttemptRecord[]
  handles: string[]
  inputFrom: string[]
  dueAt: Date | null
  wait: StepWait | null
  error: RecordedError | null
  reusedFrom: string | null
  callKey: string | null
  startedAt: Date | null
  finishedAt: Date | null
}

/**
 * Rows of these jobs: each job's are looked up by its key, as `rows` says with `wanted.owner_id` and `wanted.id`. OFFSET 0
 * keeps the planner from another way, which it takes where statistics are old or missing.
 */
function ofEach(rows: string): string {
  return `unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id) CROSS JOIN LATERAL (${rows} OFFSET 0) AS own`
}

function keyColumns(jobs: readonly JobKey[]): readonly (readonly string[])[] {
  return [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)]
}

async function loadItems(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<ReadonlyMap<JobId, ItemStatuses>> {
  const { rows } = await pool.query<{
    executionId: JobId
    path: string
    index: number
    status: 'COMPLETED' | 'FAILED'
  }>(
    `SELECT wanted.id AS "executionId", own.* FROM ${ofEach(
      `SELECT path, index, status FROM loop_items i
       WHERE i.owner_id = wanted.owner_id AND i.execution_id = wanted.id`,
    )}`,
    [...keyColumns(jobs)],
  )
  const items = new Map<JobId, ItemStatuses>()
  for (const { executionId, path, index, status } of rows) {
    const loops: ItemStatuses = items.get(executionId) ?? new Map()
    items.set(executionId, loops.set(path, (loops.get(path) ?? new Map()).set(index, status)))
  }
  return items
}

async function loadSteps(pool: Queryable, jobs: readonly JobKey[]): Promise<StepRow[]> {
  const { rows } = await pool.query<StepRow>(
    `SELECT wanted.id AS "executionId", own.* FROM ${ofEach(
      `SELECT path, node_id AS "nodeId", status, attempt, attempts, handles, input_from AS "inputFrom",
         due_at AS "dueAt", wait, error, reused_from AS "reusedFrom", call_key AS "callKey",
         started_at AS "startedAt", finished_at AS "finishedAt"
       FROM steps s WHERE s.owner_id = wanted.owner_id AND s.execution_id = wanted.id`,
    )}`,
    [...keyColumns(jobs)],
  )
  return rows
}

/** By execution and path. */
type ByPath<Value> = ReadonlyMap<JobId, ReadonlyMap<string, Value>>

/**
 * The outputs that are loaded with the steps on record, as bytes of JSON text of one execution: what most executions have, so that
 * they need no further statement. The rest is read when a step needs it.
 */
export const LOADED_OUTPUTS_MAX_BYTES = 64 * 1024

/** No output whose stored form is larger is loaded with the steps: its text need not even be unpacked. */
const LOADED_OUTPUT_MAX_STORED_BYTES = 2_048

/** Small outputs; one that was reused is read where it is. */
async function loadOutputs(
  pool: Queryable,
  jobs: readonly JobKey[],
  steps: readonly StepRow[],
): Promise<ByPath<Json>> {
  if (steps.length === 0) return new Map()
  const owners = new Map(jobs.map(({ id, ownerId }) => [id, ownerId]))
  const { rows } = await pool.query<{ executionId: JobId; path: string; value: Json }>(
    `SELECT "executionId", path, value FROM (
       SELECT wanted.id AS "executionId", wanted.path, own.value,
         sum(octet_length(own.value::text)) OVER (PARTITION BY wanted.id ORDER BY wanted.path) AS total
       FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[]) AS wanted(owner_id, id, path, holder)
       CROSS JOIN LATERAL (
         SELECT v.output AS value FROM step_values v
         WHERE v.owner_id = wanted.owner_id AND v.execution_id = wanted.holder AND v.path = wanted.path
           AND v.output IS NOT NULL AND pg_column_size(v.output) <= $5 OFFSET 0
       ) AS own
     ) AS small WHERE total <= $6`,
    [
      steps.map(({ executionId }) => owners.get(executionId)),
      steps.map(({ executionId }) => executionId),
      steps.map(({ path }) => path),
      steps.map(({ executionId, reusedFrom }) => reusedFrom ?? executionId),
      LOADED_OUTPUT_MAX_STORED_BYTES,
      LOADED_OUTPUTS_MAX_BYTES,
    ],
  )
  return byPath(rows)
}

/** Of steps that have not ended: what ended needs none of it. */
async function loadCheckpoints(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<ByPath<{ readonly [key: string]: Json }>> {
  const { rows } = await pool.query<{
    executionId: JobId
    path: string
    value: { readonly [key: string]: Json }
  }>(
    `SELECT wanted.id AS "executionId", own.* FROM ${ofEach(
      `SELECT c.path, json_object_agg(c.key, c.value) AS value
       FROM step_checkpoints c
       JOIN steps s ON s.owner_id = c.owner_id AND s.execution_id = c.execution_id AND s.path = c.path
       WHERE c.owner_id = wanted.owner_id AND c.execution_id = wanted.id AND s.finished_at IS NULL
       GROUP BY c.path`,
    )}`,
    [...keyColumns(jobs)],
  )
  return byPath(rows)
}

function byPath<Value>(
  rows: readonly { readonly executionId: JobId; readonly path: string; readonly value: Value }[],
): ByPath<Value> {
  const found = new Map<JobId, Map<string, Value>>()
  for (const { executionId, path, value } of rows)
    found.set(executionId, (found.get(executionId) ?? new Map<string, Value>()).set(path, value))
  return found
}

function toStep(row: StepRow): StepState {
  const { executionId: _, ...step } = row
  return {
    ...step,
    dueAt: row.dueAt?.getTime() ?? null,
    startedAt: row.startedAt?.getTime() ?? null,
    finishedAt: row.finishedAt?.getTime() ?? null,
  }
}

const ITEM = /\[(\d+)\]\//g

/** True when any loop item around the step has ended. */
function isInsideEnded(path: string, items: ItemStatuses = new Map()): boolean {
  for (const match of path.matchAll(ITEM)) {
    if (items.get(path.slice(0, match.index))?.has(Number(match[1]))) return true
  }
  return false
}
