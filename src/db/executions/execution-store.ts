import type { ExecutionMode } from '../../engine/block/index.ts'
import type { Mocks } from '../../engine/mocks/index.ts'
import type { JobStatus, RecordedState } from '../../engine/record/index.ts'
import type { DefinitionId, JobId, OwnerId, WorkflowId, WorkflowVersionId } from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { NewJob } from '../jobs/index.ts'
import {
  JOIN_EXECUTION_OUTPUT,
  readSchemas,
  readSignalWaits,
  SCANNED_MAX_BYTES,
  sizePages,
  tailBytesSql,
  type SizedPages,
} from '../log-reads/index.ts'
import { batched, first, type Queryable } from '../sql/index.ts'
import type { StoredDefinition } from '../stores/index.ts'
import { loadOpenSteps, loadRecorded } from './recorded-state.ts'
import type { JobKey, StepState } from './step-state.ts'

/** What a worker needs to know of an execution before it loads the execution's values. */
export interface StoredExecution {
  readonly definition: StoredDefinition
  readonly mode: ExecutionMode
  readonly startedAt: Date | null
  readonly progress: number
  readonly costUsd: number
  readonly status: JobStatus
  /** When its starter wanted it to begin; null: at once. */
  readonly runAt: Date | null
  /** A worker without its blocks has left it to others. */
  readonly hasBlockWait: boolean
  /** What it retries, and from where on; null when it is no retry. */
  readonly retry: Pick<NonNullable<NewJob['retry']>, 'of' | 'from'> | null
  /**
   * At least what a run of it loads, as bytes of JSON text: its steps on record and its values; of a retry also the steps and the
   * values of its source, and both definitions.
   */
  readonly loadedBytes: number
  /** The part of that which its steps take. */
  readonly stepBytes: number
  /** Its values, where they are small; null: `values` reads them. */
  readonly values: ExecutionValues | null
}

export interface ExecutionValues {
  readonly input: Json
  readonly variables: JsonObject
  /** Test mode only: what comes of its calls. */
  readonly mocks: Mocks | null
  /** Of a retry: outputs in place of the steps' own, by path. */
  readonly patched: JsonObject
}

/** The values of an execution are loaded with its other columns if they have at most this many bytes of JSON text together. */
export const SMALL_VALUES_MAX_BYTES = 16 * 1024

/**
 * Maximum bytes of JSON text of all schemas that one signal is checked against before it is sent. 1,000 items of a loop may wait, each
 * with a different schema.
 */
export const SIGNAL_SCHEMAS_MAX_BYTES = 1024 * 1024

/** Which waits a signal may end. */
export interface AwaitedSignal {
  readonly name: string
  /** Only the step there; null: every step that waits for the name. */
  readonly path: string | null
}

export interface SignalSchemas {
  /** JSON texts, in the definition's order of the steps. */
  readonly texts: readonly string[]
  /** False where there are more. */
  readonly areAll: boolean
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
  values(job: JobKey): Promise<ExecutionValues>
  /**
   * Steps and loop items on record; of ended items only the status, and nothing of the steps inside them (E10). Of outputs
   * only small ones: the rest is undefined, and read by the journal.
   */
  loadRecorded(job: JobKey): Promise<RecordedState>
  /** The schemas that waits for such a signal demand of its payload: those that differ, up to `SIGNAL_SCHEMAS_MAX_BYTES`. */
  signalSchemas(job: JobKey, signal: AwaitedSignal): Promise<SignalSchemas>
  /** The length of an execution's output as JSON text in UTF-8, in bytes; 0 where it has none. */
  outputBytes(job: JobKey): Promise<number>
  /** The output of an execution that completed. */
  output(job: JobKey): Promise<Json>
  /** The steps that the end of a job without a run has to know: open steps, and ended steps of top-level nodes. */
  steps(job: JobKey): Promise<readonly StepState[]>
}

/** Reads that are called for many jobs in one turn of the event loop share one statement. */
export function createExecutionStore(pool: Queryable): ExecutionStore {
  return {
    async details(id) {
      const { rows } = await pool.query<ExecutionDetails>(
        `SELECT e.workflow_id AS "workflowId", e.version_id AS "versionId", e.label, e.mode, e.metadata, v.input, v.variables, v.mocks,
           output.value AS output, j.priority,
           ARRAY(SELECT t.tag FROM execution_tags t WHERE t.execution_id = e.id ORDER BY t.tag) AS tags
         FROM executions e JOIN execution_inputs v ON v.execution_id = e.id JOIN jobs j ON j.id = e.id
         ${JOIN_EXECUTION_OUTPUT}
         WHERE e.id = $1`,
        [id],
      )
      return first(rows)
    },
    load: batched((ids) => loadExecutions(pool, ids)),
    async values({ id, ownerId }) {
      const { rows } = await pool.query<ValuesRow>(
        `SELECT input, variables, mocks, patched FROM execution_inputs WHERE owner_id = $1 AND execution_id = $2`,
        [ownerId, id],
      )
      const row = first(rows)
      if (!row) throw new Error(`the values of the execution ${id} are missing`)
      return toValues(row)
    },
    loadRecorded: batched((jobs) => loadRecorded(pool, jobs)),
    steps: batched((jobs) => loadOpenSteps(pool, jobs)),
    async signalSchemas(job, signal) {
      const waits = await readSignalWaits(pool, job, signal)
      const refs = waits.map(({ entry, path }) => ({ ...job, entry, path }))
      const { schemas, areAll } = await readSchemas(pool, refs, SIGNAL_SCHEMAS_MAX_BYTES)
      return { texts: schemas.map(({ text }) => text), areAll }
    },
    async outputBytes({ id, ownerId }) {
      const { rows } = await pool.query<{ bytes: number | null }>(
        `SELECT octet_length(output.value::text) AS bytes FROM jobs j ${JOIN_EXECUTION_OUTPUT} WHERE j.owner_id = $1 AND j.id = $2`,
        [ownerId, id],
      )
      return first(rows)?.bytes ?? 0
    },
    async output({ id, ownerId }) {
      const { rows } = await pool.query<{ output: Json }>(
        `SELECT output.value AS output FROM jobs j ${JOIN_EXECUTION_OUTPUT} WHERE j.owner_id = $1 AND j.id = $2`,
        [ownerId, id],
      )
      return first(rows)?.output ?? null
    },
  }
}

interface ExecutionRow
  extends Omit<StoredExecution, 'definition' | 'retry' | 'values' | 'loadedBytes' | 'stepBytes'>, ValuesRow {
  readonly valueBytes: number
  readonly ownerId: OwnerId
  /** What the entries behind the pages take. */
  readonly tailBytes: number
  readonly pagedNo: number
  /** Of a retry: what the entries behind the pages of its source take. */
  readonly sourceTailBytes: number | null
  readonly sourcePagedNo: number | null
  readonly id: JobId
  readonly definitionId: DefinitionId
  readonly hash: string
  readonly retryOf: JobId | null
  readonly retryFrom: string | null
  readonly isSmall: boolean
}

interface ValuesRow {
  readonly input: Json
  readonly variables: JsonObject
  readonly mocks: Mocks | null
  readonly patched: JsonObject | null
}

const VALUES_BYTES = (v: string) => `
  (COALESCE(octet_length(${v}.input::text), 0) + COALESCE(octet_length(${v}.variables::text), 0)
    + COALESCE(octet_length(${v}.mocks::text), 0) + COALESCE(octet_length(${v}.patched::text), 0))`

const LOAD = `
SELECT e.id, d.id AS "definitionId", d.hash, e.mode, j.started_at AS "startedAt", j.progress, j.status,
  j.cost_usd AS "costUsd", e.run_at AS "runAt", EXISTS (SELECT FROM block_waits b WHERE b.job_id = e.id) AS "hasBlockWait", e.retry_of AS "retryOf", e.retry_from AS "retryFrom",
  size.own <= $2 AS "isSmall", size.own + COALESCE(source.bytes, 0) AS "valueBytes", e.owner_id AS "ownerId",
  ${tailBytesSql('j')} AS "tailBytes", j.paged_no AS "pagedNo",
  source."tailBytes" AS "sourceTailBytes", source."pagedNo" AS "sourcePagedNo",
  CASE WHEN size.own <= $2 THEN v.input END AS input, CASE WHEN size.own <= $2 THEN v.variables END AS variables,
  CASE WHEN size.own <= $2 THEN v.mocks END AS mocks, CASE WHEN size.own <= $2 THEN v.patched END AS patched
FROM unnest($1::uuid[]) AS wanted(id)
JOIN executions e ON e.id = wanted.id
JOIN jobs j ON j.id = e.id
JOIN definitions d ON d.id = e.definition_id
JOIN execution_inputs v ON v.execution_id = e.id
CROSS JOIN LATERAL (SELECT ${VALUES_BYTES('v')} AS own OFFSET 0) AS size
LEFT JOIN LATERAL (
  SELECT ${VALUES_BYTES('sv')} + octet_length(sd.body::text) + octet_length(d.body::text) AS bytes,
    ${tailBytesSql('sj')} AS "tailBytes", sj.paged_no AS "pagedNo"
  FROM executions se JOIN jobs sj ON sj.id = se.id JOIN definitions sd ON sd.id = se.definition_id JOIN execution_inputs sv ON sv.execution_id = se.id
  WHERE se.id = e.retry_of OFFSET 0
) AS source ON true`

async function loadExecutions(
  pool: Queryable,
  ids: readonly JobId[],
): Promise<readonly (StoredExecution | null)[]> {
  const { rows } = await pool.query<ExecutionRow>(LOAD, [ids, SMALL_VALUES_MAX_BYTES])
  // Retries of one source count its pages once.
  const paged = new Map(rows.flatMap(pagesOf).map((job) => [job.id, job]))
  const pages = await sizePages(pool, [...paged.values()])
  const found = new Map(rows.map((row) => [row.id, toStored(row, pages)]))
  return ids.map((id) => found.get(id) ?? null)
}

/** The jobs with pages that a take-up reads: its own, and the source of a retry. */
function pagesOf({ id, ownerId, pagedNo, retryOf, sourcePagedNo }: ExecutionRow): readonly SizedPages[] {
  return [
    ...(pagedNo > 0 ? [{ id, ownerId, reach: 'outside' } as const] : []),
    ...(retryOf !== null && (sourcePagedNo ?? 0) > 0
      ? [{ id: retryOf, ownerId, reach: 'open' } as const]
      : []),
  ]
}

function toStored(row: ExecutionRow, pages: ReadonlyMap<JobId, number>): StoredExecution {
  const { definitionId, hash, mode, startedAt, progress, costUsd, status, runAt, hasBlockWait, valueBytes } =
    row
  const { retryOf: of, retryFrom: from, isSmall, tailBytes, sourceTailBytes } = row
  const stepBytes = tailBytes + (pages.get(row.id) ?? 0)
  const sourcePages = of === null ? undefined : pages.get(of)
  const sourceBytes =
    (sourceTailBytes ?? 0) + (sourcePages === undefined ? 0 : sourcePages + SCANNED_MAX_BYTES)
  return {
    definition: { id: definitionId, hash },
    mode,
    startedAt,
    progress,
    costUsd,
    status,
    runAt,
    hasBlockWait,
    retry: of !== null && from !== null ? { of, from } : null,
    loadedBytes: valueBytes + stepBytes + sourceBytes,
    stepBytes,
    values: isSmall ? toValues(row) : null,
  }
}

function toValues({ input, variables, mocks, patched }: ValuesRow): ExecutionValues {
  return { input, variables, mocks, patched: patched ?? {} }
}
