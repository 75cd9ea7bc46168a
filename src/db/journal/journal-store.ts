import type pg from 'pg'
import type {
  CheckpointsSize,
  EndedLoopItem,
  LoopItemPart,
  ReceivedSignal,
} from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { createLogStore, type LogKey } from '../log/index.ts'
import {
  findLoopItems,
  findSteps,
  outputKey,
  readCheckpoints,
  readLoopOutputs,
  readValues,
  sizeCheckpoints,
  sizeLoopOutputs,
  type LoopItem,
} from '../log-reads/index.ts'
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
  const log = createLogStore(pool)
  const findNamed = ({ id, ownerId }: LogKey, paths: readonly string[]) =>
    findSteps(
      log,
      paths.map((path) => ({ id, ownerId, path })),
    )
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
    async loopItems(job, path, wanted = 'both') {
      const items = await findLoopItems(pool, keyOf(job), path)
      const outputs =
        wanted === 'errors'
          ? new Map<number, Json>()
          : await readLoopOutputs(pool, { ownerId: job.ownerId, path }, items)
      return items.map(({ index, status, error }) => ({
        index,
        status,
        output: outputs.get(index) ?? null,
        error: wanted === 'outputs' ? null : error,
      }))
    },
    async loopItemsBytes(job, path, wanted = 'both') {
      const items = await findLoopItems(pool, keyOf(job), path)
      const outputs =
        wanted === 'errors' ? 0 : await sizeLoopOutputs(pool, { ownerId: job.ownerId, path }, items)
      return wanted === 'outputs' ? outputs : outputs + errorBytes(items)
    },
    async outputs(job, paths) {
      const steps = await findNamed(keyOf(job), paths)
      const reused = steps.map((found, place) => {
        const holder = found?.step.reusedFrom as JobId | null | undefined
        return holder ? { id: holder, ownerId: job.ownerId, path: paths[place] ?? '' } : null
      })
      const keys = reused.flatMap((key) => key ?? [])
      const sources = keys.length === 0 ? [] : await findSteps(log, keys)
      const byKey = new Map(keys.map((key, place) => [key, sources[place]]))
      const wanted = paths.map((path, place) => {
        const source = reused[place]
        return source
          ? outputKey(source, path, byKey.get(source)?.values ?? null)
          : outputKey(keyOf(job), path, steps[place]?.values ?? null)
      })
      const { values } = await readValues(pool, wanted, Number.MAX_SAFE_INTEGER)
      return new Map(paths.flatMap((path, place) => toEntry(path, values?.[place] ?? null)))
    },
    checkpointsSize: (job, path) => sizeCheckpoints(pool, keyOf(job), path),
    checkpoints: (job, path) => readCheckpoints(pool, keyOf(job), path),
    async signal(job, number, path) {
      const key = keyOf(job)
      const [payload, [wait]] = await Promise.all([
        pool.query<{ payload: string | null }>({
          name: 'journal-signal',
          text: `SELECT (payload->'payload')::text AS payload FROM commands
                 WHERE owner_id = $1 AND job_id = $2 AND number = $3 AND kind = 'SIGNAL'`,
          values: [job.ownerId, job.jobId, number],
        }),
        findNamed(key, [path]),
      ])
      const schema = wait && ({ ...key, entry: wait.entry, kind: 'w', path } as const)
      const { values } = await readValues(pool, [schema ?? null], Number.MAX_SAFE_INTEGER)
      return { payload: payload.rows[0]?.payload ?? 'null', schema: values?.[0] ?? 'null' }
    },
  }
}

function keyOf({ jobId: id, ownerId }: JobKey): LogKey {
  return { id, ownerId }
}

function toEntry(path: string, text: string | null): readonly (readonly [string, string])[] {
  return text === null ? [] : [[path, text]]
}

/** The bytes of the items' errors as JSON text. */
function errorBytes(items: readonly LoopItem[]): number {
  return items.reduce((sum, { error }) => sum + (error ? Buffer.byteLength(JSON.stringify(error)) : 0), 0)
}
