import type { Command, CommandKind } from '../engine/inbox.ts'
import type { JobId, OwnerId } from '../lib/ids.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import { batched } from './batched.ts'
import { isUniqueViolation } from './faults.ts'
import type { Queryable } from './rows.ts'

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

/** `refused`: the job has ended, is being canceled, or is not there; `repeated`: its key stands for a command already. */
export type SendResult = 'sent' | 'refused' | 'repeated'

/** The inboxes of jobs (D8): anybody may put something in, only the holder of the fence turns it into state. */
export interface CommandStore {
  /** Stores a command, and wakes the job where it must be obeyed although nobody holds it. */
  send(ownerId: OwnerId, jobId: JobId, command: NewCommand): Promise<SendResult>
  /** What lies in a job's inbox after a number, in order, used signals aside; `upTo`: the number of the newest. */
  after(
    jobId: JobId,
    number: number,
  ): Promise<{ readonly commands: readonly Command[]; readonly upTo: number }>
  /** Tells parents that children of theirs have ended, `limit` children at most; gives the parents that were told. */
  tellParents(limit: number): Promise<readonly JobId[]>
}

export function createCommandStore(pool: Queryable): CommandStore {
  const read = batched((inboxes: readonly ReadInbox[]) => readInboxes(pool, inboxes))
  return {
    async send(ownerId, jobId, command) {
      const key = command.kind === 'SIGNAL' ? command.key : null
      try {
        const values = [ownerId, jobId, command.kind, JSON.stringify(payloadOf(command)), key]
        const { rowCount } = await pool.query(SEND, values)
        return rowCount === 1 ? 'sent' : 'refused'
      } catch (fault) {
        if (key !== null && isUniqueViolation(fault, 'commands_key_idx')) return 'repeated'
        throw fault
      }
    },
    after: (jobId, number) => read({ jobId, number }),
    async tellParents(limit) {
      const { rows } = await pool.query<{ id: JobId }>(TELL_PARENTS, [limit])
      return rows.map(({ id }) => id)
    },
  }
}

/**
 * A cancel or a pause wants a worker at once, whatever the job waits for; a resume one when the job is paused, a signal one
 * when it waits: of a job that is not due yet, neither makes one that is.
 */
const SEND = `
WITH asked AS (
  UPDATE jobs SET commands_sent = commands_sent + 1,
    cancel_requested_at = CASE WHEN $3 = 'CANCEL' THEN now() ELSE cancel_requested_at END,
    wake_at = CASE
      WHEN holder IS NULL AND ($3 IN ('CANCEL', 'PAUSE') OR ($3 = 'RESUME' AND status = 'PAUSED')
        OR ($3 = 'SIGNAL' AND status = 'WAITING')) THEN now()
      ELSE wake_at END
  WHERE owner_id = $1 AND id = $2 AND finished_at IS NULL AND cancel_requested_at IS NULL
    AND ($3 = 'CANCEL' OR (status <> 'CREATED' AND handler = 'engine'))
  RETURNING owner_id, id, commands_sent
)
INSERT INTO commands (owner_id, job_id, number, kind, payload, key)
SELECT owner_id, id, commands_sent, $3, $4::json, $5 FROM asked`

/** Parents are locked in the order of ids, as a flush takes them: neither waits for the other in a circle. */
const TELL_PARENTS = `
WITH ended AS MATERIALIZED (
  SELECT id, parent_id FROM jobs
  WHERE parent_id IS NOT NULL AND finished_at IS NOT NULL AND NOT is_parent_told
  ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), told AS (
  UPDATE jobs SET is_parent_told = true FROM ended WHERE jobs.id = ended.id
), locked AS MATERIALIZED (
  SELECT id FROM jobs WHERE id IN (SELECT parent_id FROM ended) AND finished_at IS NULL
  ORDER BY id FOR NO KEY UPDATE
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
    `SELECT wanted.place::int, j.commands_sent AS "upTo", c.number, c.kind, c.payload
     FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS wanted(id, number, place)
     JOIN jobs j ON j.id = wanted.id
     LEFT JOIN LATERAL (
       SELECT number, kind, payload FROM commands
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
  readonly payload: JsonObject
}

function payloadOf(command: NewCommand): JsonObject {
  if (command.kind !== 'SIGNAL') return {}
  const { name, path, payload } = command
  return { name, path, payload }
}

/** Payloads are this store's own writing. */
function toCommand({ number, kind, payload }: CommandRow): Command[] {
  return number === null || kind === null ? [] : [{ ...payload, number, kind } as Command]
}
