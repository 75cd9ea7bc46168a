import type { ExecutionMode } from '../../engine/block/index.ts'
import { newId, type JobId, type OwnerId, type ScheduleId, type WorkflowId } from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import { first, type Queryable } from '../sql/index.ts'
import type { DefinitionChoice } from './version-store.ts'

/** What happens to an occurrence that comes due while an earlier one still runs. */
export const OVERLAPS = ['SKIP', 'QUEUE', 'ALLOW', 'CANCEL_PREVIOUS'] as const
export type Overlap = (typeof OVERLAPS)[number]

/** What happens to occurrences that nobody was there to start. */
export const CATCH_UPS = ['NONE', 'LAST', 'ALL'] as const
export type CatchUp = (typeof CATCH_UPS)[number]

export const OUTCOMES = ['STARTED', 'QUEUED', 'SKIPPED', 'FAILED'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** All of a schedule that a user decides. Instants are milliseconds since the epoch. */
export interface ScheduleFields extends DefinitionChoice {
  readonly name: string
  /** Null: it occurs once, `at` an instant. */
  readonly cron: string | null
  readonly timeZone: string
  readonly at: number | null
  readonly input: Json
  readonly variables: JsonObject
  readonly mode: ExecutionMode
  readonly tags: readonly string[]
  readonly priority: number
  readonly overlap: Overlap
  readonly catchUp: CatchUp
  readonly catchUpLimit: number
  readonly isPaused: boolean
}

export interface ScheduleTarget {
  readonly ownerId: OwnerId
  readonly id: ScheduleId
}

export interface StoredSchedule extends ScheduleFields, ScheduleTarget {
  readonly workflowId: WorkflowId
  readonly nextAt: number | null
  readonly revision: number
}

/** The values that a schedule's executions start with. */
export type ScheduleValues = Pick<ScheduleFields, 'input' | 'variables'>

/** A schedule that a process decides about, and what is under way of it. */
export interface ClaimedSchedule extends Omit<StoredSchedule, keyof ScheduleValues> {
  /** Its values, where they are small; null: `values` reads them. */
  readonly values: ScheduleValues | null
  /** The length of its values, as bytes of JSON text. */
  readonly valueBytes: number
  /** The occurrence that waits for its turn. */
  readonly queuedAt: number | null
  readonly isRunning: boolean
  /** Occurrences from `nextAt` on that are on record all the same: whoever decided them was cut off after that. */
  readonly decided: readonly number[]
}

/** What became of an occurrence that did not start. */
export interface OccurrenceRecord {
  readonly at: number
  readonly outcome: Exclude<Outcome, 'STARTED'>
  readonly reason: string | null
  readonly message: string | null
}

export interface StartFailure {
  readonly code: string
  readonly message: string
}

export interface ScheduleStore {
  insert(
    schedule: { readonly ownerId: OwnerId; readonly workflowId: WorkflowId; readonly nextAt: number | null },
    fields: ScheduleFields,
    at: number,
  ): Promise<ScheduleId>
  find(target: ScheduleTarget): Promise<StoredSchedule | null>
  /** The length of its values, as bytes of JSON text; null where `find` would return null. */
  valueBytes(target: ScheduleTarget): Promise<number | null>
  /** Its values now, also when it was deleted since. */
  values(target: ScheduleTarget): Promise<ScheduleValues>
  /** Replaces all fields; false when the schedule is gone or was changed since that revision. */
  update(
    target: ScheduleTarget & { readonly revision: number; readonly nextAt: number | null },
    fields: ScheduleFields,
    at: number,
  ): Promise<boolean>
  /** Marks it deleted, so that its executions keep what they point to; false when it was gone. */
  delete(target: ScheduleTarget, at: number): Promise<boolean>

  /**
   * Takes up to `limit` schedules whose next occurrence has come, or whose queued one has its turn, for as long as a
   * decision may take: who is gone by then has decided nothing, and another does. Those of the owners in `except` are passed over.
   */
  claimDue(now: number, limit: number, except?: readonly OwnerId[]): Promise<readonly ClaimedSchedule[]>
  /** Its executions that have not ended, for occurrences before this one; none if this one has not started. */
  openRunsBefore(target: ScheduleTarget, occurrence: number): Promise<readonly JobId[]>
  /**
   * Ends a claim: records what became of occurrences that did not start, and moves on to the next one. An occurrence on
   * record stays as it is, unless it was queued; a schedule that was changed meanwhile keeps its new next occurrence.
   */
  settle(
    schedule: Pick<ClaimedSchedule, 'ownerId' | 'id' | 'revision'>,
    result: {
      readonly records: readonly OccurrenceRecord[]
      readonly nextAt: number | null
      /** Null: the last start succeeded; undefined: there was none. */
      readonly error: StartFailure | null | undefined
      readonly at: number
    },
  ): Promise<void>
}

const CLAIM = `interval '30 s'`
const IS_FREE = '(s.claimed_until IS NULL OR s.claimed_until < now())'

/** The values of a schedule are claimed with it if they have at most this many bytes of JSON text together. */
export const SCHEDULE_SMALL_VALUES_MAX_BYTES = 16 * 1024

const VALUE_BYTES = '(octet_length(s.input::text) + octet_length(s.variables::text))'

const COLUMNS = `s.id, s.owner_id AS "ownerId", s.workflow_id AS "workflowId", s.version, s.is_draft AS draft, s.name,
  s.cron, s.time_zone AS "timeZone", ${millis('s.at')} AS at, s.mode, s.tags, s.priority, s.overlap,
  s.catch_up AS "catchUp", s.catch_up_limit AS "catchUpLimit", s.is_paused AS "isPaused",
  ${millis('s.next_at')} AS "nextAt", s.revision`

/** The newest runs are looked at, so that it takes no longer when a schedule has had millions. */
const IS_RUNNING = `EXISTS (
  SELECT FROM (
    SELECT e.id FROM executions e WHERE e.owner_id = s.owner_id AND e.schedule_id = s.id
    ORDER BY e.created_at DESC, e.id DESC LIMIT 100
  ) newest JOIN jobs j ON j.id = newest.id WHERE j.finished_at IS NULL
)`

type ClaimedRow = Omit<ClaimedSchedule, 'values'> & ScheduleValues

export function createScheduleStore(pool: Queryable): ScheduleStore {
  return {
    async insert({ ownerId, workflowId, nextAt }, fields, at) {
      const id = newId<ScheduleId>()
      await pool.query(
        `INSERT INTO schedules (id, owner_id, workflow_id, next_at, created_at, updated_at, ${FIELD_COLUMNS.join(', ')})
         VALUES ($1, $2, $3, ${instant('$4')}, ${instant('$5')}, ${instant('$5')}, ${fieldValues(6).join(', ')})`,
        [id, ownerId, workflowId, nextAt, at, ...valuesOf(fields)],
      )
      return id
    },
    async find({ ownerId, id }) {
      const { rows } = await pool.query<StoredSchedule>(
        `SELECT ${COLUMNS}, s.input, s.variables FROM schedules s WHERE s.owner_id = $1 AND s.id = $2 AND s.deleted_at IS NULL`,
        [ownerId, id],
      )
      return first(rows)
    },
    async valueBytes({ ownerId, id }) {
      const { rows } = await pool.query<{ bytes: number }>(
        `SELECT ${VALUE_BYTES} AS bytes FROM schedules s
         WHERE s.owner_id = $1 AND s.id = $2 AND s.deleted_at IS NULL`,
        [ownerId, id],
      )
      return first(rows)?.bytes ?? null
    },
    async values({ ownerId, id }) {
      const { rows } = await pool.query<ScheduleValues>(
        `SELECT s.input, s.variables FROM schedules s WHERE s.owner_id = $1 AND s.id = $2`,
        [ownerId, id],
      )
      const row = first(rows)
      if (!row) throw new Error(`the schedule ${id} is missing`)
      return row
    },
    async update({ ownerId, id, revision, nextAt }, fields, at) {
      const values = fieldValues(6)
      const { rowCount } = await pool.query(
        `UPDATE schedules SET next_at = ${instant('$4')}, updated_at = ${instant('$5')}, revision = revision + 1,
           ${FIELD_COLUMNS.map((column, index) => `${column} = ${values[index]}`).join(', ')}
         WHERE owner_id = $1 AND id = $2 AND revision = $3 AND deleted_at IS NULL`,
        [ownerId, id, revision, nextAt, at, ...valuesOf(fields)],
      )
      return rowCount === 1
    },
    async delete({ ownerId, id }, at) {
      const { rowCount } = await pool.query(
        `UPDATE schedules SET deleted_at = ${instant('$3')}, next_at = NULL, revision = revision + 1
         WHERE owner_id = $1 AND id = $2 AND deleted_at IS NULL`,
        [ownerId, id, at],
      )
      return rowCount === 1
    },
    async claimDue(now, limit, except = []) {
      const { rows } = await pool.query<ClaimedRow>(CLAIM_DUE, [
        now,
        limit,
        except,
        SCHEDULE_SMALL_VALUES_MAX_BYTES,
      ])
      return rows.map(({ input, variables, ...row }) => ({
        ...row,
        values: row.valueBytes <= SCHEDULE_SMALL_VALUES_MAX_BYTES ? { input, variables } : null,
      }))
    },
    async openRunsBefore({ ownerId, id }, occurrence) {
      const { rows } = await pool.query<{ id: JobId }>(
        `SELECT newest.id FROM (
           SELECT e.id, e.scheduled_for FROM executions e WHERE e.owner_id = $1 AND e.schedule_id = $2
           ORDER BY e.created_at DESC, e.id DESC LIMIT 100
         ) newest JOIN jobs j ON j.id = newest.id
         WHERE j.finished_at IS NULL AND newest.scheduled_for < ${instant('$3')} AND EXISTS (
           SELECT FROM executions e
           WHERE e.owner_id = $1 AND e.schedule_id = $2 AND e.scheduled_for = ${instant('$3')}::timestamptz(3)
         )`,
        [ownerId, id, occurrence],
      )
      return rows.map((row) => row.id)
    },
    async settle({ ownerId, id, revision }, { records, nextAt, error, at }) {
      const of = <T>(read: (record: OccurrenceRecord) => T): T[] => records.map((record) => read(record))
      await pool.query(SETTLE, [
        ownerId,
        id,
        revision,
        nextAt,
        error !== undefined,
        error ? JSON.stringify({ ...error, at: new Date(at).toISOString() }) : null,
        at,
        of((record) => record.at),
        of((record) => record.outcome),
        of((record) => record.reason),
        of((record) => record.message),
      ])
    },
  }
}

/**
 * Owners take turns, so that the due schedules of one owner do not keep those of another waiting. A claim's length is measured
 * by the database's clock, the only one that all processes share.
 */
const CLAIM_DUE = `
WITH wanted AS (
  (SELECT due.id FROM (
     SELECT s.id, s.next_at, row_number() OVER (PARTITION BY s.owner_id ORDER BY s.next_at) AS turn
     FROM schedules s WHERE s.next_at <= ${instant('$1')} AND ${IS_FREE} AND s.owner_id <> ALL($3::text[])
   ) due ORDER BY due.turn, due.next_at LIMIT $2)
  UNION
  (SELECT s.id FROM schedule_occurrences o JOIN schedules s ON s.id = o.schedule_id
   WHERE o.outcome = 'QUEUED' AND NOT s.is_paused AND s.deleted_at IS NULL AND ${IS_FREE} AND NOT ${IS_RUNNING}
     AND s.owner_id <> ALL($3::text[])
   LIMIT $2)
), free AS MATERIALIZED (
  SELECT s.id FROM schedules s WHERE s.id IN (SELECT id FROM wanted) AND ${IS_FREE}
    AND NOT s.is_paused AND s.deleted_at IS NULL
  ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE schedules s SET claimed_until = now() + ${CLAIM} FROM free WHERE s.id = free.id
RETURNING ${COLUMNS}, ${VALUE_BYTES} AS "valueBytes",
  CASE WHEN ${VALUE_BYTES} <= $4 THEN s.input END AS input,
  CASE WHEN ${VALUE_BYTES} <= $4 THEN s.variables END AS variables, ${IS_RUNNING} AS "isRunning",
  (SELECT ${millis('o.at')} FROM schedule_occurrences o
   WHERE o.owner_id = s.owner_id AND o.schedule_id = s.id AND o.outcome = 'QUEUED') AS "queuedAt",
  ARRAY(SELECT ${millis('o.at')} FROM schedule_occurrences o
   WHERE o.owner_id = s.owner_id AND o.schedule_id = s.id AND o.at >= s.next_at AND o.outcome <> 'QUEUED') AS decided`

const SETTLE = `
WITH record AS (
  INSERT INTO schedule_occurrences (owner_id, schedule_id, at, outcome, reason, message, recorded_at)
  SELECT $1, $2, to_timestamp(r.at / 1000), r.outcome, r.reason, r.message, ${instant('$7')}
  FROM unnest($8::float8[], $9::text[], $10::text[], $11::text[]) AS r(at, outcome, reason, message)
  ON CONFLICT (owner_id, schedule_id, at) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason,
    message = excluded.message, recorded_at = excluded.recorded_at
  WHERE schedule_occurrences.outcome = 'QUEUED' AND excluded.outcome <> 'QUEUED'
)
UPDATE schedules SET claimed_until = NULL,
  next_at = CASE WHEN revision = $3 THEN ${instant('$4')} ELSE next_at END,
  error = CASE WHEN revision = $3 AND $5::boolean THEN $6::json ELSE error END
WHERE owner_id = $1 AND id = $2`

const FIELD_COLUMNS = [
  'name',
  'version',
  'is_draft',
  'cron',
  'time_zone',
  'at',
  'input',
  'variables',
  'mode',
  'tags',
  'priority',
  'overlap',
  'catch_up',
  'catch_up_limit',
  'is_paused',
] as const

function fieldValues(from: number): readonly string[] {
  return FIELD_COLUMNS.map((column, index) => {
    const value = `$${from + index}`
    return column === 'at' ? instant(value) : value
  })
}

function valuesOf(fields: ScheduleFields): readonly unknown[] {
  return [
    fields.name,
    fields.version,
    fields.draft,
    fields.cron,
    fields.timeZone,
    fields.at,
    JSON.stringify(fields.input),
    JSON.stringify(fields.variables),
    fields.mode,
    fields.tags,
    fields.priority,
    fields.overlap,
    fields.catchUp,
    fields.catchUpLimit,
    fields.isPaused,
  ]
}

/** Milliseconds since the epoch as an instant of the database, and back. */
function instant(value: string): string {
  return `to_timestamp(${value}::float8 / 1000)`
}

function millis(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::float8`
}
