import type { Command, CommandKind, JobStatus } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import { batched, first, isUniqueViolation, type Queryable } from '../sql/index.ts'
import { shownStatus } from './shown-status.ts'

/** What a user asks of a job. */
export type NewCommand =
  | { readonly kind: 'CANCEL' | 'PAUSE' | 'RESUME' }
  | {
      readonly kind: 'SIGNAL'
      readonly name: string
      /** Only for the step there; null: for whichever waits first. */
      readonly path: string | null
      readonly payload: Json
      /** The same key stands for one signal of the job. */
      readonly key: string | null
    }

export type SendResult =
  | { readonly kind: 'sent' }
  /** Its key stands for a command already. */
  | { readonly kind: 'repeated' }
  /** Nothing has used the signals that lie there, and one more would be too many or too long. */
  | { readonly kind: 'full' }
  | { readonly kind: 'refused'; readonly why: Refusal }

/** Why a job takes no such command. */
export type Refusal =
  | { readonly kind: 'notFound' }
  | { readonly kind: 'ended' }
  /** It is being canceled, was never started, or its status is not the engine's, for a handler function runs it. */
  | {
      readonly kind: 'notPossible'
      readonly because: 'canceling' | 'notStarted' | 'handler'
      readonly status: JobStatus
    }

/** So many signals of a job may lie there unused. */
export const MAX_UNUSED_SIGNALS = 1_000
/** The length of a job's unused signals together, in bytes of JSON text in UTF-8. */
export const MAX_UNUSED_SIGNAL_BYTES = 8 * 1024 * 1024

/** The inboxes of jobs (D8): anybody may put something in, only the holder of the fence turns it into state. */
export interface CommandStore {
  /** Stores a command, and wakes the job where it must be obeyed although nobody holds it. */
  send(ownerId: OwnerId, jobId: JobId, command: NewCommand): Promise<SendResult>
  /**
   * The commands in a job's inbox after a number, in order, without used signals and without the payloads of signals; `upTo`: the
   * number of the newest.
   */
  after(
    jobId: JobId,
    number: number,
  ): Promise<{ readonly commands: readonly Command[]; readonly upTo: number }>
  /** Puts a message into the inbox of each parent whose children have ended, for at most `limit` children. Returns those parents. */
  tellParents(limit: number): Promise<readonly JobId[]>
}

export function createCommandStore(pool: Queryable): CommandStore {
  const read = batched((inboxes: readonly ReadInbox[]) => readInboxes(pool, inboxes))
  return {
    async send(ownerId, jobId, command) {
      const { key, name, path, bytes } = signalColumns(command)
      try {
        const values = [
          ownerId,
          jobId,
          command.kind,
          JSON.stringify(payloadOf(command)),
          key,
          name,
          path,
          bytes,
        ]
        const { rowCount } = await pool.query(TEXTS[command.kind], values)
        if (rowCount === 1) return { kind: 'sent' }
      } catch (fault) {
        if (key !== null && isUniqueViolation(fault, 'commands_key_idx')) return { kind: 'repeated' }
        throw fault
      }
      const why = await refusal(pool, { ownerId, jobId, kind: command.kind })
      if (why !== null) return { kind: 'refused', why }
      return command.kind === 'SIGNAL' ? { kind: 'full' } : { kind: 'refused', why: STARTED_SINCE }
    },
    after: (jobId, number) => read({ jobId, number }),
    async tellParents(limit) {
      const { rows } = await pool.query<{ id: JobId }>(TELL_PARENTS, [limit])
      return rows.map(({ id }) => id)
    },
  }
}

/**
 * A cancel or a pause wants a worker at once, whatever the job waits for. A resume wants one when the job is paused, and a
 * signal when it waits; neither makes a job due that is not due yet. A cancel locks with FOR UPDATE, so that a child either
 * starts before it or is refused (see the insert of jobs).
 */
const send = (lock: 'FOR UPDATE' | 'FOR NO KEY UPDATE', { condition = 'true', also = '' } = {}) => `
WITH locked AS MATERIALIZED (
  SELECT id FROM jobs WHERE owner_id = $1 AND id = $2 ${lock}
), asked AS (
  UPDATE jobs SET commands_sent = commands_sent + 1, stored_bytes = stored_bytes + octet_length($4::text),
    cancel_requested_at = CASE WHEN $3 = 'CANCEL' THEN now() ELSE cancel_requested_at END,
    wake_at = CASE
      WHEN holder IS NULL AND ($3 IN ('CANCEL', 'PAUSE') OR ($3 = 'RESUME' AND status = 'PAUSED')
        OR ($3 = 'SIGNAL' AND status = 'WAITING')) THEN now()
      ELSE wake_at END
  FROM locked WHERE jobs.id = locked.id AND finished_at IS NULL AND cancel_requested_at IS NULL
    AND ($3 = 'CANCEL' OR (status <> 'CREATED' AND handler = 'engine')) AND ${condition}
  RETURNING owner_id, jobs.id, commands_sent, commands_applied
)${also}
INSERT INTO commands (owner_id, job_id, number, kind, payload, key, signal_name, signal_path, payload_bytes)
SELECT owner_id, id, commands_sent, $3, $4::json, $5, $6::text, $7::text, $8::int FROM asked`

const CANCEL = send('FOR UPDATE')
/** Only the newest pause or resume counts: earlier ones that a holder has read are deleted. */
const PAUSE_OR_RESUME = send('FOR NO KEY UPDATE', {
  also: `, superseded AS (
  DELETE FROM commands c USING asked
  WHERE c.owner_id = asked.owner_id AND c.job_id = asked.id AND c.number <= asked.commands_applied
    AND c.kind IN ('PAUSE', 'RESUME')
)`,
})

/** No payload is read for it: they are long, and each signal would read those of all others. */
const signalBytes = `COALESCE(
  c.payload_bytes + octet_length(c.signal_name) + COALESCE(octet_length(c.signal_path), 0),
  octet_length(c.payload::text)
)`

/**
 * A key that is there already is let through to its index, which tells that it repeats. Signals that are sent at the same
 * instant do not see each other: the bounds may be passed by as many as there are connections.
 */
const SIGNAL = send('FOR NO KEY UPDATE', {
  condition: `(
    EXISTS (SELECT 1 FROM commands c WHERE c.job_id = $2 AND c.key = $5)
    OR (
      SELECT count(*) < ${MAX_UNUSED_SIGNALS}
        AND COALESCE(sum(${signalBytes}), 0) + octet_length($4::text) <= ${MAX_UNUSED_SIGNAL_BYTES}
      FROM commands c WHERE c.owner_id = $1 AND c.job_id = $2 AND c.kind = 'SIGNAL' AND c.used_at IS NULL
    ))`,
})

const TEXTS: { readonly [Kind in NewCommand['kind']]: string } = {
  CANCEL,
  PAUSE: PAUSE_OR_RESUME,
  RESUME: PAUSE_OR_RESUME,
  SIGNAL,
}

/** What it was when it did not take the command. */
const STARTED_SINCE: Refusal = { kind: 'notPossible', because: 'notStarted', status: 'CREATED' }

/** Why a job did not take a command; null when nothing but its signals stands against it. */
async function refusal(
  pool: Queryable,
  { ownerId, jobId, kind }: { ownerId: OwnerId; jobId: JobId; kind: NewCommand['kind'] },
): Promise<Refusal | null> {
  const { rows } = await pool.query<{ status: JobStatus; isEnded: boolean; handler: string }>(
    `SELECT ${shownStatus('j')} AS status, j.finished_at IS NOT NULL AS "isEnded", j.handler
     FROM jobs j WHERE j.owner_id = $1 AND j.id = $2`,
    [ownerId, jobId],
  )
  const job = first(rows)
  if (!job) return { kind: 'notFound' }
  const { status, isEnded, handler } = job
  if (isEnded) return { kind: 'ended' }
  if (status === 'CANCELING') return { kind: 'notPossible', because: 'canceling', status }
  if (kind === 'CANCEL') return null
  if (status === 'CREATED') return { kind: 'notPossible', because: 'notStarted', status }
  return handler === 'engine' ? null : { kind: 'notPossible', because: 'handler', status }
}

/**
 * Parents are locked first and in the order of ids, as a flush and a cancel take them. Only then are the children locked, and those
 * that another session has locked are passed over: this statement never waits while it holds a child, for which a cancel that has
 * locked the parent may wait. A parent that is being canceled waits for no child any more. The first condition is that of
 * `jobs_untold_idx`: one on `finished_at` would fit the indexes of all ended jobs, too.
 */
const TELL_PARENTS = `
WITH candidate AS MATERIALIZED (
  SELECT id, parent_id FROM jobs
  WHERE parent_id IS NOT NULL AND status IN ('COMPLETED', 'FAILED', 'CANCELED') AND NOT is_parent_told
  ORDER BY id LIMIT $1
), locked AS MATERIALIZED (
  SELECT id FROM jobs
  WHERE id = ANY(ARRAY(SELECT parent_id FROM candidate)) AND finished_at IS NULL AND cancel_requested_at IS NULL
  ORDER BY id FOR NO KEY UPDATE
), ended AS MATERIALIZED (
  SELECT id, parent_id FROM jobs
  WHERE (SELECT count(*) >= 0 FROM locked) AND id = ANY(ARRAY(SELECT id FROM candidate)) AND NOT is_parent_told
  ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), announced AS (
  UPDATE jobs SET is_parent_told = true FROM ended WHERE jobs.id = ended.id
), parent AS (
  UPDATE jobs p SET commands_sent = p.commands_sent + news.count,
    wake_at = CASE WHEN p.holder IS NULL AND p.status = 'WAITING' THEN now() ELSE p.wake_at END
  FROM locked JOIN (SELECT parent_id, count(*)::int FROM ended GROUP BY parent_id) news ON news.parent_id = locked.id
  WHERE p.id = locked.id
  RETURNING p.owner_id, p.id, p.commands_sent - news.count AS before
), command AS (
  INSERT INTO commands (owner_id, job_id, number, kind, payload)
  SELECT p.owner_id, p.id, p.before + row_number() OVER (PARTITION BY p.id ORDER BY e.id), 'CHILD_ENDED',
    json_build_object('executionId', e.id)
  FROM ended e JOIN parent p ON p.id = e.parent_id
)
SELECT id FROM parent`

interface ReadInbox {
  readonly jobId: JobId
  /** What comes after this one is wanted. */
  readonly number: number
}

async function readInboxes(pool: Queryable, inboxes: readonly ReadInbox[]) {
  const { rows } = await pool.query<CommandRow>(
    `SELECT wanted.place::int, j.commands_sent AS "upTo", c.number, c.kind, c.payload, c.name, c.path, c.bytes
     FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS wanted(id, number, place)
     JOIN jobs j ON j.id = wanted.id
     LEFT JOIN LATERAL (
       SELECT number, kind, CASE WHEN kind <> 'SIGNAL' THEN command.payload END AS payload,
         COALESCE(signal_name, earlier.name) AS name, COALESCE(signal_path, earlier.path) AS path,
         COALESCE(payload_bytes, octet_length(earlier.payload::text)) AS bytes
       FROM commands command
       LEFT JOIN LATERAL json_to_record(CASE WHEN kind = 'SIGNAL' AND payload_bytes IS NULL THEN command.payload END)
         AS earlier(name text, path text, payload json) ON true
       WHERE owner_id = j.owner_id AND job_id = j.id AND number > wanted.number AND used_at IS NULL OFFSET 0
     ) c ON true
     ORDER BY c.number`,
    [inboxes.map(({ jobId }) => jobId), inboxes.map(({ number }) => number)],
  )
  const read = inboxes.map(({ number }) => ({ commands: [] as Command[], upTo: number }))
  for (const row of rows) {
    const inbox = read[row.place - 1]
    if (!inbox) continue
    inbox.commands.push(...toCommand(row))
    inbox.upTo = row.upTo
  }
  return read
}

interface CommandRow {
  /** Of the inbox among those that are read, from 1. */
  readonly place: number
  readonly upTo: number
  readonly number: number | null
  readonly kind: CommandKind | null
  /** Null for signals. */
  readonly payload: JsonObject | null
  /** The other columns are null for all other commands than signals. */
  readonly name: string | null
  readonly path: string | null
  readonly bytes: number | null
}

/** Null for all other commands than signals. */
function signalColumns(command: NewCommand) {
  if (command.kind !== 'SIGNAL') return { key: null, name: null, path: null, bytes: null }
  const { key, name, path, payload } = command
  const bytes = payload === null ? 0 : Buffer.byteLength(JSON.stringify(payload))
  return { key, name, path, bytes }
}

function payloadOf(command: NewCommand): JsonObject {
  if (command.kind !== 'SIGNAL') return {}
  const { name, path, payload } = command
  return { name, path, payload }
}

/** Payloads are this store's own writing. */
function toCommand({ number, kind, payload, name, path, bytes }: CommandRow): Command[] {
  if (number === null || kind === null) return []
  if (kind === 'SIGNAL') return [{ number, kind, name: name ?? '', path, bytes: bytes ?? 0 }]
  return [{ ...payload, number, kind } as Command]
}
