import type { ExecutionMode } from '../../engine/block/index.ts'
import type {
  OriginalRecord,
  OriginalStepRecord,
  SmallSourceValues,
  SourceValues,
} from '../../engine/fork/index.ts'
import { CALL_OUTCOME_UNKNOWN } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import { first, type Queryable } from '../sql/index.ts'

/**
 * Reads ended executions for those that retry them. Their rows do not change any more. Nothing that is loaded holds an output or
 * a config: those are read when they are compared.
 */
export interface OriginalStore {
  load(job: { readonly id: JobId; readonly ownerId: OwnerId }): Promise<OriginalRecord | null>
}

export function createOriginalStore(pool: Queryable): OriginalStore {
  return {
    async load(job) {
      const execution = await loadExecution(pool, job)
      if (!execution) return null
      const [steps, items] = await Promise.all([loadSteps(pool, job), loadItems(pool, job)])
      return { ...execution, steps, items, values: valuesOf(pool, job) }
    },
  }
}

type Key = { readonly id: JobId; readonly ownerId: OwnerId }

async function loadExecution(
  pool: Queryable,
  { id, ownerId }: Key,
): Promise<Omit<OriginalRecord, 'steps' | 'items' | 'values'> | null> {
  const { rows } = await pool.query<{
    hash: string
    body: Json
    input: Json
    variables: JsonObject
    mode: ExecutionMode
    startedAt: Date | null
  }>(
    `SELECT d.hash, d.body, v.input, v.variables, e.mode, j.started_at AS "startedAt"
     FROM executions e
     JOIN jobs j ON j.id = e.id
     JOIN definitions d ON d.id = e.definition_id
     JOIN execution_values v ON v.execution_id = e.id
     WHERE e.owner_id = $1 AND e.id = $2 AND j.finished_at IS NOT NULL`,
    [ownerId, id],
  )
  const row = first(rows)
  if (!row) return null
  const { hash, body, startedAt, ...rest } = row
  return {
    executionId: id,
    ...rest,
    definition: { hash, body },
    startedAt: startedAt?.getTime() ?? null,
  }
}

async function loadSteps(pool: Queryable, { id, ownerId }: Key): Promise<readonly OriginalStepRecord[]> {
  const { rows } = await pool.query<OriginalStepRecord>(
    `SELECT s.path, s.node_id AS "nodeId", s.status, s.handles, s.input_from AS "inputFrom",
       s.attempts->-1->'error'->>'code' AS "errorCode", COALESCE(s.reused_from, s.execution_id) AS holder,
       COALESCE(s.call_key, s.execution_id || '/' || s.path) AS "callKey"
     FROM steps s
     WHERE s.owner_id = $1 AND s.execution_id = $2
       AND (position('/' IN s.path) = 0 OR s.attempts->-1->'error'->>'code' = $3)`,
    [ownerId, id, CALL_OUTCOME_UNKNOWN],
  )
  return rows
}

/** No value whose stored form is larger counts as small: its text need not even be unpacked. */
const SMALL_VALUE_MAX_STORED_BYTES = 2_048

/** The small outputs that are read together, and the small configs, as bytes of JSON text of one execution. */
const SMALL_VALUES_MAX_BYTES = 64 * 1024

function valuesOf(pool: Queryable, { id, ownerId }: Key): SourceValues {
  const read = async (column: 'config' | 'output', paths: readonly string[]) => {
    const { rows } = await pool.query<{ path: string; value: string }>(
      `SELECT s.path, v.${column}::text AS value FROM steps s JOIN step_values v ON ${HOLDS[column]}
       WHERE s.owner_id = $1 AND s.execution_id = $2 AND s.path = ANY($3::text[]) AND v.${column} IS NOT NULL`,
      [ownerId, id, paths],
    )
    return new Map(rows.map(({ path, value }) => [path, value]))
  }
  return {
    small: () => loadSmall(pool, { id, ownerId }),
    outputs: (paths) => read('output', paths),
    configs: (paths) => read('config', paths),
  }
}

/** An output is read where it is; the config is always the step's own. */
const HOLDS = {
  config: 'v.owner_id = s.owner_id AND v.execution_id = s.execution_id AND v.path = s.path',
  output:
    'v.owner_id = s.owner_id AND v.execution_id = COALESCE(s.reused_from, s.execution_id) AND v.path = s.path',
} as const

/** Of the definition's own steps. */
async function loadSmall(pool: Queryable, { id, ownerId }: Key): Promise<SmallSourceValues> {
  const small = (column: 'config' | 'output') =>
    `SELECT '${column}' AS kind, s.path, v.${column}::text AS value,
       sum(octet_length(v.${column}::text)) OVER (ORDER BY s.position, s.path) AS total
     FROM steps s JOIN step_values v ON ${HOLDS[column]}
     WHERE s.owner_id = $1 AND s.execution_id = $2 AND position('/' IN s.path) = 0
       AND pg_column_size(v.${column}) <= $3`
  const { rows } = await pool.query<{ kind: 'config' | 'output'; path: string; value: string }>(
    `SELECT kind, path, value FROM (${small('config')} UNION ALL ${small('output')}) AS small WHERE total <= $4`,
    [ownerId, id, SMALL_VALUE_MAX_STORED_BYTES, SMALL_VALUES_MAX_BYTES],
  )
  const of = (kind: 'config' | 'output') =>
    new Map(rows.filter((row) => row.kind === kind).map(({ path, value }) => [path, value]))
  return { configs: of('config'), outputs: of('output') }
}

/**
 * Of the definition's own loops: those inside of loops run again with their items. A loop that was itself taken over as a
 * whole left its items where it ran.
 */
async function loadItems(pool: Queryable, { id, ownerId }: Key): Promise<OriginalRecord['items']> {
  const { rows } = await pool.query<{ path: string; index: number; holder: string }>(
    `SELECT i.path, i.index, COALESCE(i.reused_from, i.execution_id) AS holder FROM steps s
     JOIN loop_items i ON i.owner_id = s.owner_id AND i.execution_id = COALESCE(s.reused_from, s.execution_id)
       AND i.path = s.path
     WHERE s.owner_id = $1 AND s.execution_id = $2 AND i.status = 'COMPLETED' AND position('/' IN s.path) = 0`,
    [ownerId, id],
  )
  const items = new Map<string, Map<number, string>>()
  for (const { path, index, holder } of rows) {
    const loop = items.get(path)
    if (loop) loop.set(index, holder)
    else items.set(path, new Map([[index, holder]]))
  }
  return items
}
