import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { parseEvent } from '../../src/engine/record/event.ts'
import { knownSignalWait, type StepWait } from '../../src/engine/record/step.ts'
import { recordsOf } from './recorded.ts'

/** The tables of build 708d1c0 that its conversion drops. */
const TABLES = ['job_events', 'steps', 'step_values', 'step_checkpoints', 'loop_items', 'execution_values']

/** Copies the tables that a conversion drops, for `requireSameLogsAndTables`. */
export async function copyEarlierTables(pool: pg.Pool): Promise<void> {
  await pool.query('CREATE SCHEMA earlier')
  for (const table of TABLES) await pool.query(`CREATE TABLE earlier.${table} AS TABLE ${table}`)
}

/**
 * Folds the log of all jobs, and throws unless it says what the copied tables say: events, steps, their values, items, checkpoints, used
 * signals and outputs.
 */
export async function requireSameLogsAndTables(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    // The copies are found first.
    await client.query('SET search_path TO earlier, public')
    const { rows } = await client.query<{ id: string }>('SELECT id FROM jobs WHERE last_seq > 0 ORDER BY id')
    await compare(
      client,
      rows.map(({ id }) => id),
    )
  } finally {
    client.release(true)
  }
}

async function compare(client: pg.PoolClient, ids: readonly string[]): Promise<void> {
  const read = async <Row extends pg.QueryResultRow>(text: string): Promise<ReadonlyMap<string, Row[]>> => {
    const { rows } = await client.query<{ job: string } & Row>(text, [ids])
    const found = new Map<string, Row[]>(ids.map((id) => [id, []]))
    for (const { job, ...row } of rows) found.get(job)?.push(row as unknown as Row)
    return found
  }
  const outputs = await read<{ output: string | null }>(
    'SELECT execution_id AS job, output::text AS output FROM execution_values WHERE execution_id = ANY($1::uuid[])',
  )
  const events = await read<EventRow>(EVENTS)
  const steps = await read<StepRow>(STEPS)
  const items = await read<ItemRow>(ITEMS)
  const checkpoints = await read<{ path: string; key: string; value: unknown }>(
    'SELECT execution_id AS job, path, key, value FROM step_checkpoints WHERE execution_id = ANY($1::uuid[])',
  )
  const signals = await read<{ number: number; path: string | null }>(
    'SELECT job_id AS job, number, used_by AS path FROM commands WHERE used_at IS NOT NULL AND job_id = ANY($1::uuid[])',
  )
  for (const [id, record] of await recordsOf(client, ids)) {
    const same = (what: string, log: unknown, table: unknown) => {
      if (isDeepStrictEqual(log, table)) return
      const [one, other] = firstDifference(log, table)
      throw new Error(`the log of job ${id} and the tables differ in ${what}: ${one} and ${other}`)
    }
    same('events', record.events, (events.get(id) ?? []).map(parseEvent))
    same('steps', sorted(record.steps), sorted((steps.get(id) ?? []).map(plainStep)))
    same('items', sorted(record.items), sorted((items.get(id) ?? []).map(plainItem)))
    same('checkpoints', sorted(record.checkpoints), sorted(checkpoints.get(id) ?? []))
    same(
      'used signals',
      sorted([...record.fold.usedSignals].map(([number, path]) => ({ number, path }))),
      sorted(signals.get(id) ?? []),
    )
    const output = outputs.get(id)?.[0]?.output ?? null
    same('the output', record.output, output === null ? undefined : JSON.parse(output))
  }
}

function firstDifference(log: unknown, table: unknown): readonly (string | undefined)[] {
  const textOf = (one: unknown) => JSON.stringify(one)?.slice(0, SHOWN_MAX_LENGTH)
  if (!Array.isArray(log) || !Array.isArray(table)) return [textOf(log), textOf(table)]
  const place = log.findIndex((one, index) => !isDeepStrictEqual(one, table[index]))
  const at = place === -1 ? log.length : place
  return [log, table].map((all) => `${at} of ${all.length}, ${textOf(all[at])}`)
}

/** More of a difference is left out of the message. */
const SHOWN_MAX_LENGTH = 1_000

const ms = (column: string, name: string) => `(extract(epoch FROM ${column}) * 1000)::float8 AS "${name}"`

interface EventRow {
  readonly seq: number
  readonly at: Date
  readonly kind: string
  readonly progress: number
  readonly body: unknown
}

const EVENTS = `
SELECT job_id AS job, seq, at, kind, progress, body FROM job_events WHERE job_id = ANY($1::uuid[]) ORDER BY seq`

interface StepRow {
  readonly path: string
  readonly position: string
  readonly nodeId: string
  readonly status: string
  readonly attempt: number
  readonly attempts: unknown
  readonly handles: unknown
  readonly inputFrom: unknown
  readonly dueAt: number | null
  readonly wait: StepWait | null
  readonly error: unknown
  readonly reusedFrom: string | null
  readonly callKey: string | null
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly config: unknown
  readonly output: unknown
  readonly hasValues: boolean
  readonly hasOutput: boolean
}

const STEPS = `
SELECT s.execution_id AS job, s.path, s.position, s.node_id AS "nodeId", s.status, s.attempt, s.attempts, s.handles,
  s.input_from AS "inputFrom", ${ms('s.due_at', 'dueAt')}, s.wait, s.error, s.reused_from AS "reusedFrom",
  s.call_key AS "callKey", ${ms('s.started_at', 'startedAt')}, ${ms('s.finished_at', 'finishedAt')},
  v.config, v.output, v.path IS NOT NULL AS "hasValues", v.output IS NOT NULL AS "hasOutput"
FROM steps s LEFT JOIN step_values v ON v.execution_id = s.execution_id AND v.path = s.path
WHERE s.execution_id = ANY($1::uuid[])`

function plainStep({ wait, config, output, hasValues, hasOutput, ...step }: StepRow) {
  return {
    ...step,
    wait: wait?.kind === 'signal' ? knownSignalWait(wait) : wait,
    schema: wait?.kind === 'signal' ? (wait.schema ?? undefined) : undefined,
    config: hasValues ? config : undefined,
    output: hasOutput ? output : undefined,
  }
}

interface ItemRow {
  readonly path: string
  readonly index: number
  readonly status: string
  readonly error: unknown
  readonly reusedFrom: string | null
  readonly finishedAt: number
  readonly output: unknown
  readonly hasOutput: boolean
}

const ITEMS = `
SELECT execution_id AS job, path, index, status, error, reused_from AS "reusedFrom", ${ms('finished_at', 'finishedAt')},
  output, output IS NOT NULL AS "hasOutput"
FROM loop_items WHERE execution_id = ANY($1::uuid[])`

function plainItem({ output, hasOutput, ...item }: ItemRow) {
  return { ...item, output: hasOutput ? output : undefined }
}

/** In the order of their JSON texts, whatever the order of their fields is. */
function sorted<Row extends object>(rows: readonly Row[]): readonly Row[] {
  const keyOf = (row: Row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return rows
    .map((row) => [keyOf(row), row] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, row]) => row)
}
