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
import { flushStatement } from './flush-statement.ts'
import type { JobWrite } from './journal-write.ts'

/** A part of a flush whose guard held. */
export interface FlushedJob {
  /** The index of the part in the list that was passed. Two holders of one job may share a flush. */
  readonly index: number
  readonly commandsSent: number
}

/** Where a job's row stands: enough to tell whether a flush landed. */
export interface JobMarks {
  readonly fence: bigint
  /** The number of the newest entry. Each flush changes it, and no other writer has the same fence. */
  readonly entryNo: number
  readonly commandsSent: number
  readonly isHeld: boolean
}

/** The journal's statements. */
export interface JournalStore {
  /** Writes all parts whose guard holds, in one transaction, and returns these; nothing of the others is written. */
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
      const { rows } = await pool.query<FlushedJob>(flushStatement(writes))
      return rows
    },
    async marks(jobIds) {
      const { rows } = await pool.query<{
        id: JobId
        fence: string
        entry_no: number
        commands_sent: number
        is_held: boolean
      }>(
        `SELECT id, fence, entry_no, commands_sent, holder IS NOT NULL AS is_held
         FROM jobs WHERE id = ANY($1::uuid[])`,
        [jobIds],
      )
      return new Map(
        rows.map(({ id, fence, entry_no: entryNo, commands_sent: commandsSent, is_held: isHeld }) => [
          id,
          { fence: BigInt(fence), entryNo, commandsSent, isHeld },
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
