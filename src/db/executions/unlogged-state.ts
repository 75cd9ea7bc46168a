import type {
  AttemptRecord,
  KnownWait,
  RecordedError,
  RecordedState,
  RecordedStep,
  StepStatus,
} from '../../engine/record/index.ts'
import type { JobId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import type { Queryable } from '../sql/index.ts'
import { isInsideEnded, loadLoops, type LoadedLoops, type PositionRange } from './recorded-loops.ts'
import {
  LOADED_OUTPUTS_MAX_BYTES,
  PLAIN_ATTEMPTS_MAX_BYTES,
  type JobKey,
  type StepState,
} from './step-state.ts'

// Reads what is on record of jobs of earlier builds, which have no log (see `isUnlogged`), from the tables of steps and items. It goes
// away once all jobs are converted.

/** Loads steps, loop items, small outputs, and which open steps have checkpoints; nothing inside of ended loop items. */
export async function loadUnlogged(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<readonly RecordedState[]> {
  const { steps, loops } = await loadSteps(pool, jobs, 'run')
  const [outputs, checkpointed] = await Promise.all([
    loadOutputs(pool, jobs, steps),
    loadCheckpointed(pool, jobs, steps),
  ])
  const recorded = new Map(jobs.map(({ id }) => [id, new Map<string, RecordedStep>()]))
  for (const step of steps) {
    const { executionId, path } = step
    recorded.get(executionId)?.set(path, {
      ...toStep(step),
      output: outputs.get(executionId)?.get(path),
      hasCheckpoints: checkpointed.get(executionId)?.has(path) ?? false,
    })
  }
  return jobs.map(({ id }) => ({
    items: loops.get(id)?.items ?? new Map(),
    steps: recorded.get(id) ?? new Map(),
  }))
}

/** Of each job: open steps, without what they wait for, and ended steps of top-level nodes. */
export async function loadUnloggedOpenSteps(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<readonly (readonly StepState[])[]> {
  const { steps } = await loadSteps(pool, jobs, 'ends')
  const open = new Map<JobId, StepState[]>(jobs.map(({ id }) => [id, []]))
  for (const step of steps)
    if (step.finishedAt === null || !step.path.includes('/')) open.get(step.executionId)?.push(toStep(step))
  return jobs.map(({ id }) => open.get(id) ?? [])
}

interface StepRow {
  readonly executionId: JobId
  readonly path: string
  readonly nodeId: string
  readonly status: StepStatus
  readonly attempt: number
  readonly attempts: AttemptRecord[]
  readonly handles: string[]
  readonly inputFrom: string[]
  readonly dueAt: Date | null
  readonly wait: KnownWait | null
  readonly error: RecordedError | null
  readonly reusedFrom: string | null
  readonly callKey: string | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
}

/** Only open steps need their attempts. Steps that older versions recorded have the details of each one. */
const ATTEMPTS = `CASE
    WHEN finished_at IS NOT NULL THEN '[]'::json
    WHEN octet_length(attempts::text) <= ${PLAIN_ATTEMPTS_MAX_BYTES} THEN attempts
    ELSE (
      SELECT json_agg(CASE WHEN one.attempt->'error'->'details' IS NULL THEN one.attempt
        ELSE (one.attempt::jsonb #- '{error,details}')::json END ORDER BY one.place)
      FROM json_array_elements(attempts) WITH ORDINALITY AS one(attempt, place)
    ) END`

/** Only the error that fails an execution is needed: what follows a step that failed and continues reads its output. */
const ERROR = `CASE WHEN finished_at IS NOT NULL AND handles::text = '[]' THEN error END`

const columns = (wait: string) =>
  `path, node_id AS "nodeId", status, attempt, ${ATTEMPTS} AS attempts, handles, input_from AS "inputFrom",
  due_at AS "dueAt", ${wait} AS wait, ${ERROR} AS error, reused_from AS "reusedFrom", call_key AS "callKey", started_at AS "startedAt",
  finished_at AS "finishedAt"`

/** `ends`: for the end of a job, which closes waits and needs nothing of what they wait for. */
type Purpose = 'run' | 'ends'

/** The schema of a signal's payload is read when a signal comes: its length is loaded, so that the read can be paid for. */
const KNOWN_WAIT = `CASE WHEN wait->>'kind' = 'signal' THEN json_build_object(
    'kind', 'signal', 'name', wait->'name', 'timeoutHandle', wait->'timeoutHandle',
    'schemaBytes', COALESCE(octet_length(NULLIF((wait->'schema')::text, 'null')), 0)
  ) ELSE wait END`

const COLUMNS: { readonly [P in Purpose]: string } = { run: columns(KNOWN_WAIT), ends: columns('NULL::json') }

function keyColumns(jobs: readonly JobKey[]): readonly (readonly string[])[] {
  return [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id)]
}

interface LoadedSteps {
  readonly steps: readonly StepRow[]
  readonly loops: ReadonlyMap<JobId, LoadedLoops>
}

/** The steps outside of ended loop items. A job without ended items has them in one statement, beside the look for items. */
async function loadSteps(pool: Queryable, jobs: readonly JobKey[], purpose: Purpose): Promise<LoadedSteps> {
  const [loops, steps] = await Promise.all([
    loadLoops(pool, jobs),
    loadStepsWithoutItems(pool, jobs, purpose),
  ])
  if (loops.size === 0) return { steps, loops }
  const ranges = jobs.flatMap((job) => (loops.get(job.id)?.ranges ?? []).map((range) => ({ job, range })))
  const rest = await loadStepsIn(pool, ranges, purpose)
  return {
    steps: [
      ...steps,
      // A loop that is not on record itself has no place in the order: its ended items were not left out.
      ...rest.filter(({ executionId, path }) => !isInsideEnded(path, loops.get(executionId)?.items)),
    ],
    loops,
  }
}

async function loadStepsWithoutItems(
  pool: Queryable,
  jobs: readonly JobKey[],
  purpose: Purpose,
): Promise<StepRow[]> {
  const { rows } = await pool.query<StepRow>(
    `SELECT wanted.id AS "executionId", own.* FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id)
     LEFT JOIN LATERAL (
       SELECT true AS is_found FROM loop_items i
       WHERE i.owner_id = wanted.owner_id AND i.execution_id = wanted.id LIMIT 1
     ) AS item ON true
     CROSS JOIN LATERAL (
       SELECT ${COLUMNS[purpose]} FROM steps s
       WHERE s.owner_id = wanted.owner_id AND s.execution_id = wanted.id AND item.is_found IS NULL OFFSET 0
     ) AS own`,
    [...keyColumns(jobs)],
  )
  return rows
}

async function loadStepsIn(
  pool: Queryable,
  ranges: readonly { readonly job: JobKey; readonly range: PositionRange }[],
  purpose: Purpose,
): Promise<StepRow[]> {
  const { rows } = await pool.query<StepRow>(
    `SELECT wanted.id AS "executionId", own.*
     FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[]) AS wanted(owner_id, id, low, high)
     CROSS JOIN LATERAL (
       SELECT ${COLUMNS[purpose]} FROM steps s
       WHERE s.owner_id = wanted.owner_id AND s.execution_id = wanted.id
         AND s.position >= wanted.low AND s.position < wanted.high OFFSET 0
     ) AS own`,
    [
      ranges.map(({ job }) => job.ownerId),
      ranges.map(({ job }) => job.id),
      ranges.map(({ range }) => range.low),
      ranges.map(({ range }) => range.high),
    ],
  )
  return rows
}

/** By execution and path. */
type ByPath<Value> = ReadonlyMap<JobId, ReadonlyMap<string, Value>>

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

/** The open steps that have checkpoints. The checkpoints stay in the tables until an attempt begins: they may be long. */
async function loadCheckpointed(
  pool: Queryable,
  jobs: readonly JobKey[],
  steps: readonly StepRow[],
): Promise<ByPath<true>> {
  const open = steps.filter(({ finishedAt }) => finishedAt === null)
  if (open.length === 0) return new Map()
  const owners = new Map(jobs.map(({ id, ownerId }) => [id, ownerId]))
  const { rows } = await pool.query<{ executionId: JobId; path: string; value: true }>(
    `SELECT wanted.id AS "executionId", wanted.path, own.value
     FROM unnest($1::text[], $2::uuid[], $3::text[]) AS wanted(owner_id, id, path)
     CROSS JOIN LATERAL (
       SELECT true AS value FROM step_checkpoints c
       WHERE c.owner_id = wanted.owner_id AND c.execution_id = wanted.id AND c.path = wanted.path LIMIT 1
     ) AS own`,
    [
      open.map(({ executionId }) => owners.get(executionId)),
      open.map(({ executionId }) => executionId),
      open.map(({ path }) => path),
    ],
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
