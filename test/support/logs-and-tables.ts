import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { loadOpenSteps, loadRecorded } from '../../src/db/executions/recorded-state.ts'
import { loadUnlogged, loadUnloggedOpenSteps } from '../../src/db/executions/unlogged-state.ts'
import { decodeEvents, type LogRow } from '../../src/db/log/decode-entry.ts'
import { checkpointPath, EXECUTION_OUTPUT, VALUE, valueKey, type ValueKind } from '../../src/db/log/entry.ts'
import { Fold, type ValuesAt } from '../../src/db/log/fold.ts'
import { applyPage, type PageBody } from '../../src/db/log/page.ts'
import { positionOf } from '../../src/db/log/position.ts'
import { parseEvent } from '../../src/engine/record/event.ts'
import type { RecordedState } from '../../src/engine/record/journal.ts'
import { itemPath, knownSignalWait, type StepWait } from '../../src/engine/record/step.ts'
import type { JobId, OwnerId } from '../../src/lib/ids.ts'
import { contentsOfFold } from './log-entries.ts'

const JOBS_AT_ONCE = 50
/** More jobs than this are not compared, so that a test file with thousands of jobs stays quick. */
const JOBS_MAX_COUNT = 1_000

/**
 * Folds the log of the jobs of a database, and throws unless it says what the tables say: events, steps, their values, items,
 * checkpoints, used signals and outputs; and unless pages with the entries behind them fold into the same. A job without a log, of an
 * earlier build or stored by a statement of a test, is left out.
 */
export async function requireSameLogsAndTables(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows } = await client.query<{ id: string }>(
      'SELECT id FROM jobs WHERE entry_no > 0 ORDER BY id LIMIT $1',
      [JOBS_MAX_COUNT],
    )
    const ids = rows.map(({ id }) => id)
    for (let done = 0; done < ids.length; done += JOBS_AT_ONCE)
      await compare(client, ids.slice(done, done + JOBS_AT_ONCE))
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}

async function compare(client: pg.PoolClient, ids: readonly string[]): Promise<void> {
  const read = async <Row extends pg.QueryResultRow>(text: string): Promise<ReadonlyMap<string, Row[]>> => {
    const { rows } = await client.query<{ job: string } & Row>(text, [ids])
    const found = new Map<string, Row[]>(ids.map((id) => [id, []]))
    for (const { job, ...row } of rows) found.get(job)?.push(row as unknown as Row)
    return found
  }
  const jobs = await read<JobRow>(JOBS)
  const entries = await read<StoredEntry>(ENTRIES)
  const large = await read<{ entryNo: number; key: string; value: unknown }>(
    `SELECT job_id AS job, entry_no AS "entryNo", key, value FROM job_values WHERE job_id = ANY($1::uuid[])`,
  )
  const pages = await read<{ body: PageBody }>(
    `SELECT job_id AS job, body FROM job_pages WHERE job_id = ANY($1::uuid[]) ORDER BY low`,
  )
  const tables = {
    events: await read<EventRow>(EVENTS),
    steps: await read<StepRow>(STEPS),
    items: await read<ItemRow>(ITEMS),
    checkpoints: await read<{ path: string; key: string; value: unknown }>(
      `SELECT execution_id AS job, path, key, value FROM step_checkpoints WHERE execution_id = ANY($1::uuid[])`,
    ),
    signals: await read<{ number: number; path: string | null }>(
      `SELECT job_id AS job, number, used_by AS path FROM commands WHERE used_at IS NOT NULL AND job_id = ANY($1::uuid[])`,
    ),
  }
  const keys = ids.map((id) => ({ id: id as JobId, ownerId: jobs.get(id)?.[0]?.ownerId as OwnerId }))
  const pool = oneByOne(client)
  const recorded = await loadRecorded(pool, keys)
  const unlogged = await loadUnlogged(pool, keys)
  const open = await loadOpenSteps(pool, keys)
  const unloggedOpen = await loadUnloggedOpenSteps(pool, keys)
  for (const [place, id] of ids.entries()) {
    const job = jobs.get(id)?.[0]
    const rows = entries.get(id) ?? []
    if (!job) throw new Error(`there is no job ${id}`)
    const same = (what: string, log: unknown, table: unknown) => {
      if (isDeepStrictEqual(log, table)) return
      const [one, other] = firstDifference(log, table)
      throw new Error(`the log of job ${id} and the tables differ in ${what}: ${one} and ${other}`)
    }
    same('steps of a take-up', stepsWithoutOutputs(recorded[place]), stepsWithoutOutputs(unlogged[place]))
    same('items of a take-up', recorded[place]?.items, unlogged[place]?.items)
    same('open steps', sorted(open[place] ?? []), sorted(unloggedOpen[place] ?? []))
    const numbers = Array.from({ length: job.entryNo }, (_, place) => place + 1)
    const values = new Values(rows, large.get(id) ?? [])
    const fold = Fold.of(rows)
    same(
      'the numbers of entries',
      rows.map(({ entryNo }) => entryNo),
      numbers,
    )
    same('the newest event', rows.at(-1)?.seq, job.lastSeq)
    same('events', rows.flatMap(decodeEvents), (tables.events.get(id) ?? []).map(parseEvent))
    same('steps', sorted(stepsOf(fold, values)), sorted((tables.steps.get(id) ?? []).map(plainStep)))
    for (const [path, { output }] of recorded[place]?.steps ?? [])
      if (output !== undefined) same('a loaded output', output, await outputOf(client, { id, path }))
    same('items', sorted(itemsOf(fold, values)), sorted((tables.items.get(id) ?? []).map(plainItem)))
    same(
      'checkpoints',
      sorted(checkpointsOf(fold, values)),
      sorted((tables.checkpoints.get(id) ?? []).map(({ path, key, value }) => ({ path, key, value }))),
    )
    same(
      'used signals',
      sorted([...fold.usedSignals].map(([number, path]) => ({ number, path }))),
      sorted((tables.signals.get(id) ?? []).map(({ number, path }) => ({ number, path }))),
    )
    const last = rows.at(-1)
    same(
      'the output',
      last && values.read('o', EXECUTION_OUTPUT, last.entryNo),
      job.output === null ? undefined : JSON.parse(job.output),
    )
    const paged = new Fold()
    for (const { body } of pages.get(id) ?? []) applyPage(paged, body)
    for (const row of rows) if (row.entryNo > job.pagedNo) paged.apply(row)
    const [{ usedSignals: _, ...read_ }, { usedSignals: __, ...whole }] = [
      contentsOfFold(paged),
      contentsOfFold(fold),
    ]
    same('pages', read_, whole)
  }
}

/** The output of a step, which may be one of an earlier execution. */
async function outputOf(client: pg.PoolClient, { id, path }: { id: string; path: string }): Promise<unknown> {
  const { rows } = await client.query<{ output: unknown }>(
    `SELECT v.output FROM steps s JOIN step_values v
       ON v.execution_id = COALESCE(s.reused_from, s.execution_id) AND v.path = s.path
     WHERE s.execution_id = $1 AND s.path = $2`,
    [id, path],
  )
  return rows[0]?.output
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

/** Sends statements over one connection, each after the one before has ended. */
function oneByOne(client: pg.PoolClient): Pick<pg.Pool, 'query'> {
  let last: Promise<unknown> = Promise.resolve()
  const query = (text: string, values?: unknown[]) => {
    const result = last.then(() => client.query(text, values))
    last = result.catch(() => undefined)
    return result
  }
  return { query: query as unknown as pg.Pool['query'] }
}

/** How much the outputs take decides which are loaded, and the log counts it before compression. */
function stepsWithoutOutputs(state: RecordedState | undefined) {
  return sorted([...(state?.steps.values() ?? [])].map((step) => ({ ...step, output: undefined })))
}

interface JobRow {
  readonly ownerId: string
  readonly entryNo: number
  readonly pagedNo: number
  readonly lastSeq: number
  /** As JSON text. */
  readonly output: string | null
}

const JOBS = `
SELECT j.id AS job, j.owner_id AS "ownerId", j.entry_no AS "entryNo", j.paged_no AS "pagedNo", j.last_seq AS "lastSeq", v.output::text AS output
FROM jobs j LEFT JOIN execution_values v ON v.execution_id = j.id WHERE j.id = ANY($1::uuid[])`

const ms = (column: string, name: string) => `(extract(epoch FROM ${column}) * 1000)::float8 AS "${name}"`

type StoredEntry = LogRow & {
  readonly small: Readonly<Record<ValueKind, Readonly<Record<string, unknown>>>> | null
}

const ENTRIES = `
SELECT job_id AS job, seq, entry_no AS "entryNo", format, ${ms('at', 'at')}, changes, events, small
FROM job_log WHERE job_id = ANY($1::uuid[]) ORDER BY seq, entry_no`

interface EventRow {
  readonly seq: number
  readonly at: Date
  readonly kind: string
  readonly progress: number
  readonly body: unknown
}

const EVENTS = `
SELECT job_id AS job, seq, at, kind, progress, body FROM job_events WHERE job_id = ANY($1::uuid[]) ORDER BY seq`

/** The values of a log. */
class Values {
  readonly #small: ReadonlyMap<number, StoredEntry['small']>
  readonly #large: ReadonlyMap<string, unknown>

  constructor(
    rows: readonly StoredEntry[],
    large: readonly { readonly entryNo: number; readonly key: string; readonly value: unknown }[],
  ) {
    this.#small = new Map(rows.map(({ entryNo, small }) => [entryNo, small]))
    this.#large = new Map(large.map(({ entryNo, key, value }) => [`${entryNo} ${key}`, value]))
  }

  /** Undefined: the entry has none. */
  read(kind: ValueKind, path: string, entryNo: number): unknown {
    const key = `${entryNo} ${valueKey(kind, path)}`
    return this.#large.has(key) ? this.#large.get(key) : this.#small.get(entryNo)?.[kind]?.[path]
  }

  /** Reads a value where its record says that it is. */
  at(kind: ValueKind, path: string, values: ValuesAt | null, bit: number): unknown {
    return values === null || (values.held & bit) === 0
      ? undefined
      : this.read(kind, path, values.entry.entryNo)
  }
}

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

function stepsOf(fold: Fold, values: Values) {
  return [...fold.steps].map(
    ([
      path,
      {
        step: { order, ...step },
        entry,
        values: held,
      },
    ]) => ({
      ...step,
      position: positionOf(order),
      schema: step.wait?.kind === 'signal' ? values.read('w', path, entry.entryNo) : undefined,
      config: held === null ? undefined : (values.at('c', path, held, VALUE.CONFIG) ?? {}),
      output: values.at('o', path, held, VALUE.OUTPUT),
    }),
  )
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

function itemsOf(fold: Fold, values: Values) {
  return [...fold.items.values()].map(({ item, values: held }) => {
    const { order: _, ...rest } = item
    return { ...rest, output: values.at('o', itemPath(item.path, item.index), held, VALUE.OUTPUT) }
  })
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

/** In the order of their JSON texts, whatever the order of their fields is. */
function sorted<Row extends object>(rows: readonly Row[]): readonly Row[] {
  const keyOf = (row: Row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return rows
    .map((row) => [keyOf(row), row] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, row]) => row)
}
