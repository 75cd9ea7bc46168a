import type { ExecutionMode, JobStatus } from '../engine/job.ts'
import type { RecordedState, RecordedStep } from '../engine/journal.ts'
import { storedMocksSchema, type Mocks } from '../engine/stand-in/mocks.ts'
import type { RecordedError, AttemptRecord, StepStatus, StepWait } from '../engine/step.ts'
import type { NewJob } from './job-store.ts'
import type { JobId, OwnerId, WorkflowId, WorkflowVersionId } from '../lib/ids.ts'
import type { Json, JsonObject } from '../lib/json.ts'
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
  /** Steps and loop items on record; of ended items only the status, and nothing of the steps inside them (E10). */
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

export function createExecutionStore(pool: Queryable): ExecutionStore {
  return {
    async details(id) {
      const { rows } = await pool.query<ExecutionDetails>(
        `SELECT e.workflow_id AS "workflowId", e.version_id AS "versionId", e.label, e.mode, e.metadata, v.input, v.variables, v.mocks,
           v.output
         FROM executions e JOIN execution_values v ON v.execution_id = e.id WHERE e.id = $1`,
        [id],
      )
      return first(rows)
    },
    async load(id) {
      const { rows } = await pool.query<
        Omit<StoredExecution, 'definition' | 'retry'> & { hash: string; body: Json } & RetryRow
      >(
        `SELECT d.hash, d.body, v.input, v.variables, v.mocks, e.mode, j.started_at AS "startedAt", j.progress, j.status,
           j.cost_usd AS "costUsd", e.run_at AS "runAt", e.retry_of AS "retryOf", e.retry_from AS "retryFrom", v.patched
         FROM executions e
         JOIN jobs j ON j.id = e.id
         JOIN definitions d ON d.id = e.definition_id
         JOIN execution_values v ON v.execution_id = e.id
         WHERE e.id = $1`,
        [id],
      )
      const row = first(rows)
      if (!row) return null
      const { hash, body, retryOf, retryFrom, patched, mocks, ...rest } = row
      const retry =
        retryOf === null || retryFrom === null
          ? null
          : { of: retryOf, from: retryFrom, patched: patched ?? {} }
      return {
        ...rest,
        definition: { hash, body },
        retry,
        mocks: mocks && storedMocksSchema.parse(mocks),
      }
    },
    async loadRecorded(job) {
      const items = await loadItems(pool, job)
      const steps = (await loadSteps(pool, job)).filter(({ path }) => !isInsideEnded(path, items))
      const outputs = await loadOutputs(
        pool,
        job,
        steps.map(({ path }) => path),
      )
      const checkpoints = await loadCheckpoints(pool, job)
      return {
        items,
        steps: new Map(
          steps.map((row) => [
            row.path,
            {
              ...toStep(row),
              output: outputs.get(row.path) ?? null,
              checkpoints: checkpoints.get(row.path) ?? {},
            },
          ]),
        ),
      }
    },
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
      return (await loadSteps(pool, job)).map(toStep)
    },
  }
}

interface RetryRow {
  retryOf: JobId | null
  retryFrom: string | null
  patched: JsonObject | null
}

type ItemStatuses = Map<string, Map<number, 'COMPLETED' | 'FAILED'>>

interface StepRow {
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

async function loadItems(
  pool: Queryable,
  { id, ownerId }: { id: JobId; ownerId: OwnerId },
): Promise<ItemStatuses> {
  const { rows } = await pool.query<{ path: string; index: number; status: 'COMPLETED' | 'FAILED' }>(
    'SELECT path, index, status FROM loop_items WHERE owner_id = $1 AND execution_id = $2',
    [ownerId, id],
  )
  const items: ItemStatuses = new Map()
  for (const { path, index, status } of rows) {
    const loop = items.get(path)
    if (loop) loop.set(index, status)
    else items.set(path, new Map([[index, status]]))
  }
  return items
}

async function loadSteps(
  pool: Queryable,
  { id, ownerId }: { id: JobId; ownerId: OwnerId },
): Promise<StepRow[]> {
  const { rows } = await pool.query<StepRow>(
    `SELECT path, node_id AS "nodeId", status, attempt, attempts, handles, input_from AS "inputFrom",
       due_at AS "dueAt", wait, error, reused_from AS "reusedFrom", call_key AS "callKey",
       started_at AS "startedAt", finished_at AS "finishedAt"
     FROM steps WHERE owner_id = $1 AND execution_id = $2`,
    [ownerId, id],
  )
  return rows
}

/** An output that was reused is read where it is. */
async function loadOutputs(
  pool: Queryable,
  { id, ownerId }: { id: JobId; ownerId: OwnerId },
  paths: readonly string[],
): Promise<ReadonlyMap<string, Json>> {
  if (paths.length === 0) return new Map()
  const { rows } = await pool.query<{ path: string; output: Json }>(
    `SELECT s.path, v.output FROM steps s
     JOIN step_values v ON v.owner_id = s.owner_id AND v.execution_id = COALESCE(s.reused_from, s.execution_id)
       AND v.path = s.path
     WHERE s.owner_id = $1 AND s.execution_id = $2 AND s.path = ANY($3) AND v.output IS NOT NULL`,
    [ownerId, id, paths],
  )
  return new Map(rows.map(({ path, output }) => [path, output]))
}

/** Of steps that have not ended: what ended needs none of it. */
async function loadCheckpoints(
  pool: Queryable,
  { id, ownerId }: { id: JobId; ownerId: OwnerId },
): Promise<ReadonlyMap<string, { readonly [key: string]: Json }>> {
  const { rows } = await pool.query<{ path: string; values: { readonly [key: string]: Json } }>(
    `SELECT c.path, json_object_agg(c.key, c.value) AS values FROM step_checkpoints c
     JOIN steps s ON s.owner_id = c.owner_id AND s.execution_id = c.execution_id AND s.path = c.path
     WHERE c.owner_id = $1 AND c.execution_id = $2 AND s.finished_at IS NULL GROUP BY c.path`,
    [ownerId, id],
  )
  return new Map(rows.map(({ path, values }) => [path, values]))
}

function toStep(row: StepRow): StepState {
  return {
    ...row,
    dueAt: row.dueAt?.getTime() ?? null,
    startedAt: row.startedAt?.getTime() ?? null,
    finishedAt: row.finishedAt?.getTime() ?? null,
  }
}

const ITEM = /\[(\d+)\]\//g

/** True when any loop item around the step has ended. */
function isInsideEnded(path: string, items: ItemStatuses): boolean {
  for (const match of path.matchAll(ITEM)) {
    if (items.get(path.slice(0, match.index))?.has(Number(match[1]))) return true
  }
  return false
}
