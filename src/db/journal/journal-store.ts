import type pg from 'pg'
import type {
  CheckpointsSize,
  EndedLoopItem,
  LoopItemPart,
  ReceivedSignal,
  RecordedError,
} from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { positionOf } from '../executions/index.ts'
import type { JobWrite } from './journal-write.ts'

/** A part of a flush whose guard held. */
export interface FlushedJob {
  /** Which part: its place among those that were handed over. Two holders of one job may share a flush. */
  readonly index: number
  readonly commandsSent: number
}

/** Where a job's row stands: enough to tell whether a flush landed. */
export interface JobMarks {
  readonly fence: bigint
  readonly lastSeq: number
  readonly commandsSent: number
  readonly isHeld: boolean
}

/** The journal's statements. */
export interface JournalStore {
  /** Writes all parts whose guard holds, in one transaction, and tells which; the others are left untouched. */
  flush(writes: readonly JobWrite[]): Promise<readonly FlushedJob[]>
  marks(jobIds: readonly JobId[]): Promise<ReadonlyMap<JobId, JobMarks>>
  loopItems(job: JobKey, path: string, wanted?: LoopItemPart): Promise<readonly EndedLoopItem[]>
  /** The bytes of JSON text that `loopItems` reads. */
  loopItemsBytes(job: JobKey, path: string, wanted?: LoopItemPart): Promise<number>
  /** The outputs of these steps as JSON text, by path; one that was reused is read where it is. */
  outputs(job: JobKey, paths: readonly string[]): Promise<ReadonlyMap<string, string>>
  checkpointsSize(job: JobKey, path: string): Promise<CheckpointsSize>
  /** What the attempts of a step have recorded, as JSON text by key. */
  checkpoints(job: JobKey, path: string): Promise<ReadonlyMap<string, string>>
  /** A signal in the job's inbox, and the schema that the step at that path demands of it. */
  signal(job: JobKey, number: number, path: string): Promise<ReceivedSignal>
}

interface JobKey {
  readonly jobId: JobId
  readonly ownerId: OwnerId
}

export function createJournalStore(pool: Pick<pg.Pool, 'query'>): JournalStore {
  return {
    async flush(writes) {
      const { rows } = await pool.query<FlushedJob>({
        name: 'journal-flush',
        text: FLUSH,
        values: flushValues(writes),
      })
      return rows
    },
    async marks(jobIds) {
      const { rows } = await pool.query<{
        id: JobId
        fence: string
        last_seq: number
        commands_sent: number
        is_held: boolean
      }>(
        `SELECT id, fence, last_seq, commands_sent, holder IS NOT NULL AS is_held
         FROM jobs WHERE id = ANY($1::uuid[])`,
        [jobIds],
      )
      return new Map(
        rows.map(({ id, fence, last_seq: lastSeq, commands_sent: commandsSent, is_held: isHeld }) => [
          id,
          { fence: BigInt(fence), lastSeq, commandsSent, isHeld },
        ]),
      )
    },
    async loopItems({ jobId, ownerId }, path, wanted = 'both') {
      const { rows } = await pool.query<{
        index: number
        status: EndedLoopItem['status']
        output: Json
        error: RecordedError | null
      }>(
        `SELECT i.index, i.status, CASE WHEN $4 THEN COALESCE(r.output, i.output) END AS output,
           CASE WHEN $5 THEN i.error END AS error
         FROM loop_items i
         LEFT JOIN loop_items r ON r.owner_id = i.owner_id AND r.execution_id = i.reused_from AND r.path = i.path
           AND r.index = i.index
         WHERE i.owner_id = $1 AND i.execution_id = $2 AND i.path = $3 ORDER BY i.index`,
        [ownerId, jobId, path, wanted !== 'errors', wanted !== 'outputs'],
      )
      return rows
    },
    async loopItemsBytes({ jobId, ownerId }, path, wanted = 'both') {
      const { rows } = await pool.query<{ bytes: string | null }>(
        `SELECT sum(CASE WHEN $4 THEN COALESCE(octet_length(COALESCE(r.output, i.output)::text), 0) ELSE 0 END
           + CASE WHEN $5 THEN COALESCE(octet_length(i.error::text), 0) ELSE 0 END) AS bytes
         FROM loop_items i
         LEFT JOIN loop_items r ON r.owner_id = i.owner_id AND r.execution_id = i.reused_from AND r.path = i.path
           AND r.index = i.index
         WHERE i.owner_id = $1 AND i.execution_id = $2 AND i.path = $3`,
        [ownerId, jobId, path, wanted !== 'errors', wanted !== 'outputs'],
      )
      return Number(rows[0]?.bytes ?? 0)
    },
    async outputs({ jobId, ownerId }, paths) {
      const { rows } = await pool.query<{ path: string; output: string }>(
        `SELECT s.path, v.output::text AS output FROM steps s
         JOIN step_values v ON v.owner_id = s.owner_id AND v.execution_id = COALESCE(s.reused_from, s.execution_id)
           AND v.path = s.path
         WHERE s.owner_id = $1 AND s.execution_id = $2 AND s.path = ANY($3::text[]) AND v.output IS NOT NULL`,
        [ownerId, jobId, paths],
      )
      return new Map(rows.map((row) => [row.path, row.output]))
    },
    async checkpointsSize({ jobId, ownerId }, path) {
      const { rows } = await pool.query<{ count: number; bytes: string }>(
        `SELECT count(*)::int AS count, COALESCE(sum(octet_length(key) + octet_length(value::text)), 0) AS bytes
         FROM step_checkpoints WHERE owner_id = $1 AND execution_id = $2 AND path = $3`,
        [ownerId, jobId, path],
      )
      return { count: rows[0]?.count ?? 0, bytes: Number(rows[0]?.bytes ?? 0) }
    },
    async checkpoints({ jobId, ownerId }, path) {
      const { rows } = await pool.query<{ key: string; value: string }>(
        `SELECT key, value::text AS value FROM step_checkpoints WHERE owner_id = $1 AND execution_id = $2 AND path = $3`,
        [ownerId, jobId, path],
      )
      return new Map(rows.map(({ key, value }) => [key, value]))
    },
    async signal({ jobId, ownerId }, number, path) {
      const { rows } = await pool.query<{ payload: string | null; schema: string | null }>(
        `SELECT
           (SELECT (payload->'payload')::text FROM commands
            WHERE owner_id = $1 AND job_id = $2 AND number = $3 AND kind = 'SIGNAL') AS payload,
           (SELECT (wait->'schema')::text FROM steps
            WHERE owner_id = $1 AND execution_id = $2 AND path = $4) AS schema`,
        [ownerId, jobId, number, path],
      )
      return { payload: rows[0]?.payload ?? 'null', schema: rows[0]?.schema ?? 'null' }
    },
  }
}

/**
 * One statement, so one round trip and one transaction. `locked` takes the locks in the order of ids, so that two
 * statements over the same jobs cannot wait for each other. `guard` is the UPDATE that proves that the writer still holds
 * each job (D3): a job that was given up, by a park or an end, has no holder and takes no more writes. Every insert joins
 * the guard by the part's number `n`, so a stale writer's rows go nowhere, even if the job's new holder writes in the same
 * flush. A park also demands that no command came unread (D8). `read_ends`: the holder has read these messages about the ends of
 * children, so they are deleted. They only wake waits: a wait, also that of the next holder, first looks at its child's own row.
 */
const FLUSH = `
WITH locked AS (
  SELECT w.*, jobs.commands_applied AS commands_before FROM unnest(
    $1::uuid[], $2::bigint[], $3::int[], $4::int[], $5::int[], $6::text[], $7::float8[], $8::text[], $9::int[],
    $10::float8[], $11::bool[], $12::float8[], $13::text[], $14::bool[], $15::float8[], $49::float8[],
    $60::bigint[]
  ) WITH ORDINALITY AS w(
    job_id, fence, expected_seq, new_seq, commands_seen, status, progress, current_step, completed_nodes,
    started_at, clears_losses, finished_at, error, parks, wake_at, cost_usd, bytes, n
  ) JOIN jobs ON jobs.id = w.job_id ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
), guard AS (
  UPDATE jobs j SET
    last_seq = w.new_seq,
    status = COALESCE(w.status, j.status),
    progress = GREATEST(j.progress, w.progress),
    current_step = w.current_step,
    completed_nodes = COALESCE(w.completed_nodes, j.completed_nodes),
    started_at = COALESCE(j.started_at, to_timestamp(w.started_at / 1000)),
    cost_usd = GREATEST(j.cost_usd, w.cost_usd),
    stored_bytes = j.stored_bytes + w.bytes,
    recoveries = CASE WHEN w.clears_losses THEN 0 ELSE j.recoveries END,
    finished_at = to_timestamp(w.finished_at / 1000),
    error = w.error::json,
    commands_applied = GREATEST(j.commands_applied, w.commands_seen),
    holder = CASE WHEN w.parks OR w.finished_at IS NOT NULL THEN NULL ELSE j.holder END,
    lease_until = CASE WHEN w.parks OR w.finished_at IS NOT NULL THEN NULL ELSE j.lease_until END,
    wake_at = CASE WHEN w.parks THEN to_timestamp(w.wake_at / 1000) END
  FROM locked w
  WHERE j.id = w.job_id AND j.holder IS NOT NULL AND j.fence = w.fence AND j.last_seq = w.expected_seq
    AND (NOT w.parks OR j.commands_sent = w.commands_seen)
  RETURNING w.n, j.id, j.owner_id, j.commands_sent
), event AS (
  INSERT INTO job_events (owner_id, job_id, seq, at, kind, progress, body)
  SELECT g.owner_id, g.id, e.seq, to_timestamp(e.at / 1000), e.kind, e.progress, e.body::json
  FROM unnest($18::int[], $19::int[], $20::float8[], $21::text[], $22::float8[], $23::text[])
    AS e(n, seq, at, kind, progress, body)
  JOIN guard g ON g.n = e.n
), step AS (
  INSERT INTO steps (owner_id, execution_id, path, position, node_id, status, attempt, attempts, handles, input_from, due_at,
    wait, error, started_at, finished_at, reused_from, call_key)
  SELECT g.owner_id, g.id, s.path, s.position, s.node_id, s.status, s.attempt, s.attempts::json, s.handles::json,
    s.input_from::json, to_timestamp(s.due_at / 1000), s.wait::json, s.error::json, to_timestamp(s.started_at / 1000),
    to_timestamp(s.finished_at / 1000), s.reused_from, s.call_key
  FROM unnest($24::int[], $25::text[], $26::text[], $27::text[], $28::text[], $29::int[], $30::text[], $31::text[],
    $32::text[], $33::float8[], $48::text[], $34::text[], $35::float8[], $36::float8[],
    $57::uuid[], $58::text[])
    AS s(n, path, position, node_id, status, attempt, attempts, handles, input_from, due_at, wait, error, started_at,
      finished_at, reused_from, call_key)
  JOIN guard g ON g.n = s.n
  ON CONFLICT (owner_id, execution_id, path) DO UPDATE SET
    status = excluded.status, attempt = excluded.attempt, attempts = excluded.attempts, handles = excluded.handles,
    due_at = excluded.due_at, wait = excluded.wait, error = excluded.error, started_at = excluded.started_at,
    finished_at = excluded.finished_at, reused_from = excluded.reused_from, call_key = excluded.call_key
), step_value AS (
  INSERT INTO step_values (owner_id, execution_id, path, config, output)
  SELECT g.owner_id, g.id, v.path, v.config::json, v.output::json
  FROM unnest($37::int[], $38::text[], $39::text[], $40::text[]) AS v(n, path, config, output)
  JOIN guard g ON g.n = v.n
  ON CONFLICT (owner_id, execution_id, path) DO UPDATE SET config = excluded.config, output = excluded.output
), item AS (
  INSERT INTO loop_items (owner_id, execution_id, path, index, status, output, error, finished_at, reused_from)
  SELECT g.owner_id, g.id, i.path, i.index, i.status, i.output::json, i.error::json, to_timestamp(i.finished_at / 1000),
    i.reused_from
  FROM unnest($41::int[], $42::text[], $43::int[], $44::text[], $45::text[], $46::text[], $47::float8[], $59::uuid[])
    AS i(n, path, index, status, output, error, finished_at, reused_from)
  JOIN guard g ON g.n = i.n
), checkpoint AS (
  INSERT INTO step_checkpoints (owner_id, execution_id, path, key, value)
  SELECT g.owner_id, g.id, c.path, c.key, c.value::json
  FROM unnest($50::int[], $51::text[], $52::text[], $53::text[]) AS c(n, path, key, value)
  JOIN guard g ON g.n = c.n
  ON CONFLICT (owner_id, execution_id, path, key) DO UPDATE SET value = excluded.value
), read_ends AS (
  DELETE FROM commands c USING locked w, guard g
  WHERE w.commands_seen > w.commands_before AND g.n = w.n AND c.owner_id = g.owner_id AND c.job_id = g.id
    AND c.number > w.commands_before AND c.number <= w.commands_seen AND c.kind = 'CHILD_ENDED'
), signal AS (
  UPDATE commands c SET used_at = now(), used_by = u.path
  FROM unnest($54::int[], $55::int[], $56::text[]) AS u(n, number, path) JOIN guard g ON g.n = u.n
  WHERE c.owner_id = g.owner_id AND c.job_id = g.id AND c.number = u.number
), result AS (
  UPDATE execution_values v SET output = r.output::json
  FROM unnest($16::int[], $17::text[]) AS r(n, output) JOIN guard g ON g.n = r.n
  WHERE v.execution_id = g.id
)
SELECT n::int - 1 AS index, commands_sent AS "commandsSent" FROM guard`

function flushValues(writes: readonly JobWrite[]): unknown[] {
  const of = <T>(read: (write: JobWrite) => T): T[] => writes.map(read)
  const rows = <Row, T>(list: (write: JobWrite) => readonly Row[], read: (row: Row, n: number) => T): T[] =>
    writes.flatMap((write, index) => list(write).map((row) => read(row, index + 1)))
  const events = <T>(read: (row: JobWrite['events'][number], n: number) => T) => rows((w) => w.events, read)
  const steps = <T>(read: (row: JobWrite['steps'][number], n: number) => T) => rows((w) => w.steps, read)
  const values = <T>(read: (row: JobWrite['values'][number], n: number) => T) => rows((w) => w.values, read)
  const items = <T>(read: (row: JobWrite['items'][number], n: number) => T) => rows((w) => w.items, read)
  const checkpoints = <T>(read: (row: JobWrite['checkpoints'][number], n: number) => T) =>
    rows((w) => w.checkpoints, read)
  const signals = <T>(read: (row: JobWrite['signals'][number], n: number) => T) =>
    rows((w) => w.signals, read)
  const results = <T>(read: (output: string, n: number) => T) =>
    rows((w) => (w.end?.status === 'COMPLETED' ? [w.end.output] : []), read)
  return [
    of((w) => w.jobId),
    of((w) => w.fence),
    of((w) => w.expectedSeq),
    of((w) => w.newSeq),
    of((w) => w.commandsSeen),
    of((w) => w.status),
    of((w) => w.progress),
    of((w) => w.currentStep),
    of((w) => w.completedNodes),
    of((w) => w.startedAt),
    of((w) => w.clearsLosses),
    of((w) => w.end?.at ?? null),
    of((w) => (w.end?.status === 'FAILED' ? JSON.stringify(w.end.error) : null)),
    of((w) => w.park !== null),
    of((w) => w.park?.wakeAt ?? null),
    results((_, n) => n),
    results((output) => output),
    events((_, n) => n),
    events((e) => e.seq),
    events((e) => e.draft.at),
    events((e) => e.draft.kind),
    events((e) => e.progress),
    events((e) => e.body),
    steps((_, n) => n),
    steps((s) => s.path),
    steps((s) => positionOf(s.order)),
    steps((s) => s.nodeId),
    steps((s) => s.status),
    steps((s) => s.attempt),
    steps((s) => JSON.stringify(s.attempts)),
    steps((s) => JSON.stringify(s.handles)),
    steps((s) => JSON.stringify(s.inputFrom)),
    steps((s) => s.dueAt),
    steps((s) => (s.error ? JSON.stringify(s.error) : null)),
    steps((s) => s.startedAt),
    steps((s) => s.finishedAt),
    values((_, n) => n),
    values((v) => v.path),
    values((v) => v.config),
    values((v) => v.output),
    items((_, n) => n),
    items((i) => i.path),
    items((i) => i.index),
    items((i) => i.status),
    items((i) => i.output),
    items((i) => (i.error ? JSON.stringify(i.error) : null)),
    items((i) => i.finishedAt),
    steps((s) => (s.wait ? JSON.stringify(s.wait) : null)),
    of((w) => w.costUsd),
    checkpoints((_, n) => n),
    checkpoints((c) => c.path),
    checkpoints((c) => c.key),
    checkpoints((c) => c.value),
    signals((_, n) => n),
    signals((u) => u.number),
    signals((u) => u.path),
    steps((s) => s.reusedFrom),
    steps((s) => s.callKey),
    items((i) => i.reusedFrom),
    of((w) => w.bytes),
  ]
}
